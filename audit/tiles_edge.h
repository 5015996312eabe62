#ifndef AUDIT_TILES_EDGE_H
#define AUDIT_TILES_EDGE_H

#include "audit/tiles.h"

/*
 * The unfinished hash tile of each level of a growing tree: what the builder writes, and what a
 * verifier holds the files against.  Hash i of a tile of level L > 0 is the root of the full tile
 * of level L - 1 below it.
 */
enum { TILES_LEVELS = TREE_LEVELS / TILES_HEIGHT };

struct tiles_edge {
    uint64_t size; /* leaves */
    uint8_t hash[TILES_LEVELS][TILES_HASHES_LEN];
};

/* Is given each tile of which the last hash has come; an error of it is returned by the add. */
typedef enum cofre_err tiles_edge_fn(void *ctx, const struct tiles_name *name,
                                     const uint8_t *hashes);

void tiles_edge_init(struct tiles_edge *t);
/* Adds a leaf.  After an error of full nothing was added, and the same leaf may be added again. */
COFRE_CHECKED enum cofre_err tiles_edge_add(struct tiles_edge *t,
                                            const uint8_t leaf[static HASH_LEN],
                                            tiles_edge_fn *full, void *ctx);
/* Hashes of level 8 * level in a tree of size leaves, complete subtrees only. */
uint64_t tiles_edge_hashes(int level, uint64_t size);
/* The last tile of a level, unfinished or empty (width 0, which no file has). */
struct tiles_name tiles_edge_last(int level, uint64_t size);
/* The root at t's present size. */
void tiles_edge_root(const struct tiles_edge *t, uint8_t out[static HASH_LEN]);
/* The root of 2^height hashes in a row. */
void tiles_edge_subtree(const uint8_t *hashes, unsigned height, uint8_t out[static HASH_LEN]);

#endif
