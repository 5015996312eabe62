/* timeout: 600 */
#include "audit/tiles_edge.h"
#include "sample_log.h"
#include "tlog_log.h"
#include "vectors.h"

/* ---- names ---- */

static const struct {
    struct tiles_name name;
    const char *path;
} good_names[] = {
    {{TILES_ENTRIES, 0, 256}, "tile/entries/000"},
    {{TILES_ENTRIES, 273, 112}, "tile/entries/273.p/112"},
    {{0, 5, 1}, "tile/0/005.p/1"},
    {{0, 999, 255}, "tile/0/999.p/255"},
    {{0, 1000, 256}, "tile/0/x001/000"},
    {{1, 123456, 256}, "tile/1/x123/456"},
    {{7, 1234067, 8}, "tile/7/x001/x234/067.p/8"},
    {{0, 1000000, 256}, "tile/0/x001/x000/000"},
    {{TILES_ENTRIES, UINT64_MAX / 256, 255}, "tile/entries/x072/x057/x594/x037/x927/935.p/255"},
};

static void
a_name_and_its_path_are_one(void **state)
{
    char path[TILES_PATH_MAX];
    struct tiles_name parsed;

    (void)state;
    for (size_t i = 0; i < sizeof good_names / sizeof good_names[0]; i++) {
        tiles_path(&good_names[i].name, path);
        assert_string_equal(path, good_names[i].path);
        assert_int_equal(tiles_path_parse(bytes_str(path), &parsed), COFRE_OK);
        assert_int_equal(parsed.level, good_names[i].name.level);
        assert_true(parsed.index == good_names[i].name.index);
        assert_int_equal(parsed.width, good_names[i].name.width);
    }
}

static void
other_spellings_are_no_path(void **state)
{
    static const char *const bad[] = {
        "",
        "tile",
        "tile/",
        "tile/0",
        "tile/0/",
        "tile/0/00",
        "tile/0/0000",
        "tile/0/0",
        "tile/00/000",
        "tile/8/000",
        "tile/-1/000",
        "tile/64/000",
        "/tile/0/000",
        "tile//0/000",
        "tile/0//000",
        "tile/0/000/",
        "tile/0/000.p",
        "tile/0/000.p/",
        "tile/0/000.p/0",
        "tile/0/000.p/01",
        "tile/0/000.p/256",
        "tile/0/000.p/999",
        "tile/0/000.p/1000",
        "tile/0/000.p/1/",
        "tile/0/000.p/1 ",
        "tile/0/x000/000",
        "tile/0/x001",
        "tile/0/x001/",
        "tile/0/x01/000",
        "tile/0/001/000",
        "tile/0/x001/x002",
        "tile/0/X001/000",
        "tile/data/000",
        "tile/Entries/000",
        "tile/entries/000.P/1",
        "tile/entries",
        "tile/0/+01",
        "tile/0/0 1",
        "tile/0/x001/x00/000",
        "tiles/0/000",
        "tile/0/x072/x057/x594/x037/x927/936", /* its leaves have no index of 64 bits */
        "tile/0/x999/x999/x999/x999/x999/x999/999"};
    struct tiles_name parsed;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (tiles_path_parse(bytes_str(bad[i]), &parsed) != COFRE_EFORMAT)
            print_error("%s\n", bad[i]);
        assert_int_equal(tiles_path_parse(bytes_str(bad[i]), &parsed), COFRE_EFORMAT);
    }
    assert_int_equal(tiles_path_parse((struct bytes){(const uint8_t *)"tile/0/000\0", 11}, &parsed),
                     COFRE_EFORMAT);
}

static void
npath_case(const struct vector *v)
{
    struct tiles_name name = {0, 0, TILES_WIDTH};
    char path[TILES_PATH_MAX];

    if (!vector_is(v, "what", "npath"))
        return;
    name.index = vector_number(v, "n");
    tiles_path(&name, path);
    assert_true(vector_is(v, "path", path + strlen("tile/0/")));
}

