#ifndef TLOG_LOG_H
#define TLOG_LOG_H

/* The log of tests/vectors/tlog-tree.txt: its entries are not Cofre's, its hashing is. */
#include <inttypes.h>
#include <stdio.h>

#include "audit/tree.h"
#include "unit.h"

enum { TLOG_SIZE = 70000, TLOG_ENTRY = 160 };

static inline struct bytes
tlog_entry(uint64_t i, char text[static TLOG_ENTRY])
{
    static const char *const acts[] = {"read", "export", "tokenize", "erase"};
    char subject[32];
    struct buf hex = BUF_INIT;
    uint8_t h[HASH_LEN];
    int len;

    snprintf(subject, sizeof subject, "subject-%" PRIu64, i % 1000);
    hash_of(bytes_str(subject), h);
    buf_put_hex(&hex, BYTES_OF(h));
    len = snprintf(text, TLOG_ENTRY,
                   "{\"v\":1,\"seq\":%" PRIu64 ",\"ts\":%" PRIu64 ",\"actor\":\"svc-%" PRIu64
                   "\",\"act\":\"%s\",\"subj\":\"%.32s\",\"ok\":true}",
                   i, UINT64_C(1767225600000) + i, i % 7, acts[i % 4], (const char *)hex.p);
    buf_free(&hex);
    return (struct bytes){(const uint8_t *)text, (size_t)len};
}

/* Leaf hashes of the first n entries; the caller frees them with test_free. */
static inline uint8_t *
tlog_leaves(size_t n)
{
    uint8_t *leaves = test_malloc(n * HASH_LEN);
    char text[TLOG_ENTRY];

    for (size_t i = 0; i < n; i++)
        tree_leaf(tlog_entry(i, text), leaves + i * HASH_LEN);
    return leaves;
}

/* A source of hashes that knows nothing of tiles: it hashes the subtree each time. */
struct tlog_source {
    const uint8_t *leaves;
    size_t n;
    bool fail; /* answers EIO */
};

static inline enum cofre_err
tlog_node(void *ctx, unsigned level, uint64_t index, uint8_t out[static HASH_LEN])
{
    const struct tlog_source *s = ctx;
    uint8_t right[HASH_LEN];

    if (s->fail)
        return COFRE_EIO;
    assert_true((index + 1) << level <= s->n);
    if (level == 0) {
        memcpy(out, s->leaves + index * HASH_LEN, HASH_LEN);
        return COFRE_OK;
    }
    assert_int_equal(tlog_node(ctx, level - 1, 2 * index, out), COFRE_OK);
    assert_int_equal(tlog_node(ctx, level - 1, 2 * index + 1, right), COFRE_OK);
    tree_node(out, right, out);
    return COFRE_OK;
}

#endif
