#include <ftw.h>

#include "cofre/encode.h"
#include "tlog_log.h"
#include "vectors.h"

/* ---- a slow reference: the definitions of RFC 6962 section 2.1, word for word ---- */

static size_t
split_at(size_t n)
{
    size_t k = 1;

    while (2 * k < n)
        k *= 2;
    return k;
}

static void
slow_root(const uint8_t *leaves, size_t n, uint8_t out[static HASH_LEN])
{
    uint8_t right[HASH_LEN];

    if (n == 0) {
        hash_of(BYTES_NONE, out);
    } else if (n == 1) {
        memcpy(out, leaves, HASH_LEN);
    } else {
        slow_root(leaves + split_at(n) * HASH_LEN, n - split_at(n), right);
        slow_root(leaves, split_at(n), out);
        tree_node(out, right, out);
    }
}

static void
slow_path(const uint8_t *leaves, size_t m, size_t n, struct tree_proof *out)
{
    const size_t k = split_at(n);

    if (n == 1)
        return;
    if (m < k) {
        slow_path(leaves, m, k, out);
        slow_root(leaves + k * HASH_LEN, n - k, out->hash[out->n++]);
    } else {
        slow_path(leaves + k * HASH_LEN, m - k, n - k, out);
        slow_root(leaves, k, out->hash[out->n++]);
    }
}

static void
slow_subproof(const uint8_t *leaves, size_t m, size_t n, bool whole, struct tree_proof *out)
{
    const size_t k = split_at(n);

    if (m == n) {
        if (!whole)
            slow_root(leaves, n, out->hash[out->n++]);
    } else if (m <= k) {
        slow_subproof(leaves, m, k, whole, out);
        slow_root(leaves + k * HASH_LEN, n - k, out->hash[out->n++]);
    } else {
        slow_subproof(leaves + k * HASH_LEN, m - k, n - k, false, out);
        slow_root(leaves, k, out->hash[out->n++]);
    }
}

enum { SMALL = 70 };

struct small {
    uint8_t *leaves;
    uint8_t root[SMALL + 1][HASH_LEN];
    struct tlog_source source;
    struct tree_source tree;
};

static void
small_make(struct small *s)
{
    s->leaves = tlog_leaves(SMALL);
    for (size_t n = 0; n <= SMALL; n++)
        slow_root(s->leaves, n, s->root[n]);
    s->source = (struct tlog_source){s->leaves, SMALL, false};
    s->tree = (struct tree_source){tlog_node, &s->source};
}

static bool
proofs_equal(const struct tree_proof *a, const struct tree_proof *b)
{
    return a->n == b->n && memcmp(a->hash, b->hash, a->n * HASH_LEN) == 0;
}

static void
the_edge_has_the_root_of_every_size(void **state)
{
    struct small s;
    struct tree_edge edge, made;
    uint8_t root[HASH_LEN];

    (void)state;
    small_make(&s);
    tree_edge_init(&edge);
    for (size_t n = 0; n <= SMALL; n++) {
        tree_edge_root(&edge, root);
        assert_memory_equal(root, s.root[n], HASH_LEN);
        s.source.n = n;
        assert_int_equal(tree_root_make(&s.tree, n, root), COFRE_OK);
        assert_memory_equal(root, s.root[n], HASH_LEN);
        assert_int_equal(tree_edge_make(&s.tree, n, &made), COFRE_OK);
        tree_edge_root(&made, root);
        assert_memory_equal(root, s.root[n], HASH_LEN);
        if (n < SMALL)
            tree_edge_append(&edge, s.leaves + n * HASH_LEN);
    }
    test_free(s.leaves);
}

/* The proof holds, and stops to hold when a bit, a hash or the count of hashes is another. */
static void
only_this_proof_holds(const struct small *s, size_t m, size_t n, const struct tree_proof *proof)
{
    const uint8_t *leaf = s->leaves + m * HASH_LEN;
    struct tree_proof bad;

    assert_int_equal(tree_inclusion_verify(m, n, leaf, s->root[n], proof), COFRE_OK);
    assert_int_equal(tree_inclusion_verify(m, n, s->root[0], s->root[n], proof), COFRE_EAUTH);
    assert_int_equal(tree_inclusion_verify(m, n, leaf, s->root[0], proof), COFRE_EAUTH);
    for (size_t i = 0; i < proof->n; i++) {
        bad = *proof;
        bad.hash[i][(m + i) % HASH_LEN] ^= (uint8_t)(1U << (n % 8));
        assert_int_equal(tree_inclusion_verify(m, n, leaf, s->root[n], &bad), COFRE_EAUTH);
    }
    bad = *proof;
    memset(bad.hash[bad.n++], 0, HASH_LEN);
    assert_int_equal(tree_inclusion_verify(m, n, leaf, s->root[n], &bad), COFRE_EAUTH);
    bad.n -= 2;
    if (proof->n > 0)
        assert_int_equal(tree_inclusion_verify(m, n, leaf, s->root[n], &bad), COFRE_EAUTH);
    for (size_t other = 0; other < n; other++) {
        if (other != m)
            assert_int_equal(tree_inclusion_verify(other, n, leaf, s->root[n], proof), COFRE_EAUTH);
    }
}

