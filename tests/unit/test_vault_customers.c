#include "vault_fixture.h"

static void
assert_holds(const struct cofre_call *c, const char *text)
{
    if (strstr(vf_body(c), text) == NULL)
        fail_msg("no %s in %s", text, vf_body(c));
}

/* The entry of a call that was recorded, as text. */
static struct buf
entry_of(struct vf *f, const struct cofre_call *c)
{
    assert_true(c->recorded);
    return vf_entry(f->v, c->seq);
}

static void
assert_entry(struct vf *f, const struct cofre_call *c, const char *text)
{
    struct buf line = entry_of(f, c);

    if (strstr((char *)line.p, text) == NULL)
        fail_msg("no %s in %s", text, (char *)line.p);
    buf_free(&line);
}

static enum cofre_outcome
patch(struct vf *f, const char *cus, struct cofre_field field, uint64_t if_match,
      struct cofre_call *c)
{
    vf_call(c, COFRE_ROLE_INGEST, COFRE_ACT_CUSTOMER_PATCH);
    cofre_customer_patch(f->v, c, bytes_str(cus), &field, 1, if_match);
    return vf_submit(f->v, c);
}

static enum cofre_outcome
lookup(struct vf *f, const char *index, const char *value, struct cofre_call *c)
{
    const struct cofre_field field = vf_field("", value);

    vf_call(c, COFRE_ROLE_SUPPORT, COFRE_ACT_CUSTOMER_LOOKUP);
    cofre_customer_lookup(f->v, c, bytes_str(index), &field);
    return vf_submit(f->v, c);
}

/* ---- create, batch, patch ---- */

static void
a_duplicate_names_the_field_and_leaves_nothing(void **state)
{
    struct vf *f = *state;
    const struct cofre_field fields[] = {vf_field("email", "1001@EXAMPLE.org")};
    const struct cofre_customer_in in = {
        .external_id = BYTES_LIT("1002"), .fields = fields, .n_fields = 1};
    struct cofre_call c;
    char id[128];

    vf_customer(f->v, "1001", id);
    assert_int_equal(vf_customer_call(f->v, "1001", &c), COFRE_OUT_EXISTS);
    assert_string_equal(c.faults[0].pointer, "/external_id");
    assert_int_equal(c.body.len, 0);
    assert_entry(f, &c, "\"act\":\"customer-create\",\"ok\":false,\"code\":409");
    assert_entry(f, &c, "\"subj\":[]");
    cofre_call_free(&c);

    vf_call(&c, COFRE_ROLE_INGEST, COFRE_ACT_CUSTOMER_CREATE);
    cofre_customer_create(f->v, &c, &in);
    assert_int_equal(vf_submit(f->v, &c), COFRE_OUT_EXISTS);
    assert_string_equal(c.faults[0].pointer, "/fields/email");
    cofre_call_free(&c);
    assert_int_equal(lookup(f, "external_id", "1002", &c), COFRE_OUT_NOT_FOUND);
    cofre_call_free(&c);
}

static void
no_fault_and_no_entry_echoes_a_value(void **state)
{
    struct vf *f = *state;
    const struct cofre_field fields[] = {vf_field("email", "SECRET-VALUE"),
                                         vf_field("SECRET-NAME", "x"),
                                         vf_field("birth_date", "SECRET-DATE")};
    const struct cofre_customer_in in = {
        .external_id = BYTES_LIT("1001"), .fields = fields, .n_fields = 3};
    struct cofre_call c;
    struct buf line;

    vf_call(&c, COFRE_ROLE_INGEST, COFRE_ACT_CUSTOMER_CREATE);
    cofre_customer_create(f->v, &c, &in);
    assert_int_equal(vf_submit(f->v, &c), COFRE_OUT_INVALID);
    assert_int_equal(c.n_faults, 3);
    for (size_t i = 0; i < c.n_faults; i++) {
        assert_null(strstr(c.faults[i].pointer, "SECRET"));
        assert_null(strstr(c.faults[i].reason, "SECRET"));
    }
    line = entry_of(f, &c);
    assert_null(strstr((char *)line.p, "SECRET"));
    buf_free(&line);
    cofre_call_free(&c);
}

