#include "unit.h"

#include "crypto/pae.h"
#include "crypto/pseudonym.h"

static const uint8_t VAULT[BUNDLE_ID] = {1}, CUSTOMER[BUNDLE_ID] = {2};
static const uint8_t PS[KEY_LEN] = {3}, OTHER[KEY_LEN] = {4}, NONCE[PSEUDONYM_NONCE] = {5};

static struct hmac_key
key(struct bytes bytes)
{
    struct hmac_key k;

    hmac_key_init(&k, bytes);
    return k;
}

static void
each_use_has_a_label_of_its_own(void **state)
{
    struct hmac_key k = key(BYTES_LIT("one key for all, which is never so"));
    uint8_t out[3][PSEUDONYM_LEN];

    (void)state;
    pseudonym_of(&k, CUSTOMER, PS, out[0]);
    pseudonym_index(&k, BYTES_OF(CUSTOMER), BYTES_OF(PS), out[1]);
    pseudonym_event_ref(&k, BYTES_OF(CUSTOMER), out[2]);
    assert_memory_not_equal(out[0], out[1], PSEUDONYM_LEN);
    assert_memory_not_equal(out[1], out[2], PSEUDONYM_LEN);
    assert_memory_not_equal(out[0], out[2], PSEUDONYM_LEN);
}

static void
two_views_make_two_pseudonyms(void **state)
{
    struct hmac_key a = key(BYTES_LIT("a")), b = key(BYTES_LIT("b"));
    uint8_t one[PSEUDONYM_LEN], same[PSEUDONYM_LEN], two[PSEUDONYM_LEN], three[PSEUDONYM_LEN];

    (void)state;
    pseudonym_of(&a, CUSTOMER, PS, one);
    pseudonym_of(&a, CUSTOMER, PS, same);
    pseudonym_of(&b, CUSTOMER, PS, two);
    pseudonym_of(&a, CUSTOMER, OTHER, three);
    assert_memory_equal(one, same, PSEUDONYM_LEN);
    assert_memory_not_equal(one, two, PSEUDONYM_LEN);
    assert_memory_not_equal(one, three, PSEUDONYM_LEN);
}

static void
an_index_keeps_field_and_value_apart(void **state)
{
    struct hmac_key k = key(BYTES_LIT("k"));
    uint8_t one[PSEUDONYM_LEN], two[PSEUDONYM_LEN];

    (void)state;
    pseudonym_index(&k, BYTES_LIT("email"), BYTES_LIT("x"), one);
    pseudonym_index(&k, BYTES_LIT("emailx"), BYTES_NONE, two);
    assert_memory_not_equal(one, two, PSEUDONYM_LEN);
    pseudonym_index(&k, BYTES_LIT("email"), BYTES_LIT("x"), two);
    assert_memory_equal(one, two, PSEUDONYM_LEN);
}

static void
a_subject_key_is_hkdf_of_ps_and_epoch_secret(void **state)
{
    const struct pseudonym_log log = {VAULT, OTHER, 0x01020304};
    const struct bytes pieces[] = {BYTES_OF(VAULT), BYTES_LIT("\4\3\2\1")};
    uint8_t ikm[2 * KEY_LEN], want[KEY_LEN], got[KEY_LEN];
    struct buf info = BUF_INIT;

    (void)state;
    memcpy(ikm, PS, KEY_LEN);
    memcpy(ikm + KEY_LEN, OTHER, KEY_LEN);
    pae_put(&info, "cofre/v1/subject", pieces, 2);
    kdf_hkdf(BYTES_NONE, BYTES_OF(ikm), buf_bytes(&info), want, sizeof want);
    pseudonym_subject_key(&log, PS, got);
    assert_memory_equal(got, want, KEY_LEN);
    buf_free(&info);
}

static void
tags_of_one_person_differ_by_epoch_vault_and_nonce(void **state)
{
    static const uint8_t other_nonce[PSEUDONYM_NONCE] = {6};
    struct pseudonym_log log = {VAULT, OTHER, 1};
    uint8_t k1[KEY_LEN], k2[KEY_LEN], k3[KEY_LEN], t1[PSEUDONYM_LEN], t2[PSEUDONYM_LEN];

    (void)state;
    pseudonym_subject_key(&log, PS, k1);
    log.epoch = 2;
    pseudonym_subject_key(&log, PS, k2);
    log.vault = CUSTOMER;
    pseudonym_subject_key(&log, PS, k3);
    assert_memory_not_equal(k1, k2, KEY_LEN);
    assert_memory_not_equal(k2, k3, KEY_LEN);
    pseudonym_subject(k1, NONCE, t1);
    pseudonym_subject(k1, other_nonce, t2);
    assert_memory_not_equal(t1, t2, PSEUDONYM_LEN);
    pseudonym_subject(k2, NONCE, t2);
    assert_memory_not_equal(t1, t2, PSEUDONYM_LEN);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_use_has_a_label_of_its_own),
        cmocka_unit_test(two_views_make_two_pseudonyms),
        cmocka_unit_test(an_index_keeps_field_and_value_apart),
        cmocka_unit_test(a_subject_key_is_hkdf_of_ps_and_epoch_secret),
        cmocka_unit_test(tags_of_one_person_differ_by_epoch_vault_and_nonce),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
