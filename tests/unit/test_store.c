#include "store_fixture.h"

#include "vault/store/store_internal.h"

/* Opening, transactions, and what happens to a file that somebody touched. */

static uint64_t
customers(struct store_conn *c)
{
    struct store_counts counts;

    OK(store_count(c, &counts));
    return counts.customers;
}

static void
a_new_store_is_for_its_owner_alone_and_is_not_made_twice(void **state)
{
    struct fixture *f = *state;
    struct fixture again = *f;
    struct stat st;
    char path[96];

    begin(f);
    add_customer(f, 1);
    commit(f);
    for (int i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s%s", f->file, (const char *[]){"", "-wal", "-shm"}[i]);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
    }
    assert_int_equal(fixture_try(&again, fixture_key, true), COFRE_EEXIST);
    assert_null(again.store);
    assert_int_equal(access(f->file, F_OK), 0);
}

static void
a_store_that_could_not_be_made_leaves_no_file(void **state)
{
    struct fixture *f = *state;
    char wal[96];

    /* In the way of the write-ahead log. */
    snprintf(wal, sizeof wal, "%s-wal", f->file);
    assert_int_equal(mkdir(wal, 0700), 0);
    assert_int_not_equal(fixture_try(f, fixture_key, true), COFRE_OK);
    assert_null(f->store);
    assert_int_not_equal(access(f->file, F_OK), 0);
    assert_int_equal(rmdir(wal), 0);
    OK(fixture_try(f, fixture_key, true));
}

static void
another_key_does_not_open_it(void **state)
{
    struct fixture *f = *state;
    uint8_t other[KEY_LEN];

    memcpy(other, fixture_key, KEY_LEN);
    other[31] ^= 1;
    store_close(f->store);
    assert_int_equal(fixture_try(f, other, false), COFRE_EAUTH);
    assert_null(f->store);
    OK(fixture_try(f, fixture_key, false));
}

static void
a_missing_file_is_not_made_by_opening(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(fixture_try(f, fixture_key, false), COFRE_ENOENT);
    assert_int_not_equal(access(f->file, F_OK), 0);
}

static void
an_empty_file_becomes_a_store(void **state)
{
    struct fixture *f = *state;
    FILE *file = fopen(f->file, "w");

    assert_non_null(file);
    fclose(file);
    OK(fixture_try(f, fixture_key, false));
    begin(f);
    add_customer(f, 1);
    commit(f);
    fixture_reopen(f);
    begin(f);
    assert_int_equal(customers(f->w), 1);
    store_rollback(f->w);
}

static void
a_newer_version_is_refused_and_left_alone(void **state)
{
    struct fixture *f = *state;
    sqlite3 *db;

    store_close(f->store);
    db = raw_open(f->file);
    raw_exec(db, "PRAGMA user_version = 99");
    sqlite3_close(db);
    assert_int_equal(fixture_try(f, fixture_key, false), COFRE_EFORMAT);
    db = raw_open(f->file);
    assert_int_equal(raw_number(db, "PRAGMA user_version"), 99);
    sqlite3_close(db);
}

static void
somebody_elses_database_is_refused(void **state)
{
    struct fixture *f = *state;
    sqlite3 *db = raw_open(f->file);

    raw_exec(db, "PRAGMA application_id = 7; CREATE TABLE t (a)");
    sqlite3_close(db);
    assert_int_equal(fixture_try(f, fixture_key, false), COFRE_EFORMAT);
}

static void
settings_are_as_the_design_says(void **state)
{
    struct fixture *f = *state;
    sqlite3 *w = f->w->db;
    struct store_conn *r = snapshot(f);

    assert_int_equal(raw_number(w, "PRAGMA foreign_keys"), 1);
    assert_int_equal(raw_number(w, "PRAGMA secure_delete"), 1);
    assert_int_equal(raw_number(w, "PRAGMA synchronous"), 2);
    assert_int_equal(raw_number(w, "PRAGMA trusted_schema"), 0);
    assert_int_equal(raw_number(w, "PRAGMA temp_store"), 2);
    assert_int_equal(raw_number(w, "SELECT journal_mode = 'wal' FROM pragma_journal_mode"), 1);
    assert_int_equal(raw_number(r->db, "PRAGMA query_only"), 1);
    assert_int_equal(store_outbox_add(r, 1, BYTES_LIT("x")), COFRE_EIO);
    store_snapshot_end(r);
}