static void
published_paths(void **state)
{
    (void)state;
    assert_true(vectors_each("tlog-tree.txt", npath_case) > 0);
}

/* ---- files ---- */

static struct sample_log s; /* only as a directory */

static int
make_directory(void **state)
{
    if (unit_setup(state) != 0)
        return -1;
    sample_open(&s, 0);
    return 0;
}

static int
remove_directory(void **state)
{
    (void)state;
    sample_close(&s);
    return 0;
}

static void
a_tile_is_written_once(void **state)
{
    const struct tiles_name name = {2, 1234, 2};
    uint8_t hashes[2 * HASH_LEN] = {1, 2, 3};
    struct cofre_why why = {""};
    struct buf back = BUF_INIT;

    (void)state;
    assert_int_equal(tiles_read(s.dir, &name, &back, &why), COFRE_ENOENT);
    assert_int_equal(tiles_write(s.dir, &name, BYTES_OF(hashes), NULL), COFRE_OK);
    assert_int_equal(tiles_read(s.dir, &name, &back, NULL), COFRE_OK);
    assert_true(bytes_equal(buf_bytes(&back), BYTES_OF(hashes)));
    assert_int_equal(tiles_write(s.dir, &name, BYTES_OF(hashes), NULL), COFRE_OK);
    hashes[5] ^= 1;
    why.text[0] = '\0';
    assert_int_equal(tiles_write(s.dir, &name, BYTES_OF(hashes), &why), COFRE_EINTEGRITY);
    assert_non_null(strstr(why.text, "tile/2/x001/234.p/2"));
    assert_int_equal(tiles_write(s.dir, &name, (struct bytes){hashes, 31}, NULL), COFRE_EINTEGRITY);
    hashes[5] ^= 1;
    assert_int_equal(tiles_read(s.dir, &name, &back, NULL), COFRE_OK);
    assert_true(bytes_equal(buf_bytes(&back), BYTES_OF(hashes)));
    buf_free(&back);
}

static void
partial_tiles_are_dropped_together(void **state)
{
    struct tiles_name name = {3, 7, 1};
    const uint8_t hashes[9 * HASH_LEN] = {0};
    struct buf back = BUF_INIT;

    (void)state;
    assert_int_equal(tiles_drop_partial(s.dir, 3, 7, NULL), COFRE_OK);
    for (name.width = 1; name.width < 10; name.width++)
        assert_int_equal(
            tiles_write(s.dir, &name, (struct bytes){hashes, name.width * HASH_LEN}, NULL),
            COFRE_OK);
    assert_int_equal(tiles_drop_partial(s.dir, 3, 7, NULL), COFRE_OK);
    for (name.width = 1; name.width < 10; name.width++)
        assert_int_equal(tiles_read(s.dir, &name, &back, NULL), COFRE_ENOENT);
    assert_int_equal(faccessat(s.dir, "tile/3/007.p", F_OK, 0), -1);
    buf_free(&back);
}

static void
a_file_of_another_length_is_no_tile(void **state)
{
    const struct tiles_name name = {4, 0, 3};
    const uint8_t zeros[4 * HASH_LEN] = {0};
    struct buf back = BUF_INIT;

    (void)state;
    SAMPLE_MUST(files_put(s.dir, "tile/4/000.p/3", (struct bytes){zeros, 3 * HASH_LEN}, NULL) ==
                COFRE_OK);
    for (size_t len = 0; len <= sizeof zeros; len++) {
        sample_write(s.dir, "tile/4/000.p/3", (struct bytes){zeros, len});
        assert_int_equal(tiles_read(s.dir, &name, &back, NULL),
                         len == 3 * HASH_LEN ? COFRE_OK : COFRE_EFORMAT);
    }
    buf_free(&back);
}

