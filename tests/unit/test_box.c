/* wrap: malloc calloc realloc sodium_malloc */
#include <sodium.h>

#include "alloc_fault.h"
#include "vectors.h"

#include "crypto/box.h"

static const uint8_t KEY[KEY_LEN] = {1, 2, 3};
static const struct box_key BOX = {BOX_EVENT, 0x01020304, KEY};

static struct buf
sealed(struct bytes ad, struct bytes plain)
{
    struct buf b = BUF_INIT;

    box_seal(&b, &BOX, ad, plain);
    assert_int_equal(buf_error(&b), COFRE_OK);
    return b;
}

/* Opens a copy that has nothing behind it. */
static enum cofre_err
open_exact(const struct box_key *key, struct bytes ad, struct bytes box, struct buf *out)
{
    struct bytes exact = unit_exact(box);
    uint8_t *plain = test_malloc(box.len);
    enum cofre_err err;
    size_t len = 99;

    err = box_open(plain, &len, key, ad, exact);
    if (err != COFRE_OK)
        assert_int_equal(len, 0);
    buf_reset(out);
    buf_put(out, plain, len);
    test_free(plain);
    unit_exact_free(exact);
    return err;
}

static void
every_length_makes_the_round_trip(void **state)
{
    struct buf plain = BUF_INIT, out = BUF_INIT;
    uint8_t ad[BOX_AD_MAX] = {7};

    (void)state;
    for (size_t len = 0; len <= 200; len++) {
        struct buf b = sealed((struct bytes){ad, len * 5 % sizeof ad}, buf_bytes(&plain));

        assert_int_equal(b.len, len + BOX_OVERHEAD);
        assert_int_equal(
            open_exact(&BOX, (struct bytes){ad, len * 5 % sizeof ad}, buf_bytes(&b), &out),
            COFRE_OK);
        assert_true(bytes_equal(buf_bytes(&out), buf_bytes(&plain)));
        buf_free(&b);
        buf_putc(&plain, (char)len);
    }
    buf_free(&plain);
    plain = sealed(BYTES_OF(ad), BYTES_NONE);
    assert_int_equal(open_exact(&BOX, BYTES_OF(ad), buf_bytes(&plain), &out), COFRE_OK);
    buf_free(&plain);
    buf_free(&out);
}

