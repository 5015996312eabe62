/* wrap: write renameat linkat */
#include "audit_dir.h"

#include "audit/partials.h"
#include "audit/tiles_edge.h"
#include "audit/verify.h"

static struct audit_dir d;

/* ---- a disk that lies or fails, below files whose path has a word in it ---- */

static const char *_Atomic flip_in;        /* the next write there is stored with another bit */
static const char *fail_rename_to; /* the next rename to this name fails */

static unsigned fail_link; /* so many links from now on fails; 0: none */

ssize_t __real_write(int fd, const void *p, size_t len);
ssize_t __wrap_write(int fd, const void *p, size_t len);
int __real_renameat(int a, const char *from, int b, const char *to);
int __wrap_renameat(int a, const char *from, int b, const char *to);
int __real_linkat(int a, const char *from, int b, const char *to, int flags);
int __wrap_linkat(int a, const char *from, int b, const char *to, int flags);

ssize_t
__wrap_write(int fd, const void *p, size_t len)
{
    char link[64], path[4096];
    uint8_t *copy;
    ssize_t n;

    if (flip_in == NULL || len == 0)
        return __real_write(fd, p, len);
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    n = readlink(link, path, sizeof path - 1);
    path[n > 0 ? n : 0] = '\0';
    if (strstr(path, flip_in) == NULL)
        return __real_write(fd, p, len);
    flip_in = NULL;
    assert_non_null(copy = malloc(len));
    memcpy(copy, p, len);
    copy[len / 2] ^= 4;
    n = __real_write(fd, copy, len);
    free(copy);
    return n;
}

int
__wrap_renameat(int a, const char *from, int b, const char *to)
{
    if (fail_rename_to != NULL && strcmp(to, fail_rename_to) == 0) {
        fail_rename_to = NULL;
        errno = EIO;
        return -1;
    }
    return __real_renameat(a, from, b, to);
}

int
__wrap_linkat(int a, const char *from, int b, const char *to, int flags)
{
    if (fail_link > 0 && --fail_link == 0) {
        errno = EIO;
        return -1;
    }
    return __real_linkat(a, from, b, to, flags);
}

/* ---- a log ---- */

static int
setup(void **state)
{
    (void)state;
    audit_dir_make(&d);
    d.config.checkpoint_ms = 3600 * 1000; /* only those that are asked for, and the last one */
    assert_int_equal(log_create(&d.config, NULL), COFRE_OK);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    flip_in = NULL;
    fail_rename_to = NULL;
    fail_link = 0;
    audit_dir_remove(&d);
    return 0;
}

static void
append(struct log *l, uint64_t n)
{
    uint8_t leaf[HASH_LEN];
    struct log_head head;
    struct bytes line;
    struct entry e;

    for (; n > 0; n--) {
        log_staged_head(l, &head);
        e = audit_dir_entry(head.size);
        assert_int_equal(log_stage(l, &e, leaf, &line), COFRE_OK);
    }
    assert_int_equal(log_commit(l, NULL), COFRE_OK);
}

static enum cofre_err
try_to_sign(struct log *l, struct cofre_why *why)
{
    struct buf text = BUF_INIT;
    struct log_head head;
    enum cofre_err err;

    log_head(l, &head);
    err = log_checkpoint(l, head.size, &text, why);
    buf_free(&text);
    return err;
}

/* Appends up to a size, and signs there. */
static void
sign_at(struct log *l, uint64_t size)
{
    struct cofre_why why = {""};
    struct log_head head;

    log_head(l, &head);
    append(l, size - head.size);
    if (try_to_sign(l, &why) != COFRE_OK)
        fail_msg("log_checkpoint: %s", why.text);
}

static void
assert_good(void)
{
    struct verify_config config = {.dir = d.dir, .keys = &d.signer.verifier, .n_keys = 1};
    struct verify_report report;

    assert_int_equal(verify_log(&config, &report), COFRE_OK);
    if (report.verdict != VERIFY_GOOD)
        fail_msg("verify: %s", report.reason);
}

static void
assert_listed(const char *text)
{
    struct buf file = audit_dir_read(&d, "partials");

    buf_putc(&file, '\0');
    assert_string_equal(file.p, text);
    buf_free(&file);
}

