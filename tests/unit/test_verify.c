/* timeout: 600 */
/* labels: race */
#include <dirent.h>
#include <errno.h>

#include "audit/verify.h"
#include "sample_log.h"
#include "unit.h"

/* ---- the logs that are tampered with ---- */

/* Small: only partial tiles.  Large: a full tile, a level-1 tile, journal and bundles overlap. */
enum { SMALL = 9, LARGE = 300 };

static struct sample_log small, large;

static int
make_logs(void **state)
{
    if (unit_setup(state) != 0)
        return -1;
    sample_open(&small, 0);
    sample_add(&small, SMALL, true);
    sample_sign(&small);
    sample_open(&large, 0);
    sample_add(&large, 200, true);
    sample_sign(&large); /* leaves partial tiles of an older checkpoint */
    sample_add(&large, LARGE - 200, true);
    sample_sign(&large);
    return 0;
}

static int
remove_logs(void **state)
{
    (void)state;
    sample_close(&small);
    sample_close(&large);
    return 0;
}

static struct verify_report report;
static bool many_threads;

static enum verify_verdict
verify_since(const struct sample_log *s, const struct bytes *since, size_t n_since)
{
    const struct verify_config config = {.dir = s->dir,
                                         .keys = &s->signer.verifier,
                                         .n_keys = 1,
                                         .since = since,
                                         .n_since = n_since};

    const struct verify_config ahead = {.dir = s->dir,
                                        .keys = &s->signer.verifier,
                                        .n_keys = 1,
                                        .since = since,
                                        .n_since = n_since,
                                        .threads = 3};
    struct verify_report other;

    assert_int_equal(verify_log(&config, &report), COFRE_OK);
    /* With bundles loaded ahead, or one after the other: the same is found. */
    if (many_threads) {
        assert_int_equal(verify_log(&ahead, &other), COFRE_OK);
        assert_int_equal(other.verdict, report.verdict);
        assert_string_equal(other.reason, report.reason);
        assert_memory_equal(other.root, report.root, HASH_LEN);
        assert_true(other.bytes == report.bytes && other.last_ts == report.last_ts);
    }
    assert_int_equal(report.verdict == VERIFY_GOOD, report.reason[0] == '\0');
    return report.verdict;
}

static enum verify_verdict
verify(const struct sample_log *s)
{
    return verify_since(s, NULL, 0);
}

/* The verdict is "tampered", and the reason names place. */
#define assert_tampered(log, place)                                                   \
    do {                                                                              \
        if (verify(log) != VERIFY_TAMPERED || strstr(report.reason, (place)) == NULL) \
            print_error("%d: %s\n", (int)report.verdict, report.reason);              \
        assert_int_equal(report.verdict, VERIFY_TAMPERED);                            \
        assert_non_null(strstr(report.reason, (place)));                              \
    } while (0)

#define assert_good(log)                                                 \
    do {                                                                 \
        if (verify(log) != VERIFY_GOOD)                                  \
            print_error("%d: %s\n", (int)report.verdict, report.reason); \
        assert_int_equal(report.verdict, VERIFY_GOOD);                   \
    } while (0)

static struct buf
slurp(const struct sample_log *s, const char *path)
{
    struct buf b = BUF_INIT;

    SAMPLE_MUST(files_read(s->dir, path, BUF_MAX, &b, NULL) == COFRE_OK);
    return b;
}

/* ---- every file below a log ---- */

struct paths {
    char path[64][FILES_PATH_MAX];
    size_t n;
};

static struct paths found;
static size_t root_len;

static int
collect(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st;
    (void)where;
    if (kind == FTW_F)
        snprintf(found.path[found.n++], FILES_PATH_MAX, "%s", path + root_len + 1);
    return 0;
}

static const struct paths *
files_of(const struct sample_log *s)
{
    found.n = 0;
    root_len = strlen(s->path);
    SAMPLE_MUST(nftw(s->path, collect, 16, FTW_PHYS) == 0);
    return &found;
}

/* ---- tests ---- */

static void
a_good_log_is_good(void **state)
{
    (void)state;
    assert_good(&small);
    assert_int_equal(report.size, SMALL);
    assert_int_equal(report.signed_size, SMALL);
    assert_false(report.torn);
    assert_good(&large);
    assert_int_equal(report.size, LARGE);
    assert_int_equal(report.signed_size, LARGE);
    assert_true(report.first_ts == UINT64_C(1780000000000));
    assert_true(report.last_ts == UINT64_C(1780000000000) + 7 * (LARGE - 1));
    assert_int_equal(files_of(&large)->n, 11);
}

