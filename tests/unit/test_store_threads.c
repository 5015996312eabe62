#include <pthread.h>
#include <stdatomic.h>

#include "store_fixture.h"

/* Readers while the writer writes. */

enum { READERS = 3, COMMITS = 60 };

struct shared {
    struct fixture *f;
    atomic_bool stop;
    atomic_uint snapshots;
    atomic_uint torn;
};

/* Customers come in pairs, and a commit brings one pair: half a pair is a torn read. */
static void *
read_on(void *arg)
{
    struct shared *s = arg;
    struct store_conn *c;
    struct store_head head;
    struct store_counts counts;
    unsigned seen;

    while (!atomic_load(&s->stop)) {
        if (store_snapshot(s->f->store, &c, NULL) != COFRE_OK) {
            atomic_fetch_add(&s->torn, 1);
            break;
        }
        seen = 0;
        if (store_head_get(c, &head) != COFRE_OK || store_count(c, &counts) != COFRE_OK ||
            store_customer_each(c, 0, UINT64_MAX, count_customer, &seen) != COFRE_OK ||
            counts.customers != 2 * head.generation || seen != counts.customers)
            atomic_fetch_add(&s->torn, 1);
        atomic_fetch_add(&s->snapshots, 1);
        store_snapshot_end(c);
    }
    return NULL;
}

static void
readers_see_whole_transactions_while_the_writer_writes(void **state)
{
    struct shared s = {.f = *state};
    pthread_t thread[READERS];

    /* More threads than readers in the pool: some have to wait for one. */
    for (int i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, read_on, &s), 0);
    for (unsigned i = 0; i < COMMITS || atomic_load(&s.snapshots) < 100; i++) {
        begin(s.f);
        add_customer(s.f, 2 * i);
        add_customer(s.f, 2 * i + 1);
        commit(s.f);
    }
    atomic_store(&s.stop, true);
    for (int i = 0; i < READERS; i++)
        pthread_join(thread[i], NULL);
    assert_int_equal(atomic_load(&s.torn), 0);
}

struct waiting {
    struct fixture *f;
    atomic_bool asked;
    atomic_bool served;
};

static void *
take_one(void *arg)
{
    struct waiting *w = arg;
    struct store_conn *c;

    atomic_store(&w->asked, true);
    if (store_snapshot(w->f->store, &c, NULL) == COFRE_OK) {
        atomic_store(&w->served, true);
        store_snapshot_end(c);
    }
    return NULL;
}

static void
who_finds_no_reader_free_waits_for_one(void **state)
{
    struct waiting w = {.f = *state};
    struct store_conn *a = snapshot(w.f);
    struct store_conn *b = snapshot(w.f);
    pthread_t thread;

    assert_ptr_not_equal(a, b);
    assert_int_equal(pthread_create(&thread, NULL, take_one, &w), 0);
    while (!atomic_load(&w.asked))
        usleep(1000);
    usleep(20000);
    assert_false(atomic_load(&w.served));
    store_snapshot_end(a);
    pthread_join(thread, NULL);
    assert_true(atomic_load(&w.served));
    store_snapshot_end(b);
}

/* ---- snapshots that idle readers keep ---- */

static uint64_t
generation_seen(struct fixture *f)
{
    struct store_conn *c = snapshot(f);
    struct store_head head;

    OK(store_head_get(c, &head));
    store_snapshot_end(c);
    return head.generation;
}

static void
a_kept_snapshot_never_hides_a_commit(void **state)
{
    struct fixture *f = *state;

    for (unsigned i = 0; i < 20; i++) {
        uint64_t before = generation_seen(f);

        assert_int_equal(generation_seen(f), before);
        begin(f);
        add_customer(f, i);
        /* Nor does it show an open transaction; and who reads meanwhile keeps nothing. */
        if (i % 2 == 1)
            assert_int_equal(generation_seen(f), before);
        commit(f);
        assert_int_equal(generation_seen(f), before + 1);
    }
}

/* The WAL begins anew once all of it is in the database file and nobody reads it. */
static void
an_idle_reader_does_not_hold_the_wal_back(void **state)
{
    enum { ROUNDS = 400, EACH = 30, LIMIT = 32 * 1024 * 1024 };
    struct fixture *f = *state;
    char wal[100];
    struct stat st;

    snprintf(wal, sizeof wal, "%s-wal", f->file);
    for (unsigned i = 0; i < ROUNDS; i++) {
        begin(f);
        for (unsigned k = 0; k < EACH; k++)
            add_customer(f, i * EACH + k);
        commit(f);
        (void)generation_seen(f);
    }
    assert_int_equal(stat(wal, &st), 0);
    assert_true(st.st_size < LIMIT);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(readers_see_whole_transactions_while_the_writer_writes),
        TEST(who_finds_no_reader_free_waits_for_one),
        TEST(a_kept_snapshot_never_hides_a_commit),
        TEST(an_idle_reader_does_not_hold_the_wal_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
