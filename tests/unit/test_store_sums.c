/* Sums over the rows: what keeps them up to date, and what they find. */
#include "store_fixture.h"

/* The whole check, in a snapshot. */
static enum cofre_err
check_all(struct fixture *f, struct store_check *check)
{
    struct store_conn *c = snapshot(f);
    enum cofre_err err = store_rows_check(c, check, NULL);

    store_snapshot_end(c);
    return err;
}

static void
assert_adds_up(struct fixture *f)
{
    struct store_check check = {.all = true};
    struct cofre_why why = {""};
    struct store_conn *c = snapshot(f);
    enum cofre_err err = store_rows_check(c, &check, &why);

    store_snapshot_end(c);
    if (err != COFRE_OK)
        fail_msg("%s: %s", check.table, why.text);
}

static void
add_token(struct fixture *f, const char *id)
{
    struct store_token row = {.pepper = 1, .name = "shop", .issued = 1, .expires = 2};

    snprintf(row.id, sizeof row.id, "%s", id);
    OK(store_token_insert(f->w, &row));
}

static void
add_doc(struct fixture *f, const char *kind, const char *name, const char *body)
{
    struct store_doc doc = {.name = bytes_str(name), .body = bytes_str(body)};

    OK(store_doc_put(f->w, kind, &doc));
}

/* Some of everything. */
static void
fill(struct fixture *f, unsigned customers)
{
    uint8_t value[16];

    begin(f);
    for (unsigned n = 0; n < customers; n++) {
        int64_t num = add_customer(f, n);

        OK(store_index_put(f->w, 1, true, id16(value, 'u', n), num));
        OK(store_index_put(f->w, 2, false, id16(value, 'l', n % 3), num));
        add_consent(f, num, 1, STORE_GRANTED);
        add_event(f, num, n, 1000 + n);
        OK(store_link_put(f->w, 1, 1, id16(value, 'p', n), num));
        OK(store_reason_put(f->w, num, id16(value, 'r', n), BYTES_LIT("sealed")));
    }
    add_token(f, "tok_a");
    add_token(f, "tok_b");
    add_doc(f, "view", "loyalty", "{}");
    OK(store_outbox_add(f->w, f->head.generation, BYTES_LIT("{}")));
    commit(f);
}

/* ---- they follow what is done ---- */

static void
rows_that_come_change_and_go_are_followed(void **state)
{
    struct fixture *f = *state;
    struct store_idem idem = {.status = 200, .expires = 10, .body = BYTES_LIT("body")};
    struct store_job job = {.kind = "rotate-kek", .total = 3};

    fill(f, 20);
    assert_adds_up(f);
    begin(f);
    add_consent(f, 1, 1, STORE_WITHDRAWN); /* a change, and a row of history */
    OK(store_customer_flag(f->w, 2, STORE_RESTRICTED));
    OK(store_index_drop(f->w, 2, 3));
    OK(store_link_drop(f->w, 1, 1));
    OK(store_token_revoke(f->w, "tok_a", 77));
    OK(store_outbox_trim(f->w, 1000));
    OK(store_idem_put(f->w, &idem, 5));
    OK(store_job_put(f->w, &job));
    job.done = 3;
    OK(store_job_put(f->w, &job));
    commit(f);
    assert_adds_up(f);
    idem.status = 201;
    begin(f);
    OK(store_idem_put(f->w, &idem, 20)); /* over one that has expired */
    OK(store_customer_flag(f->w, 2, 0));
    OK(store_customer_flag(f->w, 4, STORE_RESTRICTED | STORE_HAS_PURCHASE));
    commit(f);
    assert_adds_up(f);
    fixture_reopen(f);
    assert_adds_up(f);
}

static void
a_second_opening_goes_on_from_head(void **state)
{
    struct fixture *f = *state;

    fill(f, 5);
    for (unsigned n = 5; n < 8; n++) {
        fixture_reopen(f);
        begin(f);
        add_customer(f, n);
        commit(f);
        assert_adds_up(f);
    }
}