static void
inclusion_proofs_are_those_of_the_definition(void **state)
{
    struct small s;
    struct tree_proof made, slow;

    (void)state;
    small_make(&s);
    for (size_t n = 1; n <= SMALL; n++) {
        s.source.n = n;
        for (size_t m = 0; m < n; m++) {
            slow.n = 0;
            slow_path(s.leaves, m, n, &slow);
            assert_int_equal(tree_inclusion_make(&s.tree, m, n, &made), COFRE_OK);
            assert_true(proofs_equal(&made, &slow));
            only_this_proof_holds(&s, m, n, &made);
        }
        assert_int_equal(tree_inclusion_make(&s.tree, n, n, &made), COFRE_EINVAL);
        assert_int_equal(tree_inclusion_verify(n, n, s.leaves, s.root[n], &made), COFRE_EINVAL);
    }
    test_free(s.leaves);
}

static void
only_this_consistency_holds(const struct small *s, size_t m, size_t n,
                            const struct tree_proof *proof)
{
    struct tree_proof bad;

    assert_int_equal(tree_consistency_verify(m, n, s->root[m], s->root[n], proof), COFRE_OK);
    if (m > 0) {
        assert_int_equal(tree_consistency_verify(m, n, s->root[m - 1], s->root[n], proof),
                         COFRE_EAUTH);
        assert_int_equal(tree_consistency_verify(m, n, s->root[m], s->root[n - 1], proof),
                         COFRE_EAUTH);
    }
    for (size_t i = 0; i < proof->n; i++) {
        bad = *proof;
        bad.hash[i][(m + i) % HASH_LEN] ^= (uint8_t)(1U << (n % 8));
        assert_int_equal(tree_consistency_verify(m, n, s->root[m], s->root[n], &bad), COFRE_EAUTH);
    }
    bad = *proof;
    memset(bad.hash[bad.n++], 0, HASH_LEN);
    assert_int_equal(tree_consistency_verify(m, n, s->root[m], s->root[n], &bad), COFRE_EAUTH);
    bad.n -= 2;
    if (proof->n > 0)
        assert_int_equal(tree_consistency_verify(m, n, s->root[m], s->root[n], &bad), COFRE_EAUTH);
}

static void
consistency_proofs_are_those_of_the_definition(void **state)
{
    struct small s;
    struct tree_proof made, slow;

    (void)state;
    small_make(&s);
    for (size_t n = 1; n <= SMALL; n++) {
        s.source.n = n;
        for (size_t m = 1; m <= n; m++) {
            slow.n = 0;
            slow_subproof(s.leaves, m, n, true, &slow);
            assert_int_equal(tree_consistency_make(&s.tree, m, n, &made), COFRE_OK);
            assert_true(proofs_equal(&made, &slow));
            only_this_consistency_holds(&s, m, n, &made);
        }
        assert_int_equal(tree_consistency_make(&s.tree, n + 1, n, &made), COFRE_EINVAL);
        assert_int_equal(tree_consistency_verify(n + 1, n, s.root[0], s.root[n], &made),
                         COFRE_EINVAL);
        assert_int_equal(tree_consistency_make(&s.tree, 0, n, &made), COFRE_OK);
        assert_int_equal(made.n, 0);
        only_this_consistency_holds(&s, 0, n, &made);
    }
    test_free(s.leaves);
}

