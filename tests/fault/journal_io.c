/*
 * A write, a cut or a sync that fails: after it nothing is half done, and the log opens again with
 * exactly the entries that were acknowledged.
 *
 * wrap: pwrite fdatasync ftruncate
 */
#include "../unit/audit_dir.h"

#include "audit/journal.h"
#include "audit/verify.h"

ssize_t __real_pwrite(int fd, const void *p, size_t n, off_t at);
int __real_fdatasync(int fd);
int __real_ftruncate(int fd, off_t len);
ssize_t __wrap_pwrite(int fd, const void *p, size_t n, off_t at);
int __wrap_fdatasync(int fd);
int __wrap_ftruncate(int fd, off_t len);

/* What the next calls do; only journal.c makes these calls. */
static struct {
    int write_error;    /* of the next pwrite that is not short; 0: none */
    size_t short_write; /* bytes that go through before that */
    int sync_error;     /* of every fdatasync while it is set */
    int truncate_error;
    unsigned syncs; /* calls */
} fault;

ssize_t
__wrap_pwrite(int fd, const void *p, size_t n, off_t at)
{
    size_t part = fault.short_write;

    if (fault.write_error == 0)
        return __real_pwrite(fd, p, n, at);
    if (part > 0) {
        fault.short_write = 0;
        return __real_pwrite(fd, p, part < n ? part : n, at);
    }
    errno = fault.write_error;
    fault.write_error = 0;
    return -1;
}

int
__wrap_fdatasync(int fd)
{
    fault.syncs++;
    if (fault.sync_error == 0)
        return __real_fdatasync(fd);
    errno = fault.sync_error;
    return -1;
}

int
__wrap_ftruncate(int fd, off_t len)
{
    if (fault.truncate_error == 0)
        return __real_ftruncate(fd, len);
    errno = fault.truncate_error;
    return -1;
}

static struct audit_dir d;
static struct log *l;

static int
setup(void **state)
{
    (void)state;
    memset(&fault, 0, sizeof fault);
    audit_dir_make(&d);
    assert_int_equal(log_create(&d.config, NULL), COFRE_OK);
    l = audit_dir_open(&d);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    audit_dir_remove(&d);
    return 0;
}

static void
stage(uint64_t n)
{
    uint8_t leaf[HASH_LEN];
    struct bytes line;
    struct entry e;

    for (uint64_t i = 0; i < n; i++) {
        e = audit_dir_entry(i);
        assert_int_equal(log_stage(l, &e, leaf, &line), COFRE_OK);
    }
}

static void
commit(uint64_t n)
{
    stage(n);
    assert_int_equal(log_commit(l, NULL), COFRE_OK);
}

static off_t
journal_bytes(void)
{
    struct stat st;

    assert_int_equal(fstatat(d.dir, "journal/00000000000000000000", &st, 0), 0);
    return st.st_size;
}

static uint64_t
size_now(void)
{
    struct log_head head;

    log_head(l, &head);
    return head.size;
}

static void
assert_good(uint64_t signed_size, uint64_t size)
{
    struct verify_config config = {.dir = d.dir, .keys = &d.signer.verifier, .n_keys = 1};
    struct verify_report report;

    assert_int_equal(verify_log(&config, &report), COFRE_OK);
    if (report.verdict != VERIFY_GOOD)
        fail_msg("verify: %s", report.reason);
    assert_int_equal(report.signed_size, signed_size);
    assert_int_equal(report.size, size);
}

/* Opens again: exactly size entries, and it goes on from there. */
static void
reopen(uint64_t size)
{
    memset(&fault, 0, sizeof fault);
    l = audit_dir_open(&d);
    assert_int_equal(size_now(), size);
    commit(3);
    audit_dir_close(l);
    assert_good(size + 3, size + 3);
}