/* One bit of each byte, of which one depends on the place; step > 1 for what takes long. */
static void
flip_each(const struct sample_log *s, const char *path, size_t step)
{
    struct buf b = slurp(s, path);
    const int fd = openat(s->dir, path, O_RDWR | O_CLOEXEC);
    uint8_t byte;

    SAMPLE_MUST(fd >= 0);
    for (size_t at = 0; at < b.len; at += step) {
        byte = b.p[at] ^ (uint8_t)(1U << (at / step + at) % 8);
        SAMPLE_MUST(pwrite(fd, &byte, 1, (off_t)at) == 1);
        if (verify(s) != VERIFY_TAMPERED)
            print_error("%s: byte %zu: %d\n", path, at, (int)report.verdict);
        assert_int_equal(report.verdict, VERIFY_TAMPERED);
        SAMPLE_MUST(pwrite(fd, &b.p[at], 1, (off_t)at) == 1);
    }
    close(fd);
    buf_free(&b);
}

static void
every_flipped_byte_of_a_small_log_shows(void **state)
{
    const struct paths *files = files_of(&small);

    (void)state;
    for (size_t i = 0; i < files->n; i++)
        flip_each(&small, files->path[i], 1);
    assert_good(&small);
}

static void
flipped_bytes_all_over_a_larger_log_show(void **state)
{
    const struct paths *files = files_of(&large);

    (void)state;
    for (size_t i = 0; i < files->n; i++) {
        struct buf b = slurp(&large, files->path[i]);
        const size_t step = b.len < 300 ? 1 : b.len < 10000 ? 17 : 331;

        buf_free(&b);
        flip_each(&large, files->path[i], step);
    }
    assert_good(&large);
}

/* Enough full bundles that all slots are in use; damage in one, in two, a gap. */
static void
bundles_that_are_loaded_ahead_are_judged_alike(void **state)
{
    static const char *const damaged[] = {"tile/entries/000", "tile/entries/007",
                                          "tile/entries/019", "tile/0/011"};
    struct sample_log s;
    struct buf b, c;

    (void)state;
    sample_open(&s, 0);
    sample_add(&s, 20 * TILES_WIDTH + 5, true);
    sample_sign(&s);
    many_threads = true;
    assert_good(&s);
    for (size_t i = 0; i < sizeof damaged / sizeof damaged[0]; i++) {
        flip_each(&s, damaged[i], 9973);
        b = slurp(&s, damaged[i]);
        SAMPLE_MUST(unlinkat(s.dir, damaged[i], 0) == 0);
        assert_tampered(&s, damaged[i]);
        sample_write(s.dir, damaged[i], buf_bytes(&b));
        buf_free(&b);
    }
    b = slurp(&s, "tile/entries/003");
    c = slurp(&s, "tile/entries/004");
    sample_write(s.dir, "tile/entries/003", buf_bytes(&c));
    sample_write(s.dir, "tile/entries/004", buf_bytes(&b));
    assert_tampered(&s, "tile/entries/003: entry 768: has another seq");
    sample_write(s.dir, "tile/entries/003", buf_bytes(&b));
    sample_write(s.dir, "tile/entries/004", buf_bytes(&c));
    assert_good(&s);
    many_threads = false;
    buf_free(&b);
    buf_free(&c);
    sample_close(&s);
}