static void
bundles_are_cut_where_their_lengths_say(void **state)
{
    static const uint8_t bundle[] = {0, 2, 'a', 'b', 0, 0, 1, 0};
    struct bytes exact, entry;

    (void)state;
    exact = unit_exact(BYTES_OF(bundle));
    assert_int_equal(tiles_bundle_entry(exact, 0, &entry), COFRE_OK);
    assert_true(bytes_equal(entry, BYTES_LIT("ab")));
    assert_int_equal(tiles_bundle_entry(exact, 1, &entry), COFRE_OK);
    assert_int_equal(entry.len, 0);
    assert_int_equal(tiles_bundle_entry(exact, 2, &entry), COFRE_EFORMAT); /* says 256 bytes */
    assert_int_equal(tiles_bundle_entry(exact, 3, &entry), COFRE_EFORMAT);
    unit_exact_free(exact);
    for (size_t len = 0; len < 4; len++) {
        exact = unit_exact((struct bytes){bundle, len});
        assert_int_equal(tiles_bundle_entry(exact, 0, &entry), COFRE_EFORMAT);
        unit_exact_free(exact);
    }
}

/* ---- builder and source, on the log of 70,000 ---- */

static struct sample_log tlog;

static void
file_case(const struct vector *v)
{
    struct buf b = BUF_INIT, want = BUF_INIT;
    uint8_t h[HASH_LEN];
    char *path;

    if (!vector_is(v, "what", "file"))
        return;
    path = strndup(vector_text(v, "path"), strcspn(vector_text(v, "path"), " "));
    assert_int_equal(files_read(tlog.dir, path, BUF_MAX, &b, NULL), COFRE_OK);
    assert_int_equal(b.len, vector_number(v, "size"));
    hash_of(buf_bytes(&b), h);
    assert_true(bytes_equal(vector_bytes(v, "sha256", &want), BYTES_OF(h)));
    free(path);
    buf_free(&b);
    buf_free(&want);
}

static void
proof_case(const struct vector *v)
{
    const bool inclusion = vector_is(v, "what", "inclusion");
    struct tiles_source *source;
    struct tree_source tree;
    struct tree_proof made;
    struct buf b = BUF_INIT;
    uint8_t root[HASH_LEN];

    if (!inclusion && !vector_is(v, "what", "consistency"))
        return;
    /* Some of these sizes never had a checkpoint: a wider tile serves. */
    assert_int_equal(tiles_source_new(tlog.dir, vector_number(v, "b"), &source), COFRE_OK);
    tree = tiles_source_tree(source);
    assert_int_equal((inclusion ? tree_inclusion_make : tree_consistency_make)(
                         &tree, vector_number(v, "a"), vector_number(v, "b"), &made),
                     COFRE_OK);
    assert_int_equal(vector_bytes(v, "proof", &b).len, made.n * HASH_LEN);
    if (made.n > 0)
        assert_memory_equal(b.p, made.hash, b.len);
    assert_int_equal(tree_root_make(&tree, vector_number(v, "b"), root), COFRE_OK);
    tiles_source_free(source);
    buf_free(&b);
}

static void
a_foreign_log_has_its_published_tiles_and_proofs(void **state)
{
    char text[TLOG_ENTRY];
    uint8_t leaf[HASH_LEN], root[HASH_LEN];
    struct tiles_builder *again = NULL;
    struct tiles_source *source;
    struct tree_source tree;
    uint64_t size;

    (void)state;
    sample_open(&tlog, 0);
    for (uint64_t i = 0; i < TLOG_SIZE; i++) {
        const struct bytes entry = tlog_entry(i, text);

        tree_leaf(entry, leaf);
        assert_int_equal(tiles_builder_add(tlog.builder, entry, leaf, NULL), COFRE_OK);
    }
    assert_int_equal(tiles_builder_flush(tlog.builder, NULL), COFRE_OK);
    assert_true(vectors_each("tlog-tree.txt", file_case) > 0);
    assert_true(vectors_each("tlog-tree.txt", proof_case) > 0);

    /* Another builder goes on where this one stands. */
    tiles_builder_root(tlog.builder, &size, root);
    assert_int_equal(size, TLOG_SIZE);
    assert_int_equal(tiles_source_new(tlog.dir, size, &source), COFRE_OK);
    tree = tiles_source_tree(source);
    assert_int_equal(tree_root_make(&tree, size, leaf), COFRE_OK);
    assert_memory_equal(leaf, root, HASH_LEN);
    tiles_source_free(source);
    {
        uint8_t *leaves = tlog_leaves(TLOG_SIZE);
        uint8_t *tail = leaves + (TLOG_SIZE - TLOG_SIZE % 256) * HASH_LEN;

        assert_int_equal(tiles_builder_new(tlog.dir, size, tail, &again, NULL), COFRE_OK);
        tiles_builder_root(again, &size, leaf);
        assert_memory_equal(leaf, root, HASH_LEN);
        assert_int_equal(tiles_builder_flush(again, NULL), COFRE_OK); /* the same bytes */
        tiles_builder_free(again);
        tail[0] ^= 1;
        assert_int_equal(tiles_builder_new(tlog.dir, size, tail, &again, NULL), COFRE_EINTEGRITY);
        assert_null(again);
        test_free(leaves);
    }
    sample_close(&tlog);
}

