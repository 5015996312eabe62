#include <assert.h>

#include <sodium.h>

#include "cofre/secret.h"

#include "cofre/encode.h"

static const char BASE32[] = "abcdefghijklmnopqrstuvwxyz234567";

void
encode_hex(struct buf *out, struct bytes in)
{
    buf_put_hex(out, in);
}

enum cofre_err
encode_hex_decode(struct buf *out, struct bytes text)
{
    uint8_t *to;

    if (text.len % 2 != 0)
        return COFRE_EFORMAT;
    /* libsodium would take both cases. */
    for (size_t i = 0; i < text.len; i++)
        if (text.p[i] >= 'A' && text.p[i] <= 'F')
            return COFRE_EFORMAT;
    if ((to = buf_reserve(out, text.len / 2)) == NULL)
        return COFRE_ENOMEM;
    if (sodium_hex2bin(to, text.len / 2, (const char *)text.p, text.len, NULL, NULL, NULL) != 0) {
        secret_wipe(to, text.len / 2);
        return COFRE_EFORMAT;
    }
    out->len += text.len / 2;
    return COFRE_OK;
}

static void
base64_put(struct buf *out, struct bytes in, int variant)
{
    size_t size;
    uint8_t *to;

    if (in.len > BUF_MAX / 2) {
        out->failed = true;
        return;
    }
    size = sodium_base64_encoded_len(in.len, variant); /* with a NUL */
    if ((to = buf_reserve(out, size)) == NULL)
        return;
    sodium_bin2base64((char *)to, size, in.p, in.len, variant);
    out->len += size - 1;
}

/*
 * libsodium's decoder is exact about padding, unused bits and white space, but some versions take
 * bytes from 0x80 for other characters.
 */
static bool
base64_read(uint8_t *to, size_t room, size_t *len, struct bytes text, int variant)
{
    *len = 0;
    for (size_t i = 0; i < text.len; i++)
        if (text.p[i] >= 0x80)
            return false;
    if (sodium_base642bin(to, room, (const char *)text.p, text.len, NULL, len, NULL, variant) == 0)
        return true;
    *len = 0;
    secret_wipe(to, room);
    return false;
}

static enum cofre_err
base64_decode(struct buf *out, struct bytes text, int variant)
{
    size_t room = text.len / 4 * 3 + 3;
    uint8_t *to;
    size_t len;

    if ((to = buf_reserve(out, room)) == NULL)
        return COFRE_ENOMEM;
    if (!base64_read(to, room, &len, text, variant))
        return COFRE_EFORMAT;
    out->len += len;
    return COFRE_OK;
}

void
encode_base64(struct buf *out, struct bytes in)
{
    base64_put(out, in, sodium_base64_VARIANT_ORIGINAL);
}

enum cofre_err
encode_base64_decode(struct buf *out, struct bytes text)
{
    return base64_decode(out, text, sodium_base64_VARIANT_ORIGINAL);
}

enum cofre_err
encode_base64_read(uint8_t *out, size_t room, size_t *len, struct bytes text)
{
    return base64_read(out, room, len, text, sodium_base64_VARIANT_ORIGINAL) ? COFRE_OK
                                                                             : COFRE_EFORMAT;
}

