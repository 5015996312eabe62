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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(readers_see_whole_transactions_while_the_writer_writes),
        TEST(who_finds_no_reader_free_waits_for_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