/* ---- which sizes are listed ---- */

static bool
is_listed(const struct partials *p, uint64_t size)
{
    for (size_t i = 0; i < p->n; i++) {
        if (p->size[i] == size)
            return true;
    }
    return false;
}

/* The slow way: every partial tile of every size so far that is not full at the newest. */
static void
assert_just_what_is_needed(const struct partials *p, const uint64_t *sizes, size_t n)
{
    const uint64_t newest = sizes[n - 1];

    for (size_t i = 0; i < n; i++) {
        for (int level = TILES_ENTRIES; level < TILES_LEVELS; level++) {
            const struct tiles_name name = tiles_edge_last(level, sizes[i]);
            const bool full = name.index < tiles_edge_last(level, newest).index;

            if (name.width > 0 && !full)
                assert_true(partials_has(p, &name));
        }
    }
    for (size_t i = 0; i < p->n; i++) {
        const uint64_t next = i + 1 < p->n ? p->size[i + 1] : UINT64_MAX;
        bool alone = false;

        assert_true(i == 0 || p->size[i] > p->size[i - 1]);
        for (int level = 0; level < TILES_LEVELS; level++) {
            const struct tiles_name name = tiles_edge_last(level, p->size[i]);

            alone =
                alone || (name.width > 0 && name.index == tiles_edge_last(level, newest).index &&
                          tiles_edge_hashes(level, p->size[i]) != tiles_edge_hashes(level, next));
        }
        assert_true(alone);
    }
}

static void
listed_are_just_the_sizes_that_partial_tiles_need(void **state)
{
    static uint64_t sizes[20000];
    static struct partials p, again;
    struct buf text = BUF_INIT;
    uint64_t size = 0;
    size_t most = 0;

    (void)state;
    p.n = 0;
    srand(1);
    for (size_t n = 0; n < sizeof sizes / sizeof *sizes; n++) {
        size += 1 + (uint64_t)rand() % (n < 15000 ? 20 : 2000);
        sizes[n] = size;
        partials_add(&p, size);
        partials_add(&p, size);
        most = p.n > most ? p.n : most;
        if (n % 97 == 0 || n < 300)
            assert_just_what_is_needed(&p, sizes, n + 1);
    }
    assert_true(most > 255 && most <= PARTIALS_SIZES);
    assert_true(is_listed(&p, size));
    partials_put(&text, &p);
    assert_true(text.len <= PARTIALS_MAX);
    assert_int_equal(partials_parse(buf_bytes(&text), &again), COFRE_OK);
    assert_int_equal(again.n, p.n);
    assert_memory_equal(again.size, p.size, p.n * sizeof *p.size);
    buf_free(&text);
}

/* The worst case: every size at which a tile of some level gets one more hash. */
static void
there_is_always_room(void **state)
{
    static struct partials p;

    (void)state;
    p.n = 0;
    for (int level = TILES_LEVELS - 1; level >= 0; level--) {
        for (unsigned w = 1; w < TILES_WIDTH; w++) {
            const uint64_t above = p.n > 0 ? p.size[p.n - 1] >> (8 * level) << (8 * level) : 0;

            partials_add(&p, above + (UINT64_C(1) << (8 * level)));
        }
    }
    /* The first of a level takes over what the last of the level above needed. */
    assert_int_equal(p.n, PARTIALS_SIZES - (TILES_LEVELS - 1));
    partials_add(&p, p.size[p.n - 1] + 1);
    assert_true(p.n < PARTIALS_SIZES);
}

static void
only_the_one_form_is_read(void **state)
{
    static const struct {
        const char *text;
        enum cofre_err err;
    } rows[] = {
        {"", COFRE_OK},
        {"1\n", COFRE_OK},
        {"1\n2\n18446744073709551615\n", COFRE_OK},
        {"1", COFRE_EFORMAT},
        {"\n", COFRE_EFORMAT},
        {"0\n", COFRE_EFORMAT},
        {"01\n", COFRE_EFORMAT},
        {"2\n1\n", COFRE_EFORMAT},
        {"2\n2\n", COFRE_EFORMAT},
        {"2 \n", COFRE_EFORMAT},
        {"1\n\n", COFRE_EFORMAT},
        {"18446744073709551616\n", COFRE_EFORMAT},
    };
    static struct partials p;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        p.n = 7;
        if (partials_parse(bytes_str(rows[i].text), &p) != rows[i].err)
            fail_msg("row %zu", i);
        assert_true(rows[i].err == COFRE_OK || p.n == 0);
    }
}

