#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "audit/log_internal.h"
#include "audit/tiles_edge.h"

static enum cofre_err
is_there(int dir, int level, uint64_t index, bool *there, struct cofre_why *why)
{
    const struct tiles_name name = {level, index, TILES_WIDTH};
    char path[TILES_PATH_MAX];
    struct stat st;

    tiles_path(&name, path);
    *there = fstatat(dir, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
    if (!*there && errno != ENOENT && errno != ENOTDIR)
        return cofre_why_os(why, COFRE_EIO, errno, "%s", path);
    return COFRE_OK;
}

/* Bundles are written one after the other, so that their number can be found by halving. */
static enum cofre_err
count_bundles(int dir, uint64_t pruned, uint64_t *n, struct cofre_why *why)
{
    uint64_t low = pruned; /* bundles pruned to low - 1 are there */
    uint64_t high = pruned + 1;
    enum cofre_err err;
    bool there;

    for (;; high *= 2) {
        if ((err = is_there(dir, TILES_ENTRIES, high - 1, &there, why)) != COFRE_OK)
            return err;
        if (!there)
            break;
        low = high;
    }
    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2;

        if ((err = is_there(dir, TILES_ENTRIES, middle - 1, &there, why)) != COFRE_OK)
            return err;
        if (there)
            low = middle;
        else
            high = middle;
    }
    *n = low;
    return COFRE_OK;
}

/* Whether every hash tile that the n-th bundle completes is there. */
static enum cofre_err
is_complete(int dir, uint64_t n, bool *complete, struct cofre_why *why)
{
    enum cofre_err err = COFRE_OK;

    *complete = true;
    for (int level = 0; *complete && err == COFRE_OK; level++) {
        err = is_there(dir, level, n - 1, complete, why);
        if (n % TILES_WIDTH != 0)
            break;
        n /= TILES_WIDTH;
    }
    return err;
}

enum cofre_err
log_tiles_bundled(int dir, uint64_t pruned, uint64_t *out, struct cofre_why *why)
{
    enum cofre_err err;
    bool complete = true;
    uint64_t n;

    if ((err = count_bundles(dir, pruned, &n, why)) != COFRE_OK)
        return err;
    if (n > 0 && (err = is_complete(dir, n, &complete, why)) != COFRE_OK)
        return err;
    /* A crash came between the bundle and its tiles: that bundle is done again. */
    *out = (complete ? n : n - 1) * TILES_WIDTH;
    return COFRE_OK;
}

struct full_tiles {
    int dir;
    struct buf tile;
    struct cofre_why *why;
};

static enum cofre_err
read_full(struct full_tiles *t, unsigned level, uint64_t index)
{
    const struct tiles_name name = {(int)level, index, TILES_WIDTH};
    enum cofre_err err = tiles_read(t->dir, &name, &t->tile, t->why);

    if (err == COFRE_OK && t->tile.len != TILES_HASHES_LEN)
        err = COFRE_EFORMAT;
    if (err == COFRE_ENOENT || err == COFRE_EFORMAT)
        err = cofre_why_set(t->why, COFRE_EINTEGRITY, "a full tile is malformed");
    return err;
}

/*
 * A tree_source that reads full tiles only.  The tile that holds a node of the right edge is still
 * unfinished, but the full tiles below it have the roots that the node is made of.
 */
static enum cofre_err
full_node(void *ctx, unsigned level, uint64_t index, uint8_t out[static HASH_LEN])
{
    struct full_tiles *t = ctx;
    uint8_t left[HASH_LEN];
    enum cofre_err err;

    assert(level >= TILES_HEIGHT);
    if (level % TILES_HEIGHT == 0) {
        if ((err = read_full(t, level / TILES_HEIGHT - 1, index)) == COFRE_OK)
            tiles_edge_subtree(t->tile.p, TILES_HEIGHT, out);
        return err;
    }
    if ((err = full_node(t, level - 1, 2 * index, left)) != COFRE_OK)
        return err;
    if ((err = full_node(t, level - 1, 2 * index + 1, out)) == COFRE_OK)
        tree_node(left, out, out);
    return err;
}

/* Appends the first n leaves of a full tile, and keeps the last. */
static enum cofre_err
append_leaves(struct full_tiles *t, struct tree_edge *edge, size_t n, uint8_t last[static HASH_LEN])
{
    enum cofre_err err = read_full(t, 0, edge->size / TILES_WIDTH);

    for (size_t i = 0; i < n && err == COFRE_OK; i++) {
        memcpy(last, t->tile.p + i * HASH_LEN, HASH_LEN);
        tree_edge_append(edge, last);
    }
    return err;
}

enum cofre_err
log_tiles_edge(int dir, uint64_t size, struct tree_edge *out, uint8_t last[static HASH_LEN],
               struct cofre_why *why)
{
    struct full_tiles t = {dir, BUF_INIT, why};
    struct tree_source source = {full_node, &t};
    uint64_t rest = size % TILES_WIDTH;
    enum cofre_err err;

    tree_empty(last);
    err = tree_edge_make(&source, size - rest, out);
    if (err == COFRE_OK && rest > 0)
        err = append_leaves(&t, out, rest, last);
    else if (err == COFRE_OK && size > 0)
        err = read_full(&t, 0, size / TILES_WIDTH - 1);
    if (err == COFRE_OK && rest == 0 && size > 0)
        memcpy(last, t.tile.p + TILES_HASHES_LEN - HASH_LEN, HASH_LEN);
    buf_free(&t.tile);
    return err;
}

enum cofre_err
log_tiles_drop_partial(int dir, uint64_t size, struct cofre_why *why)
{
    uint64_t n = size / TILES_WIDTH;
    enum cofre_err err;

    if (n == 0)
        return COFRE_OK;
    err = tiles_drop_partial(dir, TILES_ENTRIES, n - 1, why);
    for (int level = 0; n > 0 && err == COFRE_OK; level++) {
        err = tiles_drop_partial(dir, level, n - 1, why);
        if (n % TILES_WIDTH != 0)
            break;
        n /= TILES_WIDTH;
    }
    return err;
}
