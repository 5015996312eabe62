#ifndef AUDIT_TREE_H
#define AUDIT_TREE_H

#include "cofre/bytes.h"
#include "crypto/hash.h"

/*
 * The Merkle tree of RFC 6962 (and RFC 9162 section 2.1): leaf = SHA-256(0x00 || entry), node =
 * SHA-256(0x01 || left || right), the root of no leaves = SHA-256 of nothing.
 */
enum { TREE_LEVELS = 64, TREE_PROOF_MAX = 64 };

void tree_leaf(struct bytes entry, uint8_t out[static HASH_LEN]);
/* out may be left or right. */
void tree_node(const uint8_t left[static HASH_LEN], const uint8_t right[static HASH_LEN],
               uint8_t out[static HASH_LEN]);
void tree_empty(uint8_t out[static HASH_LEN]);

/* The right edge of a growing tree: the roots of its complete subtrees, one for each set bit. */
struct tree_edge {
    uint64_t size;
    uint8_t node[TREE_LEVELS][HASH_LEN]; /* node[k] is meaningful when bit k of size is set */
};

void tree_edge_init(struct tree_edge *t);
void tree_edge_append(struct tree_edge *t, const uint8_t leaf[static HASH_LEN]);
void tree_edge_root(const struct tree_edge *t, uint8_t out[static HASH_LEN]);

/* A proof: hashes from the leaf (or from the old root) upwards. */
struct tree_proof {
    size_t n;
    uint8_t hash[TREE_PROOF_MAX][HASH_LEN];
};

/*
 * Verify a proof.  COFRE_EAUTH: it does not prove that; COFRE_EINVAL: index or size make no sense.
 * A consistency proof from size 0 must be empty and then holds for any root (C2SP tlog-witness);
 * between equal sizes it must be empty and the roots equal.
 */
COFRE_CHECKED enum cofre_err tree_inclusion_verify(uint64_t index, uint64_t size,
                                                   const uint8_t leaf[static HASH_LEN],
                                                   const uint8_t root[static HASH_LEN],
                                                   const struct tree_proof *proof);
COFRE_CHECKED enum cofre_err tree_consistency_verify(uint64_t old_size, uint64_t new_size,
                                                     const uint8_t old_root[static HASH_LEN],
                                                     const uint8_t new_root[static HASH_LEN],
                                                     const struct tree_proof *proof);

/*
 * Where proofs get their hashes from: the root of the complete subtree of 2^level leaves that
 * starts at leaf index << level.  Returns an error of its own, which is passed on.
 */
struct tree_source {
    enum cofre_err (*node)(void *ctx, unsigned level, uint64_t index, uint8_t out[static HASH_LEN]);
    void *ctx;
};

/* COFRE_EINVAL: index >= size, or old_size > new_size; else what the source returns. */
COFRE_CHECKED enum cofre_err tree_inclusion_make(const struct tree_source *s, uint64_t index,
                                                 uint64_t size, struct tree_proof *out);
COFRE_CHECKED enum cofre_err tree_consistency_make(const struct tree_source *s, uint64_t old_size,
                                                   uint64_t new_size, struct tree_proof *out);
/* The root at a size, from the source.  size 0 is tree_empty. */
COFRE_CHECKED enum cofre_err tree_root_make(const struct tree_source *s, uint64_t size,
                                            uint8_t out[static HASH_LEN]);
/* The edge at a size, from the source: what an appender needs to go on. */
COFRE_CHECKED enum cofre_err tree_edge_make(const struct tree_source *s, uint64_t size,
                                            struct tree_edge *out);

#endif