static void
any_flipped_bit_is_noticed(void **state)
{
    struct buf b = sealed(BYTES_LIT("ad"), BYTES_LIT("plain text")), out = BUF_INIT;

    (void)state;
    for (size_t bit = 0; bit < b.len * 8; bit++) {
        b.p[bit / 8] ^= (uint8_t)(1U << bit % 8);
        assert_int_equal(open_exact(&BOX, BYTES_LIT("ad"), buf_bytes(&b), &out), COFRE_EAUTH);
        b.p[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    assert_int_equal(open_exact(&BOX, BYTES_LIT("ad"), buf_bytes(&b), &out), COFRE_OK);
    buf_free(&b);
    buf_free(&out);
}

static void
any_other_length_is_noticed(void **state)
{
    struct buf b = sealed(BYTES_LIT("ad"), BYTES_LIT("plain text")), out = BUF_INIT;

    (void)state;
    for (size_t len = 0; len < b.len; len++)
        assert_int_equal(open_exact(&BOX, BYTES_LIT("ad"), (struct bytes){b.p, len}, &out),
                         COFRE_EAUTH);
    buf_putc(&b, '\0');
    assert_int_equal(open_exact(&BOX, BYTES_LIT("ad"), buf_bytes(&b), &out), COFRE_EAUTH);
    buf_free(&b);
    buf_free(&out);
}

static void
another_kind_version_key_or_ad_does_not_open(void **state)
{
    static const uint8_t other_key[KEY_LEN] = {1, 2, 4};
    struct buf b = sealed(BYTES_LIT("ad"), BYTES_LIT("x")), out = BUF_INIT;
    struct box_key key;

    (void)state;
    key = BOX;
    key.kind = BOX_COMPARTMENT;
    assert_int_equal(open_exact(&key, BYTES_LIT("ad"), buf_bytes(&b), &out), COFRE_EAUTH);
    key = BOX;
    key.version++;
    assert_int_equal(open_exact(&key, BYTES_LIT("ad"), buf_bytes(&b), &out), COFRE_EAUTH);
    key = BOX;
    key.key = other_key;
    assert_int_equal(open_exact(&key, BYTES_LIT("ad"), buf_bytes(&b), &out), COFRE_EAUTH);
    assert_int_equal(open_exact(&BOX, BYTES_LIT("aD"), buf_bytes(&b), &out), COFRE_EAUTH);
    assert_int_equal(open_exact(&BOX, BYTES_LIT("ad\0"), buf_bytes(&b), &out), COFRE_EAUTH);
    assert_int_equal(open_exact(&BOX, BYTES_NONE, buf_bytes(&b), &out), COFRE_EAUTH);
    buf_free(&b);
    buf_free(&out);
}

/* The header must be covered by the tag, not merely compared with what is expected. */
static void
a_relabelled_box_does_not_open_as_what_it_says(void **state)
{
    struct buf b = sealed(BYTES_LIT("ad"), BYTES_LIT("x")), out = BUF_INIT;
    struct box_key key = BOX;

    (void)state;
    b.p[1] = BOX_REASON;
    key.kind = BOX_REASON;
    assert_int_equal(open_exact(&key, BYTES_LIT("ad"), buf_bytes(&b), &out), COFRE_EAUTH);
    b.p[1] = BOX_EVENT;
    b.p[4]++;
    key = BOX;
    key.version++;
    assert_int_equal(open_exact(&key, BYTES_LIT("ad"), buf_bytes(&b), &out), COFRE_EAUTH);
    buf_free(&b);
    buf_free(&out);
}

static void
the_same_plaintext_never_seals_alike(void **state)
{
    struct buf a = sealed(BYTES_NONE, BYTES_LIT("x")), b = sealed(BYTES_NONE, BYTES_LIT("x"));

    (void)state;
    assert_memory_not_equal(a.p + BOX_HEADER, b.p + BOX_HEADER, BOX_NONCE);
    assert_memory_not_equal(a.p + BOX_HEADER + BOX_NONCE, b.p + BOX_HEADER + BOX_NONCE, 17);
    buf_free(&a);
    buf_free(&b);
}

static void
the_header_names_its_key_version(void **state)
{
    struct buf b = sealed(BYTES_NONE, BYTES_NONE);
    uint32_t version = 0;

    (void)state;
    assert_int_equal(box_version(buf_bytes(&b), BOX_EVENT, &version), COFRE_OK);
    assert_int_equal(version, 0x01020304);
    assert_int_equal(box_version(buf_bytes(&b), BOX_CURSOR, &version), COFRE_EFORMAT);
    assert_int_equal(box_version((struct bytes){b.p, b.len - 1}, BOX_EVENT, &version),
                     COFRE_EFORMAT);
    for (size_t i = 0; i < 4; i++) {
        b.p[i] ^= 0x80;
        assert_int_equal(box_version(buf_bytes(&b), BOX_EVENT, &version), COFRE_EFORMAT);
        b.p[i] ^= 0x80;
    }
    buf_free(&b);
}

static void
without_memory_nothing_is_appended(void **state)
{
    struct buf b = BUF_INIT;

    (void)state;
    alloc_fault_arm(0);
    box_seal(&b, &BOX, BYTES_NONE, BYTES_LIT("x"));
    assert_true(alloc_fault_hit());
    assert_int_equal(buf_error(&b), COFRE_ENOMEM);
    assert_int_equal(b.len, 0);
    buf_free(&b);
}

/* A box's additional data is always a PAE, so the vectors meet the library below. */
static void
check_aead(const struct vector *v)
{
    struct buf key = BUF_INIT, iv = BUF_INIT, aad = BUF_INIT, msg = BUF_INIT, ct = BUF_INIT,
               tag = BUF_INIT, out = BUF_INIT;
    bool valid = vector_is(v, "result", "valid");

    vector_bytes(v, "key", &key);
    vector_bytes(v, "iv", &iv);
    vector_bytes(v, "aad", &aad);
    vector_bytes(v, "msg", &msg);
    vector_bytes(v, "ct", &ct);
    buf_putb(&ct, vector_bytes(v, "tag", &tag));
    if (iv.len != BOX_NONCE) {
        assert_false(valid); /* boxes have no other */
        goto out;
    }
    buf_reserve(&out, ct.len);
    if (valid) {
        crypto_aead_xchacha20poly1305_ietf_encrypt(out.p, NULL, msg.p, msg.len, aad.p, aad.len,
                                                   NULL, iv.p, key.p);
        assert_memory_equal(out.p, ct.p, ct.len);
    }
    assert_int_equal(crypto_aead_xchacha20poly1305_ietf_decrypt(out.p, NULL, NULL, ct.p, ct.len,
                                                                aad.p, aad.len, iv.p, key.p) == 0,
                     valid);
    if (valid && msg.len > 0)
        assert_memory_equal(out.p, msg.p, msg.len);
out:
    buf_free(&key);
    buf_free(&iv);
    buf_free(&aad);
    buf_free(&msg);
    buf_free(&ct);
    buf_free(&tag);
    buf_free(&out);
}

static void
xchacha20_poly1305_known_answers(void **state)
{
    (void)state;
    assert_int_equal(vectors_each("xchacha-draft.txt", check_aead), 1);
    assert_int_equal(vectors_each("wycheproof-xchacha20-poly1305.txt", check_aead), 40);
    vectors_wycheproof("xchacha20_poly1305_test.json", check_aead);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_length_makes_the_round_trip),
        cmocka_unit_test(any_flipped_bit_is_noticed),
        cmocka_unit_test(any_other_length_is_noticed),
        cmocka_unit_test(another_kind_version_key_or_ad_does_not_open),
        cmocka_unit_test(a_relabelled_box_does_not_open_as_what_it_says),
        cmocka_unit_test(the_same_plaintext_never_seals_alike),
        cmocka_unit_test(the_header_names_its_key_version),
        cmocka_unit_test(without_memory_nothing_is_appended),
        cmocka_unit_test(xchacha20_poly1305_known_answers),
    };

    return cmocka_run_group_tests(tests, unit_setup, NULL);
}
