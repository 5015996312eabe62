#ifndef COFRE_BYTES_H
#define COFRE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "cofre/err.h"

/* A borrowed run of bytes: pointer and length travel together.  p may be NULL when len is 0. */
struct bytes {
    const uint8_t *p;
    size_t len;
};

#define BYTES_NONE ((struct bytes){NULL, 0})
/* A string literal without its NUL; an array of uint8_t, whole. */
#define BYTES_LIT(s) ((struct bytes){(const uint8_t *)(s), sizeof(s) - 1})
#define BYTES_OF(array) ((struct bytes){(const uint8_t *)(array), sizeof(array)})

static inline struct bytes
bytes_str(const char *s)
{
    return (struct bytes){(const uint8_t *)s, strlen(s)};
}

/* Not for secrets: the time taken tells where the two differ. */
static inline bool
bytes_equal(struct bytes a, struct bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

/*
 * A growing buffer that wipes what it leaves behind: on growth, on buf_reset and on buf_free.
 * Initialise with BUF_INIT.  It grows up to BUF_MAX bytes.
 *
 * A failed allocation sets failed and leaves the contents as they were; every later buf_put*
 * does nothing, so that a writer may check once, at its end, with buf_error().
 */
enum { BUF_MAX = 64 * 1024 * 1024 };

struct buf {
    uint8_t *p;
    size_t len;
    size_t cap;
    bool failed;
};

#define BUF_INIT ((struct buf){NULL, 0, 0, false})

/* Wipes and frees; b is BUF_INIT afterwards.  b may be NULL. */
void buf_free(struct buf *b);
/* Wipes the contents, keeps the memory, clears failed. */
void buf_reset(struct buf *b);
/* COFRE_ENOMEM if any put failed since the last reset, else COFRE_OK. */
COFRE_CHECKED enum cofre_err buf_error(const struct buf *b);
/* Room for n more bytes; returns where they go, or NULL (and sets failed).  len is unchanged. */
uint8_t *buf_reserve(struct buf *b, size_t n);

void buf_put(struct buf *b, const void *p, size_t len);
void buf_putb(struct buf *b, struct bytes bytes);
void buf_puts(struct buf *b, const char *s);
void buf_putc(struct buf *b, char c);
void buf_putf(struct buf *b, const char *fmt, ...) COFRE_PRINTF(2, 3);
void buf_put_u64_dec(struct buf *b, uint64_t n);
void buf_put_hex(struct buf *b, struct bytes bytes);
void buf_put_le16(struct buf *b, uint16_t n);
void buf_put_le32(struct buf *b, uint32_t n);
void buf_put_le64(struct buf *b, uint64_t n);

static inline struct bytes
buf_bytes(const struct buf *b)
{
    return (struct bytes){b->p, b->len};
}

/*
 * A reader over borrowed bytes.  A take beyond the end sets failed and yields zeros or
 * BYTES_NONE; check r->failed once at the end (and that r->left.len is 0 where it must be).
 */
struct reader {
    struct bytes left;
    bool failed;
};

static inline struct reader
reader_of(struct bytes b)
{
    return (struct reader){b, false};
}

struct bytes reader_take(struct reader *r, size_t len);
uint8_t reader_u8(struct reader *r);
uint16_t reader_le16(struct reader *r);
uint32_t reader_le32(struct reader *r);
uint64_t reader_le64(struct reader *r);

/* Fixed-place integers; the caller knows that there is room. */
uint16_t bytes_get_le16(const uint8_t p[static 2]);
uint32_t bytes_get_le32(const uint8_t p[static 4]);
uint64_t bytes_get_le64(const uint8_t p[static 8]);
uint16_t bytes_get_be16(const uint8_t p[static 2]);
uint32_t bytes_get_be32(const uint8_t p[static 4]);
uint64_t bytes_get_be64(const uint8_t p[static 8]);
void bytes_set_le16(uint8_t p[static 2], uint16_t n);
void bytes_set_le32(uint8_t p[static 4], uint32_t n);
void bytes_set_le64(uint8_t p[static 8], uint64_t n);
void bytes_set_be16(uint8_t p[static 2], uint16_t n);
void bytes_set_be32(uint8_t p[static 4], uint32_t n);
void bytes_set_be64(uint8_t p[static 8], uint64_t n);

#endif