void
encode_base64url(struct buf *out, struct bytes in)
{
    base64_put(out, in, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

enum cofre_err
encode_base64url_decode(struct buf *out, struct bytes text)
{
    return base64_decode(out, text, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

/* How many characters n bytes make. */
static size_t
base32_chars(size_t n)
{
    return n / 5 * 8 + (n % 5 * 8 + 4) / 5;
}

static void
base32_write(uint8_t *to, struct bytes in)
{
    unsigned held = 0;
    unsigned bits = 0;

    for (size_t i = 0; i < in.len; i++) {
        held = (held << 8 | in.p[i]) & 0xfff; /* at most 4 bits were left, and 8 new ones */
        for (bits += 8; bits >= 5; bits -= 5)
            *to++ = (uint8_t)BASE32[held >> (bits - 5) & 31];
    }
    if (bits > 0)
        *to = (uint8_t)BASE32[held << (5 - bits) & 31];
}

/* 0 to 31, or -1. */
static int
base32_digit(uint8_t c)
{
    if (c >= 'a' && c <= 'z')
        return c - 'a';
    if (c >= '2' && c <= '7')
        return c - '2' + 26;
    return -1;
}

/* Room for text.len * 5 / 8 bytes.  False: not the canonical form. */
static bool
base32_read(uint8_t *to, struct bytes text)
{
    unsigned held = 0;
    unsigned bits = 0;

    if (base32_chars(text.len * 5 / 8) != text.len)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        int digit = base32_digit(text.p[i]);

        if (digit < 0)
            return false;
        held = (held << 5 | (unsigned)digit) & 0xfff;
        bits += 5;
        if (bits >= 8) {
            bits -= 8;
            *to++ = (uint8_t)(held >> bits);
        }
    }
    return (held & ((1U << bits) - 1)) == 0;
}

void
encode_base32(struct buf *out, struct bytes in)
{
    size_t chars = base32_chars(in.len);
    uint8_t *to;

    if (in.len > BUF_MAX / 2) {
        out->failed = true;
        return;
    }
    if ((to = buf_reserve(out, chars)) == NULL)
        return;
    base32_write(to, in);
    out->len += chars;
}

enum cofre_err
encode_base32_decode(struct buf *out, struct bytes text)
{
    uint8_t *to;

    if (text.len > BUF_MAX)
        return COFRE_EFORMAT;
    if ((to = buf_reserve(out, text.len * 5 / 8)) == NULL)
        return COFRE_ENOMEM;
    if (!base32_read(to, text)) {
        secret_wipe(to, text.len * 5 / 8);
        return COFRE_EFORMAT;
    }
    out->len += text.len * 5 / 8;
    return COFRE_OK;
}

void
encode_id(char out[static ENCODE_ID_MAX], const char *prefix,
          const uint8_t id[static ENCODE_ID_LEN])
{
    size_t len = strlen(prefix);

    assert(len + ENCODE_ID_CHARS < ENCODE_ID_MAX);
    memcpy(out, prefix, len);
    base32_write((uint8_t *)out + len, (struct bytes){id, ENCODE_ID_LEN});
    out[len + ENCODE_ID_CHARS] = '\0';
}

enum cofre_err
encode_id_parse(struct bytes text, const char *prefix, uint8_t id[static ENCODE_ID_LEN])
{
    uint8_t parsed[ENCODE_ID_LEN];
    size_t len = strlen(prefix);

    if (text.len != len + ENCODE_ID_CHARS || memcmp(text.p, prefix, len) != 0)
        return COFRE_EFORMAT;
    if (!base32_read(parsed, (struct bytes){text.p + len, ENCODE_ID_CHARS}))
        return COFRE_EFORMAT;
    memcpy(id, parsed, ENCODE_ID_LEN);
    return COFRE_OK;
}

static bool
json_plain(uint8_t c)
{
    return c >= 0x20 && c != '"' && c != '\\' && c != 0x7f;
}

static void
json_escape(struct buf *out, uint8_t c)
{
    static const char short_forms[][2] = {{'"', '"'},  {'\\', '\\'}, {'\b', 'b'}, {'\f', 'f'},
                                          {'\n', 'n'}, {'\r', 'r'},  {'\t', 't'}};

    for (size_t i = 0; i < sizeof short_forms / sizeof short_forms[0]; i++)
        if (c == (uint8_t)short_forms[i][0]) {
            buf_putc(out, '\\');
            buf_putc(out, short_forms[i][1]);
            return;
        }
    buf_puts(out, "\\u00");
    buf_put_hex(out, (struct bytes){&c, 1});
}

void
encode_json_string(struct buf *out, struct bytes in)
{
    size_t at = 0;

    buf_putc(out, '"');
    while (at < in.len) {
        size_t start = at;

        while (at < in.len && json_plain(in.p[at]))
            at++;
        buf_put(out, in.p + start, at - start);
        if (at < in.len)
            json_escape(out, in.p[at++]);
    }
    buf_putc(out, '"');
}

/* The length of the sequence at the start of in (which is not empty), or 0: not valid. */
static size_t
utf8_step(struct bytes in)
{
    uint8_t first = in.p[0];
    uint8_t low = 0x80, high = 0xbf; /* bounds of the second byte */
    size_t len;

    if (first < 0x80)
        return 1;
    if (first < 0xc2 || first > 0xf4)
        return 0;
    len = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (in.len < len)
        return 0;

    if (first == 0xe0) /* else over-long */
        low = 0xa0;
    if (first == 0xed) /* else a surrogate */
        high = 0x9f;
    if (first == 0xf0) /* else over-long */
        low = 0x90;
    if (first == 0xf4) /* else beyond U+10FFFF */
        high = 0x8f;
    if (in.p[1] < low || in.p[1] > high)
        return 0;
    for (size_t i = 2; i < len; i++)
        if ((in.p[i] & 0xc0) != 0x80)
            return 0;
    return len;
}

bool
encode_utf8_valid(struct bytes in)
{
    while (in.len > 0) {
        size_t step = utf8_step(in);

        if (step == 0)
            return false;
        in.p += step;
        in.len -= step;
    }
    return true;
}