static enum cofre_err
check_row(void *ctx, const struct store_customer *row)
{
    uint8_t id[16];

    ++*(unsigned *)ctx;
    id16(id, 'c', (unsigned)row->created - 1000);
    assert_memory_equal(row->id, id, 16);
    assert_int_equal(row->part[STORE_REST].len, 200);
    assert_int_equal(row->part[STORE_REST].p[0], 7);
    return COFRE_OK;
}

static enum cofre_err
read_everything(struct fixture *f)
{
    struct store_conn *c;
    uint8_t id[16];
    struct store_customer row;
    unsigned seen = 0;
    enum cofre_err err = store_snapshot(f->store, &c, NULL);

    if (err != COFRE_OK)
        return err;
    err = store_customer_each(c, 0, UINT64_MAX, check_row, &seen);
    for (unsigned i = 0; err == COFRE_OK && i < 100; i++)
        err = store_customer_get(c, id16(id, 'c', i), &row);
    if (err == COFRE_OK)
        assert_int_equal(seen, 100);
    store_snapshot_end(c);
    /* And so it stays, with the same code: here the reader just given back is the next one lent. */
    if (err == COFRE_EINTEGRITY) {
        assert_int_equal(store_snapshot(f->store, &c, NULL), COFRE_EINTEGRITY);
        assert_null(c);
    }
    return err;
}

static void
flip(const char *file, long at)
{
    FILE *stream = fopen(file, "r+");
    int byte;

    assert_non_null(stream);
    assert_int_equal(fseek(stream, at, SEEK_SET), 0);
    byte = fgetc(stream);
    assert_int_not_equal(byte, EOF);
    assert_int_equal(fseek(stream, at, SEEK_SET), 0);
    fputc(byte ^ 4, stream);
    fclose(stream);
}

static void
a_flipped_byte_in_any_page_is_an_integrity_failure_or_out_of_reach(void **state)
{
    struct fixture *f = *state;
    struct stat st;
    unsigned refused = 0;
    long pages;

    begin(f);
    for (unsigned i = 0; i < 100; i++)
        add_customer(f, i);
    commit(f);
    store_close(f->store);
    assert_int_equal(stat(f->file, &st), 0);
    pages = st.st_size / 4096;
    assert_true(pages > 20);

    flip(f->file, 100);
    assert_int_equal(fixture_try(f, fixture_key, false), COFRE_EAUTH);
    flip(f->file, 100);
    for (long page = 1; page < pages; page++) {
        enum cofre_err err;

        flip(f->file, page * 4096 + (page * 997) % 4096);
        /* The schema fills more than the first page: opening reads all of it. */
        err = fixture_try(f, fixture_key, false);
        if (err == COFRE_OK)
            err = read_everything(f);
        assert_true(err == COFRE_OK || err == COFRE_EINTEGRITY);
        refused += err == COFRE_EINTEGRITY;
        store_close(f->store);
        flip(f->file, page * 4096 + (page * 997) % 4096);
    }
    /* Customers and their id index: the other tables' pages are not read here. */
    assert_in_range(refused, 12, pages);
    OK(fixture_try(f, fixture_key, false));
    OK(read_everything(f));
}

static void
each_commit_grows_the_generation_by_one(void **state)
{
    struct fixture *f = *state;
    struct store_head seen;
    struct store_conn *c;

    f->head.log_size = 41;
    memset(f->head.log_root, 9, HASH_LEN);
    begin(f);
    commit(f);
    assert_int_equal(f->head.generation, 1);
    begin(f);
    store_rollback(f->w);
    f->head.log_size = 42;
    begin(f);
    commit(f);
    assert_int_equal(f->head.generation, 2);
    fixture_reopen(f);
    c = snapshot(f);
    OK(store_head_get(c, &seen));
    assert_int_equal(seen.generation, 2);
    assert_int_equal(seen.log_size, 42);
    assert_memory_equal(seen.log_root, f->head.log_root, HASH_LEN);
    assert_int_equal(seen.incarnation, 1);
    assert_true(seen.summed);
    store_snapshot_end(c);
}

