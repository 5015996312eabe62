#include "vectors.h"

#include "crypto/hash.h"

static void
check_sha256(const struct vector *v)
{
    struct buf msg = BUF_INIT, digest = BUF_INIT;
    uint8_t got[HASH_LEN];
    size_t repeat = vector_number(v, "repeat");
    struct hash h;

    vector_bytes(v, "msg", &msg);
    vector_bytes(v, "digest", &digest);
    hash_init(&h);
    for (size_t i = 0; i < repeat; i++)
        hash_update(&h, buf_bytes(&msg));
    hash_final(&h, got);
    assert_true(bytes_equal(BYTES_OF(got), buf_bytes(&digest)));
    if (repeat == 1) {
        hash_of(buf_bytes(&msg), got);
        assert_true(bytes_equal(BYTES_OF(got), buf_bytes(&digest)));
    }
    buf_free(&msg);
    buf_free(&digest);
}

static void
fips180_examples(void **state)
{
    (void)state;
    assert_int_equal(vectors_each("fips180-sha256.txt", check_sha256), 5);
}

static void
any_cut_gives_the_same_hash(void **state)
{
    uint8_t data[150], whole[HASH_LEN], parts[HASH_LEN];
    struct hash h;

    (void)state;
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)i;
    hash_of(BYTES_OF(data), whole);
    for (size_t cut = 0; cut <= sizeof data; cut++) {
        hash_init(&h);
        hash_update(&h, (struct bytes){data, cut});
        hash_update(&h, BYTES_NONE);
        hash_update(&h, (struct bytes){data + cut, sizeof data - cut});
        hash_final(&h, parts);
        assert_memory_equal(parts, whole, HASH_LEN);
    }
}

static void
check_hmac(const struct vector *v)
{
    struct buf key = BUF_INIT, msg = BUF_INIT, tag = BUF_INIT;
    uint8_t got[HASH_LEN], again[HASH_LEN];
    struct hmac_key k;
    struct hmac m;

    hmac_key_init(&k, vector_bytes(v, "key", &key));
    vector_bytes(v, "msg", &msg);
    vector_bytes(v, "tag", &tag);
    hmac_of(&k, buf_bytes(&msg), got);
    hmac_init(&m, &k);
    for (size_t i = 0; i < msg.len; i++)
        hmac_update(&m, (struct bytes){msg.p + i, 1});
    hmac_final(&m, again);
    assert_memory_equal(got, again, HASH_LEN);

    assert_true(tag.len >= 16 && tag.len <= HASH_LEN);
    assert_int_equal(memcmp(got, tag.p, tag.len) == 0, vector_is(v, "result", "valid"));
    buf_free(&key);
    buf_free(&msg);
    buf_free(&tag);
}

static void
rfc4231_examples(void **state)
{
    (void)state;
    assert_int_equal(vectors_each("rfc4231-hmac-sha256.txt", check_hmac), 7);
}

static void
wycheproof_hmac(void **state)
{
    (void)state;
    assert_int_equal(vectors_each("wycheproof-hmac-sha256.txt", check_hmac), 40);
    vectors_wycheproof("hmac_sha256_test.json", check_hmac);
}

/* The longest key that is taken as it is, and the shortest that is hashed first. */
static void
keys_of_a_block_and_one_byte_more(void **state)
{
    uint8_t key[65], out[HASH_LEN];
    struct hmac_key k;

    (void)state;
    for (size_t i = 0; i < sizeof key; i++)
        key[i] = (uint8_t)i;
    hmac_key_init(&k, (struct bytes){key, 64});
    hmac_of(&k, BYTES_LIT("x"), out);
    unit_bytes_are(BYTES_OF(out),
                   "b8dc75d4220cfd86a5bf7c4301b3698f142a66fd7c004627df558626edb480cd");
    hmac_key_init(&k, (struct bytes){key, 65});
    hmac_of(&k, BYTES_LIT("x"), out);
    unit_bytes_are(BYTES_OF(out),
                   "839c2a8225cd27fb5d7ed3f6dc9a67cc7210572d15a39a276bf53b59d64033f0");
}

static void
finals_wipe_their_state(void **state)
{
    static const struct hash zero;
    uint8_t out[HASH_LEN];
    struct hmac_key k;
    struct hash h;
    struct hmac m;

    (void)state;
    hash_init(&h);
    hash_update(&h, BYTES_LIT("secret"));
    hash_final(&h, out);
    assert_memory_equal(&h, &zero, sizeof h);
    hmac_key_init(&k, BYTES_LIT("key"));
    hmac_init(&m, &k);
    hmac_update(&m, BYTES_LIT("secret"));
    hmac_final(&m, out);
    assert_memory_equal(&m.h, &zero, sizeof zero);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fips180_examples),
        cmocka_unit_test(any_cut_gives_the_same_hash),
        cmocka_unit_test(rfc4231_examples),
        cmocka_unit_test(wycheproof_hmac),
        cmocka_unit_test(finals_wipe_their_state),
        cmocka_unit_test(keys_of_a_block_and_one_byte_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
