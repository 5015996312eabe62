/* Rotation of the KEK beside everything else, and again after it was cut off. */
#include <pthread.h>

#include "vault_fixture.h"

static bool
stop_now(void *ctx)
{
    int *left = ctx;

    return --*left <= 0;
}

static enum cofre_outcome
rotate(struct cofre_vault *v, const struct cofre_rotate_in *in, const struct cofre_progress *p,
       struct cofre_call *c)
{
    vf_call(c, COFRE_ROLE_ADMIN, COFRE_ACT_KEY_ROTATE);
    cofre_key_rotate(v, c, in, p);
    buf_putc(&c->body, 0);
    c->body.len--;
    return c->outcome;
}

static uint64_t
left_under(struct cofre_vault *v, uint32_t epoch)
{
    struct store_conn *conn;
    uint64_t n;

    OK(store_snapshot(v->store, &conn, NULL));
    OK(store_count_under(conn, epoch, &n));
    store_snapshot_end(conn);
    return n;
}

static void
some_customers(struct vf *f, unsigned from, unsigned n)
{
    char name[16];
    char id[128];

    for (unsigned i = from; i < from + n; i++) {
        snprintf(name, sizeof name, "%u", i);
        vf_customer(f->v, name, id);
    }
}

/* ---- alone ---- */

static void
every_bundle_moves_and_the_last_entry_says_so(void **state)
{
    struct vf *f = *state;
    const struct cofre_rotate_in in = {.class = BYTES_LIT("kek"), .batch = 3};
    struct cofre_call c;
    struct buf entry;

    some_customers(f, 1000, 10);
    assert_int_equal(vf_apply(f->v, vf_view, false), COFRE_OUT_OK);
    assert_int_equal(rotate(f->v, &in, NULL, &c), COFRE_OUT_OK);
    assert_string_equal(vf_body(&c), "{\"class\":\"kek\",\"from\":1,\"to\":2,\"done\":10,\"left\":0}");
    cofre_call_free(&c);
    assert_int_equal(left_under(f->v, 1), 0);
    assert_int_equal(left_under(f->v, 2), 10);
    entry = vf_entry(f->v, vf_size(f->v) - 1);
    assert_non_null(strstr((char *)entry.p, "\"act\":\"key-rotated\",\"ok\":true"));
    assert_non_null(strstr((char *)entry.p, "\"n\":10"));
    buf_free(&entry);
    vf_close(f);
    vf_open(f);
    assert_int_equal(vf_records(f->v, 100, NULL, &c), COFRE_OUT_OK);
    assert_int_equal(c.n, 10);
    cofre_call_free(&c);
}

static void
what_was_cut_off_goes_on_where_it_was(void **state)
{
    struct vf *f = *state;
    const struct cofre_rotate_in in = {.class = BYTES_LIT("kek"), .batch = 3};
    const struct cofre_rotate_in resume = {.resume = true, .batch = 3};
    int batches = 2;
    const struct cofre_progress p = {.stop = stop_now, .ctx = &batches};
    struct cofre_call c;
    struct vf crash;
    uint64_t size;

    some_customers(f, 1000, 10);
    assert_int_equal(rotate(f->v, &resume, NULL, &c), COFRE_OUT_NOT_FOUND);
    cofre_call_free(&c);
    assert_int_equal(rotate(f->v, &in, &p, &c), COFRE_OUT_BUSY);
    cofre_call_free(&c);
    assert_int_equal(left_under(f->v, 1), 4);
    some_customers(f, 2000, 2); /* under the new one at once */
    assert_int_equal(left_under(f->v, 1), 4);
    size = vf_size(f->v);
    assert_int_equal(rotate(f->v, &in, NULL, &c), COFRE_OUT_BUSY); /* it must be resumed */
    cofre_call_free(&c);
    assert_int_equal(vf_size(f->v), size + 1); /* the refusal */

    vf_crash(f, &crash);
    vf_open(&crash);
    assert_int_equal(rotate(crash.v, &resume, NULL, &c), COFRE_OUT_OK);
    assert_non_null(strstr(vf_body(&c), "\"done\":10,\"left\":0"));
    cofre_call_free(&c);
    assert_int_equal(left_under(crash.v, 1), 0);
    assert_int_equal(rotate(crash.v, &resume, NULL, &c), COFRE_OUT_NOT_FOUND);
    cofre_call_free(&c);
    vf_close(&crash);
    vf_verify(&crash);
    vf_remove(crash.dir);
}