static void
every_bit_of_the_checkpoint_counts(void **state)
{
    struct buf b = slurp(&small, "checkpoint");

    (void)state;
    for (size_t bit = 0; bit < 8 * b.len; bit++) {
        b.p[bit / 8] ^= (uint8_t)(1U << bit % 8);
        sample_write(small.dir, "checkpoint", buf_bytes(&b));
        assert_tampered(&small, "checkpoint");
        b.p[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    sample_write(small.dir, "checkpoint", buf_bytes(&b));
    buf_free(&b);
}

/* The directory of partial tiles goes with the last of them. */
static void
assert_good_without_directory(const struct sample_log *s, const char *path)
{
    char below[FILES_PATH_MAX];

    snprintf(below, sizeof below, "%s", path);
    *strrchr(below, '/') = '\0';
    assert_tampered(s, below);
    SAMPLE_MUST(unlinkat(s->dir, below, AT_REMOVEDIR) == 0);
    assert_good(s);
    SAMPLE_MUST(mkdirat(s->dir, below, 0700) == 0);
}

static void
every_deleted_file_shows(void **state)
{
    const struct sample_log *const logs[] = {&small, &large};
    const struct paths *files;
    struct buf b;

    (void)state;
    for (size_t l = 0; l < 2; l++) {
        files = files_of(logs[l]);
        for (size_t i = 0; i < files->n; i++) {
            /* A partial tile of an older checkpoint may go when it likes. */
            const bool may_go = strstr(files->path[i], ".p/200") != NULL;

            b = slurp(logs[l], files->path[i]);
            SAMPLE_MUST(unlinkat(logs[l]->dir, files->path[i], 0) == 0);
            if (may_go)
                assert_good_without_directory(logs[l], files->path[i]);
            else if (strncmp(files->path[i], "journal/", 8) == 0)
                assert_tampered(logs[l], "journal");
            else
                assert_tampered(logs[l], files->path[i]);
            sample_write(logs[l]->dir, files->path[i], buf_bytes(&b));
            buf_free(&b);
        }
        assert_good(logs[l]);
    }
}

static void
every_shorter_or_longer_file_shows(void **state)
{
    const struct paths *files = files_of(&small);
    struct buf b;

    (void)state;
    for (size_t i = 0; i < files->n; i++) {
        b = slurp(&small, files->path[i]);
        for (size_t len = 0; len < b.len; len++) {
            sample_write(small.dir, files->path[i], (struct bytes){b.p, len});
            if (verify(&small) != VERIFY_TAMPERED)
                print_error("%s cut to %zu\n", files->path[i], len);
            assert_int_equal(report.verdict, VERIFY_TAMPERED);
        }
        /* One more byte may be the beginning of a record that a crash cut; nothing else may. */
        buf_putc(&b, '\n');
        sample_write(small.dir, files->path[i], buf_bytes(&b));
        assert_int_equal(verify(&small), strncmp(files->path[i], "journal/", 8) == 0
                                             ? VERIFY_GOOD
                                             : VERIFY_TAMPERED);
        sample_write(small.dir, files->path[i], (struct bytes){b.p, b.len - 1});
        buf_free(&b);
    }
    assert_good(&small);
}

static void
every_two_files_swapped_show(void **state)
{
    const struct paths *files = files_of(&large);
    struct buf a, b;

    (void)state;
    for (size_t i = 0; i < files->n; i++) {
        for (size_t j = 0; j < i; j++) {
            a = slurp(&large, files->path[i]);
            b = slurp(&large, files->path[j]);
            sample_write(large.dir, files->path[i], buf_bytes(&b));
            sample_write(large.dir, files->path[j], buf_bytes(&a));
            if (!bytes_equal(buf_bytes(&a), buf_bytes(&b)))
                assert_int_equal(verify(&large), VERIFY_TAMPERED);
            sample_write(large.dir, files->path[i], buf_bytes(&a));
            sample_write(large.dir, files->path[j], buf_bytes(&b));
            buf_free(&a);
            buf_free(&b);
        }
    }
    assert_good(&large);
}

/* Copies of good files under names that do not belong; what the report must name. */
static const struct {
    const char *from, *to;
} aliens[] = {
    {"checkpoint", "checkpoint.old"},
    {"checkpoint", ".hidden"},
    {"checkpoint", "tile/checkpoint"},
    {"checkpoint", "tile/tmp"},
    {"keys/vkeys", "keys/vkeys2"},
    {"keys/vkeys", "vkeys"},
    {"keys/vkeys", "keys/seal.1"},
    {"tile/0/000", "tile/0/002"},
    {"tile/0/000", "tile/0/001"},
    {"tile/0/000", "tile/0/0"},
    {"tile/0/000", "tile/0/0000"},
    {"tile/0/000", "tile/0/x000"},
    {"tile/0/000", "tile/00"},
    {"tile/0/000", "tile/8"},
    {"tile/0/000", "tile/1/000"},
    {"tile/0/001.p/44", "tile/0/001.p/45"},
    {"tile/0/001.p/44", "tile/0/001.p/044"},
    {"tile/0/001.p/44", "tile/0/001.p/0"},
    {"tile/0/001.p/44", "tile/0/001.p/256"},
    {"tile/0/001.p/44", "tile/0/001.p/44~"},
    {"tile/0/001.p/44", "tile/1/000.p/2"},
    {"tile/entries/001.p/44", "tile/entries/001.p/45"},
    {"tile/entries/000", "tile/entries/001"},
    {"tile/entries/000", "tile/data"},
    {"journal/00000000000000000000", "journal/00000000000000000001"},
    {"journal/00000000000000000000", "journal/0"},
    {"journal/00000000000000000000", "journal/00000000000000000300.bak"},
};

static void
every_extra_file_shows(void **state)
{
    struct buf b;

    (void)state;
    for (size_t i = 0; i < sizeof aliens / sizeof aliens[0]; i++) {
        b = slurp(&large, aliens[i].from);
        sample_write(large.dir, aliens[i].to, buf_bytes(&b));
        buf_free(&b);
        if (strncmp(aliens[i].to, "journal/", 8) == 0)
            assert_tampered(&large, "journal");
        else
            assert_tampered(&large, aliens[i].to);
        SAMPLE_MUST(unlinkat(large.dir, aliens[i].to, 0) == 0);
    }
    assert_good(&large);
}

static void
directories_links_and_pipes_that_do_not_belong_show(void **state)
{
    static const char *const directories[] = {"tmp",           "tile/2",      "tile/0/x001",
                                              "tile/0/002.p",  "tile/0/00.p", "journal/x",
                                              "tile/0/000.p/1"};

    (void)state;
    for (size_t i = 0; i < sizeof directories / sizeof directories[0]; i++) {
        SAMPLE_MUST(mkdirat(large.dir, directories[i], 0700) == 0);
        assert_tampered(&large, directories[i]);
        SAMPLE_MUST(unlinkat(large.dir, directories[i], AT_REMOVEDIR) == 0);
    }
    SAMPLE_MUST(symlinkat("0/000", large.dir, "tile/link") == 0);
    assert_tampered(&large, "tile/link");
    SAMPLE_MUST(unlinkat(large.dir, "tile/link", 0) == 0);

    /* The right bytes, behind a link, or a pipe in the place of a file. */
    SAMPLE_MUST(renameat(large.dir, "tile/0/000", large.dir, "checkpoint.x") == 0);
    SAMPLE_MUST(symlinkat("../../checkpoint.x", large.dir, "tile/0/000") == 0);
    assert_int_equal(verify(&large), VERIFY_TAMPERED);
    SAMPLE_MUST(unlinkat(large.dir, "tile/0/000", 0) == 0);
    SAMPLE_MUST(mkfifoat(large.dir, "tile/0/000", 0600) == 0);
    assert_int_equal(verify(&large), VERIFY_TAMPERED);
    SAMPLE_MUST(renameat(large.dir, "checkpoint.x", large.dir, "tile/0/000") == 0);
    assert_good(&large);
}

/* A crash leaves directories without tiles, and partial tiles of any size on the way. */
static void
what_a_crash_leaves_is_no_tampering(void **state)
{
    struct buf b = slurp(&large, "tile/0/001.p/44");

    (void)state;
    SAMPLE_MUST(mkdirat(large.dir, "tile/1/000.p", 0700) != 0); /* is there */
    SAMPLE_MUST(mkdirat(large.dir, "tile/0/000.p", 0700) == 0 || errno == EEXIST);
    sample_write(large.dir, "tile/0/000.p/43", (struct bytes){b.p, 0});
    assert_tampered(&large, "tile/0/000.p/43");
    buf_free(&b);
    b = slurp(&large, "tile/0/000");
    sample_write(large.dir, "tile/0/000.p/43", (struct bytes){b.p, 43 * HASH_LEN});
    assert_good(&large); /* beside the full one: not removed yet */
    SAMPLE_MUST(unlinkat(large.dir, "tile/0/000.p/43", 0) == 0);
    buf_free(&b);
}

/* Each journal file begins where the one before it ends. */
static void
journal_files_follow_each_other(void **state)
{
    static const char *const names[] = {"journal/00000000000000000001",
                                        "journal/00000000000000000255",
                                        "journal/00000000000000000299"};
    struct sample_log s;
    struct buf b;

    (void)state;
    sample_open(&s, 0);
    sample_add(&s, 300, true);
    journal_roll(s.journal);
    sample_add(&s, 20, true);
    sample_sign(&s);
    assert_good(&s);
    b = slurp(&s, "journal/00000000000000000300");
    for (size_t i = 0; i < 2 * sizeof names / sizeof *names; i++) {
        sample_write(s.dir, names[i / 2], i % 2 == 0 ? BYTES_LIT("anything") : buf_bytes(&b));
        assert_tampered(&s, names[i / 2]);
        SAMPLE_MUST(unlinkat(s.dir, names[i / 2], 0) == 0);
    }
    assert_good(&s);
    buf_free(&b);
    sample_close(&s);
}

/* Another number in it, of the same tile even, shows. */
static void
each_line_of_the_list_is_bound(void **state)
{
    static const char *const lists[] = {"257\n600\n700\n", "512\n600\n700\n",     "256\n601\n700\n",
                                        "256\n600\n701\n", "600\n700\n",          "256\n600\n",
                                        "256\n700\n",      "256\n600\n700\n720\n"};
    struct sample_log s;

    (void)state;
    sample_open(&s, 0);
    for (size_t i = 0; i < 4; i++) {
        sample_add(&s, (uint64_t[]){310, 190, 100, 100}[i], true);
        sample_sign(&s);
        if (i == 1) /* as the log does when the tile is full */
            SAMPLE_MUST(tiles_drop_partial(s.dir, 0, 0, NULL) == COFRE_OK);
    }
    assert_good(&s);
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        sample_write(s.dir, "partials", bytes_str(lists[i]));
        assert_tampered(&s, "p");
    }
    sample_close(&s);
}

/* Of a checkpoint that was not published yet, or of one that was: that one is listed. */
static void
partial_tiles_are_those_that_are_listed(void **state)
{
    struct sample_log s;
    struct buf b, list;

    (void)state;
    sample_open(&s, 0);
    sample_add(&s, 5, true);
    sample_sign(&s);
    sample_add(&s, 5, true);
    SAMPLE_MUST(tiles_builder_flush(s.builder, NULL) == COFRE_OK);
    assert_good(&s); /* above the checkpoint's size */
    b = slurp(&s, "checkpoint");
    sample_sign(&s);
    sample_write(s.dir, "checkpoint", buf_bytes(&b));
    assert_good(&s); /* the same, listed */
    buf_free(&b);
    sample_sign(&s);
    list = slurp(&s, "partials");
    assert_true(bytes_equal(buf_bytes(&list), BYTES_LIT("5\n10\n")));

    b = slurp(&s, "tile/0/000.p/5");
    SAMPLE_MUST(unlinkat(s.dir, "tile/0/000.p/5", 0) == 0);
    assert_tampered(&s, "tile/0/000.p/5: missing");
    sample_write(s.dir, "tile/0/000.p/5", buf_bytes(&b));
    sample_write(s.dir, "tile/0/000.p/4", (struct bytes){b.p, 4 * HASH_LEN});
    assert_tampered(&s, "tile/0/000.p/4: of no checkpoint that partials lists");
    SAMPLE_MUST(unlinkat(s.dir, "tile/0/000.p/4", 0) == 0);
    sample_write(s.dir, "partials", BYTES_LIT("10\n"));
    assert_tampered(&s, "000.p/5: of no checkpoint that partials lists");
    sample_write(s.dir, "partials", BYTES_LIT("5\n7\n10\n"));
    assert_tampered(&s, "000.p/7: missing");
    sample_write(s.dir, "partials", BYTES_LIT("10\n5\n"));
    assert_tampered(&s, "partials: not a list of sizes");
    sample_write(s.dir, "partials", buf_bytes(&list));
    assert_good(&s);
    SAMPLE_MUST(unlinkat(s.dir, "partials", 0) == 0);
    assert_tampered(&s, "partials: missing");
    buf_free(&b);
    buf_free(&list);
    sample_close(&s);
}

/* The builder is behind: entries in the journal alone, and tiles that no checkpoint covers yet. */
static void
entries_after_the_checkpoint_are_chained_but_not_signed(void **state)
{
    struct sample_log s;

    (void)state;
    sample_open(&s, 0);
    sample_add(&s, 10, true);
    sample_sign(&s);
    sample_add(&s, 600, true);
    assert_good(&s);
    assert_int_equal(report.signed_size, 10);
    assert_int_equal(report.size, 610);
    SAMPLE_MUST(unlinkat(s.dir, "tile/0/001", 0) == 0); /* not written yet, as it were */
    assert_good(&s);
    SAMPLE_MUST(unlinkat(s.dir, "tile/entries/001", 0) == 0);
    assert_good(&s);
    flip_each(&s, "tile/0/000", 509);
    flip_each(&s, "tile/entries/000", 10007);
    flip_each(&s, "journal/00000000000000000000", 20011);
    sample_close(&s);
}

static void
a_torn_last_record_is_good_with_a_note(void **state)
{
    static const uint8_t record[] = {0x10, 0, 0, 0, 0xef, 0xff, 0xff, 0xff, '{', '"'};
    const char *path = "journal/00000000000000000000";
    struct buf b = slurp(&small, path);
    const size_t whole = b.len;

    (void)state;
    buf_put(&b, record, sizeof record);
    for (size_t len = 1; len <= sizeof record; len++) {
        sample_write(small.dir, path, (struct bytes){b.p, whole + len});
        assert_good(&small);
        assert_true(report.torn);
    }
    b.p[whole + 1] ^= 1; /* no longer the beginning of a record */
    sample_write(small.dir, path, buf_bytes(&b));
    assert_tampered(&small, "journal");
    sample_write(small.dir, path, (struct bytes){b.p, whole});
    assert_good(&small);
    assert_false(report.torn);
    buf_free(&b);
}

/* ---- kept checkpoints ---- */

static void
kept_checkpoints_show_rollback_and_forks(void **state)
{
    struct sample_log s, fork;
    struct buf kept[5];
    struct bytes since[5];

    (void)state;
    sample_open(&s, 0);
    sample_sign(&s); /* of nothing */
    kept[0] = slurp(&s, "checkpoint");
    sample_add(&s, 5, true);
    sample_sign(&s);
    kept[1] = slurp(&s, "checkpoint");
    sample_add(&s, 300, true);
    sample_sign(&s);
    kept[2] = slurp(&s, "checkpoint");

    sample_open(&fork, 1); /* the same key, and other entries */
    sample_add(&fork, 5, true);
    sample_sign(&fork);
    kept[3] = slurp(&fork, "checkpoint");
    sample_add(&fork, 400, true);
    sample_sign(&fork);
    kept[4] = slurp(&fork, "checkpoint");
    for (size_t i = 0; i < 5; i++)
        since[i] = buf_bytes(&kept[i]);

    assert_int_equal(verify_since(&s, since, 3), VERIFY_GOOD);
    assert_int_equal(verify_since(&s, since + 3, 1), VERIFY_FORKED);      /* no prefix */
    assert_int_equal(verify_since(&s, since + 4, 1), VERIFY_ROLLED_BACK); /* longer */
    assert_int_equal(verify_since(&s, since, 5), VERIFY_FORKED);          /* 3 goes before 2 */
    sample_add(&fork, 0, true);

    /* The same size, another root. */
    sample_write(s.dir, "checkpoint", since[1]);
    assert_int_equal(verify_since(&s, since + 1, 1), VERIFY_GOOD);
    assert_int_equal(report.size, 305);
    assert_int_equal(verify_since(&s, since + 3, 1), VERIFY_FORKED);
    /* The journal still has them, and yet the checkpoint that was published is gone. */
    assert_int_equal(verify_since(&s, since + 2, 1), VERIFY_ROLLED_BACK);
    sample_write(s.dir, "checkpoint", since[2]);

    /* 1 goes before 3. */
    sample_write(s.dir, "extra", since[0]);
    assert_int_equal(verify_since(&s, since, 5), VERIFY_TAMPERED);
    SAMPLE_MUST(unlinkat(s.dir, "extra", 0) == 0);

    /* What is no checkpoint of this log's key says nothing. */
    kept[1].p[kept[1].len - 5] ^= 1;
    assert_int_equal(verify_since(&s, since + 1, 1), VERIFY_UNREADABLE);
    for (size_t i = 0; i < 5; i++)
        buf_free(&kept[i]);
    sample_close(&s);
    sample_close(&fork);
}

static void
an_older_copy_of_the_whole_log_is_rolled_back(void **state)
{
    struct buf checkpoint = slurp(&large, "checkpoint");
    const struct bytes kept = buf_bytes(&checkpoint);

    (void)state;
    assert_int_equal(verify_since(&small, &kept, 1), VERIFY_ROLLED_BACK);
    buf_free(&checkpoint);
}

/* ---- entries that are wrong although everything was made anew around them ---- */

/* A log of n entries of which entry `at` is changed; hashes, tiles and signature are right. */
static void
with_changed_line(struct sample_log *s, uint64_t n, uint64_t at, void (*change)(struct buf *line))
{
    struct buf line = BUF_INIT;

    sample_open(s, 0);
    for (uint64_t i = 0; i < n; i++) {
        line.len = 0;
        sample_entry(s, &line);
        if (i == at)
            change(&line);
        tree_leaf(buf_bytes(&line), s->prev);
        journal_record(&s->batch, buf_bytes(&line), s->prev);
        SAMPLE_MUST(tiles_builder_add(s->builder, buf_bytes(&line), s->prev, NULL) == COFRE_OK);
        s->size++;
    }
    SAMPLE_MUST(journal_append(s->journal, 0, buf_bytes(&s->batch), NULL) == COFRE_OK);
    sample_sign(s);
    buf_free(&line);
}

static void
not_change(struct buf *line)
{
    (void)line;
}

static void
other_prev(struct buf *line)
{
    line->p[ENTRY_PREV_AT] = line->p[ENTRY_PREV_AT] == '0' ? '1' : '0';
}

static void
other_seq(struct buf *line)
{
    uint8_t *seq = memmem(line->p, line->len, "\"seq\":", 6);

    assert_non_null(seq);
    seq[6] = seq[6] == '7' ? '8' : '7';
}

static void
other_form(struct buf *line)
{
    line->p[line->len - 1] = ' ';
}

static void
a_signer_cannot_make_a_wrong_entry_right(void **state)
{
    static const struct {
        void (*change)(struct buf *line);
        const char *reason; /* NULL: good */
    } rows[] = {{not_change, NULL},
                {other_prev, "its prev"},
                {other_seq, "has another seq"},
                {other_form, "not in an entry's form"}};
    /* In the journal alone; the first, a middle and the last one of a full bundle. */
    static const struct {
        uint64_t n, at;
    } places[] = {{3, 1}, {3, 0}, {512, 256}, {512, 300}, {512, 255}};
    struct sample_log s;
    char entry[32];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (size_t p = 0; p < sizeof places / sizeof places[0]; p++) {
            with_changed_line(&s, places[p].n, places[p].at, rows[i].change);
            snprintf(entry, sizeof entry, "entry %" PRIu64 ":", places[p].at);
            if (rows[i].reason != NULL) {
                assert_tampered(&s, rows[i].reason);
                assert_non_null(strstr(report.reason, entry));
            } else {
                assert_good(&s);
            }
            sample_close(&s);
        }
    }
}

