#include "cofre/secret.h"
#include "crypto/pae.h"

#include "crypto/token.h"

enum { PREFIX = 6, BODY = 43, CHECK = 6, LIMBS = TOKEN_SECRET / 4 };

static const char PREFIX_TEXT[] = "cofre_";

/* 0-9 A-Z a-z, without a table or a branch that the secret would choose. */
static char
digit_char(uint32_t d)
{
    uint32_t letter = (uint32_t)(d > 9);
    uint32_t lower = (uint32_t)(d > 35);

    return (char)('0' + d + letter * ('A' - '0' - 10) + lower * ('a' - 'A' - 26));
}

/* All ones when low <= c <= high, else 0. */
static uint32_t
between(uint32_t c, uint32_t low, uint32_t high)
{
    return 0U - (uint32_t)((c >= low) & (c <= high));
}

/* Adds what is wrong with c to *bad. */
static uint32_t
char_digit(uint8_t c, uint32_t *bad)
{
    uint32_t digit = between(c, '0', '9');
    uint32_t upper = between(c, 'A', 'Z');
    uint32_t lower = between(c, 'a', 'z');

    *bad |= ~(digit | upper | lower);
    return (digit & (c - '0')) | (upper & (c - 'A' + 10U)) | (lower & (c - 'a' + 36U));
}

/* CRC-32 (IEEE 802.3), bit by bit: 49 bytes need no table. */
static uint32_t
crc32_of(const char *text, size_t len)
{
    uint32_t crc = 0xffffffff;

    for (size_t i = 0; i < len; i++) {
        crc ^= (uint8_t)text[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ (0xedb88320 & (0U - (crc & 1)));
    }
    return ~crc;
}

static void
write_check(const char *text, char out[static CHECK])
{
    uint32_t crc = crc32_of(text, PREFIX + BODY);

    for (int i = CHECK - 1; i >= 0; i--) {
        out[i] = digit_char(crc % 62);
        crc /= 62;
    }
}

void
token_text(const uint8_t secret[static TOKEN_SECRET], char out[static TOKEN_MAX])
{
    uint32_t limbs[LIMBS];

    for (size_t i = 0; i < LIMBS; i++)
        limbs[i] = bytes_get_be32(secret + 4 * i);
    memcpy(out, PREFIX_TEXT, PREFIX);
    for (int at = BODY - 1; at >= 0; at--) {
        uint64_t rest = 0;

        for (size_t i = 0; i < LIMBS; i++) {
            rest = rest << 32 | limbs[i];
            limbs[i] = (uint32_t)(rest / 62);
            rest %= 62;
        }
        out[PREFIX + at] = digit_char((uint32_t)rest);
    }
    write_check(out, out + PREFIX + BODY);
    out[TOKEN_CHARS] = '\0';
    secret_wipe(limbs, sizeof limbs);
}

/* Digits to limbs; what is wrong, a value of 2^256 or more included, adds to *bad. */
static void
read_body(const uint8_t *text, uint32_t limbs[static LIMBS], uint32_t *bad)
{
    for (size_t at = 0; at < BODY; at++) {
        uint64_t carry = char_digit(text[at], bad);

        for (size_t i = LIMBS; i-- > 0;) {
            carry += (uint64_t)limbs[i] * 62;
            limbs[i] = (uint32_t)carry;
            carry >>= 32;
        }
        *bad |= (uint32_t)carry;
    }
}

enum cofre_err
token_parse(struct bytes text, uint8_t secret[static TOKEN_SECRET])
{
    uint32_t limbs[LIMBS] = {0};
    char check[CHECK];
    uint32_t bad = 0;
    enum cofre_err err = COFRE_EFORMAT;

    memset(secret, 0, TOKEN_SECRET);
    if (text.len != TOKEN_CHARS || memcmp(text.p, PREFIX_TEXT, PREFIX) != 0)
        return COFRE_EFORMAT;
    write_check((const char *)text.p, check);
    if (memcmp(check, text.p + PREFIX + BODY, CHECK) != 0)
        return COFRE_EFORMAT;

    read_body(text.p + PREFIX, limbs, &bad);
    if (bad != 0)
        goto out;
    for (size_t i = 0; i < LIMBS; i++)
        bytes_set_be32(secret + 4 * i, limbs[i]);
    err = COFRE_OK;
out:
    secret_wipe(limbs, sizeof limbs);
    return err;
}

void
token_hash(const struct hmac_key *pepper, const uint8_t secret[static TOKEN_SECRET],
           uint8_t out[static HASH_LEN])
{
    const struct bytes piece = {secret, TOKEN_SECRET};

    pae_hmac(pepper, "cofre/v1/token", &piece, 1, out);
}
