#include <assert.h>
#include <string.h>

#include "audit/tiles_edge.h"

void
tiles_edge_init(struct tiles_edge *t)
{
    t->size = 0;
}

uint64_t
tiles_edge_hashes(int level, uint64_t size)
{
    return level == TILES_ENTRIES ? size : size >> (TILES_HEIGHT * level);
}

struct tiles_name
tiles_edge_last(int level, uint64_t size)
{
    const uint64_t n = tiles_edge_hashes(level, size);

    return (struct tiles_name){level, n / TILES_WIDTH, (unsigned)(n % TILES_WIDTH)};
}

void
tiles_edge_subtree(const uint8_t *hashes, unsigned height, uint8_t out[static HASH_LEN])
{
    uint8_t row[TILES_HASHES_LEN / 2];
    size_t n = (size_t)1 << height;

    assert(height <= TILES_HEIGHT);
    if (height == 0) {
        memcpy(out, hashes, HASH_LEN);
        return;
    }
    /* Row by row; a node is written where nothing is read any more. */
    for (; n > 1; n /= 2, hashes = row) {
        for (size_t i = 0; i < n / 2; i++)
            tree_node(hashes + 2 * i * HASH_LEN, hashes + (2 * i + 1) * HASH_LEN,
                      row + i * HASH_LEN);
    }
    memcpy(out, row, HASH_LEN);
}

enum cofre_err
tiles_edge_add(struct tiles_edge *t, const uint8_t leaf[static HASH_LEN], tiles_edge_fn *full,
               void *ctx)
{
    uint8_t h[HASH_LEN];
    struct tiles_name name;
    enum cofre_err err;

    memcpy(h, leaf, HASH_LEN);
    t->size++;
    for (int level = 0; level < TILES_LEVELS; level++) {
        name = tiles_edge_last(level, t->size - 1);
        memcpy(t->hash[level] + name.width * HASH_LEN, h, HASH_LEN);
        if (++name.width < TILES_WIDTH)
            return COFRE_OK;
        err = full(ctx, &name, t->hash[level]);
        if (err != COFRE_OK) {
            t->size--;
            return err;
        }
        tiles_edge_subtree(t->hash[level], TILES_HEIGHT, h);
    }
    return COFRE_OK;
}

/* Every complete subtree on the tree's right edge lies in the unfinished tile of its level. */
static enum cofre_err
edge_node(void *ctx, unsigned level, uint64_t index, uint8_t out[static HASH_LEN])
{
    const struct tiles_edge *t = ctx;
    const unsigned height = level % TILES_HEIGHT;
    const uint64_t first = index << height;

    tiles_edge_subtree(t->hash[level / TILES_HEIGHT] + first % TILES_WIDTH * HASH_LEN, height, out);
    return COFRE_OK;
}

void
tiles_edge_root(const struct tiles_edge *t, uint8_t out[static HASH_LEN])
{
    const struct tree_source source = {edge_node, (void *)(uintptr_t)t};
    const enum cofre_err err = tree_root_make(&source, t->size, out);

    assert(err == COFRE_OK);
    (void)err;
}