/* The journal's records, whole and with right hashes, but not those of the log. */
static void
write_journal(struct sample_log *s, uint64_t n, uint64_t changed)
{
    struct sample_log other;
    struct buf line = BUF_INIT;
    uint8_t leaf[HASH_LEN];

    memset(&other, 0, sizeof other);
    tree_empty(other.prev);
    for (other.size = 0; other.size < n; other.size++) {
        other.salt = other.size == changed;
        line.len = 0;
        sample_entry(&other, &line);
        other.salt = 0;
        tree_leaf(buf_bytes(&line), leaf);
        journal_record(&other.batch, buf_bytes(&line), leaf);
        if (other.size == changed) { /* what follows is chained to the true one */
            line.len = 0;
            sample_entry(&other, &line);
            tree_leaf(buf_bytes(&line), leaf);
        }
        memcpy(other.prev, leaf, HASH_LEN);
    }
    sample_write(s->dir, "journal/00000000000000000000", buf_bytes(&other.batch));
    buf_free(&other.batch);
    buf_free(&line);
}

static void
a_journal_that_is_not_that_of_the_bundles_shows(void **state)
{
    struct sample_log s;

    (void)state;
    sample_open(&s, 0);
    sample_add(&s, 300, true);
    sample_sign(&s);
    write_journal(&s, 300, UINT64_MAX);
    assert_good(&s);
    write_journal(&s, 300, 17);
    assert_tampered(&s, "entry 17: the journal and the bundle differ");
    write_journal(&s, 300, 255);
    assert_tampered(&s, "entry 255: the journal and the bundle differ");
    write_journal(&s, 299, UINT64_MAX);
    assert_tampered(&s, "entry 299: missing");
    write_journal(&s, 256, UINT64_MAX);
    assert_tampered(&s, "entry 256: missing");
    write_journal(&s, 200, UINT64_MAX);
    assert_tampered(&s, "journal: ends at entry 200");
    sample_close(&s);

    /* Everything is in bundles; the journal must reach as far nonetheless. */
    sample_open(&s, 0);
    sample_add(&s, 256, true);
    sample_sign(&s);
    assert_good(&s);
    write_journal(&s, 255, UINT64_MAX);
    assert_tampered(&s, "journal: ends at entry 255");
    sample_close(&s);
}