/* The tables of the schema as it is, not of a list in a test: whoever adds one has it summed. */
static void
every_table_of_the_schema_has_a_sum(void **state)
{
    struct fixture *f = *state;
    struct store_check check = {.all = true};
    sqlite3 *db;
    int64_t tables;

    fill(f, 3);
    OK(check_all(f, &check));
    db = raw_open(f->file);
    tables = raw_number(db, "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND "
                            "name <> 'head' AND name NOT LIKE 'sqlite%'");
    assert_int_equal(check.tables, tables + 1); /* and the restricted customers */
    assert_true(tables >= 13);
    sqlite3_close(db);
}

/* By the cascade of one deleted customer every row that hangs on it is taken away, too. */
static void
what_a_cascade_or_a_replace_removes_is_followed(void **state)
{
    struct fixture *f = *state;
    sqlite3 *db = *(sqlite3 **)f->w; /* the handle is the connection's first member */
    struct store_check check = {.all = true};
    uint64_t before;

    fill(f, 6);
    OK(check_all(f, &check));
    before = check.rows;
    begin(f);
    raw_exec(db, "DELETE FROM customer WHERE num IN (2, 5)");
    commit(f);
    OK(check_all(f, &check));
    assert_int_equal(before - check.rows, 2 * 7);
    begin(f);
    raw_exec(db, "REPLACE INTO token SELECT 'tok_a', hash, pepper, role, flags, name, view, purposes,"
                 " issued, expires, 9 FROM token WHERE id = 'tok_b'");
    raw_exec(db, "UPDATE OR REPLACE event SET key = (SELECT key FROM event WHERE num = 1) WHERE num = 3");
    commit(f);
    assert_adds_up(f);
    begin(f);
    raw_exec(db, "DELETE FROM event");
    commit(f);
    assert_adds_up(f);
}

static void
what_is_undone_does_not_count(void **state)
{
    struct fixture *f = *state;
    struct store_consent orphan = {.customer = 999, .purpose = 1, .basis = STORE_CONSENT,
                                   .status = STORE_GRANTED, .source = "shop"};

    fill(f, 3);
    begin(f);
    add_token(f, "tok_c");
    OK(store_savepoint(f->w));
    add_token(f, "tok_d");
    OK(store_undo(f->w));
    OK(store_savepoint(f->w));
    add_token(f, "tok_e");
    OK(store_release(f->w));
    assert_int_equal(store_consent_put(f->w, &orphan), COFRE_ENOENT);
    commit(f);
    assert_adds_up(f);
    begin(f);
    add_token(f, "tok_f");
    store_rollback(f->w);
    assert_adds_up(f);
    begin(f);
    add_token(f, "tok_g");
    commit(f);
    assert_adds_up(f);
}

/* Some of its rows are gone already when it fails, and SQLite brings them back without a word. */
static void
a_statement_that_fails_half_way_does_not_count(void **state)
{
    struct fixture *f = *state;

    fill(f, 5);
    raw_exec(*(sqlite3 **)f->w,
             "CREATE TEMP TRIGGER half_way AFTER DELETE ON main.link WHEN OLD.customer = 3 "
             "BEGIN SELECT RAISE(ABORT, 'no'); END");
    begin(f);
    assert_int_not_equal(store_link_drop(f->w, 1, 1), COFRE_OK);
    add_token(f, "tok_c");
    commit(f);
    assert_adds_up(f);
}

/* ---- they find what was changed beside them ---- */

struct change {
    const char *sql;
    const char *table; /* that is named */
    bool vital;        /* found by the short check, too */
};