static void
an_error_of_the_source_is_passed_on(void **state)
{
    struct tlog_source broken = {NULL, SMALL, true};
    const struct tree_source tree = {tlog_node, &broken};
    struct tree_proof proof;
    struct tree_edge edge;
    uint8_t root[HASH_LEN];

    (void)state;
    assert_int_equal(tree_inclusion_make(&tree, 3, 7, &proof), COFRE_EIO);
    assert_int_equal(tree_inclusion_make(&tree, 6, 7, &proof), COFRE_EIO);
    assert_int_equal(tree_consistency_make(&tree, 3, 7, &proof), COFRE_EIO);
    assert_int_equal(tree_consistency_make(&tree, 4, 7, &proof), COFRE_EIO);
    assert_int_equal(tree_root_make(&tree, 7, root), COFRE_EIO);
    assert_int_equal(tree_edge_make(&tree, 7, &edge), COFRE_EIO);
}

/* Sizes near 2^64: nothing may overflow, and no proof of few hashes may pass. */
static void
sizes_of_64_bits_are_counted_right(void **state)
{
    struct tree_proof proof = {.n = 0};
    uint8_t h[HASH_LEN] = {0};

    (void)state;
    for (proof.n = 0; proof.n < TREE_PROOF_MAX; proof.n++) {
        assert_int_equal(tree_inclusion_verify(0, UINT64_MAX, h, h, &proof), COFRE_EAUTH);
        assert_int_equal(tree_inclusion_verify(UINT64_MAX - 1, UINT64_MAX, h, h, &proof),
                         COFRE_EAUTH);
        assert_int_equal(tree_consistency_verify(UINT64_C(1) << 63, UINT64_MAX, h, h, &proof),
                         COFRE_EAUTH);
        assert_int_equal(tree_consistency_verify(UINT64_MAX - 1, UINT64_MAX, h, h, &proof),
                         COFRE_EAUTH);
        assert_int_equal(tree_consistency_verify(1, UINT64_MAX, h, h, &proof), COFRE_EAUTH);
    }
    assert_int_equal(tree_inclusion_verify(UINT64_MAX, UINT64_MAX, h, h, &proof), COFRE_EINVAL);
}

/* ---- known answers ---- */

struct known {
    bool inclusion, valid, odd; /* odd: some hash has not 32 bytes */
    uint64_t a, b;
    uint8_t first[HASH_LEN], root[HASH_LEN];
    struct tree_proof proof;
};

static void
put_hash(struct known *k, struct bytes from, uint8_t *out)
{
    if (from.len == HASH_LEN)
        memcpy(out, from.p, HASH_LEN);
    else
        k->odd = true;
}

static void
put_step(struct known *k, struct bytes from)
{
    assert_true(k->proof.n < TREE_PROOF_MAX);
    put_hash(k, from, k->proof.hash[k->proof.n++]);
}

static void
check_known(const struct known *k, const char *name)
{
    const enum cofre_err err =
        k->inclusion ? tree_inclusion_verify(k->a, k->b, k->first, k->root, &k->proof)
                     : tree_consistency_verify(k->a, k->b, k->first, k->root, &k->proof);

    /* What is not 32 bytes long does not get that far: no reader of ours makes a hash of it. */
    assert_false(k->odd && k->valid);
    if (k->odd)
        return;
    if ((err == COFRE_OK) != k->valid)
        print_error("%.*s\n", (int)strcspn(name, " "), name);
    assert_int_equal(err == COFRE_OK, k->valid);
    assert_true(err == COFRE_OK || err == COFRE_EAUTH || err == COFRE_EINVAL);
}

static void
merkle_case(const struct vector *v)
{
    struct known k = {0};
    struct buf b = BUF_INIT;
    char *step = strdup(vector_text(v, "proof")), *rest = step, *one;

    k.inclusion = vector_is(v, "what", "inclusion");
    k.valid = vector_is(v, "result", "valid");
    k.a = strtoull(vector_text(v, "a"), NULL, 10);
    k.b = strtoull(vector_text(v, "b"), NULL, 10);
    put_hash(&k, vector_bytes(v, "first", &b), k.first);
    put_hash(&k, vector_bytes(v, "root", &b), k.root);
    rest[strcspn(rest, " ")] = '\0';
    for (size_t n = vector_number(v, "count"); n > 0; n--) {
        one = strsep(&rest, ",");
        buf_reset(&b);
        unit_hex(&b, one);
        put_step(&k, buf_bytes(&b));
    }
    check_known(&k, vector_text(v, "id"));
    free(step);
    buf_free(&b);
}

static void
published_proofs_get_their_verdicts(void **state)
{
    (void)state;
    assert_int_equal(vectors_each("merkle.txt", merkle_case), 196);
}

static size_t originals;

static void
put_base64(struct known *k, const json_t *from, uint8_t *out)
{
    struct buf raw = BUF_INIT;

    assert_int_equal(encode_base64_decode(&raw, bytes_str(json_string_value(from))), COFRE_OK);
    put_hash(k, buf_bytes(&raw), out);
    buf_free(&raw);
}