static void
a_patch_merges_removes_and_counts_versions(void **state)
{
    struct vf *f = *state;
    struct cofre_field gone = {BYTES_LIT("country"), BYTES_NONE, COFRE_FORM_NULL};
    struct cofre_call c;
    char id[128];

    vf_customer(f->v, "1001", id);
    assert_int_equal(patch(f, id, vf_field("city", "Córdoba"), 0, &c), COFRE_OUT_OK);
    assert_int_equal(c.version, 2);
    cofre_call_free(&c);
    assert_int_equal(patch(f, id, vf_field("city", "Córdoba"), 2, &c), COFRE_OUT_OK);
    assert_int_equal(c.version, 2); /* nothing changed */
    cofre_call_free(&c);
    assert_int_equal(patch(f, id, vf_field("city", "Cádiz"), 1, &c), COFRE_OUT_PRECONDITION);
    cofre_call_free(&c);
    assert_int_equal(patch(f, id, gone, 2, &c), COFRE_OUT_OK);
    assert_int_equal(c.version, 3);
    cofre_call_free(&c);
    assert_int_equal(patch(f, id, vf_field("email", "new@example.org"), 0, &c), COFRE_OUT_OK);
    cofre_call_free(&c);
    /* The index goes with the value. */
    assert_int_equal(lookup(f, "email", "1001@example.org", &c), COFRE_OUT_NOT_FOUND);
    cofre_call_free(&c);
    assert_int_equal(lookup(f, "email", "new@EXAMPLE.ORG", &c), COFRE_OUT_OK);
    assert_holds(&c, id);
    cofre_call_free(&c);

    vf_customer(f->v, "1002", id);
    assert_int_equal(patch(f, id, vf_field("email", "new@example.org"), 0, &c), COFRE_OUT_EXISTS);
    cofre_call_free(&c);
    assert_int_equal(patch(f, "cus_aaaaaaaaaaaaaaaaaaaaaaaaaa", gone, 0, &c), COFRE_OUT_NOT_FOUND);
    cofre_call_free(&c);
    assert_int_equal(patch(f, "nonsense", gone, 0, &c), COFRE_OUT_NOT_FOUND);
    cofre_call_free(&c);
}

static void
a_batch_answers_for_each_and_names_those_that_were_made(void **state)
{
    struct vf *f = *state;
    const struct cofre_customer_in in[] = {{.external_id = BYTES_LIT("1001")},
                                           {.external_id = BYTES_LIT("1001")},
                                           {.external_id = BYTES_NONE},
                                           {.external_id = BYTES_LIT("1002")}};
    struct cofre_call c;

    vf_call(&c, COFRE_ROLE_INGEST, COFRE_ACT_CUSTOMER_BATCH);
    cofre_customer_batch(f->v, &c, in, 4);
    assert_int_equal(vf_submit(f->v, &c), COFRE_OUT_OK);
    assert_holds(&c, "{\"index\":0,\"status\":201,\"id\":\"cus_");
    assert_holds(&c, "{\"index\":1,\"status\":409,\"problem\":{\"code\":\"already-exists\"");
    assert_holds(&c, "{\"index\":2,\"status\":400,\"problem\":{\"code\":\"invalid-request\"");
    assert_holds(&c, "{\"index\":3,\"status\":201,\"id\":\"cus_");
    assert_int_equal(c.n, 2);
    assert_int_equal(c.subjects.len, 2 * COFRE_TAG);
    cofre_call_free(&c);
    vf_call(&c, COFRE_ROLE_INGEST, COFRE_ACT_CUSTOMER_BATCH);
    cofre_customer_batch(f->v, &c, in, 0);
    assert_int_equal(vf_submit(f->v, &c), COFRE_OUT_INVALID);
    cofre_call_free(&c);
}