static const struct change changes[] = {
    {"UPDATE token SET revoked = 0 WHERE id = 'tok_a'", "token", true},
    {"DELETE FROM token WHERE id = 'tok_b'", "token", true},
    {"UPDATE consent SET status = 1 WHERE customer = 1", "consent", true},
    {"INSERT INTO consent SELECT customer, 9, basis, status, time, source FROM consent WHERE customer = 2",
     "consent", true},
    {"UPDATE doc SET version = 7", "doc", true},
    {"UPDATE customer SET flags = 0 WHERE num = 2", "customer", false},
    {"UPDATE customer SET rest = zeroblob(7) WHERE num = 1", "customer", false},
    {"UPDATE customer SET bundle = zeroblob(176), kek = 9 WHERE num = 3",
     "customer", false},
    {"UPDATE event SET customer = 2 WHERE num = 1", "event", false},
    {"DELETE FROM event WHERE num = 3", "event", false},
    {"UPDATE index_value SET customer = 2 WHERE customer = 1", "index_value", false},
    {"DELETE FROM lookup_value WHERE customer = 3", "lookup_value", false},
    {"DELETE FROM link WHERE customer = 3", "link", false},
    {"DELETE FROM reason", "reason", false},
    {"DELETE FROM consent_history", "consent_history", false},
    {"INSERT INTO job VALUES (1, 'x', 1, 1, 1, 1, 1, 1, 1)", "job", false},
    {"INSERT INTO idem VALUES (1, x'00', x'00', 1, 1, x'00')", "idem", false},
    {"INSERT INTO outbox VALUES (1000, x'00')", "outbox", false},
    {"UPDATE head SET log_size = 1", "head", true},
    {"UPDATE head SET generation = generation + 1", "head", true},
    {"UPDATE head SET incarnation = 2", "head", true},
    {"UPDATE head SET sums = x''", "head", true},
    {"UPDATE head SET sums = zeroblob(length(sums))", "head", true},
    {"DROP TABLE job", "schema", true},
    {"CREATE TRIGGER back AFTER UPDATE ON token BEGIN UPDATE token SET revoked = 0; END", "schema", true},
    {"CREATE TABLE more (n INTEGER)", "schema", true},
    {"DROP INDEX event_time", "schema", true},
};

static void
rows_changed_beside_the_sums_are_found_and_named(void **state)
{
    struct fixture *f = *state;
    char copy[96];
    char command[512];

    fill(f, 4);
    begin(f);
    OK(store_token_revoke(f->w, "tok_a", 77));
    add_consent(f, 1, 1, STORE_WITHDRAWN);
    OK(store_customer_flag(f->w, 2, STORE_RESTRICTED));
    commit(f);
    store_close(f->store);
    f->store = NULL;
    snprintf(copy, sizeof copy, "%s.copy", f->file);
    snprintf(command, sizeof command, "cp %s %s", f->file, copy);
    assert_int_equal(system(command), 0);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        struct store_check check = {.all = true};
        sqlite3 *db;

        snprintf(command, sizeof command, "cp %s %s && rm -f %s-wal %s-shm", copy, f->file, f->file,
                 f->file);
        assert_int_equal(system(command), 0);
        db = raw_open(f->file);
        raw_exec(db, changes[i].sql);
        sqlite3_close(db);
        OK(fixture_try(f, fixture_key, false));
        if (check_all(f, &check) != COFRE_EINTEGRITY || strcmp(check.table, changes[i].table) != 0)
            fail_msg("%s: found in \"%s\"", changes[i].sql, check.table);
        check.all = false;
        if (changes[i].vital)
            assert_int_equal(check_all(f, &check), COFRE_EINTEGRITY);
        store_close(f->store);
        f->store = NULL;
    }
    unlink(copy);
}

static void
a_restriction_that_was_lifted_is_found_by_the_short_check(void **state)
{
    struct fixture *f = *state;
    struct store_check check = {.all = false};
    sqlite3 *db;

    fill(f, 4);
    begin(f);
    OK(store_customer_flag(f->w, 2, STORE_RESTRICTED));
    commit(f);
    OK(check_all(f, &check));
    store_close(f->store);
    db = raw_open(f->file);
    raw_exec(db, "UPDATE customer SET flags = 0 WHERE num = 2");
    sqlite3_close(db);
    OK(fixture_try(f, fixture_key, false));
    assert_int_equal(check_all(f, &check), COFRE_EINTEGRITY);
    assert_string_equal(check.table, "customer-restricted");
}

