#include "store_fixture.h"

/* Customers, index values, consents and events: in, out, and refused. */

static void
a_customer_comes_back_as_it_went_in(void **state)
{
    struct fixture *f = *state;
    uint8_t bundle[BUNDLE_SEALED];
    uint8_t id[16];
    struct store_customer row = {.version = 1,
                                 .kek = 7,
                                 .flags = STORE_HAS_PURCHASE,
                                 .created = -5,
                                 .updated = INT64_C(1) << 52,
                                 .bundle = BYTES_OF(bundle),
                                 .part = {BYTES_LIT("names"), BYTES_NONE, BYTES_LIT("s\0crets")}};
    struct store_customer got;
    struct store_customer by_num;

    memset(bundle, 0xb5, sizeof bundle);
    id16(row.id, 'c', 1);
    begin(f);
    OK(store_customer_insert(f->w, &row));
    commit(f);
    fixture_reopen(f);
    begin(f);
    OK(store_customer_get(f->w, id16(id, 'c', 1), &got));
    assert_int_equal(got.num, row.num);
    assert_memory_equal(got.id, row.id, 16);
    assert_int_equal(got.version, 1);
    assert_int_equal(got.kek, 7);
    assert_int_equal(got.flags, STORE_HAS_PURCHASE);
    assert_int_equal(got.created, -5);
    assert_int_equal(got.updated, INT64_C(1) << 52);
    assert_true(bytes_equal(got.bundle, row.bundle));
    for (int i = 0; i < STORE_PARTS; i++)
        assert_true(bytes_equal(got.part[i], row.part[i]));
    /* What another function reads does not disturb it. */
    OK(store_customer_get_num(f->w, row.num, &by_num));
    assert_true(bytes_equal(by_num.part[2], got.part[2]));
    assert_true(bytes_equal(got.bundle, row.bundle));
    assert_int_equal(store_customer_get(f->w, id16(id, 'c', 2), &got), COFRE_ENOENT);
    assert_int_equal(store_customer_get_num(f->w, row.num + 1, &got), COFRE_ENOENT);
    assert_int_equal(store_customer_insert(f->w, &row), COFRE_EEXIST);
    commit(f);
}

static void
an_update_needs_the_version_before_it(void **state)
{
    struct fixture *f = *state;
    struct store_customer row;
    uint8_t id[16];

    begin(f);
    add_customer(f, 1);
    OK(store_customer_get(f->w, id16(id, 'c', 1), &row));
    row.part[STORE_REST] = BYTES_LIT("changed");
    row.updated = 77;
    assert_int_equal(store_customer_update(f->w, &row), COFRE_ECONFLICT);
    row.version = 3;
    assert_int_equal(store_customer_update(f->w, &row), COFRE_ECONFLICT);
    row.version = 2;
    OK(store_customer_update(f->w, &row));
    assert_int_equal(store_customer_update(f->w, &row), COFRE_ECONFLICT);
    OK(store_customer_get(f->w, id16(id, 'c', 1), &row));
    assert_int_equal(row.version, 2);
    assert_int_equal(row.updated, 77);
    assert_true(bytes_equal(row.part[STORE_REST], BYTES_LIT("changed")));
    assert_int_equal(row.part[STORE_IDENTIFIERS].len, 200);
    commit(f);
}

static void
rewrapping_moves_a_bundle_to_the_new_epoch_once(void **state)
{
    struct fixture *f = *state;
    struct store_customer row;
    unsigned seen = 0;
    uint64_t n;
    int64_t num[3];

    begin(f);
    for (unsigned i = 0; i < 3; i++)
        num[i] = add_customer(f, i);
    OK(store_customer_rewrap(f->w, num[1], 1, 2, BYTES_LIT("new bundle")));
    assert_int_equal(store_customer_rewrap(f->w, num[1], 1, 2, BYTES_LIT("x")), COFRE_ECONFLICT);
    OK(store_customer_get_num(f->w, num[1], &row));
    assert_int_equal(row.kek, 2);
    assert_int_equal(row.version, 1);
    assert_true(bytes_equal(row.bundle, BYTES_LIT("new bundle")));
    OK(store_count_under(f->w, 1, &n));
    assert_int_equal(n, 2);
    OK(store_customer_under(f->w, 1, 10, count_customer, &seen));
    assert_int_equal(seen, 2);
    seen = 0;
    OK(store_customer_under(f->w, 1, 1, count_customer, &seen));
    assert_int_equal(seen, 1);
    OK(store_customer_flag(f->w, num[0], STORE_RESTRICTED));
    OK(store_customer_get_num(f->w, num[0], &row));
    assert_int_equal(row.flags, STORE_RESTRICTED);
    assert_int_equal(store_customer_flag(f->w, 999, 0), COFRE_ENOENT);
    commit(f);
}

