/*
 * A full disk, as the vault sees it: the journal can be written only with what the reserve gives up.
 *
 * wrap: pwrite posix_fallocate
 */
#include <pthread.h>
#include <sys/stat.h>

#include "vault/space.h"
#include "vault_fixture.h"

/* ---- a disk that is full: the file `reserve` holds all the room that there is ---- */

static const char *_Atomic full; /* the vault's directory */

ssize_t __real_pwrite(int fd, const void *p, size_t len, off_t at);
ssize_t __wrap_pwrite(int fd, const void *p, size_t len, off_t at);
int __real_posix_fallocate(int fd, off_t at, off_t len);
int __wrap_posix_fallocate(int fd, off_t at, off_t len);

static bool
reserve_is_there(const char *dir)
{
    char path[64];
    struct stat st;

    snprintf(path, sizeof path, "%s/reserve", dir);
    return stat(path, &st) == 0;
}

ssize_t
__wrap_pwrite(int fd, const void *p, size_t len, off_t at)
{
    const char *dir = full;
    char link[64];
    char path[512] = "";

    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    if (dir == NULL || !reserve_is_there(dir) || readlink(link, path, sizeof path - 1) <= 0 ||
        strstr(path, "/journal/") == NULL)
        return __real_pwrite(fd, p, len, at);
    errno = ENOSPC;
    return -1;
}

int
__wrap_posix_fallocate(int fd, off_t at, off_t len)
{
    return full != NULL ? ENOSPC : __real_posix_fallocate(fd, at, len);
}

static int
setup(void **state)
{
    full = NULL;
    return vf_setup(state);
}

static int
teardown(void **state)
{
    full = NULL;
    return vf_teardown(state);
}

/* ---- the log ---- */

static enum cofre_err
keep_line(void *ctx, uint64_t seq, struct bytes line)
{
    (void)seq;
    buf_putb(ctx, line);
    return COFRE_OK;
}

/* Is the entry at seq of this act, with or without success? */
static void
assert_entry(struct vf *f, uint64_t seq, const char *act, bool ok)
{
    struct buf line = BUF_INIT;
    char want[64];

    snprintf(want, sizeof want, "\"act\":\"%s\",\"ok\":%s,", act, ok ? "true" : "false");
    OK(log_entries(f->v->log, seq, 1, keep_line, &line, NULL));
    buf_putc(&line, 0);
    if (strstr((const char *)line.p, want) == NULL)
        fail_msg("entry %llu is not %s: %s", (unsigned long long)seq, want, (const char *)line.p);
    buf_free(&line);
}

static uint64_t
log_size(struct vf *f)
{
    struct cofre_vault_stats stats;

    cofre_vault_stats(f->v, &stats);
    return stats.log_size;
}

static enum cofre_outcome
create(struct vf *f, const char *id)
{
    struct cofre_call c;
    enum cofre_outcome out = vf_customer_call(f->v, id, &c);

    cofre_call_free(&c);
    return out;
}

static bool
ready_within(struct vf *f, int ms)
{
    for (; ms > 0; ms -= 20) {
        if (cofre_vault_ready(f->v, NULL))
            return true;
        usleep(20000);
    }
    return false;
}

/* ---- tests ---- */

static void
the_last_entries_come_from_the_reserve(void **state)
{
    struct vf *f = *state;
    struct cofre_why why = {""};
    uint64_t size;

    assert_int_equal(create(f, "1001"), COFRE_OUT_CREATED);
    assert_true(reserve_is_there(f->dir));
    size = log_size(f);
    full = f->dir;
    /* Its row is committed: the entry is owed, and written. */
    assert_int_equal(create(f, "1002"), COFRE_OUT_AUDIT);
    assert_false(reserve_is_there(f->dir));
    assert_int_equal(log_size(f), size + 2);
    assert_entry(f, size, "customer-create", true);
    assert_entry(f, size + 1, "unavailable", false);
    assert_string_equal(cofre_vault_unready(f->v, &why), "disk-full");
    assert_non_null(strstr(why.text, f->dir));
    /* From here on nothing, though a write would go well. */
    assert_int_equal(create(f, "1003"), COFRE_OUT_AUDIT);
    assert_int_equal(log_size(f), size + 2);

    full = NULL;
    assert_true(ready_within(f, 5000)); /* without a call */
    assert_true(reserve_is_there(f->dir));
    assert_entry(f, size + 2, "available", true);
    assert_int_equal(create(f, "1002"), COFRE_OUT_EXISTS);
    assert_int_equal(create(f, "1003"), COFRE_OUT_CREATED);
}

static void
a_call_that_comes_first_brings_it_back(void **state)
{
    struct vf *f = *state;
    uint64_t size = log_size(f);

    full = f->dir;
    assert_int_equal(create(f, "1001"), COFRE_OUT_AUDIT);
    full = NULL;
    assert_int_equal(create(f, "1002"), COFRE_OUT_CREATED);
    assert_entry(f, size + 2, "available", true);
    assert_entry(f, size + 3, "customer-create", true);
}

