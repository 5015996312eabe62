/*
 * The committer: many callers at once, and what happens when the disk refuses.
 *
 * wrap: pwrite pwrite64 fdatasync fsync
 */
#include <pthread.h>

#include "vault_fixture.h"

/* ---- disks that fail: writes to files whose path holds `where`; SQLite calls pwrite64 ---- */

static const char *_Atomic where;
static atomic_int write_error;
static atomic_int sync_error;

ssize_t __real_pwrite(int fd, const void *p, size_t len, off_t at);
ssize_t __wrap_pwrite(int fd, const void *p, size_t len, off_t at);
ssize_t __real_pwrite64(int fd, const void *p, size_t len, off_t at);
ssize_t __wrap_pwrite64(int fd, const void *p, size_t len, off_t at);
int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);
int __real_fsync(int fd);
int __wrap_fsync(int fd);

static bool
is_there(int fd)
{
    const char *want = where;
    char link[64];
    char path[512] = "";

    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    return want != NULL && readlink(link, path, sizeof path - 1) > 0 && strstr(path, want) != NULL;
}

ssize_t
__wrap_pwrite(int fd, const void *p, size_t len, off_t at)
{
    if (write_error == 0 || !is_there(fd))
        return __real_pwrite(fd, p, len, at);
    errno = write_error;
    return -1;
}

ssize_t
__wrap_pwrite64(int fd, const void *p, size_t len, off_t at)
{
    if (write_error == 0 || !is_there(fd))
        return __real_pwrite64(fd, p, len, at);
    errno = write_error;
    return -1;
}

int
__wrap_fdatasync(int fd)
{
    if (sync_error == 0 || !is_there(fd))
        return __real_fdatasync(fd);
    errno = sync_error;
    return -1;
}

int
__wrap_fsync(int fd)
{
    if (sync_error == 0 || !is_there(fd))
        return __real_fsync(fd);
    errno = sync_error;
    return -1;
}

static void
disk_fails(const char *path, int writes, int syncs)
{
    where = path;
    write_error = writes;
    sync_error = syncs;
}

/* ---- many at once ---- */

enum { THREADS = 8, CALLS = 40 };

struct receipt {
    bool recorded;
    uint64_t seq;
    uint8_t leaf[HASH_LEN];
};

struct caller {
    struct cofre_vault *v;
    unsigned n;
    struct receipt got[CALLS];
};

static void *
call_many(void *arg)
{
    struct caller *me = arg;

    for (unsigned i = 0; i < CALLS; i++) {
        struct cofre_call c;
        char name[32];

        snprintf(name, sizeof name, "%u-%u", me->n, i / 4 * 4);
        if (i % 4 == 0 || i % 4 == 3) { /* the second is refused: it is there already */
            (void)vf_customer_call(me->v, name, &c);
        } else {
            vf_call(&c, i % 4 == 1 ? COFRE_ROLE_ADMIN : COFRE_ROLE_CRM, COFRE_ACT_STATUS);
            cofre_admin_status(me->v, &c);
            (void)vf_submit(me->v, &c);
        }
        me->got[i] = (struct receipt){.recorded = c.recorded, .seq = c.seq};
        memcpy(me->got[i].leaf, c.leaf, HASH_LEN);
        cofre_call_free(&c);
    }
    return NULL;
}