static void
undo_takes_back_one_mutation_alone(void **state)
{
    struct fixture *f = *state;
    struct store_customer row;
    uint8_t id[16];

    begin(f);
    OK(store_savepoint(f->w));
    add_customer(f, 1);
    OK(store_release(f->w));
    OK(store_savepoint(f->w));
    add_customer(f, 2);
    OK(store_undo(f->w));
    OK(store_savepoint(f->w));
    add_customer(f, 3);
    OK(store_release(f->w));
    commit(f);
    begin(f);
    OK(store_customer_get(f->w, id16(id, 'c', 1), &row));
    assert_int_equal(store_customer_get(f->w, id16(id, 'c', 2), &row), COFRE_ENOENT);
    OK(store_customer_get(f->w, id16(id, 'c', 3), &row));
    store_rollback(f->w);
}

static void
rollback_takes_back_all(void **state)
{
    struct fixture *f = *state;

    begin(f);
    add_customer(f, 1);
    store_rollback(f->w);
    begin(f);
    assert_int_equal(customers(f->w), 0);
    store_rollback(f->w);
}

static void
a_snapshot_does_not_see_a_later_commit(void **state)
{
    struct fixture *f = *state;
    struct store_conn *before = snapshot(f);
    struct store_conn *after;

    begin(f);
    add_customer(f, 1);
    commit(f);
    after = snapshot(f);
    assert_int_equal(customers(before), 0);
    assert_int_equal(customers(after), 1);
    store_snapshot_end(before);
    before = snapshot(f);
    assert_int_equal(customers(before), 1);
    store_snapshot_end(before);
    store_snapshot_end(after);
    store_snapshot_end(NULL);
}

static void
a_full_disk_fails_the_whole_transaction(void **state)
{
    struct fixture *f = *state;
    static const uint8_t big[200000];
    enum cofre_err err = COFRE_OK;
    unsigned n;

    begin(f);
    add_customer(f, 1);
    commit(f);
    sqlite3_exec(f->w->db, "PRAGMA max_page_count = 300", NULL, NULL, NULL);
    begin(f);
    add_customer(f, 2);
    for (n = 0; n < 10 && err == COFRE_OK; n++)
        err = store_outbox_add(f->w, n, BYTES_OF(big));
    assert_int_equal(err, COFRE_ENOSPC);
    assert_true(store_cause(f->w)[0] != '\0');
    store_rollback(f->w);
    begin(f);
    assert_int_equal(customers(f->w), 1);
    commit(f);
}

/* SQLite rolls back by itself on some errors: what follows must not be committed alone. */
static void
a_transaction_that_sqlite_gave_up_cannot_be_committed(void **state)
{
    struct fixture *f = *state;
    struct store_head head = f->head;
    struct store_customer row;
    uint8_t id[16];

    begin(f);
    add_customer(f, 1);
    sqlite3_exec(f->w->db, "ROLLBACK", NULL, NULL, NULL);
    assert_int_equal(store_reason_put(f->w, 99, id16(id, 'r', 1), BYTES_NONE), COFRE_ENOENT);
    assert_int_equal(store_customer_get(f->w, id16(id, 'c', 1), &row), COFRE_ENOENT);
    assert_int_not_equal(store_outbox_add(f->w, 1, BYTES_NONE), COFRE_OK);
    assert_int_not_equal(store_commit(f->w, &head), COFRE_OK);
    assert_int_equal(head.generation, f->head.generation);
    begin(f);
    commit(f);
    assert_int_equal(f->head.generation, 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_new_store_is_for_its_owner_alone_and_is_not_made_twice),
        TEST_EMPTY(a_store_that_could_not_be_made_leaves_no_file),
        TEST(another_key_does_not_open_it),
        TEST_EMPTY(a_missing_file_is_not_made_by_opening),
        TEST_EMPTY(an_empty_file_becomes_a_store),
        TEST(a_newer_version_is_refused_and_left_alone),
        TEST_EMPTY(somebody_elses_database_is_refused),
        TEST(settings_are_as_the_design_says),
        TEST(a_flipped_byte_in_any_page_is_an_integrity_failure_or_out_of_reach),
        TEST(each_commit_grows_the_generation_by_one),
        TEST(undo_takes_back_one_mutation_alone),
        TEST(rollback_takes_back_all),
        TEST(a_snapshot_does_not_see_a_later_commit),
        TEST(a_full_disk_fails_the_whole_transaction),
        TEST(a_transaction_that_sqlite_gave_up_cannot_be_committed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