static void
roles_are_held_to_what_they_may(void **state)
{
    struct vf *f = *state;
    const struct cofre_customer_in in = {.external_id = BYTES_LIT("1001")};
    struct cofre_call c;

    for (enum cofre_role role = COFRE_ROLE_CRM; role < COFRE_ROLES; role++) {
        vf_call(&c, role, COFRE_ACT_CUSTOMER_CREATE);
        cofre_customer_create(f->v, &c, &in);
        assert_int_equal(vf_submit(f->v, &c), COFRE_OUT_FORBIDDEN);
        assert_true(c.recorded);
        cofre_call_free(&c);
    }
    assert_int_equal(lookup(f, "external_id", "1001", &c), COFRE_OUT_NOT_FOUND);
    cofre_call_free(&c);
}

/* ---- events ---- */

static void
an_event_again_is_known_and_with_other_content_a_clash(void **state)
{
    struct vf *f = *state;
    struct cofre_call c;
    char id[128];

    vf_customer(f->v, "1001", id);
    assert_int_equal(vf_event(f->v, id, "e-1", "11.77", &c), COFRE_OUT_OK);
    assert_holds(&c, "{\"index\":0,\"status\":201,\"id\":\"evt_");
    assert_int_equal(c.n, 1);
    assert_int_equal(c.subjects.len, COFRE_TAG);
    cofre_call_free(&c);
    assert_int_equal(vf_event(f->v, id, "e-1", "11.77", &c), COFRE_OUT_OK);
    assert_holds(&c, "{\"index\":0,\"status\":200,\"id\":\"evt_");
    cofre_call_free(&c);
    assert_int_equal(vf_event(f->v, id, "e-1", "11.78", &c), COFRE_OUT_OK);
    assert_holds(&c, "{\"index\":0,\"status\":409,\"problem\":{\"code\":\"conflict\"");
    cofre_call_free(&c);
    assert_int_equal(vf_event(f->v, "cus_aaaaaaaaaaaaaaaaaaaaaaaaaa", "e-2", "1", &c),
                     COFRE_OUT_NOT_FOUND);
    cofre_call_free(&c);

    vf_call(&c, COFRE_ROLE_ADMIN, COFRE_ACT_CUSTOMER_SHOW);
    cofre_customer_show(f->v, &c, bytes_str(id));
    assert_int_equal(vf_submit(f->v, &c), COFRE_OUT_OK);
    assert_holds(&c, "\"status\":\"customer\"");
    assert_holds(&c, "\"events\":1}");
    assert_null(strstr(vf_body(&c), "example.org"));
    assert_null(strstr(vf_body(&c), "Zhang"));
    cofre_call_free(&c);
}

static void
a_batch_of_events_finds_customers_and_counts_each_once(void **state)
{
    enum { N = 6 };
    struct vf *f = *state;
    struct cofre_event_in in[N];
    char event_id[N][8];
    char a[128];
    char b[128];
    struct cofre_call c;

    vf_customer(f->v, "1001", a);
    vf_customer(f->v, "1002", b);
    for (unsigned i = 0; i < N; i++) {
        snprintf(event_id[i], sizeof event_id[i], "e-%u", i);
        in[i] = (struct cofre_event_in){.event_id = bytes_str(event_id[i]),
                                        .kind = BYTES_LIT("visit"),
                                        .time = BYTES_LIT("2020-02-29T10:00:00+02:00"),
                                        .external_id = BYTES_LIT("1001")};
    }
    in[1].external_id = BYTES_NONE;
    in[1].customer = bytes_str(b);
    in[2].external_id = BYTES_LIT("nobody");
    in[3].kind = BYTES_LIT("sneeze");
    in[4].time = BYTES_LIT("2021-02-29");
    vf_call(&c, COFRE_ROLE_INGEST, COFRE_ACT_EVENT_BATCH);
    cofre_event_append(f->v, &c, BYTES_NONE, in, N);
    assert_int_equal(vf_submit(f->v, &c), COFRE_OUT_OK);
    assert_holds(&c, "{\"index\":2,\"status\":404");
    assert_holds(&c, "{\"index\":3,\"status\":400");
    assert_holds(&c, "\"pointer\":\"/time\"");
    assert_holds(&c, "{\"index\":5,\"status\":201");
    assert_int_equal(c.n, 2);
    assert_int_equal(c.subjects.len, 2 * COFRE_TAG);
    cofre_call_free(&c);
}

