#include "store_fixture.h"

#include "vault/store/store_internal.h"

/* Links, and who is seen through a view. */

enum { VIEW = 5, EPOCH = 2, PURPOSE = 9 };

static const struct store_scope scope = {VIEW, EPOCH, PURPOSE, false};
static const struct store_scope lenient = {VIEW, EPOCH, PURPOSE, true};

enum who { GRANTED, WITHDRAWN, NO_ROW, RESTRICTED, OTHER_PURPOSE, WHO };

/* Pseudonyms do not sort as the customers were added. */
static const uint8_t *
ps_of(uint8_t out[static 16], enum who who)
{
    return id16(out, 'p', (unsigned)who);
}

static int
setup(void **state)
{
    int64_t num[WHO];
    uint8_t ps[16];
    struct fixture *f;

    fixture_setup(state);
    f = *state;
    begin(f);
    for (unsigned i = 0; i < WHO; i++) {
        num[i] = add_customer(f, i);
        OK(store_link_put(f->w, VIEW, EPOCH, ps_of(ps, i), num[i]));
        OK(store_link_put(f->w, VIEW, EPOCH + 1, id16(ps, 'q', i), num[i]));
        OK(store_link_put(f->w, VIEW + 1, EPOCH, id16(ps, 'r', i), num[i]));
        add_event(f, num[i], i, 100 + i);
    }
    add_consent(f, num[GRANTED], PURPOSE, STORE_GRANTED);
    add_consent(f, num[WITHDRAWN], PURPOSE, STORE_GRANTED);
    add_consent(f, num[WITHDRAWN], PURPOSE, STORE_WITHDRAWN);
    add_consent(f, num[RESTRICTED], PURPOSE, STORE_GRANTED);
    OK(store_customer_flag(f->w, num[RESTRICTED], STORE_RESTRICTED | STORE_HAS_PURCHASE));
    add_consent(f, num[OTHER_PURPOSE], PURPOSE + 1, STORE_GRANTED);
    commit(f);
    return 0;
}

#define VIEW_TEST(name) cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)

static const bool seen_by[2][WHO] = {
    {[GRANTED] = true},
    {[GRANTED] = true, [NO_ROW] = true, [OTHER_PURPOSE] = true},
};

static void
only_those_whom_the_scope_lets_be_seen_are_seen(void **state)
{
    struct fixture *f = *state;
    struct store_conn *c = snapshot(f);
    uint8_t ps[16];
    uint8_t id[16];

    for (unsigned l = 0; l < 2; l++)
        for (unsigned who = 0; who < WHO; who++) {
            struct store_member m = {{1}, {.num = -1}};
            enum cofre_err err = store_member_get(c, l ? &lenient : &scope, ps_of(ps, who), &m);

            assert_int_equal(err, seen_by[l][who] ? COFRE_OK : COFRE_ENOENT);
            /* Refused or not: what the log's tag needs. */
            assert_memory_equal(m.customer.id, id16(id, 'c', who), 16);
            assert_true(m.customer.num > 0);
            assert_int_equal(m.customer.bundle.len, BUNDLE_SEALED);
            assert_int_equal(m.customer.part[STORE_REST].len, seen_by[l][who] ? 200 : 0);
            assert_memory_equal(m.ps, ps, 16);
        }
    store_snapshot_end(c);
}

static void
a_foreign_or_unknown_pseudonym_is_nobody(void **state)
{
    struct fixture *f = *state;
    struct store_conn *c = snapshot(f);
    uint8_t ps[16];
    static const char kinds[] = {'q', 'r', 'x'};

    for (unsigned k = 0; k < sizeof kinds; k++)
        for (unsigned i = 0; i < WHO; i++) {
            struct store_member m = {{1}, {.num = -1, .bundle = BYTES_LIT("old")}};

            id16(ps, (unsigned)kinds[k], i);
            assert_int_equal(store_member_get(c, &lenient, ps, &m), COFRE_ENOENT);
            assert_int_equal(m.customer.num, 0);
            assert_int_equal(m.customer.bundle.len, 0);
        }
    store_snapshot_end(c);
}