static void
a_full_disk_leaves_the_log_as_it_was(void **state)
{
    static const struct {
        int error;
        size_t part;
        enum cofre_err err;
    } rows[] = {{ENOSPC, 0, COFRE_ENOSPC}, {ENOSPC, 1, COFRE_ENOSPC}, {EDQUOT, 100, COFRE_ENOSPC},
                {EIO, 0, COFRE_EIO},       {EIO, 700, COFRE_EIO},     {EFBIG, 9, COFRE_EIO}};
    struct cofre_why why;
    off_t before;

    (void)state;
    commit(10);
    before = journal_bytes();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fault.write_error = rows[i].error;
        fault.short_write = rows[i].part;
        why.text[0] = 0;
        stage(5);
        assert_int_equal(log_commit(l, &why), rows[i].err);
        assert_true(why.text[0] != 0);
        assert_false(log_dead(l));
        assert_int_equal(size_now(), 10);
        assert_int_equal(journal_bytes(), before);
        log_unstage(l);
    }
    /* There is room again, for other entries than those that failed. */
    commit(1);
    audit_dir_close(l);
    assert_good(11, 11);
    reopen(11);
}

static void
what_failed_can_be_committed_again(void **state)
{
    (void)state;
    commit(2);
    stage(4);
    fault.write_error = ENOSPC;
    fault.short_write = 50;
    assert_int_equal(log_commit(l, NULL), COFRE_ENOSPC);
    assert_int_equal(log_commit(l, NULL), COFRE_OK);
    assert_int_equal(size_now(), 6);
    audit_dir_close(l);
    reopen(6);
}

static void
an_interrupted_write_goes_on(void **state)
{
    (void)state;
    fault.write_error = EINTR;
    fault.short_write = 33;
    commit(5);
    audit_dir_close(l);
    reopen(5);
}

static void
a_failed_fdatasync_is_never_tried_again(void **state)
{
    struct cofre_why why = {""};
    unsigned syncs;

    (void)state;
    commit(10);
    fault.sync_error = EIO;
    stage(5);
    assert_int_equal(log_commit(l, &why), COFRE_ESTOPPED);
    assert_non_null(strstr(why.text, "fdatasync"));
    assert_true(log_dead(l));
    assert_int_equal(size_now(), 10);
    syncs = fault.syncs;
    fault.sync_error = 0; /* it would succeed now, and lie */
    assert_int_equal(log_commit(l, NULL), COFRE_ESTOPPED);
    log_unstage(l);
    stage(1);
    assert_int_equal(log_commit(l, NULL), COFRE_ESTOPPED);
    assert_int_equal(fault.syncs, syncs);
    assert_int_equal(log_close(l, NULL), COFRE_ESTOPPED);
    /* The five may be there or not: here they are, whole, since only the sync failed. */
    reopen(15);
}

static void
a_write_that_cannot_be_undone_stops_the_log(void **state)
{
    struct cofre_why why = {""};

    (void)state;
    commit(10);
    stage(5);
    fault.write_error = ENOSPC;
    fault.short_write = 60;
    fault.truncate_error = EIO;
    assert_int_equal(log_commit(l, &why), COFRE_ESTOPPED);
    assert_non_null(strstr(why.text, "undo"));
    assert_true(log_dead(l));
    assert_int_equal(log_close(l, NULL), COFRE_ESTOPPED);
    reopen(10); /* half of a record: torn, and cut off */
}

static void
a_file_system_that_became_read_only_stops_the_log(void **state)
{
    struct cofre_why why = {""};

    (void)state;
    commit(10);
    stage(5);
    fault.write_error = EROFS; /* once: a cut would go through, and the next write */
    assert_int_equal(log_commit(l, &why), COFRE_ESTOPPED);
    assert_non_null(strstr(why.text, "write: Read-only file system"));
    assert_true(log_dead(l));
    assert_int_equal(log_close(l, NULL), COFRE_ESTOPPED);
    reopen(10);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_full_disk_leaves_the_log_as_it_was),
        TEST(what_failed_can_be_committed_again),
        TEST(an_interrupted_write_goes_on),
        TEST(a_failed_fdatasync_is_never_tried_again),
        TEST(a_write_that_cannot_be_undone_stops_the_log),
        TEST(a_file_system_that_became_read_only_stops_the_log),
    };

    return cmocka_run_group_tests(tests, unit_setup, NULL);
}
