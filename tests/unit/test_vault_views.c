#include "vault_fixture.h"

#include "cofre/encode.h"

enum { MANY = 30 };

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

/* The i-th pseudonym of a reply, in its order. */
static bool
pseudonym(const struct cofre_call *c, unsigned i, char out[static 128])
{
    const char *at = vf_body(c);

    for (unsigned k = 0; at != NULL && k <= i; k++)
        at = strstr(at + (k > 0), "{\"pseudonym\":");
    if (at == NULL)
        return false;
    vf_member(at, "pseudonym", out);
    return true;
}

static size_t
tags(struct vf *f, const struct cofre_call *c)
{
    struct entry_parsed *p = malloc(sizeof *p);
    struct buf line = vf_entry(f->v, c->seq);
    size_t n;

    assert_non_null(p);
    assert_true(c->recorded);
    OK(entry_parse((struct bytes){line.p, line.len - 1}, p));
    n = p->e.n_subjects;
    buf_free(&line);
    free(p);
    return n;
}

/* Holds an id against the one before it: lists are in the order of the text, as anybody would sort it. */
static void
assert_behind(char last[static ENCODE_ID_MAX], const char *prefix, const char *text)
{
    uint8_t id[16];

    OK(encode_id_parse(bytes_str(text), prefix, id));
    assert_true(strcmp(text, last) > 0);
    strcpy(last, text);
}

/* ---- who is in it ---- */

static void
old_and_new_customers_are_in_it(void **state)
{
    struct vf *f = *state;
    struct cofre_call c;

    some_customers(f, 1000, MANY);
    assert_int_equal(vf_records(f->v, 100, NULL, &c), COFRE_OUT_NOT_FOUND);
    cofre_call_free(&c);
    assert_int_equal(vf_apply(f->v, vf_view, false), COFRE_OUT_OK);
    some_customers(f, 2000, 5);
    assert_int_equal(vf_records(f->v, 100, NULL, &c), COFRE_OUT_OK);
    assert_int_equal(c.n, MANY + 5);
    assert_int_equal(tags(f, &c), MANY + 5);
    assert_null(strstr(vf_body(&c), "1001"));
    assert_null(strstr(vf_body(&c), "Zhang"));
    assert_non_null(strstr(vf_body(&c), "\"fields\":{\"country\":\"ES\",\"email\":\"example.org\"}"));
    cofre_call_free(&c);
    vf_close(f);
    vf_open(f);
    assert_int_equal(vf_records(f->v, 100, NULL, &c), COFRE_OUT_OK);
    assert_int_equal(c.n, MANY + 5);
    cofre_call_free(&c);
}

static void
pages_follow_one_another_in_the_order_of_pseudonyms(void **state)
{
    struct vf *f = *state;
    struct cofre_call c;
    char cursor[128] = "";
    char last[ENCODE_ID_MAX] = "";
    char ps[128];
    unsigned n = 0;

    some_customers(f, 1000, MANY);
    assert_int_equal(vf_apply(f->v, vf_view, false), COFRE_OUT_OK);
    for (unsigned page = 0; page < 5; page++) {
        const char *next;

        assert_int_equal(vf_records(f->v, 7, page > 0 ? cursor : NULL, &c), COFRE_OUT_OK);
        for (unsigned i = 0; pseudonym(&c, i, ps); i++, n++)
            assert_behind(last, "ps_", ps);
        assert_non_null(next = strstr(vf_body(&c), "\"next\":"));
        if (page < 4)
            vf_member(next, "next", cursor);
        else
            assert_string_equal(next, "\"next\":null}");
        cofre_call_free(&c);
    }
    assert_int_equal(n, MANY);

    /* A cursor is for this token, this view, this list. */
    {
        const struct cofre_page page = {.limit = 7, .cursor = bytes_str(cursor)};

        vf_call(&c, COFRE_ROLE_CRM, COFRE_ACT_VIEW_RECORDS);
        strcpy(c.actor.view, "loyalty");
        strcpy(c.actor.id, "tok_other");
        cofre_view_records(f->v, &c, BYTES_LIT("loyalty"), &page);
        assert_int_equal(vf_submit(f->v, &c), COFRE_OUT_BAD_CURSOR);
        cofre_call_free(&c);
        vf_call(&c, COFRE_ROLE_CRM, COFRE_ACT_VIEW_EVENTS);
        strcpy(c.actor.view, "loyalty");
        cofre_view_events(f->v, &c, BYTES_LIT("loyalty"), BYTES_NONE, &page);
        assert_int_equal(vf_submit(f->v, &c), COFRE_OUT_BAD_CURSOR);
        cofre_call_free(&c);
    }
    cursor[20] = (char)(cursor[20] == 'A' ? 'B' : 'A');
    assert_int_equal(vf_records(f->v, 7, cursor, &c), COFRE_OUT_BAD_CURSOR);
    cofre_call_free(&c);
}