static void
every_way_out_leaves_an_entry(void **state)
{
    struct vf *f = *state;
    struct cofre_call c;
    uint64_t size = vf_size(f->v);

    assert_int_equal(rotate(f->v, &(struct cofre_rotate_in){.class = BYTES_LIT("db")}, NULL, &c),
                     COFRE_OUT_INVALID);
    cofre_call_free(&c);
    assert_int_equal(vf_size(f->v), size + 1);
    assert_int_equal(
        rotate(f->v, &(struct cofre_rotate_in){.class = BYTES_LIT("kek"), .dry_run = true}, NULL, &c),
        COFRE_OUT_OK);
    assert_non_null(strstr(vf_body(&c), "\"dry_run\":true"));
    cofre_call_free(&c);
    assert_int_equal(vf_size(f->v), size + 2);
    assert_int_equal(f->v->keys->kek_active, 1);
    assert_int_equal(rotate(f->v, &(struct cofre_rotate_in){.class = BYTES_LIT("kek")}, NULL, &c),
                     COFRE_OUT_OK);
    cofre_call_free(&c);
    assert_int_equal(vf_size(f->v), size + 4);
}

/* A customer that was sealed before the rotation began, and comes in when it is over. */
static void
nothing_comes_in_under_an_old_epoch(void **state)
{
    struct vf *f = *state;
    const struct cofre_field field = vf_field("email", "late@example.org");
    const struct cofre_customer_in in = {
        .external_id = BYTES_LIT("late"), .fields = &field, .n_fields = 1};
    struct cofre_call late;
    struct cofre_call c;

    vf_call(&late, COFRE_ROLE_INGEST, COFRE_ACT_CUSTOMER_CREATE);
    cofre_customer_create(f->v, &late, &in);
    assert_int_equal(rotate(f->v, &(struct cofre_rotate_in){.class = BYTES_LIT("kek")}, NULL, &c),
                     COFRE_OUT_OK);
    cofre_call_free(&c);
    assert_int_equal(vf_submit(f->v, &late), COFRE_OUT_CREATED);
    cofre_call_free(&late);
    assert_int_equal(left_under(f->v, 1), 0);
    assert_int_equal(left_under(f->v, 2), 1);
}

/* ---- beside others ---- */

struct other {
    struct cofre_vault *v;
    atomic_bool *over;
    unsigned n;
    unsigned done;
};

static void *
read_on(void *arg)
{
    struct other *o = arg;

    while (!atomic_load(o->over)) {
        struct cofre_call c;

        if (vf_records(o->v, 1000, NULL, &c) != COFRE_OUT_OK || c.n < 40)
            abort();
        o->done++;
        cofre_call_free(&c);
    }
    return NULL;
}

static void *
create_on(void *arg)
{
    struct other *o = arg;

    while (!atomic_load(o->over) && o->done < 200) {
        struct cofre_call c;
        char name[32];

        snprintf(name, sizeof name, "n%u-%u", o->n, o->done++);
        if (vf_customer_call(o->v, name, &c) != COFRE_OUT_CREATED)
            abort();
        cofre_call_free(&c);
    }
    return NULL;
}

static void
readers_and_writers_go_on_meanwhile(void **state)
{
    struct vf *f = *state;
    const struct cofre_rotate_in in = {.class = BYTES_LIT("kek"), .batch = 4};
    atomic_bool over = false;
    struct other others[4];
    pthread_t threads[4];
    struct cofre_call c;
    unsigned made = 0;

    some_customers(f, 1000, 40);
    assert_int_equal(vf_apply(f->v, vf_view, false), COFRE_OUT_OK);
    for (unsigned i = 0; i < 4; i++) {
        others[i] = (struct other){.v = f->v, .over = &over, .n = i};
        assert_int_equal(
            pthread_create(&threads[i], NULL, i < 2 ? read_on : create_on, &others[i]), 0);
    }
    for (uint32_t epoch = 2; epoch < 5; epoch++) {
        assert_int_equal(rotate(f->v, &in, NULL, &c), COFRE_OUT_OK);
        cofre_call_free(&c);
        for (uint32_t old = 1; old < epoch; old++)
            assert_int_equal(left_under(f->v, old), 0);
    }
    atomic_store(&over, true);
    for (unsigned i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        made += i < 2 ? 0 : others[i].done;
    }
    assert_true(others[0].done > 0 && made > 0);
    for (uint32_t old = 1; old < 4; old++)
        assert_int_equal(left_under(f->v, old), 0);
    assert_int_equal(left_under(f->v, 4), 40 + made);
    assert_int_equal(vf_records(f->v, 1000, NULL, &c), COFRE_OUT_OK);
    assert_int_equal(c.n, 40 + made);
    cofre_call_free(&c);
    vf_close(f);
    vf_verify(f);
    vf_open(f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_bundle_moves_and_the_last_entry_says_so),
        TEST(what_was_cut_off_goes_on_where_it_was),
        TEST(every_way_out_leaves_an_entry),
        TEST(nothing_comes_in_under_an_old_epoch),
        TEST(readers_and_writers_go_on_meanwhile),
    };

    return cmocka_run_group_tests(tests, vf_group, NULL);
}