/* ---- the file beside the tiles ---- */

static void
each_checkpoint_lists_its_size_until_the_tile_is_full(void **state)
{
    struct log *l = audit_dir_open(&d);

    (void)state;
    assert_listed("");
    sign_at(l, 3);
    assert_listed("3\n");
    sign_at(l, 200);
    assert_listed("3\n200\n");
    sign_at(l, 256);
    assert_listed("256\n");
    sign_at(l, 300);
    sign_at(l, 310);
    assert_listed("300\n310\n"); /* the one hash of level 1 is needed by these, too */
    assert_int_equal(log_close(l, NULL), COFRE_OK);
    assert_good();
    l = audit_dir_open(&d);
    sign_at(l, 600);
    assert_listed("256\n600\n"); /* the smallest that needs the same */
    assert_int_equal(log_close(l, NULL), COFRE_OK);
    assert_good();
}

static void
a_missing_partial_tile_of_an_older_checkpoint_is_refused(void **state)
{
    struct cofre_why why = {""};
    struct log *l = audit_dir_open(&d);

    (void)state;
    sign_at(l, 3);
    sign_at(l, 9);
    assert_int_equal(log_close(l, NULL), COFRE_OK);
    assert_int_equal(unlinkat(d.dir, "tile/entries/000.p/3", 0), 0);
    assert_int_equal(log_open(&d.config, &l, &why), COFRE_EINTEGRITY);
    assert_string_equal(why.text,
                        "tile/entries/000.p/3: missing; the checkpoint of 3 entries needed it");
}

static void
a_list_that_is_not_one_is_refused(void **state)
{
    static const char *const texts[] = {"3", "9\n3\n", "3\n10\n", "3\n9\nx\n"};
    struct log *l = audit_dir_open(&d);

    (void)state;
    sign_at(l, 3);
    sign_at(l, 9);
    assert_int_equal(log_close(l, NULL), COFRE_OK);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct cofre_why why = {""};

        audit_dir_write(&d, "partials", bytes_str(texts[i]));
        assert_int_equal(log_open(&d.config, &l, &why), COFRE_EINTEGRITY);
        assert_non_null(strstr(why.text, "partials"));
    }
}

static void
a_log_without_the_list_gets_it_from_its_tiles(void **state)
{
    struct log *l = audit_dir_open(&d);

    (void)state;
    sign_at(l, 100);
    sign_at(l, 300);
    sign_at(l, 310);
    sign_at(l, 600);
    sign_at(l, 700);
    assert_int_equal(log_close(l, NULL), COFRE_OK);
    assert_listed("256\n600\n700\n");
    assert_int_equal(unlinkat(d.dir, "partials", 0), 0);
    l = audit_dir_open(&d);
    assert_listed("256\n600\n700\n");
    assert_int_equal(log_close(l, NULL), COFRE_OK);
    assert_good();
    l = audit_dir_open(&d);
    sign_at(l, 701);
    assert_listed("256\n600\n700\n701\n");
    assert_int_equal(log_close(l, NULL), COFRE_OK);
    assert_good();
}

static void
a_checkpoint_that_was_not_published_leaves_nothing_unlisted(void **state)
{
    static const struct {
        const char *rename; /* what fails */
        unsigned link;
        bool stays; /* the partial tile of that size, as it is listed */
    } rows[] = {{"partials", 0, true}, {"checkpoint", 0, true}, {NULL, 2, false}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct log *l = audit_dir_open(&d);

        sign_at(l, 10);
        append(l, 1);
        fail_rename_to = rows[i].rename;
        fail_link = rows[i].link;
        assert_int_equal(try_to_sign(l, NULL), COFRE_EIO);
        assert_true(audit_dir_has(&d, "tile/entries/000.p/11"));
        assert_good(); /* as a crash would leave it */
        append(l, 1);
        sign_at(l, 12);
        assert_int_equal(audit_dir_has(&d, "tile/entries/000.p/11"), rows[i].stays);
        assert_listed(rows[i].stays ? "10\n11\n12\n" : "10\n12\n");
        assert_int_equal(log_close(l, NULL), COFRE_OK);
        assert_good();
        teardown(NULL);
        setup(NULL);
    }
}