/* One of them is 2^64 - 1, which is no integer to jansson; the others are small. */
static uint64_t
json_size(const json_t *n)
{
    const double real = json_real_value(n);

    return real < 0x1p53 ? (uint64_t)real : UINT64_MAX;
}

static int
original(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    struct known k = {0};
    json_t *root, *step;
    size_t i;

    (void)st;
    (void)where;
    if (kind != FTW_F || strstr(path, ".json") == NULL)
        return 0;
    assert_non_null(root = json_load_file(path, JSON_DECODE_INT_AS_REAL, NULL));
    k.inclusion = json_object_get(root, "leafIdx") != NULL;
    k.valid = json_is_false(json_object_get(root, "wantErr"));
    k.a = json_size(json_object_get(root, k.inclusion ? "leafIdx" : "size1"));
    k.b = json_size(json_object_get(root, k.inclusion ? "treeSize" : "size2"));
    put_base64(&k, json_object_get(root, k.inclusion ? "leafHash" : "root1"), k.first);
    put_base64(&k, json_object_get(root, k.inclusion ? "root" : "root2"), k.root);
    json_array_foreach(json_object_get(root, "proof"), i, step)
    {
        put_base64(&k, step, k.proof.hash[k.proof.n++]);
    }
    if (k.odd)
        k.valid = false;
    check_known(&k, path);
    json_decref(root);
    originals++;
    return 0;
}

static void
the_originals_too_where_they_are_at_hand(void **state)
{
    const char *shared = getenv("COFRE_SHARED");
    char path[4096];

    (void)state;
    if (shared != NULL)
        snprintf(path, sizeof path, "%s/vectors/merkle", shared);
    else
        snprintf(path, sizeof path, "%s/../shared/vectors/merkle", vector_source());
    if (nftw(path, original, 8, FTW_PHYS) != 0)
        skip();
    assert_int_equal(originals, 196);
}

/* ---- the log of 70,000 ---- */

static struct tlog_source tlog;

static void
tlog_case(const struct vector *v)
{
    const struct tree_source tree = {tlog_node, &tlog};
    struct tree_proof made;
    struct buf b = BUF_INIT;
    uint8_t h[HASH_LEN];

    if (vector_is(v, "what", "root")) {
        assert_int_equal(tree_root_make(&tree, vector_number(v, "size"), h), COFRE_OK);
        assert_memory_equal(h, vector_bytes(v, "root", &b).p, HASH_LEN);
    } else if (vector_is(v, "what", "entry")) {
        tree_leaf(vector_bytes(v, "data", &b), h);
        assert_memory_equal(h, tlog.leaves + vector_number(v, "n") * HASH_LEN, HASH_LEN);
        assert_memory_equal(h, vector_bytes(v, "leaf", &b).p, HASH_LEN);
    } else if (vector_is(v, "what", "inclusion") || vector_is(v, "what", "consistency")) {
        assert_int_equal(
            (vector_is(v, "what", "inclusion") ? tree_inclusion_make : tree_consistency_make)(
                &tree, vector_number(v, "a"), vector_number(v, "b"), &made),
            COFRE_OK);
        assert_int_equal(vector_bytes(v, "proof", &b).len, made.n * HASH_LEN);
        if (made.n > 0)
            assert_memory_equal(b.p, made.hash, b.len);
    }
    buf_free(&b);
}

static void
a_foreign_log_has_its_published_roots_and_proofs(void **state)
{
    uint8_t *leaves = tlog_leaves(TLOG_SIZE);

    (void)state;
    tlog = (struct tlog_source){leaves, TLOG_SIZE, false};
    assert_true(vectors_each("tlog-tree.txt", tlog_case) > 40);
    test_free(leaves);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_edge_has_the_root_of_every_size),
        cmocka_unit_test(inclusion_proofs_are_those_of_the_definition),
        cmocka_unit_test(consistency_proofs_are_those_of_the_definition),
        cmocka_unit_test(an_error_of_the_source_is_passed_on),
        cmocka_unit_test(sizes_of_64_bits_are_counted_right),
        cmocka_unit_test(published_proofs_get_their_verdicts),
        cmocka_unit_test(the_originals_too_where_they_are_at_hand),
        cmocka_unit_test(a_foreign_log_has_its_published_roots_and_proofs),
    };

    return cmocka_run_group_tests(tests, unit_setup, NULL);
}