/* ---- one and the same 404 ---- */

static void
assert_same_refusal(struct vf *f, const char *ps, const char *want)
{
    struct cofre_call c;
    struct buf line;

    assert_int_equal(vf_record(f->v, ps, &c), COFRE_OUT_NOT_FOUND);
    assert_int_equal(c.n, 0);
    assert_int_equal(c.n_faults, 0);
    assert_int_equal(c.body.len, 0);
    assert_int_equal(tags(f, &c), 1);
    line = vf_entry(f->v, c.seq);
    /* Alike from act to n, and of one length. */
    assert_non_null(strstr((char *)line.p, want));
    buf_free(&line);
    cofre_call_free(&c);
}

static void
unknown_and_withdrawn_are_one_answer(void **state)
{
    static const char want[] =
        "\"act\":\"view-record\",\"ok\":false,\"code\":404,\"actor\":\"tok_test\",\"role\":\"crm\","
        "\"view\":\"loyalty\",\"purpose\":\"loyalty\",\"fields\":[\"country\",\"email\"],\"n\":0,";
    struct vf *f = *state;
    struct cofre_call c;
    uint8_t nonce[16];
    uint8_t tag[COFRE_TAG];
    char id[128];
    char ps[128];

    vf_customer(f->v, "1001", id);
    assert_int_equal(vf_apply(f->v, vf_view, false), COFRE_OUT_OK);
    assert_int_equal(vf_records(f->v, 10, NULL, &c), COFRE_OUT_OK);
    assert_true(pseudonym(&c, 0, ps));
    cofre_call_free(&c);
    assert_int_equal(vf_record(f->v, ps, &c), COFRE_OUT_OK);
    assert_int_equal(tags(f, &c), 1);
    cofre_call_free(&c);

    assert_int_equal(vf_consent(f->v, id, "withdrawn"), COFRE_OUT_OK);
    assert_same_refusal(f, ps, want);
    assert_same_refusal(f, "ps_aaaaaaaaaaaaaaaaaaaaaaaaaa", want);
    assert_same_refusal(f, "ps_AAAA", want);
    assert_same_refusal(f, "", want);

    /* The tag of the withdrawn is the real one: a search with the person's key finds the attempt. */
    vf_call(&c, COFRE_ROLE_CRM, COFRE_ACT_VIEW_RECORD);
    strcpy(c.actor.view, "loyalty");
    memcpy(nonce, c.nonce, sizeof nonce);
    cofre_view_record(f->v, &c, BYTES_LIT("loyalty"), bytes_str(ps));
    assert_int_equal(c.subjects.len, COFRE_TAG);
    memcpy(tag, c.subjects.p, sizeof tag);
    (void)vf_submit(f->v, &c);
    cofre_call_free(&c);
    vf_call(&c, COFRE_ROLE_ADMIN, COFRE_ACT_CUSTOMER_SHOW);
    memcpy(c.nonce, nonce, sizeof nonce); /* the same nonce gives the same tag */
    cofre_customer_show(f->v, &c, bytes_str(id));
    assert_int_equal(c.subjects.len, COFRE_TAG);
    assert_memory_equal(c.subjects.p, tag, sizeof tag);
    cofre_call_free(&c);

    assert_int_equal(vf_consent(f->v, id, "granted"), COFRE_OUT_OK);
    assert_int_equal(vf_record(f->v, ps, &c), COFRE_OUT_OK);
    cofre_call_free(&c);
}

