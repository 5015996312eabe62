#include <string.h>

#include "cofre/encode.h"

#include "audit/lines.h"

bool
lines_skip(struct bytes *text, struct bytes literal)
{
    if (text->len < literal.len || memcmp(text->p, literal.p, literal.len) != 0)
        return false;
    text->p += literal.len;
    text->len -= literal.len;
    return true;
}

bool
lines_take(struct bytes *text, struct bytes *line)
{
    const uint8_t *end = text->len > 0 ? memchr(text->p, '\n', text->len) : NULL;

    if (end == NULL)
        return false;
    *line = (struct bytes){text->p, (size_t)(end - text->p)};
    text->p = end + 1;
    text->len -= line->len + 1;
    return true;
}

bool
lines_number(struct bytes line, uint64_t *out)
{
    uint64_t n = 0;
    uint8_t digit;

    if (line.len == 0 || (line.p[0] == '0' && line.len > 1))
        return false;
    for (size_t i = 0; i < line.len; i++) {
        digit = (uint8_t)(line.p[i] - '0');
        if (digit > 9 || n > (UINT64_MAX - digit) / 10)
            return false;
        n = n * 10 + digit;
    }
    *out = n;
    return true;
}

enum cofre_err
lines_hash(struct bytes line, uint8_t out[static HASH_LEN])
{
    struct buf raw = BUF_INIT;
    enum cofre_err err = encode_base64_decode(&raw, line);

    if (err == COFRE_OK && raw.len != HASH_LEN)
        err = COFRE_EFORMAT;
    if (err == COFRE_OK)
        memcpy(out, raw.p, HASH_LEN);
    buf_free(&raw);
    return err;
}
