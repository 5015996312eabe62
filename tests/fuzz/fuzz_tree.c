/*
 * The tree and its proofs against the words of RFC 6962 section 2.1, taken one by one: MTH, PATH, PROOF and
 * SUBPROOF as they are defined there, recursive, with nothing kept in between.  The input chooses sizes,
 * and how a right proof is made wrong; wrong ones must be refused.
 *
 *     0        1        3        5        7
 *     +--------+--------+--------+--------+--------------------------+
 *     | salt   | size   | index  | old    | how to change the proofs |
 *     +--------+--------+--------+--------+--------------------------+
 */
#include <stdlib.h>

#include "audit/tiles_edge.h"

enum { SIZES = 700, ROUNDS = 300, HEAD = 7 };

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- the reference ---- */

struct words {
    uint8_t leaf[SIZES][HASH_LEN];
    struct tree_proof proof;
};

/* The largest power of two smaller than n. */
static size_t
half(size_t n)
{
    size_t k = 1;

    while (2 * k < n)
        k *= 2;
    return k;
}

static void
mth(const struct words *w, size_t from, size_t n, uint8_t out[static HASH_LEN])
{
    uint8_t left[HASH_LEN], right[HASH_LEN];

    if (n == 0) {
        tree_empty(out);
    } else if (n == 1) {
        memcpy(out, w->leaf[from], HASH_LEN);
    } else {
        mth(w, from, half(n), left);
        mth(w, from + half(n), n - half(n), right);
        tree_node(left, right, out);
    }
}

static void
append_mth(struct words *w, size_t from, size_t n)
{
    mth(w, from, n, w->proof.hash[w->proof.n++]);
}

static void
path(struct words *w, size_t m, size_t from, size_t n)
{
    const size_t k = half(n);

    if (n <= 1)
        return;
    path(w, m < k ? m : m - k, m < k ? from : from + k, m < k ? k : n - k);
    append_mth(w, m < k ? from + k : from, m < k ? n - k : k);
}

static void
subproof(struct words *w, size_t m, size_t from, size_t n, bool whole)
{
    const size_t k = half(n);

    if (m == n) {
        if (!whole)
            append_mth(w, from, n);
        return;
    }
    if (m <= k) {
        subproof(w, m, from, k, whole);
        append_mth(w, from + k, n - k);
    } else {
        subproof(w, m - k, from + k, n - k, false);
        append_mth(w, from, k);
    }
}

/* ---- what is held against it ---- */

static void
must(bool holds)
{
    if (!holds)
        abort();
}

static enum cofre_err
node(void *ctx, unsigned level, uint64_t index, uint8_t out[static HASH_LEN])
{
    mth(ctx, (size_t)index << level, (size_t)1 << level, out);
    return COFRE_OK;
}

static enum cofre_err
full(void *ctx, const struct tiles_name *name, const uint8_t *hashes)
{
    const struct words *w = ctx;

    must(name->level > 0 || memcmp(hashes, w->leaf[name->index * TILES_WIDTH], HASH_LEN) == 0);
    return COFRE_OK;
}

static void
check_roots(struct words *w, size_t size, const uint8_t root[static HASH_LEN])
{
    const struct tree_source source = {node, w};
    struct tiles_edge *tiles = malloc(sizeof *tiles);
    struct tree_edge edge, made;
    uint8_t got[HASH_LEN];

    must(tiles != NULL);
    tree_edge_init(&edge);
    tiles_edge_init(tiles);
    for (size_t i = 0; i < size; i++) {
        tree_edge_append(&edge, w->leaf[i]);
        must(tiles_edge_add(tiles, w->leaf[i], full, w) == COFRE_OK);
    }
    tree_edge_root(&edge, got);
    must(memcmp(got, root, HASH_LEN) == 0);
    tiles_edge_root(tiles, got);
    must(memcmp(got, root, HASH_LEN) == 0);
    must(tree_root_make(&source, size, got) == COFRE_OK && memcmp(got, root, HASH_LEN) == 0);
    must(tree_edge_make(&source, size, &made) == COFRE_OK && made.size == size);
    tree_edge_root(&made, got);
    must(memcmp(got, root, HASH_LEN) == 0);
    free(tiles);
}

static bool
same(const struct tree_proof *a, const struct tree_proof *b)
{
    return a->n == b->n && memcmp(a->hash, b->hash, a->n * HASH_LEN) == 0;
}