static void
bytes_after_the_last_entry_of_a_bundle_show(void **state)
{
    struct buf b = slurp(&large, "tile/entries/000");

    (void)state;
    buf_putc(&b, '\0');
    sample_write(large.dir, "tile/entries/000", buf_bytes(&b));
    assert_tampered(&large, "tile/entries/000: entry 255: more bytes follow it");
    sample_write(large.dir, "tile/entries/000", (struct bytes){b.p, b.len - 1});
    assert_good(&large);
    buf_free(&b);
}

static void
a_signed_root_that_is_not_that_of_the_entries_shows(void **state)
{
    const uint8_t root[HASH_LEN] = {1};
    struct buf right = slurp(&small, "checkpoint"), wrong = BUF_INIT;

    (void)state;
    checkpoint_sign(&wrong, &small.signer, SMALL, root);
    sample_write(small.dir, "checkpoint", buf_bytes(&wrong));
    assert_tampered(&small, "checkpoint: its root");
    sample_write(small.dir, "checkpoint", buf_bytes(&right));
    assert_good(&small);
    buf_free(&right);
    buf_free(&wrong);
}

static void
another_key_does_not_verify_it(void **state)
{
    const uint8_t seed[NOTE_SEED] = {9};
    struct note_signer other;
    struct verify_config config = {.dir = small.dir, .keys = &other.verifier, .n_keys = 1};
    struct buf vkey = BUF_INIT, right = slurp(&small, "keys/vkeys");

    (void)state;
    SAMPLE_MUST(note_signer_init(&other, SAMPLE_ORIGIN, seed) == COFRE_OK);
    assert_int_equal(verify_log(&config, &report), COFRE_OK);
    assert_int_equal(report.verdict, VERIFY_TAMPERED);

    /* A second key in keys/vkeys has nothing that makes it one of the log's. */
    buf_putb(&vkey, buf_bytes(&right));
    note_vkey_put(&vkey, &other.verifier);
    buf_putc(&vkey, '\n');
    sample_write(small.dir, "keys/vkeys", buf_bytes(&vkey));
    assert_tampered(&small, "keys/seal.1: missing");
    sample_write(small.dir, "keys/vkeys", buf_bytes(&right));
    note_signer_free(&other);
    buf_free(&vkey);
    buf_free(&right);
}