/* Nothing is added to what does not authenticate. */
static void
a_head_that_is_not_authentic_begins_no_transaction(void **state)
{
    struct fixture *f = *state;
    sqlite3 *db;

    fill(f, 2);
    store_close(f->store);
    db = raw_open(f->file);
    raw_exec(db, "UPDATE head SET log_size = 7");
    sqlite3_close(db);
    OK(fixture_try(f, fixture_key, false));
    assert_int_equal(store_begin(f->w), COFRE_EINTEGRITY);
}

/* ---- pages put back ---- */

enum { PAGE = 4096 };

static struct buf
file_bytes(const char *path)
{
    struct buf out = BUF_INIT;
    FILE *file = fopen(path, "rb");
    size_t n;

    assert_non_null(file);
    do {
        n = fread(buf_reserve(&out, 65536), 1, 65536, file);
        out.len += n;
    } while (n > 0);
    fclose(file);
    return out;
}

static void
write_file(const char *path, const struct buf *bytes)
{
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes->p, 1, bytes->len, file), bytes->len);
    assert_int_equal(fclose(file), 0);
}

/* Does the file say that something is wrong, from the opening to the whole check? */
static bool
is_found(struct fixture *f, const struct store_head *want)
{
    struct store_check check = {.all = true};
    struct store_head head = {0};
    struct store_conn *c;
    enum cofre_err err;

    f->store = NULL;
    if (fixture_try(f, fixture_key, false) != COFRE_OK)
        return true;
    if ((err = store_snapshot(f->store, &c, NULL)) == COFRE_OK) {
        if ((err = store_head_get(c, &head)) == COFRE_OK)
            err = store_rows_check(c, &check, NULL);
        store_snapshot_end(c);
    }
    store_leave_files(f->store);
    store_close(f->store);
    f->store = NULL;
    /* An older head is authentic: that it is older is for who remembers a newer one. */
    return err != COFRE_OK || head.generation < want->generation;
}

static void
every_single_old_page_put_back_is_found(void **state)
{
    struct fixture *f = *state;
    struct buf old;
    struct buf now;
    char path[96];
    unsigned tried = 0;

    fill(f, 200);
    store_close(f->store);
    old = file_bytes(f->file);
    OK(fixture_try(f, fixture_key, false));
    begin(f);
    OK(store_token_revoke(f->w, "tok_a", 77));
    for (int64_t num = 1; num < 200; num += 20) {
        add_consent(f, num, 1, STORE_WITHDRAWN);
        OK(store_customer_flag(f->w, num + 1, STORE_RESTRICTED));
        add_event(f, num, (unsigned)(1000 + num), 5000 + num);
        OK(store_index_drop(f->w, 1, num + 2));
        OK(store_index_drop(f->w, 2, num + 3));
    }
    for (unsigned n = 200; n < 260; n++)
        add_customer(f, n);
    add_doc(f, "view", "loyalty", "{\"tighter\":true}");
    commit(f);
    store_close(f->store);
    now = file_bytes(f->file);
    for (size_t at = 0; at + PAGE <= old.len; at += PAGE) {
        struct buf mixed = BUF_INIT;

        if (memcmp(old.p + at, now.p + at, PAGE) == 0)
            continue;
        buf_putb(&mixed, buf_bytes(&now));
        memcpy(mixed.p + at, old.p + at, PAGE);
        write_file(f->file, &mixed);
        buf_free(&mixed);
        for (unsigned i = 0; i < 2; i++) {
            snprintf(path, sizeof path, "%s-%s", f->file, i == 0 ? "wal" : "shm");
            unlink(path);
        }
        tried++;
        if (!is_found(f, &f->head))
            fail_msg("page %zu of %zu, put back, is not found", at / PAGE + 1, now.len / PAGE);
    }
    assert_true(tried > 12);
    buf_free(&old);
    buf_free(&now);
}