static void
a_batch_leaves_the_missing_out(void **state)
{
    struct vf *f = *state;
    struct bytes ps[3] = {BYTES_LIT("ps_aaaaaaaaaaaaaaaaaaaaaaaaaa"), BYTES_NONE,
                          BYTES_LIT("nonsense")};
    char real[128];
    struct cofre_call c;

    some_customers(f, 1000, 2);
    assert_int_equal(vf_apply(f->v, vf_view, false), COFRE_OUT_OK);
    assert_int_equal(vf_records(f->v, 10, NULL, &c), COFRE_OUT_OK);
    assert_true(pseudonym(&c, 0, real));
    cofre_call_free(&c);
    ps[1] = bytes_str(real);
    vf_call(&c, COFRE_ROLE_CRM, COFRE_ACT_VIEW_BATCH_GET);
    strcpy(c.actor.view, "loyalty");
    cofre_view_batch_get(f->v, &c, BYTES_LIT("loyalty"), ps, 3);
    assert_int_equal(vf_submit(f->v, &c), COFRE_OUT_OK);
    assert_int_equal(c.n, 1);
    assert_int_equal(tags(f, &c), 3);
    assert_non_null(strstr(vf_body(&c), real));
    cofre_call_free(&c);
}

static void
another_view_is_like_one_that_does_not_exist(void **state)
{
    struct vf *f = *state;
    const struct cofre_page page = {.limit = 10};
    static const char *const views[] = {"loyalty", "other"};
    struct cofre_call c;

    some_customers(f, 1000, 1);
    assert_int_equal(vf_apply(f->v, vf_view, false), COFRE_OUT_OK);
    for (size_t i = 0; i < 2; i++) {
        vf_call(&c, COFRE_ROLE_CRM, COFRE_ACT_VIEW_RECORDS);
        strcpy(c.actor.view, "marketing");
        cofre_view_records(f->v, &c, bytes_str(views[i]), &page);
        assert_int_equal(vf_submit(f->v, &c), COFRE_OUT_NOT_FOUND);
        assert_int_equal(tags(f, &c), 0);
        assert_string_equal(c.view, "");
        cofre_call_free(&c);
    }
}

/* ---- events ---- */

static void
events_come_by_day_and_ref_and_page_through(void **state)
{
    enum { N = 25 };
    struct vf *f = *state;
    struct cofre_call c;
    char cursor[128] = "";
    char id[2][128];
    char event[16];
    char ps[128];
    char ref[128];
    char last[ENCODE_ID_MAX] = "";
    unsigned n = 0;

    vf_customer(f->v, "1001", id[0]);
    vf_customer(f->v, "1002", id[1]);
    for (unsigned i = 0; i < N; i++) {
        snprintf(event, sizeof event, "e-%u", i);
        assert_int_equal(vf_event(f->v, id[i % 2], event, "11.77", &c), COFRE_OUT_OK);
        cofre_call_free(&c);
    }
    assert_int_equal(vf_apply(f->v, vf_view, false), COFRE_OUT_OK);
    do {
        const struct cofre_page page = {
            .limit = 10, .cursor = cursor[0] != 0 ? bytes_str(cursor) : BYTES_NONE};
        const char *next;
        const char *at;

        vf_call(&c, COFRE_ROLE_CRM, COFRE_ACT_VIEW_EVENTS);
        strcpy(c.actor.view, "loyalty");
        cofre_view_events(f->v, &c, BYTES_LIT("loyalty"), BYTES_NONE, &page);
        assert_int_equal(vf_submit(f->v, &c), COFRE_OUT_OK);
        assert_true(tags(f, &c) >= 1 && tags(f, &c) <= 2); /* people, not events */
        for (at = strstr(vf_body(&c), "\"ref\":"); at != NULL; at = strstr(at + 1, "\"ref\":")) {
            vf_member(at, "ref", ref);
            assert_behind(last, "ev_", ref); /* all of one day */
            n++;
        }
        assert_non_null(strstr(vf_body(&c), "\"time\":\"1997-01-12\",\"attributes\":{\"amount\":\"11.77\"}"));
        assert_non_null(next = strstr(vf_body(&c), "\"next\":"));
        cursor[0] = 0;
        if (strcmp(next, "\"next\":null}") != 0)
            vf_member(next, "next", cursor);
        assert_true(pseudonym(&c, 0, ps));
        cofre_call_free(&c);
    } while (cursor[0] != 0);
    assert_int_equal(n, N);

    {
        const struct cofre_page page = {.limit = 100};

        vf_call(&c, COFRE_ROLE_CRM, COFRE_ACT_VIEW_RECORD_EVENTS);
        strcpy(c.actor.view, "loyalty");
        cofre_view_events(f->v, &c, BYTES_LIT("loyalty"), bytes_str(ps), &page);
        assert_int_equal(vf_submit(f->v, &c), COFRE_OUT_OK);
        assert_true(c.n == N / 2 || c.n == N / 2 + 1);
        assert_int_equal(tags(f, &c), 1);
        cofre_call_free(&c);
        vf_call(&c, COFRE_ROLE_CRM, COFRE_ACT_VIEW_RECORD_EVENTS);
        strcpy(c.actor.view, "loyalty");
        cofre_view_events(f->v, &c, BYTES_LIT("loyalty"),
                          BYTES_LIT("ps_aaaaaaaaaaaaaaaaaaaaaaaaaa"), &page);
        assert_int_equal(vf_submit(f->v, &c), COFRE_OUT_NOT_FOUND);
        assert_int_equal(tags(f, &c), 1);
        cofre_call_free(&c);
    }
}