static void
every_call_is_recorded_once_at_its_place(void **state)
{
    static struct caller callers[THREADS];
    struct vf *f = *state;
    pthread_t threads[THREADS];
    bool *taken = calloc(THREADS * CALLS + 1, sizeof *taken);
    uint64_t first = vf_size(f->v);
    struct cofre_vault_stats stats;

    for (unsigned i = 0; i < THREADS; i++) {
        callers[i].v = f->v;
        callers[i].n = i;
        assert_int_equal(pthread_create(&threads[i], NULL, call_many, &callers[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(vf_size(f->v), first + THREADS * CALLS);
    for (unsigned i = 0; i < THREADS; i++) {
        for (unsigned k = 0; k < CALLS; k++) {
            const struct receipt *r = &callers[i].got[k];
            struct buf line;
            uint8_t leaf[HASH_LEN];

            assert_true(r->recorded && r->seq >= first && r->seq < first + THREADS * CALLS);
            assert_false(taken[r->seq - first]);
            taken[r->seq - first] = true;
            line = vf_entry(f->v, r->seq);
            tree_leaf((struct bytes){line.p, line.len - 1}, leaf);
            assert_memory_equal(leaf, r->leaf, HASH_LEN);
            buf_free(&line);
        }
    }
    free(taken);
    cofre_vault_stats(f->v, &stats);
    assert_int_equal(stats.mutations, THREADS * CALLS / 4);
    assert_int_equal(stats.entries, THREADS * CALLS);
    assert_int_equal(stats.queued, 0);
    vf_close(f);
    vf_verify(f);
    vf_open(f);
}

/* ---- the log refuses ---- */

static void
render(struct cofre_call *c)
{
    buf_puts(&c->body, cofre_outcome(c->outcome)->code);
}

/* A read of all records, which must bring nothing but the refusal. */
static void
assert_nothing_leaves(struct cofre_vault *v)
{
    const struct cofre_page page = {.limit = 10};
    struct cofre_call c;

    vf_call(&c, COFRE_ROLE_CRM, COFRE_ACT_VIEW_RECORDS);
    strcpy(c.actor.view, "loyalty");
    c.render = render;
    cofre_view_records(v, &c, BYTES_LIT("loyalty"), &page);
    assert_non_null(memmem(c.body.p, c.body.len, "ps_", 3));
    assert_int_equal(vf_submit(v, &c), COFRE_OUT_AUDIT);
    assert_false(c.recorded);
    assert_string_equal(vf_body(&c), "audit-unavailable");
    /* Wiped, not only cut. */
    assert_null(memmem(c.body.p, c.body.cap, "ps_", 3));
    cofre_call_free(&c);
}

static void
a_journal_that_was_moved_away_stops_everything(void **state)
{
    struct vf *f = *state;
    struct cofre_why why = {""};
    struct cofre_call c;
    char id[128];

    vf_customer(f->v, "1001", id);
    assert_int_equal(vf_apply(f->v, vf_view, false), COFRE_OUT_OK);
    vf_shell("rm $1/audit/journal/*", f->dir, "");
    assert_nothing_leaves(f->v);
    assert_int_equal(vf_customer_call(f->v, "1002", &c), COFRE_OUT_AUDIT);
    assert_int_equal(c.body.len, 0);
    cofre_call_free(&c);
    assert_int_equal(vf_consent(f->v, id, "withdrawn"), COFRE_OUT_AUDIT);
    assert_nothing_leaves(f->v); /* 1 record still: nothing was committed either */
    assert_false(cofre_vault_ready(f->v, &why));
    assert_non_null(strstr(why.text, "audit log"));
    assert_int_not_equal(cofre_vault_close(f->v, NULL), COFRE_OK);
    f->v = NULL;
}

static void
a_full_disk_leaves_entries_owing_and_the_next_batch_pays(void **state)
{
    struct vf *f = *state;
    struct cofre_call c;
    struct buf entry;
    uint64_t size;
    char id[128];

    vf_customer(f->v, "1001", id);
    assert_int_equal(vf_apply(f->v, vf_view, false), COFRE_OUT_OK);
    size = vf_size(f->v);
    disk_fails("/journal/", ENOSPC, 0);
    assert_int_equal(vf_customer_call(f->v, "1002", &c), COFRE_OUT_AUDIT);
    assert_false(c.recorded);
    cofre_call_free(&c);
    assert_nothing_leaves(f->v);
    assert_int_equal(vf_customer_call(f->v, "1003", &c), COFRE_OUT_AUDIT);
    cofre_call_free(&c);
    assert_int_equal(vf_size(f->v), size);

    disk_fails(NULL, 0, 0);
    assert_int_equal(vf_customer_call(f->v, "1002", &c), COFRE_OUT_EXISTS); /* it was committed */
    cofre_call_free(&c);
    assert_int_equal(vf_size(f->v), size + 3);
    entry = vf_entry(f->v, size);
    assert_non_null(strstr((char *)entry.p, "\"act\":\"customer-create\",\"ok\":true"));
    buf_free(&entry);
    entry = vf_entry(f->v, size + 1);
    assert_non_null(strstr((char *)entry.p, "\"act\":\"available\",\"ok\":true"));
    buf_free(&entry);
    vf_customer(f->v, "1003", id); /* and this one was not */
    vf_close(f);
    vf_verify(f);
    vf_open(f);
}

static void
issue(struct cofre_vault *v, char token[static 128], char id[static 128])
{
    const struct cofre_token_in in = {
        .role = BYTES_LIT("ingest"), .name = BYTES_LIT("shop"), .ttl_s = 3600};
    struct cofre_call c;

    vf_call(&c, COFRE_ROLE_ADMIN, COFRE_ACT_TOKEN_ISSUE);
    cofre_token_issue(v, &c, &in);
    assert_int_equal(vf_submit(v, &c), COFRE_OUT_OK);
    vf_member(vf_body(&c), "token", token);
    vf_member(vf_body(&c), "id", id);
    cofre_call_free(&c);
}

static enum cofre_outcome
revoke_token(struct cofre_vault *v, const char *id)
{
    struct cofre_call c;
    enum cofre_outcome out;

    vf_call(&c, COFRE_ROLE_ADMIN, COFRE_ACT_TOKEN_REVOKE);
    cofre_token_revoke(v, &c, bytes_str(id));
    out = vf_submit(v, &c);
    cofre_call_free(&c);
    return out;
}

static void
a_revocation_that_is_owed_holds_once_it_is_paid(void **state)
{
    struct vf *f = *state;
    struct cofre_actor actor;
    struct cofre_call c;
    char token[128];
    char id[128];

    issue(f->v, token, id);
    OK(cofre_vault_authenticate(f->v, bytes_str(token), &actor));
    disk_fails("/journal/", ENOSPC, 0);
    assert_int_equal(revoke_token(f->v, id), COFRE_OUT_AUDIT);
    disk_fails(NULL, 0, 0);
    vf_call(&c, COFRE_ROLE_ADMIN, COFRE_ACT_STATUS);
    cofre_admin_status(f->v, &c);
    assert_int_equal(vf_submit(f->v, &c), COFRE_OUT_OK);
    cofre_call_free(&c);
    assert_int_equal(cofre_vault_authenticate(f->v, bytes_str(token), &actor), COFRE_EAUTH);
}

/* The batch that pays already goes by what was owed: no links for a view that is gone. */
static void
a_drop_that_is_owed_holds_in_the_batch_that_pays(void **state)
{
    const struct store_scope scope = {.view = 1, .epoch = 1, .purpose = 1, .without_row = true};
    struct vf *f = *state;
    struct store_conn *conn;
    struct cofre_call c;
    uint64_t n = 0;
    char id[128];

    vf_customer(f->v, "1001", id);
    assert_int_equal(vf_apply(f->v, vf_view, false), COFRE_OUT_OK);
    OK(store_snapshot(f->v->store, &conn, NULL));
    OK(store_member_count(conn, &scope, &n));
    store_snapshot_end(conn);
    assert_int_equal(n, 1);
    vf_call(&c, COFRE_ROLE_ADMIN, COFRE_ACT_VIEW_DROP);
    cofre_view_drop(f->v, &c, BYTES_LIT("loyalty"));
    disk_fails("/journal/", ENOSPC, 0);
    assert_int_equal(vf_submit(f->v, &c), COFRE_OUT_AUDIT);
    disk_fails(NULL, 0, 0);
    cofre_call_free(&c);
    vf_customer(f->v, "1002", id);
    OK(store_snapshot(f->v->store, &conn, NULL));
    OK(store_member_count(conn, &scope, &n));
    store_snapshot_end(conn);
    assert_int_equal(n, 0);
}

/* Nobody can say whether the rows are there: the log must not go on, and the next start finds out. */
static void
a_commit_that_fails_in_the_middle_stops_everything_until_the_next_start(void **state)
{
    struct vf *f = *state;
    struct cofre_call c;
    char id[128];
    uint64_t size;

    vf_customer(f->v, "1001", id);
    assert_int_equal(vf_apply(f->v, vf_view, false), COFRE_OUT_OK);
    size = vf_size(f->v);
    disk_fails("vault.db-wal", 0, EIO);
    assert_int_equal(vf_customer_call(f->v, "1002", &c), COFRE_OUT_AUDIT);
    cofre_call_free(&c);
    disk_fails(NULL, 0, 0);
    assert_nothing_leaves(f->v);
    assert_false(cofre_vault_ready(f->v, NULL));
    assert_int_equal(vf_size(f->v), size);
    vf_close(f);
    vf_open(f);
    (void)vf_customer_call(f->v, "1002", &c);
    assert_true(c.recorded);
    cofre_call_free(&c);
    vf_close(f);
    vf_verify(f);
    vf_open(f);
}

static void
a_full_disk_under_the_database_refuses_mutations_alone(void **state)
{
    struct vf *f = *state;
    struct cofre_call c;
    struct buf entry;
    uint64_t size;
    char id[128];

    vf_customer(f->v, "1001", id);
    assert_int_equal(vf_apply(f->v, vf_view, false), COFRE_OUT_OK);
    size = vf_size(f->v);
    disk_fails("vault.db", ENOSPC, 0);
    assert_int_equal(vf_customer_call(f->v, "1002", &c), COFRE_OUT_STORE);
    assert_true(c.recorded && c.seq == size); /* the refusal is an entry, and the only one */
    assert_int_equal(vf_size(f->v), size + 1);
    cofre_call_free(&c);
    entry = vf_entry(f->v, size);
    assert_non_null(strstr((char *)entry.p, "\"act\":\"customer-create\",\"ok\":false,\"code\":503"));
    buf_free(&entry);
    assert_int_equal(vf_records(f->v, 10, NULL, &c), COFRE_OUT_OK);
    cofre_call_free(&c);
    disk_fails(NULL, 0, 0);
    vf_customer(f->v, "1002", id);
    vf_close(f);
    vf_open(f);
}

/* The keyring cannot be written: the new key must not be used, nor remembered. */
static void
a_keyring_that_cannot_be_written_leaves_the_old_one_in_use(void **state)
{
    struct vf *f = *state;
    struct cofre_call c;
    uint64_t generation;
    char id[128];

    vf_customer(f->v, "1001", id);
    generation = keyring_generation(f->v->ring);
    disk_fails("keyring", 0, EIO);
    vf_call(&c, COFRE_ROLE_ADMIN, COFRE_ACT_KEY_ROTATE);
    cofre_key_rotate(f->v, &c, &(struct cofre_rotate_in){.class = BYTES_LIT("kek")}, NULL);
    assert_false(cofre_call_ok(&c));
    cofre_call_free(&c);
    assert_int_not_equal(vf_apply(f->v, vf_view, false), COFRE_OUT_OK);
    disk_fails(NULL, 0, 0);
    assert_int_equal(keyring_generation(f->v->ring), generation);
    assert_int_equal(f->v->keys->kek_active, 1);
    vf_customer(f->v, "1002", id);
    vf_close(f); /* writes the anchor: it must not name a keyring that is not there */
    vf_open(f);
    assert_int_equal(vf_apply(f->v, vf_view, false), COFRE_OUT_OK);
    assert_int_equal(vf_records(f->v, 10, NULL, &c), COFRE_OUT_OK);
    assert_int_equal(c.n, 2);
    cofre_call_free(&c);
}

/* ---- failed authentications ---- */

static void
failures_to_authenticate_are_summed(void **state)
{
    struct vf *f = *state;
    uint64_t size = vf_size(f->v);
    struct buf all = BUF_INIT;
    uint64_t n = 0;

    for (int i = 0; i < 500; i++)
        cofre_vault_auth_failed(f->v, i % 5 == 0 ? COFRE_AUTH_MISSING : COFRE_AUTH_BAD);
    vf_close(f); /* the rest is summed at the end */
    vf_open(f);
    assert_true(vf_size(f->v) >= size + 2 && vf_size(f->v) <= size + 8);
    OK(log_entries(f->v->log, size, UINT64_MAX, vf_copy_line, &all, NULL));
    for (const char *at = (char *)all.p; at < (char *)all.p + all.len; at += strlen(at) + 1) {
        assert_non_null(strstr(at, "\"act\":\"auth-failed\",\"ok\":false,\"code\":401"));
        n += strtoull(strstr(at, "\"n\":") + 4, NULL, 10);
    }
    assert_int_equal(n, 500);
    buf_free(&all);
}

static void
failures_that_could_not_be_recorded_count_later(void **state)
{
    struct vf *f = *state;
    struct buf last;

    disk_fails("/journal/", ENOSPC, 0);
    for (int i = 0; i < 3; i++)
        cofre_vault_auth_failed(f->v, COFRE_AUTH_BAD);
    usleep(1200 * 1000);
    disk_fails(NULL, 0, 0);
    vf_close(f);
    vf_open(f);
    last = vf_entry(f->v, vf_size(f->v) - 1);
    assert_non_null(strstr((char *)last.p, "\"fields\":[\"bad-token\"],\"n\":3,"));
    buf_free(&last);
}

static int
teardown(void **state)
{
    disk_fails(NULL, 0, 0);
    return vf_teardown(state);
}

#define TEST_DISK(name) cmocka_unit_test_setup_teardown(name, vf_setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_call_is_recorded_once_at_its_place),
        TEST_DISK(a_journal_that_was_moved_away_stops_everything),
        TEST_DISK(a_full_disk_leaves_entries_owing_and_the_next_batch_pays),
        TEST_DISK(a_revocation_that_is_owed_holds_once_it_is_paid),
        TEST_DISK(a_drop_that_is_owed_holds_in_the_batch_that_pays),
        TEST_DISK(a_commit_that_fails_in_the_middle_stops_everything_until_the_next_start),
        TEST_DISK(a_full_disk_under_the_database_refuses_mutations_alone),
        TEST_DISK(a_keyring_that_cannot_be_written_leaves_the_old_one_in_use),
        TEST(failures_to_authenticate_are_summed),
        TEST_DISK(failures_that_could_not_be_recorded_count_later),
    };

    return cmocka_run_group_tests(tests, vf_group, NULL);
}