static void
the_root_of_every_size_is_that_of_the_edge(void **state)
{
    struct sample_log log;
    struct tree_edge edge;
    uint8_t leaf[HASH_LEN], root[HASH_LEN], other[HASH_LEN];
    char text[TLOG_ENTRY];
    uint64_t size;

    (void)state;
    sample_open(&log, 0);
    tree_edge_init(&edge);
    for (uint64_t i = 0; i < 800; i++) {
        tiles_builder_root(log.builder, &size, root);
        tree_edge_root(&edge, other);
        assert_int_equal(size, i);
        assert_memory_equal(root, other, HASH_LEN);
        tree_leaf(tlog_entry(i, text), leaf);
        assert_int_equal(tiles_builder_add(log.builder, tlog_entry(i, text), leaf, NULL), COFRE_OK);
        tree_edge_append(&edge, leaf);
    }
    sample_close(&log);
}

/* A full disk, or here a tile in the way: the add fails, and can be tried again. */
static void
an_add_that_failed_can_be_repeated(void **state)
{
    static const char *const paths[] = {"tile/entries/000", "tile/0/000"};
    struct sample_log log;
    uint8_t leaf[HASH_LEN], root[HASH_LEN], other[HASH_LEN];
    struct tree_edge edge;
    char text[TLOG_ENTRY];
    uint64_t size;

    (void)state;
    for (size_t p = 0; p < 2; p++) {
        sample_open(&log, 0);
        tree_edge_init(&edge);
        SAMPLE_MUST(files_put(log.dir, paths[p], BYTES_LIT("x"), NULL) == COFRE_OK);
        for (uint64_t i = 0; i < 256; i++) {
            const struct bytes entry = tlog_entry(i, text);

            tree_leaf(entry, leaf);
            tree_edge_append(&edge, leaf);
            if (i == 255) {
                assert_int_equal(tiles_builder_add(log.builder, entry, leaf, NULL),
                                 COFRE_EINTEGRITY);
                SAMPLE_MUST(unlinkat(log.dir, paths[p], 0) == 0);
            }
            assert_int_equal(tiles_builder_add(log.builder, entry, leaf, NULL), COFRE_OK);
        }
        tiles_builder_root(log.builder, &size, root);
        tree_edge_root(&edge, other);
        assert_int_equal(size, 256);
        assert_memory_equal(root, other, HASH_LEN);
        sample_close(&log);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_and_its_path_are_one),
        cmocka_unit_test(other_spellings_are_no_path),
        cmocka_unit_test(published_paths),
        cmocka_unit_test(a_tile_is_written_once),
        cmocka_unit_test(partial_tiles_are_dropped_together),
        cmocka_unit_test(a_file_of_another_length_is_no_tile),
        cmocka_unit_test(bundles_are_cut_where_their_lengths_say),
        cmocka_unit_test(a_foreign_log_has_its_published_tiles_and_proofs),
        cmocka_unit_test(the_root_of_every_size_is_that_of_the_edge),
        cmocka_unit_test(an_add_that_failed_can_be_repeated),
    };

    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