/* ---- applying and dropping ---- */

static enum cofre_outcome
drop(struct vf *f)
{
    struct cofre_call c;
    enum cofre_outcome out;

    vf_call(&c, COFRE_ROLE_ADMIN, COFRE_ACT_VIEW_DROP);
    cofre_view_drop(f->v, &c, BYTES_LIT("loyalty"));
    out = vf_submit(f->v, &c);
    cofre_call_free(&c);
    return out;
}

static uint64_t
links(struct vf *f)
{
    struct store_scope scope = {.view = 1, .purpose = 1};
    struct store_conn *conn;
    uint64_t all = 0;

    OK(store_snapshot(f->v->store, &conn, NULL));
    for (scope.epoch = 1; scope.epoch < 5; scope.epoch++) {
        uint64_t n;

        OK(store_member_count(conn, &scope, &n));
        all += n;
    }
    store_snapshot_end(conn);
    return all;
}

static void
a_view_that_was_dropped_comes_back_with_other_pseudonyms(void **state)
{
    struct vf *f = *state;
    struct cofre_call c;
    char before[128];
    char after[128];

    some_customers(f, 1000, 1);
    assert_int_equal(vf_apply(f->v, vf_view, false), COFRE_OUT_OK);
    assert_int_equal(vf_records(f->v, 10, NULL, &c), COFRE_OUT_OK);
    assert_true(pseudonym(&c, 0, before));
    cofre_call_free(&c);
    assert_int_equal(drop(f), COFRE_OUT_OK);
    assert_int_equal(drop(f), COFRE_OUT_NOT_FOUND);
    assert_int_equal(vf_records(f->v, 10, NULL, &c), COFRE_OUT_NOT_FOUND);
    cofre_call_free(&c);
    some_customers(f, 2000, 1);
    assert_int_equal(links(f), 0); /* nobody gets a pseudonym of a view that is not there */
    vf_close(f);
    vf_open(f);
    assert_int_equal(vf_apply(f->v, vf_view, false), COFRE_OUT_OK);
    assert_int_equal(links(f), 2);
    assert_int_equal(vf_record(f->v, before, &c), COFRE_OUT_NOT_FOUND);
    cofre_call_free(&c);
    assert_int_equal(vf_records(f->v, 10, NULL, &c), COFRE_OUT_OK);
    for (unsigned i = 0; pseudonym(&c, i, after); i++)
        assert_string_not_equal(before, after);
    assert_int_equal(c.n, 2);
    cofre_call_free(&c);
}

static bool
stop(void *ctx)
{
    (void)ctx;
    return true;
}

static void
an_applying_that_was_cut_off_or_overtaken_is_not_served(void **state)
{
    struct vf *f = *state;
    const struct cofre_progress cut = {.stop = stop};
    struct cofre_call slow;
    struct cofre_call c;

    some_customers(f, 1000, 3);
    vf_call(&c, COFRE_ROLE_ADMIN, COFRE_ACT_VIEW_APPLY);
    cofre_view_apply(f->v, &c, bytes_str(vf_view), false, &cut);
    assert_int_equal(vf_submit(f->v, &c), COFRE_OUT_BUSY);
    cofre_call_free(&c);
    assert_int_equal(vf_records(f->v, 10, NULL, &c), COFRE_OUT_NOT_FOUND);
    cofre_call_free(&c);

    /* Two at once: the one whose epoch is not the present one any more is told so. */
    vf_call(&slow, COFRE_ROLE_ADMIN, COFRE_ACT_VIEW_APPLY);
    cofre_view_apply(f->v, &slow, bytes_str(vf_view), false, NULL);
    assert_int_equal(vf_apply(f->v, vf_view, false), COFRE_OUT_OK);
    assert_int_equal(vf_submit(f->v, &slow), COFRE_OUT_CONFLICT);
    cofre_call_free(&slow);
    assert_int_equal(vf_records(f->v, 10, NULL, &c), COFRE_OUT_OK);
    assert_int_equal(c.n, 3);
    cofre_call_free(&c);

    /* Applied again, and dropped before it is served. */
    vf_call(&slow, COFRE_ROLE_ADMIN, COFRE_ACT_VIEW_APPLY);
    cofre_view_apply(f->v, &slow, bytes_str(vf_view), false, NULL);
    assert_int_equal(drop(f), COFRE_OUT_OK);
    assert_int_equal(vf_submit(f->v, &slow), COFRE_OUT_CONFLICT);
    cofre_call_free(&slow);
    assert_int_equal(links(f), 0);
}

