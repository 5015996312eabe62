#include "vectors.h"

#include "crypto/kdf.h"
#include "crypto/pae.h"

static void
check_hkdf(const struct vector *v)
{
    struct buf ikm = BUF_INIT, salt = BUF_INIT, info = BUF_INIT, okm = BUF_INIT;
    size_t size = vector_number(v, "size");
    uint8_t got[KDF_MAX];

    /* The only kind of invalid case: more than can be had, which callers must not ask for. */
    assert_int_equal(vector_is(v, "result", "valid"), size <= KDF_MAX);
    if (size > KDF_MAX)
        return;
    kdf_hkdf(vector_bytes(v, "salt", &salt), vector_bytes(v, "ikm", &ikm),
             vector_bytes(v, "info", &info), got, size);
    vector_bytes(v, "okm", &okm);
    assert_true(bytes_equal((struct bytes){got, size}, buf_bytes(&okm)));
    buf_free(&ikm);
    buf_free(&salt);
    buf_free(&info);
    buf_free(&okm);
}

static void
rfc5869_examples(void **state)
{
    (void)state;
    assert_int_equal(vectors_each("rfc5869-hkdf-sha256.txt", check_hkdf), 3);
}

static void
wycheproof_hkdf(void **state)
{
    (void)state;
    assert_int_equal(vectors_each("wycheproof-hkdf-sha256.txt", check_hkdf), 40);
    vectors_wycheproof("hkdf_sha256_test.json", check_hkdf);
}

static void
derive_is_expand_over_a_pae(void **state)
{
    const struct bytes pieces[] = {BYTES_LIT("one"), BYTES_LIT("two")};
    uint8_t derived[KEY_LEN], pair[2 * KEY_LEN], expanded[2 * KEY_LEN];
    struct buf info = BUF_INIT;
    struct hmac_key prk;

    (void)state;
    kdf_extract(&prk, BYTES_LIT("salt"), BYTES_LIT("ikm"));
    pae_put(&info, "cofre/v1/test", pieces, 2);
    kdf_expand(&prk, buf_bytes(&info), expanded, sizeof expanded);
    kdf_derive(&prk, "cofre/v1/test", pieces, 2, derived);
    kdf_derive_pair(&prk, "cofre/v1/test", pieces, 2, pair);
    assert_memory_equal(derived, expanded, KEY_LEN);
    assert_memory_equal(pair, expanded, sizeof pair);

    kdf_derive(&prk, "cofre/v1/tess", pieces, 2, derived);
    assert_memory_not_equal(derived, expanded, KEY_LEN);
    kdf_derive(&prk, "cofre/v1/test", pieces, 1, derived);
    assert_memory_not_equal(derived, expanded, KEY_LEN);
    buf_free(&info);
}

static void
extract_and_expand_are_hkdf(void **state)
{
    uint8_t whole[77], parts[77];
    struct hmac_key prk;

    (void)state;
    kdf_hkdf(BYTES_LIT("salt"), BYTES_LIT("ikm"), BYTES_LIT("info"), whole, sizeof whole);
    kdf_extract(&prk, BYTES_LIT("salt"), BYTES_LIT("ikm"));
    kdf_expand(&prk, BYTES_LIT("info"), parts, sizeof parts);
    assert_memory_equal(whole, parts, sizeof whole);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc5869_examples),
        cmocka_unit_test(wycheproof_hkdf),
        cmocka_unit_test(derive_is_expand_over_a_pae),
        cmocka_unit_test(extract_and_expand_are_hkdf),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
