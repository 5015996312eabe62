#include "store_fixture.h"

/* Documents, tokens, idempotency keys, jobs and the outbox. */

struct docs {
    unsigned n;
    struct store_doc last;
    char name[32];
    char body[32];
};

static enum cofre_err
keep_doc(void *ctx, const struct store_doc *doc)
{
    struct docs *d = ctx;

    assert_true(d->n == 0 || doc->num > d->last.num);
    d->n++;
    d->last = *doc;
    snprintf(d->name, sizeof d->name, "%.*s", (int)doc->name.len, (const char *)doc->name.p);
    snprintf(d->body, sizeof d->body, "%.*s", (int)doc->body.len, (const char *)doc->body.p);
    return COFRE_OK;
}

static void
a_document_keeps_its_number_and_grows_its_version(void **state)
{
    struct fixture *f = *state;
    struct store_doc doc = {.name = BYTES_LIT("loyalty"), .body = BYTES_LIT("one")};
    struct docs d = {0};

    begin(f);
    OK(store_doc_put(f->w, "view", &doc));
    assert_int_equal(doc.num, 1);
    assert_int_equal(doc.version, 1);
    doc.body = BYTES_LIT("two");
    OK(store_doc_put(f->w, "view", &doc));
    assert_int_equal(doc.num, 1);
    assert_int_equal(doc.version, 2);
    OK(store_doc_each(f->w, "view", keep_doc, &d));
    assert_int_equal(d.n, 1);
    assert_string_equal(d.body, "two");

    doc = (struct store_doc){.name = BYTES_LIT("marketing"), .dropped = true};
    OK(store_doc_put(f->w, "view", &doc));
    assert_int_equal(doc.num, 2);
    assert_int_equal(doc.version, 1);
    d = (struct docs){0};
    OK(store_doc_each(f->w, "view", keep_doc, &d));
    assert_int_equal(d.n, 2);
    assert_string_equal(d.name, "marketing");
    assert_true(d.last.dropped);
    assert_int_equal(d.last.body.len, 0);

    doc = (struct store_doc){.name = BYTES_LIT("loyalty")};
    OK(store_doc_put(f->w, "purpose", &doc));
    assert_int_equal(doc.num, 1);
    assert_int_equal(doc.version, 1);
    commit(f);
}

struct tokens {
    unsigned n;
    struct store_token last;
};

static enum cofre_err
keep_token(void *ctx, const struct store_token *row)
{
    struct tokens *t = ctx;

    t->n++;
    t->last = *row;
    return COFRE_OK;
}

static void
a_token_is_kept_whole_and_revoked_once(void **state)
{
    struct fixture *f = *state;
    struct tokens t = {0};
    struct store_token row = {.id = "tok_1",
                              .hash = {1, 2, 3},
                              .pepper = 4,
                              .role = 5,
                              .flags = 6,
                              .name = "the shop",
                              .view = "loyalty",
                              .purposes = "loyalty service",
                              .issued = 10,
                              .expires = 20};

    begin(f);
    OK(store_token_insert(f->w, &row));
    assert_int_equal(store_token_insert(f->w, &row), COFRE_EEXIST);
    OK(store_token_each(f->w, keep_token, &t));
    assert_int_equal(t.n, 1);
    assert_string_equal(t.last.id, row.id);
    assert_memory_equal(t.last.hash, row.hash, HASH_LEN);
    assert_int_equal(t.last.pepper, 4);
    assert_int_equal(t.last.role, 5);
    assert_int_equal(t.last.flags, 6);
    assert_string_equal(t.last.name, row.name);
    assert_string_equal(t.last.view, row.view);
    assert_string_equal(t.last.purposes, row.purposes);
    assert_int_equal(t.last.issued, 10);
    assert_int_equal(t.last.expires, 20);
    assert_int_equal(t.last.revoked, 0);
    assert_int_equal(store_token_revoke(f->w, "tok_2", 15), COFRE_ENOENT);
    OK(store_token_revoke(f->w, "tok_1", 15));
    assert_int_equal(store_token_revoke(f->w, "tok_1", 16), COFRE_EEXIST);
    OK(store_token_each(f->w, keep_token, &t));
    assert_int_equal(t.last.revoked, 15);
    commit(f);
}