/* ---- consents ---- */

static void
consents_are_kept_for_each_purpose(void **state)
{
    struct vf *f = *state;
    const struct cofre_consent_in bad[] = {
        {BYTES_LIT("loyalty"), BYTES_LIT("perhaps"), BYTES_LIT("shop"), BYTES_NONE},
        {BYTES_LIT("loyalty"), BYTES_LIT("granted"), BYTES_LIT("The Shop"), BYTES_NONE},
        {BYTES_LIT("loyalty"), BYTES_LIT("granted"), BYTES_LIT("shop"), BYTES_LIT("yesterday")}};
    static const char *const at[] = {"/status", "/source", "/time"};
    const struct cofre_consent_in unknown = {BYTES_LIT("spam"), BYTES_LIT("granted"),
                                             BYTES_LIT("shop"), BYTES_NONE};
    struct cofre_call c;
    char id[128];

    vf_customer(f->v, "1001", id);
    assert_int_equal(vf_consent(f->v, id, "withdrawn"), COFRE_OUT_OK);
    assert_int_equal(vf_consent(f->v, "cus_aaaaaaaaaaaaaaaaaaaaaaaaaa", "granted"),
                     COFRE_OUT_NOT_FOUND);
    for (size_t i = 0; i < 3; i++) {
        vf_call(&c, COFRE_ROLE_INGEST, COFRE_ACT_CONSENT_PUT);
        cofre_consent_put(f->v, &c, bytes_str(id), &bad[i]);
        assert_int_equal(vf_submit(f->v, &c), COFRE_OUT_INVALID);
        assert_string_equal(c.faults[0].pointer, at[i]);
        cofre_call_free(&c);
    }
    vf_call(&c, COFRE_ROLE_INGEST, COFRE_ACT_CONSENT_PUT);
    cofre_consent_put(f->v, &c, bytes_str(id), &unknown);
    assert_int_equal(vf_submit(f->v, &c), COFRE_OUT_NOT_FOUND);
    cofre_call_free(&c);
}

/* ---- reveal ---- */

static enum cofre_outcome
reveal(struct vf *f, const char *cus, const struct cofre_reveal_in *in, struct cofre_call *c)
{
    struct catalog *now = catalog_hold(f->v);

    vf_call(c, COFRE_ROLE_SUPPORT, COFRE_ACT_CUSTOMER_REVEAL);
    c->actor.purposes = UINT64_C(1) << catalog_purpose(now, BYTES_LIT("service"))->num;
    catalog_release(now);
    cofre_customer_reveal(f->v, c, bytes_str(cus), in);
    return vf_submit(f->v, c);
}