/* ---- a database of the version before ---- */

static void
a_database_without_sums_gets_them(void **state)
{
    struct fixture *f = *state;
    struct store_config config = {.where = f->where, .key = fixture_key, .readers = 2};
    struct store_check check = {.all = true};
    struct store_head head;
    struct store_conn *c;
    uint64_t rows;

    fill(f, 10);
    c = snapshot(f);
    OK(store_rows_count(c, &rows));
    assert_int_equal(rows, 10 * 7 + 4);
    store_snapshot_end(c);
    store_close(f->store);
    OK(store_open(&config, &f->store, NULL)); /* one that keeps none */
    f->w = store_writer(f->store);
    begin(f);
    add_token(f, "tok_z");
    commit(f);
    fixture_reopen(f);
    c = snapshot(f);
    OK(store_head_get(c, &head));
    assert_false(head.summed);
    assert_int_equal(store_rows_count(c, &rows), COFRE_EINTEGRITY);
    store_snapshot_end(c);
    assert_int_equal(check_all(f, &check), COFRE_EINTEGRITY);
    assert_int_equal(store_begin(f->w), COFRE_EINTEGRITY);

    store_rows_accept(f->store);
    begin(f);
    assert_int_equal(store_commit(f->w, &f->head), COFRE_EINTEGRITY); /* not without making them */
    begin(f);
    OK(store_incarnate(f->w, 7, 1000));
    OK(store_rows_rebuild(f->w, NULL));
    add_token(f, "tok_y");
    commit(f);
    assert_int_equal(f->head.incarnation, 7);
    assert_int_equal(f->head.generation, 1001);
    assert_adds_up(f);
    fixture_reopen(f);
    assert_adds_up(f);
    begin(f);
    add_token(f, "tok_x");
    commit(f);
    assert_adds_up(f);
}

/* What is older can be taken as it is; what is damaged cannot. */
static void
rows_that_hang_on_nobody_are_not_taken(void **state)
{
    struct fixture *f = *state;
    sqlite3 *db;

    fill(f, 3);
    store_close(f->store);
    db = raw_open(f->file);
    raw_exec(db, "PRAGMA foreign_keys = OFF");
    raw_exec(db, "DELETE FROM customer WHERE num = 1");
    sqlite3_close(db);
    OK(fixture_try(f, fixture_key, false));
    store_rows_accept(f->store);
    begin(f);
    assert_int_equal(store_rows_rebuild(f->w, NULL), COFRE_EINTEGRITY);
    store_rollback(f->w);
}

static bool
at_once(void *ctx)
{
    (void)ctx;
    return true;
}

static void
a_check_leaves_off_when_it_is_told_to(void **state)
{
    struct fixture *f = *state;
    struct store_check check = {.all = true, .stop = at_once};

    fill(f, 2000);
    assert_int_equal(check_all(f, &check), COFRE_EAGAIN);
    check.stop = NULL;
    OK(check_all(f, &check));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(rows_that_come_change_and_go_are_followed),
        TEST(a_second_opening_goes_on_from_head),
        TEST(every_table_of_the_schema_has_a_sum),
        TEST(what_a_cascade_or_a_replace_removes_is_followed),
        TEST(what_is_undone_does_not_count),
        TEST(a_statement_that_fails_half_way_does_not_count),
        TEST(rows_changed_beside_the_sums_are_found_and_named),
        TEST(a_restriction_that_was_lifted_is_found_by_the_short_check),
        TEST(a_head_that_is_not_authentic_begins_no_transaction),
        TEST(every_single_old_page_put_back_is_found),
        TEST(a_database_without_sums_gets_them),
        TEST(rows_that_hang_on_nobody_are_not_taken),
        TEST(a_check_leaves_off_when_it_is_told_to),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