static void
an_empty_store_has_no_member(void **state)
{
    struct fixture *f = *state;
    struct store_conn *c = snapshot(f);
    struct store_member m;
    uint8_t ps[16];

    assert_int_equal(store_member_get(c, &scope, id16(ps, 'p', 1), &m), COFRE_ENOENT);
    assert_int_equal(m.customer.num, 0);
    store_snapshot_end(c);
}

/* Each refusal takes the look-ups of a success: a decoy's row is read for a missing one. */
static void
an_unknown_pseudonym_costs_the_same_look_ups(void **state)
{
    struct fixture *f = *state;
    struct store_conn *c = snapshot(f);
    struct store_member m;
    unsigned used = 0;
    uint8_t ps[16];

    for (unsigned i = 0; i < 64; i++) {
        memset(ps, (int)(i * 37 + 128), sizeof ps);
        assert_int_equal(store_member_get(c, &scope, ps, &m), COFRE_ENOENT);
        assert_int_equal(sqlite3_column_type(c->stmt[SQL_MEMBER_GET], 0), SQLITE_NULL);
        used |= 1U << sqlite3_column_int(c->stmt[SQL_MEMBER_GET], 3);
    }
    /* Numbers 1 to WHO, each of them some time, none never. */
    assert_int_equal(used, (1U << (WHO + 1)) - 2);
    store_snapshot_end(c);
}

struct list {
    uint8_t last[16];
    unsigned seen;
};

static enum cofre_err
sorted(void *ctx, const struct store_member *row)
{
    struct list *l = ctx;

    assert_true(l->seen == 0 || memcmp(l->last, row->ps, 16) < 0);
    assert_int_equal(row->customer.bundle.len, BUNDLE_SEALED);
    assert_int_equal(row->customer.flags & STORE_RESTRICTED, 0);
    memcpy(l->last, row->ps, 16);
    l->seen++;
    return COFRE_OK;
}

static void
a_list_is_in_pseudonym_order_and_goes_on_where_it_ended(void **state)
{
    struct fixture *f = *state;
    struct store_conn *c = snapshot(f);
    struct list l = {{0}, 0};
    uint64_t n;

    OK(store_member_each(c, &lenient, NULL, 2, sorted, &l));
    assert_int_equal(l.seen, 2);
    OK(store_member_each(c, &lenient, l.last, 10, sorted, &l));
    assert_int_equal(l.seen, 3);
    OK(store_member_each(c, &lenient, l.last, 10, sorted, &l));
    assert_int_equal(l.seen, 3);
    l = (struct list){{0}, 0};
    OK(store_member_each(c, &scope, NULL, 10, sorted, &l));
    assert_int_equal(l.seen, 1);
    OK(store_member_count(c, &scope, &n));
    assert_int_equal(n, 1);
    OK(store_member_count(c, &lenient, &n));
    assert_int_equal(n, 3);
    store_snapshot_end(c);
}

static void
withdrawal_takes_effect_on_the_next_read(void **state)
{
    struct fixture *f = *state;
    struct store_member m;
    struct store_conn *c;
    uint8_t ps[16];

    begin(f);
    OK(store_member_get(f->w, &scope, ps_of(ps, GRANTED), &m));
    add_consent(f, m.customer.num, PURPOSE, STORE_WITHDRAWN);
    commit(f);
    c = snapshot(f);
    assert_int_equal(store_member_get(c, &scope, ps, &m), COFRE_ENOENT);
    assert_int_equal(store_member_get(c, &lenient, ps, &m), COFRE_ENOENT);
    store_snapshot_end(c);
}

struct events {
    struct store_conn *c;
    const struct store_scope *scope;
    unsigned seen;
    unsigned n;
};

