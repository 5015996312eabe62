#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <sodium.h>

#include "cofre/secret.h"

#include "cofre/bytes.h"

enum { FIRST_CAP = 64 };

void
buf_free(struct buf *b)
{
    if (b == NULL)
        return;
    if (b->p != NULL)
        secret_wipe(b->p, b->cap);
    free(b->p);
    *b = BUF_INIT;
}

void
buf_reset(struct buf *b)
{
    if (b->p != NULL)
        secret_wipe(b->p, b->len);
    b->len = 0;
    b->failed = false;
}

enum cofre_err
buf_error(const struct buf *b)
{
    return b->failed ? COFRE_ENOMEM : COFRE_OK;
}

/* Not realloc, which may leave the old bytes behind. */
static bool
move_to(struct buf *b, size_t cap)
{
    uint8_t *p = malloc(cap);

    if (p == NULL)
        return false;
    if (b->p != NULL) {
        memcpy(p, b->p, b->len);
        secret_wipe(b->p, b->cap);
        free(b->p);
    }
    b->p = p;
    b->cap = cap;
    return true;
}

uint8_t *
buf_reserve(struct buf *b, size_t n)
{
    size_t cap = b->cap > 0 ? b->cap : FIRST_CAP;

    if (b->failed)
        return NULL;
    if (b->p != NULL && b->cap - b->len >= n)
        return b->p + b->len;

    if (n > BUF_MAX - b->len)
        goto fail;
    while (cap - b->len < n)
        cap = cap < BUF_MAX / 2 ? cap * 2 : BUF_MAX;
    if (!move_to(b, cap))
        goto fail;
    return b->p + b->len;
fail:
    b->failed = true;
    return NULL;
}

void
buf_put(struct buf *b, const void *p, size_t len)
{
    uint8_t *to;

    if (len == 0 || (to = buf_reserve(b, len)) == NULL)
        return;
    memcpy(to, p, len);
    b->len += len;
}

void
buf_putb(struct buf *b, struct bytes bytes)
{
    buf_put(b, bytes.p, bytes.len);
}

void
buf_puts(struct buf *b, const char *s)
{
    buf_put(b, s, strlen(s));
}

void
buf_putc(struct buf *b, char c)
{
    buf_put(b, &c, 1);
}

void
buf_putf(struct buf *b, const char *fmt, ...)
{
    va_list args;
    uint8_t *to;
    int len;

    va_start(args, fmt);
    len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (len < 0) {
        b->failed = true;
        return;
    }

    if ((to = buf_reserve(b, (size_t)len + 1)) == NULL)
        return;
    va_start(args, fmt);
    vsnprintf((char *)to, (size_t)len + 1, fmt, args);
    va_end(args);
    b->len += (size_t)len;
}

void
buf_put_u64_dec(struct buf *b, uint64_t n)
{
    char digits[20]; /* 2^64 has as many */
    size_t at = sizeof digits;

    do {
        digits[--at] = (char)('0' + n % 10);
        n /= 10;
    } while (n > 0);
    buf_put(b, digits + at, sizeof digits - at);
}

void
buf_put_hex(struct buf *b, struct bytes bytes)
{
    uint8_t *to;

    if (bytes.len > BUF_MAX / 2) {
        b->failed = true;
        return;
    }
    /* One more: libsodium ends it with a NUL, which is no part of the buffer. */
    if ((to = buf_reserve(b, bytes.len * 2 + 1)) == NULL)
        return;
    sodium_bin2hex((char *)to, bytes.len * 2 + 1, bytes.p, bytes.len);
    b->len += bytes.len * 2;
}

void
buf_put_le16(struct buf *b, uint16_t n)
{
    uint8_t raw[2];

    bytes_set_le16(raw, n);
    buf_put(b, raw, sizeof raw);
}

void
buf_put_le32(struct buf *b, uint32_t n)
{
    uint8_t raw[4];

    bytes_set_le32(raw, n);
    buf_put(b, raw, sizeof raw);
}

void
buf_put_le64(struct buf *b, uint64_t n)
{
    uint8_t raw[8];

    bytes_set_le64(raw, n);
    buf_put(b, raw, sizeof raw);
}

struct bytes
reader_take(struct reader *r, size_t len)
{
    struct bytes taken = {r->left.p, len};

    if (r->failed || len > r->left.len) {
        r->failed = true;
        return BYTES_NONE;
    }
    if (len > 0)
        r->left.p += len;
    r->left.len -= len;
    return taken;
}

uint8_t
reader_u8(struct reader *r)
{
    struct bytes b = reader_take(r, 1);

    return b.p != NULL ? b.p[0] : 0;
}

uint16_t
reader_le16(struct reader *r)
{
    struct bytes b = reader_take(r, 2);

    return b.p != NULL ? bytes_get_le16(b.p) : 0;
}

uint32_t
reader_le32(struct reader *r)
{
    struct bytes b = reader_take(r, 4);

    return b.p != NULL ? bytes_get_le32(b.p) : 0;
}

uint64_t
reader_le64(struct reader *r)
{
    struct bytes b = reader_take(r, 8);

    return b.p != NULL ? bytes_get_le64(b.p) : 0;
}

uint16_t
bytes_get_le16(const uint8_t p[static 2])
{
    return (uint16_t)(p[0] | p[1] << 8);
}

uint32_t
bytes_get_le32(const uint8_t p[static 4])
{
    return (uint32_t)bytes_get_le16(p) | (uint32_t)bytes_get_le16(p + 2) << 16;
}

uint64_t
bytes_get_le64(const uint8_t p[static 8])
{
    return (uint64_t)bytes_get_le32(p) | (uint64_t)bytes_get_le32(p + 4) << 32;
}

uint16_t
bytes_get_be16(const uint8_t p[static 2])
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

uint32_t
bytes_get_be32(const uint8_t p[static 4])
{
    return (uint32_t)bytes_get_be16(p) << 16 | (uint32_t)bytes_get_be16(p + 2);
}

uint64_t
bytes_get_be64(const uint8_t p[static 8])
{
    return (uint64_t)bytes_get_be32(p) << 32 | (uint64_t)bytes_get_be32(p + 4);
}

void
bytes_set_le16(uint8_t p[static 2], uint16_t n)
{
    p[0] = (uint8_t)n;
    p[1] = (uint8_t)(n >> 8);
}

void
bytes_set_le32(uint8_t p[static 4], uint32_t n)
{
    bytes_set_le16(p, (uint16_t)n);
    bytes_set_le16(p + 2, (uint16_t)(n >> 16));
}

void
bytes_set_le64(uint8_t p[static 8], uint64_t n)
{
    bytes_set_le32(p, (uint32_t)n);
    bytes_set_le32(p + 4, (uint32_t)(n >> 32));
}

void
bytes_set_be16(uint8_t p[static 2], uint16_t n)
{
    p[0] = (uint8_t)(n >> 8);
    p[1] = (uint8_t)n;
}

void
bytes_set_be32(uint8_t p[static 4], uint32_t n)
{
    bytes_set_be16(p, (uint16_t)(n >> 16));
    bytes_set_be16(p + 2, (uint16_t)n);
}

void
bytes_set_be64(uint8_t p[static 8], uint64_t n)
{
    bytes_set_be32(p, (uint32_t)(n >> 32));
    bytes_set_be32(p + 4, (uint32_t)n);
}