static void
a_reveal_gives_the_named_fields_and_seals_the_reason(void **state)
{
    struct vf *f = *state;
    const struct bytes fields[] = {BYTES_LIT("email"), BYTES_LIT("status"), BYTES_LIT("phone")};
    struct cofre_reveal_in in = {.fields = fields,
                                 .n_fields = 3,
                                 .purpose = BYTES_LIT("service"),
                                 .reason = BYTES_LIT("ticket 4711: parcel is lost")};
    struct cofre_call c;
    struct buf line;
    char id[128];

    vf_customer(f->v, "1001", id);
    assert_int_equal(reveal(f, id, &in, &c), COFRE_OUT_OK);
    assert_string_equal(vf_body(&c),
                        "{\"fields\":{\"email\":\"1001@example.org\",\"status\":\"prospect\"}}");
    assert_entry(f, &c, "\"fields\":[\"email\",\"status\",\"phone\",\"reason-");
    assert_entry(f, &c, "\"purpose\":\"service\"");
    line = entry_of(f, &c);
    assert_null(strstr((char *)line.p, "4711"));
    assert_null(strstr((char *)line.p, "example.org"));
    buf_free(&line);
    assert_int_equal(c.subjects.len, COFRE_TAG);
    cofre_call_free(&c);

    in.purpose = BYTES_LIT("loyalty"); /* not the token's */
    assert_int_equal(cofre_outcome(reveal(f, id, &in, &c))->http, 403);
    assert_int_equal(c.body.len, 0);
    cofre_call_free(&c);
    in.purpose = BYTES_LIT("service");
    in.reason = BYTES_NONE;
    assert_int_equal(reveal(f, id, &in, &c), COFRE_OUT_INVALID);
    cofre_call_free(&c);
    in.reason = BYTES_LIT("why");
    assert_int_equal(reveal(f, "cus_aaaaaaaaaaaaaaaaaaaaaaaaaa", &in, &c), COFRE_OUT_NOT_FOUND);
    cofre_call_free(&c);
}

/* ---- idempotency ---- */

static enum cofre_outcome
create_with_key(struct vf *f, const char *key, const char *external_id, struct cofre_call *c)
{
    const struct cofre_customer_in in = {.external_id = bytes_str(external_id)};

    vf_call(c, COFRE_ROLE_INGEST, COFRE_ACT_CUSTOMER_CREATE);
    c->idem_key = bytes_str(key);
    c->idem_body = bytes_str(external_id);
    cofre_customer_create(f->v, c, &in);
    return vf_submit(f->v, c);
}

static void
an_idempotency_key_answers_alike_once_and_for_one_request(void **state)
{
    struct vf *f = *state;
    struct cofre_call first;
    struct cofre_call again;

    assert_int_equal(create_with_key(f, "k1", "1001", &first), COFRE_OUT_CREATED);
    assert_int_equal(create_with_key(f, "k1", "1001", &again), COFRE_OUT_CREATED);
    assert_true(again.replayed && again.recorded);
    assert_string_equal(vf_body(&first), vf_body(&again));
    assert_int_equal(again.version, first.version);
    assert_int_equal(again.subjects.len, 0); /* nobody was made: no tag of nobody */
    cofre_call_free(&again);
    assert_int_equal(create_with_key(f, "k1", "1002", &again), COFRE_OUT_IDEMPOTENCY);
    cofre_call_free(&again);
    assert_int_equal(create_with_key(f, "k2", "1001", &again), COFRE_OUT_EXISTS);
    cofre_call_free(&again);
    /* A refusal is not kept: the same key may succeed later. */
    assert_int_equal(create_with_key(f, "k2", "1003", &again), COFRE_OUT_CREATED);
    cofre_call_free(&again);
    cofre_call_free(&first);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_duplicate_names_the_field_and_leaves_nothing),
        TEST(no_fault_and_no_entry_echoes_a_value),
        TEST(a_patch_merges_removes_and_counts_versions),
        TEST(a_batch_answers_for_each_and_names_those_that_were_made),
        TEST(roles_are_held_to_what_they_may),
        TEST(an_event_again_is_known_and_with_other_content_a_clash),
        TEST(a_batch_of_events_finds_customers_and_counts_each_once),
        TEST(consents_are_kept_for_each_purpose),
        TEST(a_reveal_gives_the_named_fields_and_seals_the_reason),
        TEST(an_idempotency_key_answers_alike_once_and_for_one_request),
    };

    return cmocka_run_group_tests(tests, vf_group, NULL);
}