static enum cofre_err
check_event(void *ctx, int64_t event, const uint8_t key[static STORE_KEYED], uint32_t kind)
{
    struct events *e = ctx;
    struct store_event row;
    struct store_member m;
    uint8_t ps[16];

    OK(store_view_event(e->c, e->scope, event, &row, &m));
    assert_int_equal(row.num, event);
    assert_memory_equal(row.key, key, 16);
    assert_int_equal(row.kind, kind);
    assert_int_equal(row.customer, m.customer.num);
    assert_memory_equal(m.ps, ps_of(ps, (enum who)(row.time - 100)), 16);
    assert_true(bytes_equal(row.sealed, BYTES_LIT("sealed attributes")));
    assert_int_equal(m.customer.bundle.len, BUNDLE_SEALED);
    e->seen |= 1U << (row.time - 100);
    e->n++;
    return COFRE_OK;
}

static void
events_are_seen_as_their_customers_are(void **state)
{
    struct fixture *f = *state;
    struct events e = {snapshot(f), &scope, 0, 0};
    struct store_event row;
    struct store_member m;

    OK(store_view_event_keys(e.c, e.scope, 0, 1000, check_event, &e));
    assert_int_equal(e.seen, 1U << GRANTED);
    e = (struct events){e.c, &lenient, 0, 0};
    OK(store_view_event_keys(e.c, e.scope, 0, 1000, check_event, &e));
    assert_int_equal(e.seen, 1U << GRANTED | 1U << NO_ROW | 1U << OTHER_PURPOSE);
    assert_int_equal(e.n, 3); /* each once, whatever other epochs link its customer */
    e = (struct events){e.c, &lenient, 0, 0};
    OK(store_view_event_keys(e.c, e.scope, 100 + NO_ROW, 100 + OTHER_PURPOSE, check_event, &e));
    assert_int_equal(e.seen, 1U << NO_ROW);
    for (int64_t event = 1; event <= WHO; event++)
        assert_int_equal(store_view_event(e.c, &scope, event, &row, &m),
                         event == 1 + GRANTED ? COFRE_OK : COFRE_ENOENT);
    store_snapshot_end(e.c);
}

static void
a_pseudonym_belongs_to_one_customer(void **state)
{
    struct fixture *f = *state;
    struct store_member a;
    struct store_member b;
    uint8_t ps[16];

    begin(f);
    OK(store_member_get(f->w, &scope, ps_of(ps, GRANTED), &a));
    OK(store_link_put(f->w, VIEW, EPOCH, ps, a.customer.num));
    assert_int_equal(store_link_put(f->w, VIEW, EPOCH, ps, a.customer.num + 1), COFRE_EEXIST);
    /* And a customer has one pseudonym. */
    assert_int_equal(store_link_put(f->w, VIEW, EPOCH, id16(ps, 'z', 1), a.customer.num),
                     COFRE_EEXIST);
    assert_int_equal(store_member_get(f->w, &scope, ps, &b), COFRE_ENOENT);
    commit(f);
}

static void
dropping_links_takes_one_epoch_or_all(void **state)
{
    struct fixture *f = *state;
    const struct store_scope next = {VIEW, EPOCH + 1, PURPOSE, true};
    const struct store_scope other = {VIEW + 1, EPOCH, PURPOSE, true};
    uint64_t n;

    begin(f);
    OK(store_link_drop(f->w, VIEW, EPOCH));
    OK(store_member_count(f->w, &lenient, &n));
    assert_int_equal(n, 0);
    OK(store_member_count(f->w, &next, &n));
    assert_int_equal(n, 3);
    OK(store_link_drop(f->w, VIEW, 0));
    OK(store_member_count(f->w, &next, &n));
    assert_int_equal(n, 0);
    OK(store_member_count(f->w, &other, &n));
    assert_int_equal(n, 3);
    commit(f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        VIEW_TEST(only_those_whom_the_scope_lets_be_seen_are_seen),
        VIEW_TEST(a_foreign_or_unknown_pseudonym_is_nobody),
        TEST(an_empty_store_has_no_member),
        VIEW_TEST(an_unknown_pseudonym_costs_the_same_look_ups),
        VIEW_TEST(a_list_is_in_pseudonym_order_and_goes_on_where_it_ended),
        VIEW_TEST(withdrawal_takes_effect_on_the_next_read),
        VIEW_TEST(events_are_seen_as_their_customers_are),
        VIEW_TEST(a_pseudonym_belongs_to_one_customer),
        VIEW_TEST(dropping_links_takes_one_epoch_or_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