struct rewrap {
    struct fixture *f;
    unsigned seen;
};

static enum cofre_err
rewrap_one(void *ctx, const struct store_customer *row)
{
    struct rewrap *r = ctx;

    r->seen++;
    return store_customer_rewrap(r->f->w, row->num, 1, 2, row->bundle);
}

/* What a key rotation does: the index that is walked changes below the walk. */
static void
a_walk_may_rewrap_what_it_walks_over(void **state)
{
    struct fixture *f = *state;
    struct rewrap r = {f, 0};
    uint64_t left;

    begin(f);
    for (unsigned i = 0; i < 500; i++)
        add_customer(f, i);
    OK(store_customer_under(f->w, 1, 300, rewrap_one, &r));
    assert_int_equal(r.seen, 300);
    OK(store_customer_under(f->w, 1, 300, rewrap_one, &r));
    assert_int_equal(r.seen, 500);
    OK(store_count_under(f->w, 1, &left));
    assert_int_equal(left, 0);
    commit(f);
}

struct order {
    int64_t last;
    unsigned seen;
    unsigned stop_at;
};

static enum cofre_err
in_order(void *ctx, const struct store_customer *row)
{
    struct order *o = ctx;

    assert_true(row->num > o->last);
    o->last = row->num;
    return ++o->seen == o->stop_at ? COFRE_ELIMIT : COFRE_OK;
}

static void
a_walk_goes_on_after_the_number_it_is_given(void **state)
{
    struct fixture *f = *state;
    struct order o = {0, 0, 0};
    struct store_counts counts;

    begin(f);
    for (unsigned i = 0; i < 10; i++)
        add_customer(f, i);
    OK(store_customer_each(f->w, 0, 4, in_order, &o));
    assert_int_equal(o.seen, 4);
    OK(store_customer_each(f->w, o.last, UINT64_MAX, in_order, &o));
    assert_int_equal(o.seen, 10);
    o = (struct order){0, 0, 3};
    assert_int_equal(store_customer_each(f->w, 0, 10, in_order, &o), COFRE_ELIMIT);
    assert_int_equal(o.seen, 3);
    OK(store_count(f->w, &counts));
    assert_int_equal(counts.customers, 10);
    commit(f);
}

static void
a_unique_value_has_one_owner(void **state)
{
    struct fixture *f = *state;
    uint8_t v[16];
    int64_t num = -1;
    int64_t a;
    int64_t b;

    begin(f);
    a = add_customer(f, 1);
    b = add_customer(f, 2);
    OK(store_index_put(f->w, 4, true, id16(v, 'v', 1), a));
    OK(store_index_put(f->w, 4, true, v, a));
    assert_int_equal(store_index_put(f->w, 4, true, v, b), COFRE_EEXIST);
    OK(store_index_put(f->w, 5, true, v, b));
    OK(store_index_find(f->w, 4, v, &num));
    assert_int_equal(num, a);
    OK(store_index_find(f->w, 5, v, &num));
    assert_int_equal(num, b);
    OK(store_index_drop(f->w, 4, b));
    OK(store_index_find(f->w, 4, v, &num));
    OK(store_index_drop(f->w, 4, a));
    assert_int_equal(store_index_find(f->w, 4, v, &num), COFRE_ENOENT);
    OK(store_index_put(f->w, 4, true, v, b));
    assert_int_equal(store_index_put(f->w, 4, true, id16(v, 'v', 2), 999), COFRE_ENOENT);
    commit(f);
}

static void
a_lookup_value_may_have_several_owners(void **state)
{
    struct fixture *f = *state;
    uint8_t v[16];
    int64_t num = -1;
    int64_t a;
    int64_t b;

    begin(f);
    a = add_customer(f, 1);
    b = add_customer(f, 2);
    OK(store_index_put(f->w, 4, false, id16(v, 'v', 1), a));
    OK(store_index_put(f->w, 4, false, v, a));
    OK(store_index_find(f->w, 4, v, &num));
    assert_int_equal(num, a);
    OK(store_index_put(f->w, 4, false, v, b));
    assert_int_equal(store_index_find(f->w, 4, v, &num), COFRE_ECONFLICT);
    OK(store_index_drop(f->w, 4, a));
    OK(store_index_find(f->w, 4, v, &num));
    assert_int_equal(num, b);
    /* A field that became unique: one customer in both tables is still one customer. */
    OK(store_index_put(f->w, 4, true, v, b));
    OK(store_index_find(f->w, 4, v, &num));
    assert_int_equal(num, b);
    commit(f);
}