static void
a_view_that_shows_an_identifier_is_refused(void **state)
{
    struct vf *f = *state;

    assert_int_equal(vf_apply(f->v,
                              "{\"view\":\"loyalty\",\"purpose\":\"loyalty\",\"pseudonym\":"
                              "\"relationship\",\"fields\":{\"name\":{\"as\":\"keep\"}}}",
                              false),
                     COFRE_OUT_REFUSED);
    assert_int_equal(vf_apply(f->v,
                              "{\"view\":\"loyalty\",\"purpose\":\"unheard-of\",\"pseudonym\":"
                              "\"relationship\",\"fields\":{\"country\":{\"as\":\"keep\"}}}",
                              false),
                     COFRE_OUT_INVALID);
    assert_int_equal(vf_apply(f->v, "{", false), COFRE_OUT_INVALID);
}

/* ---- documents and tokens ---- */

static void
two_that_change_one_document_at_once_do_not_both_win(void **state)
{
    struct vf *f = *state;
    struct cofre_call a;
    struct cofre_call b;
    char larger[4096];
    const char *at = strstr(schema_default, "\"name\":");

    vf_call(&a, COFRE_ROLE_ADMIN, COFRE_ACT_PURPOSE_ADD);
    cofre_purpose_add(f->v, &a, BYTES_LIT("surveys"), BYTES_LIT("consent"));
    vf_call(&b, COFRE_ROLE_ADMIN, COFRE_ACT_PURPOSE_ADD);
    cofre_purpose_add(f->v, &b, BYTES_LIT("surveys"), BYTES_LIT("legal-obligation"));
    assert_int_equal(vf_submit(f->v, &a), COFRE_OUT_OK);
    assert_int_equal(vf_submit(f->v, &b), COFRE_OUT_EXISTS);
    cofre_call_free(&a);
    cofre_call_free(&b);
    vf_call(&a, COFRE_ROLE_ADMIN, COFRE_ACT_PURPOSE_LIST);
    cofre_purpose_list(f->v, &a);
    assert_int_equal(vf_submit(f->v, &a), COFRE_OUT_OK);
    assert_non_null(strstr(vf_body(&a), "{\"name\":\"surveys\",\"basis\":\"consent\"}"));
    cofre_call_free(&a);

    /* Each would give its new field the same number. */
    vf_call(&a, COFRE_ROLE_ADMIN, COFRE_ACT_SCHEMA_APPLY);
    snprintf(larger, sizeof larger, "%.*s\"size\": {\"type\": \"number\", \"class\": \"attribute\"}, %s",
             (int)(at - schema_default), schema_default, at);
    cofre_schema_apply(f->v, &a, bytes_str(larger), false);
    vf_call(&b, COFRE_ROLE_ADMIN, COFRE_ACT_SCHEMA_APPLY);
    snprintf(larger, sizeof larger, "%.*s\"allergy\": {\"type\": \"text\", \"class\": \"sensitive\"}, %s",
             (int)(at - schema_default), schema_default, at);
    cofre_schema_apply(f->v, &b, bytes_str(larger), false);
    assert_int_equal(vf_submit(f->v, &a), COFRE_OUT_OK);
    assert_int_equal(vf_submit(f->v, &b), COFRE_OUT_CONFLICT);
    cofre_call_free(&a);
    cofre_call_free(&b);
}

