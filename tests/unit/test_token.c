#include <sodium.h>

#include "unit.h"

#include "crypto/pae.h"
#include "crypto/token.h"

/* Computed by another program, with integers of any size. */
static const struct {
    const char *secret, *text;
} known[] = {
    {"0000000000000000000000000000000000000000000000000000000000000000",
     "cofre_00000000000000000000000000000000000000000001YH5lT"},
    {"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
     "cofre_yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp14fpaf5"},
    {"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
     "cofre_003aUlTJC7tjlCTQj2uNU3MFagCXG9LRKRcwGkBIDlf2EEz5n"},
    {"000000000000000000000000000000000000000000000000000000000000003d",
     "cofre_000000000000000000000000000000000000000000z3Z8DRt"},
};

static void
known_tokens(void **state)
{
    uint8_t secret[TOKEN_SECRET];
    char text[TOKEN_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        struct buf raw = BUF_INIT;

        unit_hex(&raw, known[i].secret);
        token_text(raw.p, text);
        assert_string_equal(text, known[i].text);
        assert_int_equal(token_parse(bytes_str(text), secret), COFRE_OK);
        assert_memory_equal(secret, raw.p, sizeof secret);
        buf_free(&raw);
    }
}

static void
random_tokens_make_the_round_trip(void **state)
{
    uint8_t secret[TOKEN_SECRET], back[TOKEN_SECRET];
    char text[TOKEN_MAX];

    (void)state;
    for (int i = 0; i < 1000; i++) {
        randombytes_buf(secret, sizeof secret);
        token_text(secret, text);
        assert_int_equal(strlen(text), TOKEN_CHARS);
        assert_int_equal(token_parse(bytes_str(text), back), COFRE_OK);
        assert_memory_equal(back, secret, sizeof secret);
    }
}

static void
assert_refused(struct bytes text)
{
    static const uint8_t zeros[TOKEN_SECRET];
    struct bytes exact = unit_exact(text);
    uint8_t secret[TOKEN_SECRET];

    memset(secret, 1, sizeof secret);
    assert_int_equal(token_parse(exact, secret), COFRE_EFORMAT);
    assert_memory_equal(secret, zeros, sizeof zeros);
    unit_exact_free(exact);
}

static void
any_changed_bit_or_length_is_refused(void **state)
{
    uint8_t secret[TOKEN_SECRET];
    char text[TOKEN_MAX + 1];

    (void)state;
    memset(secret, 0x5c, sizeof secret);
    token_text(secret, text);
    for (size_t bit = 0; bit < (size_t)TOKEN_CHARS * 8; bit++) {
        text[bit / 8] = (char)(text[bit / 8] ^ 1 << bit % 8);
        assert_refused((struct bytes){(uint8_t *)text, TOKEN_CHARS});
        text[bit / 8] = (char)(text[bit / 8] ^ 1 << bit % 8);
    }
    for (size_t len = 0; len < TOKEN_CHARS; len++)
        assert_refused((struct bytes){(uint8_t *)text, len});
    text[TOKEN_CHARS] = 'a';
    assert_refused((struct bytes){(uint8_t *)text, TOKEN_CHARS + 1});
}

/* Checksums are right here; the body is what is wrong. */
static void
what_the_checksum_covers_may_still_be_wrong(void **state)
{
    static const char *const bad[] = {
        "cofre_yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp21s9di5",
        "cofre_zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz11EOWA",
        "cofre_-------------------------------------------11NKKG",
        "cofre_000000000000000000000000000000000000000000 1LR2Gl",
        "cofre_00000000000000000000_00000000000000000000000h1ZOd",
        "cofre_000000000000000000000000000000000000000000:3IVeJJ",
        "cofre_000000000000000000000000000000000000000000@05SKQh",
        "cofre_000000000000000000000000000000000000000000[2bzLMB",
        "cofre_000000000000000000000000000000000000000000`1AF33n",
        "cofre_000000000000000000000000000000000000000000{3KNwzz",
        "Cofre_00000000000000000000000000000000000000000003UbTBw",
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_refused(bytes_str(bad[i]));
}

static void
the_hash_is_a_mac_over_a_pae(void **state)
{
    uint8_t secret[TOKEN_SECRET] = {1}, got[HASH_LEN], want[HASH_LEN];
    struct buf pae = BUF_INIT;
    struct hmac_key pepper;
    const struct bytes piece = BYTES_OF(secret);

    (void)state;
    hmac_key_init(&pepper, BYTES_LIT("pepper"));
    token_hash(&pepper, secret, got);
    pae_put(&pae, "cofre/v1/token", &piece, 1);
    hmac_of(&pepper, buf_bytes(&pae), want);
    assert_memory_equal(got, want, HASH_LEN);
    buf_free(&pae);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_tokens),
        cmocka_unit_test(random_tokens_make_the_round_trip),
        cmocka_unit_test(any_changed_bit_or_length_is_refused),
        cmocka_unit_test(what_the_checksum_covers_may_still_be_wrong),
        cmocka_unit_test(the_hash_is_a_mac_over_a_pae),
    };

    return cmocka_run_group_tests(tests, unit_setup, NULL);
}