static void
an_idempotency_key_holds_until_it_expires(void **state)
{
    struct fixture *f = *state;
    struct store_idem row = {.status = 201, .expires = 100, .body = BYTES_LIT("{}")};
    struct store_idem got;
    sqlite3 *db;

    id16(row.key, 'i', 1);
    id16(row.request, 'q', 1);
    begin(f);
    assert_int_equal(store_idem_get(f->w, row.key, 50, &got), COFRE_ENOENT);
    OK(store_idem_put(f->w, &row, 50));
    OK(store_idem_get(f->w, row.key, 99, &got));
    assert_memory_equal(got.request, row.request, 16);
    assert_int_equal(got.status, 201);
    assert_int_equal(got.expires, 100);
    assert_true(bytes_equal(got.body, BYTES_LIT("{}")));
    assert_int_equal(store_idem_get(f->w, row.key, 100, &got), COFRE_ENOENT);

    row.status = 409;
    row.expires = 300;
    assert_int_equal(store_idem_put(f->w, &row, 99), COFRE_EEXIST);
    OK(store_idem_put(f->w, &row, 100));
    OK(store_idem_get(f->w, row.key, 100, &got));
    assert_int_equal(got.status, 409);

    for (unsigned i = 2; i < 7; i++) {
        id16(row.key, 'i', i);
        row.expires = 200;
        OK(store_idem_put(f->w, &row, 100));
    }
    id16(row.key, 'i', 9);
    row.expires = 900;
    OK(store_idem_put(f->w, &row, 250));
    commit(f);
    db = raw_open(f->file);
    assert_int_equal(raw_number(db, "SELECT count(*) FROM idem"), 2);
    sqlite3_close(db);
}

/* When more have expired than one put removes. */
static void
an_expired_key_of_its_own_is_replaced(void **state)
{
    struct fixture *f = *state;
    struct store_idem row = {.status = 201};
    struct store_idem got;

    begin(f);
    for (unsigned i = 0; i < 20; i++) {
        id16(row.key, 'i', i);
        row.expires = 100 + i;
        OK(store_idem_put(f->w, &row, 0));
    }
    row.expires = 900;
    row.status = 409;
    OK(store_idem_put(f->w, &row, 500));
    OK(store_idem_get(f->w, row.key, 500, &got));
    assert_int_equal(got.status, 409);
    commit(f);
}

static enum cofre_err
keep_job(void *ctx, const struct store_job *job)
{
    *(struct store_job *)ctx = *job;
    return COFRE_OK;
}

static void
one_job_of_a_kind_runs_at_a_time(void **state)
{
    struct fixture *f = *state;
    struct store_job a = {.kind = "rotate-kek", .from_version = 1, .to_version = 2, .total = 9};
    struct store_job b = a;
    struct store_job other = {.kind = "rotate-index"};
    struct store_job got;

    begin(f);
    OK(store_job_put(f->w, &a));
    assert_int_equal(a.num, 1);
    assert_int_equal(store_job_put(f->w, &b), COFRE_EBUSY);
    OK(store_job_put(f->w, &other));
    a.done = 5;
    a.updated = 7;
    OK(store_job_put(f->w, &a));
    a.state = 1;
    OK(store_job_put(f->w, &a));
    OK(store_job_put(f->w, &b));
    a.state = 0;
    assert_int_equal(store_job_put(f->w, &a), COFRE_EBUSY);
    OK(store_job_each(f->w, keep_job, &got));
    assert_int_equal(got.num, b.num);
    assert_string_equal(got.kind, "rotate-kek");
    assert_int_equal(got.from_version, 1);
    assert_int_equal(got.to_version, 2);
    assert_int_equal(got.total, 9);
    a.num = 99;
    a.state = 1;
    assert_int_equal(store_job_put(f->w, &a), COFRE_ENOENT);
    commit(f);
}

struct lines {
    uint64_t next;
    unsigned n;
};

static enum cofre_err
check_line(void *ctx, uint64_t seq, struct bytes line)
{
    struct lines *l = ctx;

    assert_int_equal(seq, l->next);
    assert_int_equal(line.p[0], seq);
    l->next++;
    l->n++;
    return COFRE_OK;
}

static void
the_outbox_is_in_order_and_cut_from_below(void **state)
{
    struct fixture *f = *state;
    struct lines l = {4, 0};

    begin(f);
    for (uint8_t i = 0; i < 10; i++)
        OK(store_outbox_add(f->w, i, (struct bytes){&i, 1}));
    assert_int_equal(store_outbox_add(f->w, 3, BYTES_NONE), COFRE_EEXIST);
    OK(store_outbox_each(f->w, 4, check_line, &l));
    assert_int_equal(l.n, 6);
    OK(store_outbox_trim(f->w, 7));
    l = (struct lines){7, 0};
    OK(store_outbox_each(f->w, 0, check_line, &l));
    assert_int_equal(l.n, 3);
    commit(f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_document_keeps_its_number_and_grows_its_version),
        TEST(a_token_is_kept_whole_and_revoked_once),
        TEST(an_idempotency_key_holds_until_it_expires),
        TEST(an_expired_key_of_its_own_is_replaced),
        TEST(one_job_of_a_kind_runs_at_a_time),
        TEST(the_outbox_is_in_order_and_cut_from_below),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