static enum cofre_err
sum_purposes(void *ctx, const struct store_consent *row)
{
    *(unsigned *)ctx = *(unsigned *)ctx * 10 + row->purpose;
    return COFRE_OK;
}

static void
a_consent_has_a_present_state_and_a_history(void **state)
{
    struct fixture *f = *state;
    struct store_consent row = {.purpose = 1,
                                .basis = STORE_CONSENT,
                                .status = STORE_GRANTED,
                                .time = 10,
                                .source = "web"};
    struct store_consent got;
    unsigned purposes = 0;
    uint64_t n;
    sqlite3 *db;

    begin(f);
    row.customer = add_customer(f, 1);
    assert_int_equal(store_consent_get(f->w, row.customer, 1, &got), COFRE_ENOENT);
    OK(store_consent_put(f->w, &row));
    OK(store_consent_count(f->w, 1, &n));
    assert_int_equal(n, 1);
    row.status = STORE_WITHDRAWN;
    row.time = 20;
    strcpy(row.source, "telephone");
    OK(store_consent_put(f->w, &row));
    OK(store_consent_get(f->w, row.customer, 1, &got));
    assert_int_equal(got.customer, row.customer);
    assert_int_equal(got.purpose, 1);
    assert_int_equal(got.basis, STORE_CONSENT);
    assert_int_equal(got.status, STORE_WITHDRAWN);
    assert_int_equal(got.time, 20);
    assert_string_equal(got.source, "telephone");
    OK(store_consent_count(f->w, 1, &n));
    assert_int_equal(n, 0);
    add_consent(f, row.customer, 3, STORE_GRANTED);
    add_consent(f, row.customer, 2, STORE_GRANTED);
    OK(store_consent_each(f->w, row.customer, sum_purposes, &purposes));
    assert_int_equal(purposes, 123);
    row.customer = 999;
    assert_int_equal(store_consent_put(f->w, &row), COFRE_ENOENT);
    commit(f);
    db = raw_open(f->file);
    assert_int_equal(raw_number(db, "SELECT count(*) FROM consent_history"), 1);
    assert_int_equal(raw_number(db, "SELECT time FROM consent_history WHERE source = 'web'"), 10);
    sqlite3_close(db);
}

static enum cofre_err
sum_times(void *ctx, const struct store_event *row)
{
    *(int64_t *)ctx = *(int64_t *)ctx * 100 + row->time;
    assert_true(bytes_equal(row->sealed, BYTES_LIT("sealed attributes")));
    return COFRE_OK;
}

static void
events_are_listed_by_time_and_counted_once(void **state)
{
    struct fixture *f = *state;
    struct store_event row = {.kind = 1, .sealed = BYTES_LIT("again")};
    struct store_event got;
    uint8_t id[16];
    int64_t times = 0;
    int64_t next;
    int64_t a;

    begin(f);
    a = add_customer(f, 1);
    add_event(f, a, 1, 30);
    add_event(f, a, 2, 10);
    add_event(f, a, 3, 20);
    add_event(f, add_customer(f, 2), 4, 15);
    row.customer = a;
    id16(row.key, 'e', 3);
    assert_int_equal(store_event_insert(f->w, &row), COFRE_EEXIST);
    OK(store_event_find(f->w, id16(id, 'e', 3), &got));
    assert_int_equal(got.time, 20);
    assert_int_equal(got.kind, 3);
    assert_memory_equal(got.content, id16(id, 'd', 3), 16);
    assert_int_equal(store_event_find(f->w, id16(id, 'e', 9), &got), COFRE_ENOENT);
    OK(store_event_each(f->w, a, INT64_MIN, INT64_MAX, sum_times, &times));
    assert_int_equal(times, 102030);
    times = 0;
    OK(store_event_each(f->w, a, 10, 30, sum_times, &times));
    assert_int_equal(times, 1020);
    OK(store_event_next_time(f->w, 11, &next));
    assert_int_equal(next, 15);
    assert_int_equal(store_event_next_time(f->w, 31, &next), COFRE_ENOENT);
    id16(row.key, 'e', 8);
    row.customer = 999;
    assert_int_equal(store_event_insert(f->w, &row), COFRE_ENOENT);
    commit(f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_customer_comes_back_as_it_went_in),
        TEST(an_update_needs_the_version_before_it),
        TEST(rewrapping_moves_a_bundle_to_the_new_epoch_once),
        TEST(a_walk_may_rewrap_what_it_walks_over),
        TEST(a_walk_goes_on_after_the_number_it_is_given),
        TEST(a_unique_value_has_one_owner),
        TEST(a_lookup_value_may_have_several_owners),
        TEST(a_consent_has_a_present_state_and_a_history),
        TEST(events_are_listed_by_time_and_counted_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
