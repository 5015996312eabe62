#include <stdlib.h>
#include <string.h>

#include "audit/tiles_edge.h"

#include "audit/tiles.h"

struct tiles_builder {
    int dir;
    struct buf bundle; /* the unfinished one */
    struct tiles_edge edge;
    struct cofre_why *why; /* of the call that is under way */
};

static enum cofre_err
write_full(void *ctx, const struct tiles_name *name, const uint8_t *hashes)
{
    struct tiles_builder *b = ctx;

    return tiles_write(b->dir, name, (struct bytes){hashes, TILES_HASHES_LEN}, b->why);
}

static enum cofre_err
bundle_put(struct tiles_builder *b, struct bytes entry)
{
    uint8_t len[2];

    if (entry.len > UINT16_MAX)
        return cofre_why_set(b->why, COFRE_ERANGE, "entry %llu: too long for a bundle",
                             (unsigned long long)b->edge.size);
    bytes_set_be16(len, (uint16_t)entry.len);
    buf_put(&b->bundle, len, sizeof len);
    buf_putb(&b->bundle, entry);
    return buf_error(&b->bundle);
}

/* The unfinished bundle's entries, from its partial file, held against their hashes. */
static enum cofre_err
load_bundle(struct tiles_builder *b, uint64_t size, const uint8_t *tail)
{
    const struct tiles_name name = tiles_edge_last(TILES_ENTRIES, size);
    struct buf file = BUF_INIT;
    struct bytes entry;
    uint8_t leaf[HASH_LEN];
    enum cofre_err err;

    if (name.width == 0)
        return COFRE_OK;
    err = tiles_read(b->dir, &name, &file, b->why);
    for (unsigned i = 0; i < name.width && err == COFRE_OK; i++) {
        err = tiles_bundle_entry(buf_bytes(&file), i, &entry);
        if (err != COFRE_OK)
            break;
        tree_leaf(entry, leaf);
        err = memcmp(leaf, tail + i * HASH_LEN, HASH_LEN) == 0 ? bundle_put(b, entry)
                                                               : COFRE_EINTEGRITY;
    }
    if (err == COFRE_EFORMAT || err == COFRE_EINTEGRITY)
        err = cofre_why_set(b->why, COFRE_EINTEGRITY, "the last bundle is not that of its hashes");
    buf_free(&file);
    return err;
}

/* The hashes of a level's unfinished tile: roots of the full tiles below. */
static enum cofre_err
load_level(struct tiles_builder *b, int level, uint64_t size)
{
    const struct tiles_name last = tiles_edge_last(level, size);
    struct tiles_name below = {level - 1, last.index * TILES_WIDTH, TILES_WIDTH};
    struct buf file = BUF_INIT;
    enum cofre_err err = COFRE_OK;

    for (unsigned i = 0; i < last.width && err == COFRE_OK; i++, below.index++) {
        err = tiles_read(b->dir, &below, &file, b->why);
        if (err == COFRE_OK)
            tiles_edge_subtree(file.p, TILES_HEIGHT, b->edge.hash[level] + i * HASH_LEN);
    }
    buf_free(&file);
    return err;
}

static enum cofre_err
load(struct tiles_builder *b, uint64_t size, const uint8_t *tail)
{
    enum cofre_err err = load_bundle(b, size, tail);

    if (size % TILES_WIDTH > 0)
        memcpy(b->edge.hash[0], tail, size % TILES_WIDTH * HASH_LEN);
    for (int level = 1; level < TILES_LEVELS && err == COFRE_OK; level++)
        err = load_level(b, level, size);
    b->edge.size = size;
    return err;
}

enum cofre_err
tiles_builder_new(int dir, uint64_t size, const uint8_t *tail, struct tiles_builder **out,
                  struct cofre_why *why)
{
    struct tiles_builder *b = calloc(1, sizeof *b);
    enum cofre_err err;

    *out = NULL;
    if (b == NULL)
        return COFRE_ENOMEM;
    b->dir = dir;
    b->why = why;
    tiles_edge_init(&b->edge);
    err = load(b, size, tail);
    if (err == COFRE_OK) {
        *out = b;
        b = NULL; /* moved to *out */
    }
    tiles_builder_free(b);
    return err;
}

void
tiles_builder_free(struct tiles_builder *b)
{
    if (b == NULL)
        return;
    buf_free(&b->bundle);
    free(b);
}

enum cofre_err
tiles_builder_add(struct tiles_builder *b, struct bytes entry, const uint8_t leaf[static HASH_LEN],
                  struct cofre_why *why)
{
    struct tiles_name name = tiles_edge_last(TILES_ENTRIES, b->edge.size);
    const size_t before = b->bundle.len;
    enum cofre_err err;

    b->why = why;
    err = bundle_put(b, entry);
    if (err == COFRE_OK && ++name.width == TILES_WIDTH)
        err = tiles_write(b->dir, &name, buf_bytes(&b->bundle), why);
    if (err == COFRE_OK)
        err = tiles_edge_add(&b->edge, leaf, write_full, b);

    if (err != COFRE_OK) { /* as if it had not been tried: a full disk may have room again */
        b->bundle.len = before;
        b->bundle.failed = false;
    } else if (name.width == TILES_WIDTH) {
        b->bundle.len = 0;
    }
    return err;
}

enum cofre_err
tiles_builder_flush(struct tiles_builder *b, struct cofre_why *why)
{
    struct tiles_name name = tiles_edge_last(TILES_ENTRIES, b->edge.size);
    enum cofre_err err = COFRE_OK;

    if (name.width > 0)
        err = tiles_write(b->dir, &name, buf_bytes(&b->bundle), why);
    for (int level = 0; level < TILES_LEVELS && err == COFRE_OK; level++) {
        name = tiles_edge_last(level, b->edge.size);
        if (name.width > 0)
            err = tiles_write(b->dir, &name,
                              (struct bytes){b->edge.hash[level], name.width * HASH_LEN}, why);
    }
    return err;
}

void
tiles_builder_root(const struct tiles_builder *b, uint64_t *size, uint8_t root[static HASH_LEN])
{
    *size = b->edge.size;
    tiles_edge_root(&b->edge, root);
}