static enum cofre_outcome
issue(struct vf *f, const char *role, uint64_t ttl_s, char token[static 128], char id[static 128])
{
    struct cofre_token_in in = {
        .role = bytes_str(role), .name = BYTES_LIT("someone"), .ttl_s = ttl_s};
    struct bytes service = BYTES_LIT("service");
    enum cofre_outcome out;
    struct cofre_call c;

    if (strcmp(role, "crm") == 0)
        in.view = BYTES_LIT("loyalty");
    if (strcmp(role, "support") == 0) {
        in.purposes = &service;
        in.n_purposes = 1;
    }
    vf_call(&c, COFRE_ROLE_ADMIN, COFRE_ACT_TOKEN_ISSUE);
    cofre_token_issue(f->v, &c, &in);
    out = vf_submit(f->v, &c);
    if (out == COFRE_OUT_OK) {
        struct buf line = vf_entry(f->v, c.seq);

        vf_member(vf_body(&c), "token", token);
        vf_member(vf_body(&c), "id", id);
        assert_null(strstr((char *)line.p, token));
        buf_free(&line);
    }
    cofre_call_free(&c);
    return out;
}

static void
a_token_works_until_it_expires_or_is_revoked(void **state)
{
    struct vf *f = *state;
    struct cofre_actor actor;
    struct cofre_call c;
    char token[2][128];
    char id[2][128];

    assert_int_equal(issue(f, "crm", 3600, token[0], id[0]), COFRE_OUT_NOT_FOUND);
    assert_int_equal(vf_apply(f->v, vf_view, false), COFRE_OUT_OK);
    assert_int_equal(issue(f, "crm", 3600, token[0], id[0]), COFRE_OUT_OK);
    assert_int_equal(issue(f, "support", 1, token[1], id[1]), COFRE_OUT_OK);
    OK(cofre_vault_authenticate(f->v, bytes_str(token[0]), &actor));
    assert_int_equal(actor.role, COFRE_ROLE_CRM);
    assert_string_equal(actor.view, "loyalty");
    assert_string_equal(actor.id, id[0]);
    OK(cofre_vault_authenticate(f->v, bytes_str(token[1]), &actor));
    assert_int_equal(actor.role, COFRE_ROLE_SUPPORT);
    assert_true(actor.purposes != 0);
    token[0][20] = (char)(token[0][20] == 'a' ? 'b' : 'a');
    assert_int_equal(cofre_vault_authenticate(f->v, bytes_str(token[0]), &actor), COFRE_EAUTH);
    assert_int_equal(issue(f, "crm", 3600, token[0], id[0]), COFRE_OUT_OK);

    usleep(1100 * 1000);
    assert_int_equal(cofre_vault_authenticate(f->v, bytes_str(token[1]), &actor), COFRE_EAUTH);
    vf_close(f);
    vf_open(f);
    OK(cofre_vault_authenticate(f->v, bytes_str(token[0]), &actor));
    for (int again = 0; again < 2; again++) {
        vf_call(&c, COFRE_ROLE_ADMIN, COFRE_ACT_TOKEN_REVOKE);
        cofre_token_revoke(f->v, &c, bytes_str(id[0]));
        assert_int_equal(vf_submit(f->v, &c), again ? COFRE_OUT_EXISTS : COFRE_OUT_OK);
        cofre_call_free(&c);
    }
    assert_int_equal(cofre_vault_authenticate(f->v, bytes_str(token[0]), &actor), COFRE_EAUTH);
    vf_call(&c, COFRE_ROLE_ADMIN, COFRE_ACT_TOKEN_LIST);
    cofre_token_list(f->v, &c);
    assert_int_equal(vf_submit(f->v, &c), COFRE_OUT_OK);
    assert_non_null(strstr(vf_body(&c), "\"state\":\"revoked\""));
    assert_non_null(strstr(vf_body(&c), "\"state\":\"expired\""));
    assert_null(strstr(vf_body(&c), "cofre_"));
    cofre_call_free(&c);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(old_and_new_customers_are_in_it),
        TEST(pages_follow_one_another_in_the_order_of_pseudonyms),
        TEST(unknown_and_withdrawn_are_one_answer),
        TEST(a_batch_leaves_the_missing_out),
        TEST(another_view_is_like_one_that_does_not_exist),
        TEST(events_come_by_day_and_ref_and_page_through),
        TEST(a_view_that_was_dropped_comes_back_with_other_pseudonyms),
        TEST(an_applying_that_was_cut_off_or_overtaken_is_not_served),
        TEST(a_view_that_shows_an_identifier_is_refused),
        TEST(two_that_change_one_document_at_once_do_not_both_win),
        TEST(a_token_works_until_it_expires_or_is_revoked),
    };

    return cmocka_run_group_tests(tests, vf_group, NULL);
}