/* Some changes, as the input says. */
static struct tree_proof
change(const struct tree_proof *right, const uint8_t *how, size_t n)
{
    struct tree_proof p = *right;

    for (size_t i = 0; i + 1 < n && i < 8; i += 2) {
        const size_t at = p.n > 0 ? how[i + 1] % p.n : 0;

        if (how[i] % 4 == 0 && p.n > 0)
            p.hash[at][how[i] / 8 % HASH_LEN] ^= (uint8_t)(1u << how[i] % 8);
        else if (how[i] % 4 == 1 && p.n > 0)
            memmove(p.hash[at], p.hash[at + 1], (--p.n - at) * HASH_LEN);
        else if (how[i] % 4 == 2 && p.n < TREE_PROOF_MAX)
            memset(p.hash[p.n++], how[i + 1], HASH_LEN);
        else if (p.n > 1)
            memcpy(p.hash[at], p.hash[(at + 1) % p.n], HASH_LEN);
    }
    return p;
}

static void
check_inclusion(struct words *w, size_t index, size_t size, const uint8_t *how, size_t n)
{
    const struct tree_source source = {node, w};
    struct tree_proof made, wrong;
    uint8_t root[HASH_LEN], other[HASH_LEN];

    w->proof.n = 0;
    path(w, index, 0, size);
    mth(w, 0, size, root);
    must(tree_inclusion_make(&source, index, size, &made) == COFRE_OK && same(&made, &w->proof));
    must(tree_inclusion_verify(index, size, w->leaf[index], root, &made) == COFRE_OK);
    wrong = change(&made, how, n);
    must((tree_inclusion_verify(index, size, w->leaf[index], root, &wrong) == COFRE_OK) ==
         same(&made, &wrong));
    for (size_t i = index > 3 ? index - 3 : 0; i < index + 3; i++)
        must(i == index || tree_inclusion_verify(i, size, w->leaf[index], root, &made) != COFRE_OK);
    memcpy(other, root, HASH_LEN);
    other[n % HASH_LEN] ^= 1;
    must(tree_inclusion_verify(index, size, w->leaf[index], other, &made) == COFRE_EAUTH);
    must(tree_inclusion_verify(index, size, other, root, &made) == COFRE_EAUTH);
    must(tree_inclusion_make(&source, size, size, &made) == COFRE_EINVAL);
}

static void
check_consistency(struct words *w, size_t old, size_t size, const uint8_t *how, size_t n)
{
    const struct tree_source source = {node, w};
    struct tree_proof made, wrong;
    uint8_t before[HASH_LEN], root[HASH_LEN], other[HASH_LEN];

    w->proof.n = 0;
    if (old > 0)
        subproof(w, old, 0, size, true);
    mth(w, 0, old, before);
    mth(w, 0, size, root);
    must(tree_consistency_make(&source, old, size, &made) == COFRE_OK && same(&made, &w->proof));
    must(tree_consistency_verify(old, size, before, root, &made) == COFRE_OK);
    wrong = change(&made, how, n);
    must((tree_consistency_verify(old, size, before, root, &wrong) == COFRE_OK) ==
         same(&made, &wrong));
    if (old == 0)
        return; /* it holds for any root */
    memcpy(other, root, HASH_LEN);
    other[n % HASH_LEN] ^= 1;
    must(tree_consistency_verify(old, size, before, other, &made) == COFRE_EAUTH);
    memcpy(other, before, HASH_LEN);
    other[n % HASH_LEN] ^= 1;
    must(tree_consistency_verify(old, size, other, root, &made) == COFRE_EAUTH);
    must(old == size || tree_consistency_make(&source, size, old, &made) == COFRE_EINVAL);
}

/* ---- inputs ---- */

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct words w;
    uint8_t root[HASH_LEN];
    size_t n, index, old;

    if (size < HEAD)
        return 0;
    n = bytes_get_le16(data + 1) % (SIZES + 1);
    index = n > 0 ? bytes_get_le16(data + 3) % n : 0;
    old = bytes_get_le16(data + 5) % (n + 1);
    for (uint32_t i = 0; i < n; i++) {
        const uint8_t entry[] = {data[0], (uint8_t)i, (uint8_t)(i >> 8)};

        tree_leaf(BYTES_OF(entry), w.leaf[i]);
    }
    mth(&w, 0, n, root);
    check_roots(&w, n, root);
    if (n > 0)
        check_inclusion(&w, index, n, data + HEAD, size - HEAD);
    check_consistency(&w, old, n, data + HEAD, size - HEAD);
    return 0;
}

/* Without libFuzzer, too, more than the corpus is tried: always the same. */
int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
    uint32_t x = 2463534242;

    (void)argc;
    (void)argv;
    for (unsigned round = 0; round < ROUNDS; round++) {
        uint8_t input[HEAD + 8];

        for (size_t i = 0; i < sizeof input; i++) {
            x ^= x << 13;
            x ^= x >> 17;
            x ^= x << 5;
            input[i] = (uint8_t)(x >> 11);
        }
        (void)LLVMFuzzerTestOneInput(input, sizeof input - round % 3);
    }
    return 0;
}
