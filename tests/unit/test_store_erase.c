#include "store_fixture.h"

/* Every table of something about a person hangs on the customer and goes with it. */

static void
fill(struct fixture *f, unsigned n)
{
    uint8_t b[16];
    int64_t num = add_customer(f, n);

    OK(store_index_put(f->w, 1, true, id16(b, 'v', n), num));
    OK(store_index_put(f->w, 2, false, id16(b, 'w', n), num));
    add_consent(f, num, 1, STORE_GRANTED);
    add_consent(f, num, 1, STORE_WITHDRAWN);
    add_event(f, num, n, 100 + n);
    OK(store_link_put(f->w, 1, 1, id16(b, 'p', n), num));
    OK(store_reason_put(f->w, num, id16(b, 'r', n), BYTES_LIT("sealed reason")));
}

/* Walks the tables that have a column `customer`; calls fn for each. */
static unsigned
each_personal_table(sqlite3 *db, void (*fn)(sqlite3 *db, const char *table))
{
    sqlite3_stmt *s = NULL;
    unsigned n = 0;

    assert_int_equal(
        sqlite3_prepare_v2(db,
                           "SELECT t.name FROM sqlite_schema t, pragma_table_info(t.name) c "
                           "WHERE t.type = 'table' AND c.name = 'customer'",
                           -1, &s, NULL),
        SQLITE_OK);
    for (; sqlite3_step(s) == SQLITE_ROW; n++)
        fn(db, (const char *)sqlite3_column_text(s, 0));
    sqlite3_finalize(s);
    return n;
}

static int64_t
rows_of(sqlite3 *db, const char *table, int64_t num)
{
    char sql[200];

    snprintf(sql, sizeof sql, "SELECT count(*) FROM \"%s\" WHERE customer = %lld", table,
             (long long)num);
    return raw_number(db, sql);
}

static void
cascades(sqlite3 *db, const char *table)
{
    char sql[300];

    snprintf(sql, sizeof sql,
             "SELECT count(*) FROM pragma_foreign_key_list('%s') WHERE \"table\" = 'customer' AND "
             "\"from\" = 'customer' AND \"to\" = 'num' AND on_delete = 'CASCADE'",
             table);
    assert_int_equal(raw_number(db, sql), 1);
    /* An index that begins with it: or each erasure would read the whole table. */
    snprintf(sql, sizeof sql,
             "SELECT count(*) FROM pragma_index_list('%s') i, pragma_index_info(i.name) c "
             "WHERE c.seqno = 0 AND c.name = 'customer'",
             table);
    assert_true(raw_number(db, sql) >= 1);
}

static void
has_both(sqlite3 *db, const char *table)
{
    assert_true(rows_of(db, table, 1) > 0);
    assert_true(rows_of(db, table, 2) > 0);
}

static void
has_the_other_alone(sqlite3 *db, const char *table)
{
    assert_int_equal(rows_of(db, table, 1), 0);
    assert_true(rows_of(db, table, 2) > 0);
}

/* The tables that are about nobody: another one must be thought about, and put here or hung on. */
static void
a_table_is_about_a_person_or_known_not_to_be(void **state)
{
    struct fixture *f = *state;
    sqlite3 *db = raw_open(f->file);

    assert_int_equal(
        raw_number(db, "SELECT count(*) FROM sqlite_schema t WHERE t.type = 'table' AND t.name "
                       "NOT IN ('head', 'customer', 'doc', 'token', 'idem', 'job', 'outbox') AND "
                       "NOT EXISTS (SELECT 1 FROM pragma_table_info(t.name) "
                       "WHERE name = 'customer')"),
        0);
    sqlite3_close(db);
}

static void
erasing_the_customer_row_erases_all_rows_of_that_person(void **state)
{
    struct fixture *f = *state;
    sqlite3 *db;

    begin(f);
    fill(f, 1);
    fill(f, 2);
    commit(f);
    store_close(f->store);
    db = raw_open(f->file);
    assert_int_equal(each_personal_table(db, cascades), 7);
    assert_int_equal(each_personal_table(db, has_both), 7);
    raw_exec(db, "DELETE FROM customer WHERE num = 1");
    assert_int_equal(each_personal_table(db, has_the_other_alone), 7);
    assert_int_equal(raw_number(db, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
    sqlite3_close(db);
    OK(fixture_try(f, fixture_key, false));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_table_is_about_a_person_or_known_not_to_be),
        TEST(erasing_the_customer_row_erases_all_rows_of_that_person),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