static void
an_empty_log_and_an_empty_directory(void **state)
{
    struct sample_log s;

    (void)state;
    sample_open(&s, 0);
    assert_tampered(&s, "checkpoint");
    sample_sign(&s);
    assert_good(&s);
    assert_int_equal(report.size, 0);
    sample_close(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_log_is_good),
        cmocka_unit_test(every_flipped_byte_of_a_small_log_shows),
        cmocka_unit_test(flipped_bytes_all_over_a_larger_log_show),
        cmocka_unit_test(bundles_that_are_loaded_ahead_are_judged_alike),
        cmocka_unit_test(every_bit_of_the_checkpoint_counts),
        cmocka_unit_test(every_deleted_file_shows),
        cmocka_unit_test(every_shorter_or_longer_file_shows),
        cmocka_unit_test(every_two_files_swapped_show),
        cmocka_unit_test(every_extra_file_shows),
        cmocka_unit_test(directories_links_and_pipes_that_do_not_belong_show),
        cmocka_unit_test(what_a_crash_leaves_is_no_tampering),
        cmocka_unit_test(journal_files_follow_each_other),
        cmocka_unit_test(each_line_of_the_list_is_bound),
        cmocka_unit_test(partial_tiles_are_those_that_are_listed),
        cmocka_unit_test(entries_after_the_checkpoint_are_chained_but_not_signed),
        cmocka_unit_test(a_torn_last_record_is_good_with_a_note),
        cmocka_unit_test(kept_checkpoints_show_rollback_and_forks),
        cmocka_unit_test(an_older_copy_of_the_whole_log_is_rolled_back),
        cmocka_unit_test(a_signer_cannot_make_a_wrong_entry_right),
        cmocka_unit_test(a_journal_that_is_not_that_of_the_bundles_shows),
        cmocka_unit_test(bytes_after_the_last_entry_of_a_bundle_show),
        cmocka_unit_test(a_signed_root_that_is_not_that_of_the_entries_shows),
        cmocka_unit_test(another_key_does_not_verify_it),
        cmocka_unit_test(an_empty_log_and_an_empty_directory),
    };

    return cmocka_run_group_tests(tests, make_logs, remove_logs);
}