/* The process is killed between the tiles and the list, or between the list and the checkpoint. */
static void
a_crash_before_the_checkpoint_leaves_nothing_unlisted(void **state)
{
    static const char *const lists[] = {"10\n", "10\n11\n", "10\n11\n"};

    (void)state;
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        struct log *l = audit_dir_open(&d);
        struct buf checkpoint;

        sign_at(l, 10);
        checkpoint = audit_dir_read(&d, "checkpoint");
        sign_at(l, 11);
        assert_int_equal(log_close(l, NULL), COFRE_OK);
        audit_dir_write(&d, "checkpoint", buf_bytes(&checkpoint));
        audit_dir_write(&d, "partials", bytes_str(lists[i]));
        if (i == 2) { /* an error came, and they were removed, but not listed anew */
            assert_int_equal(unlinkat(d.dir, "tile/0/000.p/11", 0), 0);
            assert_int_equal(unlinkat(d.dir, "tile/entries/000.p/11", 0), 0);
        }
        assert_good();
        l = audit_dir_open(&d);
        append(l, 1);
        sign_at(l, 12);
        assert_int_equal(log_close(l, NULL), COFRE_OK);
        /* The start may have signed at 11 once more before 12 was there. */
        assert_listed(audit_dir_has(&d, "tile/0/000.p/11") ? "10\n11\n12\n" : "10\n12\n");
        assert_good();
        buf_free(&checkpoint);
        teardown(NULL);
        setup(NULL);
    }
}

/* ---- what was stored is looked at before it is signed ---- */

static void
a_bit_that_flips_in_a_new_tile_stops_the_log(void **state)
{
    static const struct {
        const char *path;
        uint64_t entries;
        const char *told;
    } rows[] = {
        {"tile/entries", 300, "entries from 0 on: tile/entries/000: byte "},
        {"tile/0", 300, "tile/0/000: byte 4096 is not what was written"},
        {"tile/1", 300, "tile/1/000.p/1: byte 16 is not what was written"},
        {"tile/entries/000.p", 20, "entries from 0 on: tile/entries/000.p/20: byte "},
        {"tile/0/000.p", 20, "tile/0/000.p/20: byte 320 is not what was written"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct cofre_why why = {""};
        struct log *l = audit_dir_open(&d);
        struct log_head head;

        append(l, rows[i].entries);
        flip_in = rows[i].path;
        assert_int_equal(try_to_sign(l, &why), COFRE_ESTOPPED);
        assert_null(flip_in);
        if (strncmp(why.text, rows[i].told, strlen(rows[i].told)) != 0)
            fail_msg("row %zu: %s", i, why.text);
        assert_true(log_dead(l));
        assert_int_equal(log_close(l, NULL), COFRE_EINTEGRITY);

        /* Nothing of it has a name: the next start writes it again, and signs. */
        l = audit_dir_open(&d);
        log_head(l, &head);
        assert_int_equal(head.size, rows[i].entries);
        assert_int_equal(try_to_sign(l, NULL), COFRE_OK);
        assert_int_equal(log_close(l, NULL), COFRE_OK);
        assert_good();
        teardown(NULL);
        setup(NULL);
    }
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(listed_are_just_the_sizes_that_partial_tiles_need),
        cmocka_unit_test(there_is_always_room),
        cmocka_unit_test(only_the_one_form_is_read),
        TEST(each_checkpoint_lists_its_size_until_the_tile_is_full),
        TEST(a_missing_partial_tile_of_an_older_checkpoint_is_refused),
        TEST(a_list_that_is_not_one_is_refused),
        TEST(a_log_without_the_list_gets_it_from_its_tiles),
        TEST(a_checkpoint_that_was_not_published_leaves_nothing_unlisted),
        TEST(a_crash_before_the_checkpoint_leaves_nothing_unlisted),
        TEST(a_bit_that_flips_in_a_new_tile_stops_the_log),
    };

    return cmocka_run_group_tests(tests, unit_setup, NULL);
}