static void
a_start_without_room_serves_nothing_until_there_is(void **state)
{
    struct vf *f = *state;
    uint64_t size = log_size(f);

    vf_close(f);
    vf_shell("rm $1/reserve", f->dir, "");
    full = f->dir;
    vf_open(f);
    assert_string_equal(cofre_vault_unready(f->v, NULL), "disk-full");
    assert_int_equal(create(f, "1001"), COFRE_OUT_AUDIT);
    assert_int_equal(log_size(f), size);
    full = NULL;
    assert_true(ready_within(f, 5000));
    assert_int_equal(create(f, "1001"), COFRE_OUT_CREATED);
}

static void
a_reserve_of_another_size_is_made_anew(void **state)
{
    struct vf *f = *state;
    char path[64];
    struct stat st;

    snprintf(path, sizeof path, "%s/reserve", f->dir);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(st.st_size, f->v->space.reserve);
    assert_true((uint64_t)st.st_blocks * 512 >= f->v->space.reserve);
    vf_close(f);
    /* Without blocks it holds nothing. */
    vf_shell("truncate -s 0 $1/reserve && truncate -s 16M $1/reserve", f->dir, "");
    f->config.reserve_mib = 2;
    vf_open(f);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, f->v->space.reserve);
    assert_true(f->v->space.reserve <= 2 * 1024 * 1024);
    assert_true((uint64_t)st.st_blocks * 512 >= f->v->space.reserve);
}

static void
a_low_disk_is_not_ready_and_serves(void **state)
{
    struct vf *f = *state;
    struct cofre_why why = {""};

    /* A twentieth of the disk is the most that is asked for. */
    f->v->space.low = UINT64_MAX;
    if (!space_low(f->v, &why))
        return; /* there is that much here */
    assert_string_equal(cofre_vault_unready(f->v, NULL), "disk-low");
    assert_non_null(strstr(why.text, "MiB left at vault-"));
    assert_int_equal(create(f, "1001"), COFRE_OUT_CREATED);
    f->v->space.low = 0;
    assert_true(cofre_vault_ready(f->v, NULL));
}

/* ---- no transaction owes more than the reserve takes ---- */

enum { MANY = 60 };

struct crowd {
    pthread_mutex_t lock;
    pthread_cond_t all;
    int done;
};

static void
one_done(struct cofre_call *c)
{
    struct crowd *crowd = c->user;

    pthread_mutex_lock(&crowd->lock);
    crowd->done++;
    pthread_cond_signal(&crowd->all);
    pthread_mutex_unlock(&crowd->lock);
}

static void
prepare(struct vf *f, struct cofre_call *c, struct crowd *crowd, int i)
{
    struct cofre_customer_in in = {.n_fields = 0};
    char id[24];

    snprintf(id, sizeof id, "crowd-%d", i);
    in.external_id = bytes_str(id);
    vf_call(c, COFRE_ROLE_INGEST, COFRE_ACT_CUSTOMER_CREATE);
    cofre_customer_create(f->v, c, &in);
    assert_true(cofre_call_ok(c));
    c->user = crowd;
    c->done = one_done;
}

static void
what_would_owe_too_much_waits_for_the_next_batch(void **state)
{
    static struct cofre_call calls[MANY];
    struct vf *f = *state;
    struct crowd crowd = {.lock = PTHREAD_MUTEX_INITIALIZER, .all = PTHREAD_COND_INITIALIZER};
    struct cofre_vault_stats before;
    struct cofre_vault_stats after;

    f->v->space.reserve = 4; /* one mutation a transaction */
    cofre_vault_stats(f->v, &before);
    for (int i = 0; i < MANY; i++)
        prepare(f, &calls[i], &crowd, i);
    for (int i = 0; i < MANY; i++)
        cofre_submit(f->v, &calls[i]);
    /* Whatever still waits at the end is done, too. */
    commit_stop(f->v);
    assert_int_equal(crowd.done, MANY);
    cofre_vault_stats(f->v, &after);
    assert_true(after.batches - before.batches >= MANY);
    assert_int_equal(after.mutations - before.mutations, MANY);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(calls[i].outcome, COFRE_OUT_CREATED);
        assert_true(calls[i].recorded);
        /* In the order in which they came. */
        assert_int_equal(calls[i].seq, calls[0].seq + (uint64_t)i);
        cofre_call_free(&calls[i]);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_last_entries_come_from_the_reserve, setup, teardown),
        cmocka_unit_test_setup_teardown(a_call_that_comes_first_brings_it_back, setup, teardown),
        cmocka_unit_test_setup_teardown(a_start_without_room_serves_nothing_until_there_is, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_reserve_of_another_size_is_made_anew, setup, teardown),
        cmocka_unit_test_setup_teardown(a_low_disk_is_not_ready_and_serves, setup, teardown),
        cmocka_unit_test_setup_teardown(what_would_owe_too_much_waits_for_the_next_batch, setup,
                                        teardown),
    };

    oplog_level_set(OPLOG_ERROR);
    return cmocka_run_group_tests(tests, unit_setup, NULL);
}
