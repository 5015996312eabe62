/*
 * timeout: 600
 *
 * Who saw this customer?  A random run of accesses of all kinds, and beside it a model that notes whom each
 * entry concerns: the search finds exactly those.
 */
#include "vault_fixture.h"

#include <jansson.h>

#include "audit/proof.h"
#include "audit/subject.h"

enum { PEOPLE_MAX = 40, STEPS = 220, ENTRIES_MAX = 8192 };

static const char view[] =
    "{\"view\":\"loyalty\",\"purpose\":\"loyalty\",\"pseudonym\":\"relationship\","
    "\"fields\":{\"email\":{\"as\":\"domain\"}},"
    "\"events\":{\"kinds\":[\"purchase\"],\"time\":\"day\",\"fields\":{\"amount\":{\"as\":\"keep\"}"
    "}}}";

struct model {
    struct vf *f;
    char id[PEOPLE_MAX][ENTRY_NAME_MAX];
    char ps[PEOPLE_MAX][ENTRY_NAME_MAX]; /* "": not seen yet */
    size_t n;
    uint64_t concerns[ENTRIES_MAX]; /* bit i: person i */
    size_t pages;                   /* of all searches */
    unsigned random;
};

static unsigned
pick(struct model *m, size_t below)
{
    m->random = m->random * 1103515245 + 12345;
    return (unsigned)((m->random >> 8) % below);
}

/* Submits; the entry concerns these. */
static void
note(struct model *m, struct cofre_call *c, uint64_t people)
{
    vf_submit(m->f->v, c);
    assert_true(c->recorded);
    assert_in_range(c->seq, 0, ENTRIES_MAX - 1);
    m->concerns[c->seq] |= people;
}

static uint64_t
bit(size_t i)
{
    return UINT64_C(1) << i;
}

/* The persons whose e-mail domains ("p7.example") a body names; their pseudonyms are kept. */
static uint64_t
named(struct model *m, const char *body)
{
    uint64_t people = 0;

    for (const char *at = body; (at = strstr(at, "{\"pseudonym\":\"")) != NULL; at++) {
        const char *domain = strstr(at, "\"email\":\"p");
        const char *end = strchr(at, '}');
        char ps[128];
        size_t i;

        if (domain == NULL || domain > end)
            continue;
        i = (size_t)strtoul(domain + 10, NULL, 10);
        assert_in_range(i, 0, m->n - 1);
        vf_member(at, "pseudonym", ps);
        snprintf(m->ps[i], sizeof m->ps[i], "%.60s", ps);
        people |= bit(i);
    }
    return people;
}

/* ---- what is done ---- */

static void
create(struct model *m)
{
    const struct cofre_consent_in loyal = {.purpose = BYTES_LIT("loyalty"),
                                           .status = BYTES_LIT("granted"),
                                           .source = BYTES_LIT("shop")};
    char name[16], email[64], id[128];
    struct cofre_customer_in in = {.n_fields = 1, .consents = &loyal, .n_consents = 1};
    struct cofre_field field;
    struct cofre_call c;

    if (m->n == PEOPLE_MAX)
        return;
    snprintf(name, sizeof name, "x%zu", m->n);
    snprintf(email, sizeof email, "me@p%zu.example", m->n);
    field = vf_field("email", email);
    in.external_id = bytes_str(name);
    in.fields = &field;
    vf_call(&c, COFRE_ROLE_INGEST, COFRE_ACT_CUSTOMER_CREATE);
    cofre_customer_create(m->f->v, &c, &in);
    note(m, &c, bit(m->n));
    vf_member(vf_body(&c), "id", id);
    snprintf(m->id[m->n], sizeof m->id[m->n], "%.60s", id);
    m->n++;
    cofre_call_free(&c);
}

/* Events of one person, or of several at once. */
static void
append(struct model *m, bool batch)
{
    const struct cofre_field amount = vf_field("amount", "11.77");
    struct cofre_event_in in[5];
    char event[5][24];
    uint64_t people = 0;
    size_t n = batch ? 1 + pick(m, 5) : 1;
    size_t who = pick(m, m->n);
    struct cofre_call c;

    for (size_t i = 0; i < n; i++) {
        who = batch ? pick(m, m->n) : who;
        snprintf(event[i], sizeof event[i], "e%u", m->random);
        in[i] = (struct cofre_event_in){.event_id = bytes_str(event[i]),
                                        .kind = BYTES_LIT("purchase"),
                                        .time = BYTES_LIT("2001-02-03"),
                                        .customer = batch ? bytes_str(m->id[who]) : BYTES_NONE,
                                        .attributes = &amount,
                                        .n_attributes = 1};
        people |= bit(who);
    }
    vf_call(&c, COFRE_ROLE_INGEST, batch ? COFRE_ACT_EVENT_BATCH : COFRE_ACT_EVENT_APPEND);
    cofre_event_append(m->f->v, &c, batch ? BYTES_NONE : bytes_str(m->id[who]), in, n);
    note(m, &c, people);
    cofre_call_free(&c);
}

static void
consent(struct model *m)
{
    const size_t who = pick(m, m->n);
    const struct cofre_consent_in in = {.purpose = BYTES_LIT("loyalty"),
                                        .status = pick(m, 3) > 0 ? BYTES_LIT("granted")
                                                                 : BYTES_LIT("withdrawn"),
                                        .source = BYTES_LIT("shop")};
    struct cofre_call c;

    vf_call(&c, COFRE_ROLE_INGEST, COFRE_ACT_CONSENT_PUT);
    cofre_consent_put(m->f->v, &c, bytes_str(m->id[who]), &in);
    note(m, &c, bit(who));
    cofre_call_free(&c);
}

static void
look_up(struct model *m)
{
    const size_t who = pick(m, m->n);
    char email[64];
    struct cofre_field value;
    struct cofre_call c;

    snprintf(email, sizeof email, "me@p%zu.example", who);
    value = vf_field("email", email);
    vf_call(&c, COFRE_ROLE_SUPPORT, COFRE_ACT_CUSTOMER_LOOKUP);
    cofre_customer_lookup(m->f->v, &c, BYTES_LIT("email"), &value);
    note(m, &c, bit(who));
    cofre_call_free(&c);
}

static void
reveal(struct model *m)
{
    const size_t who = pick(m, m->n);
    const struct bytes email = BYTES_LIT("email");
    const struct cofre_reveal_in in = {.fields = &email,
                                       .n_fields = 1,
                                       .purpose = BYTES_LIT("service"),
                                       .reason = BYTES_LIT("why")};
    struct cofre_call c;

    vf_call(&c, COFRE_ROLE_SUPPORT, COFRE_ACT_CUSTOMER_REVEAL);
    c.actor.purposes = UINT64_MAX;
    cofre_customer_reveal(m->f->v, &c, bytes_str(m->id[who]), &in);
    note(m, &c, bit(who));
    assert_int_equal(c.outcome, COFRE_OUT_OK);
    cofre_call_free(&c);
}

static void
list(struct model *m)
{
    const struct cofre_page page = {.limit = 1 + pick(m, 30)};
    struct cofre_call c;
    uint64_t people;

    vf_call(&c, COFRE_ROLE_CRM, COFRE_ACT_VIEW_RECORDS);
    strcpy(c.actor.view, "loyalty");
    cofre_view_records(m->f->v, &c, BYTES_LIT("loyalty"), &page);
    buf_putc(&c.body, 0);
    people = named(m, vf_body(&c));
    c.body.len--;
    note(m, &c, people);
    cofre_call_free(&c);
}

static void
records_of_some(struct model *m)
{
    struct bytes ps[8];
    uint64_t people = 0;
    size_t n = 0;
    struct cofre_call c;

    for (size_t i = 0; i < 8; i++) {
        const size_t who = pick(m, m->n);
        if (m->ps[who][0] == 0 || (people & bit(who)) != 0)
            continue;
        /* Somebody whose consent is withdrawn is not served, but was asked for. */
        ps[n++] = bytes_str(m->ps[who]);
        people |= bit(who);
    }
    vf_call(&c, COFRE_ROLE_CRM, COFRE_ACT_VIEW_BATCH_GET);
    strcpy(c.actor.view, "loyalty");
    cofre_view_batch_get(m->f->v, &c, BYTES_LIT("loyalty"), ps, n);
    note(m, &c, people);
    cofre_call_free(&c);
}

static void
events_of_one(struct model *m)
{
    const struct cofre_page page = {.limit = 10};
    const size_t who = pick(m, m->n);
    struct cofre_call c;

    if (m->ps[who][0] == 0)
        return;
    vf_call(&c, COFRE_ROLE_CRM, COFRE_ACT_VIEW_RECORD_EVENTS);
    strcpy(c.actor.view, "loyalty");
    cofre_view_events(m->f->v, &c, BYTES_LIT("loyalty"), bytes_str(m->ps[who]), &page);
    note(m, &c, bit(who));
    cofre_call_free(&c);
}

static void
show(struct model *m)
{
    const size_t who = pick(m, m->n);
    struct cofre_call c;

    vf_call(&c, COFRE_ROLE_ADMIN, COFRE_ACT_CUSTOMER_SHOW);
    cofre_customer_show(m->f->v, &c, bytes_str(m->id[who]));
    note(m, &c, bit(who));
    cofre_call_free(&c);
}

/* The log's epoch ends, and with it that of the tags. */
static void
next_epoch(struct model *m)
{
    const struct cofre_rotate_in in = {.class = BYTES_LIT("audit")};
    struct cofre_call c;

    vf_call(&c, COFRE_ROLE_ADMIN, COFRE_ACT_KEY_ROTATE);
    cofre_key_rotate(m->f->v, &c, &in, NULL);
    assert_int_equal(c.outcome, COFRE_OUT_OK);
    cofre_call_free(&c);
}

static void
some_step(struct model *m)
{
    switch (pick(m, 12)) {
    case 0:
    case 1:
        create(m);
        break;
    case 2:
        append(m, false);
        break;
    case 3:
        append(m, true);
        break;
    case 4:
        consent(m);
        break;
    case 5:
        look_up(m);
        break;
    case 6:
        reveal(m);
        break;
    case 7:
    case 8:
        list(m);
        break;
    case 9:
        records_of_some(m);
        break;
    case 10:
        events_of_one(m);
        break;
    default:
        show(m);
    }
}

static struct model *
model_new(struct vf *f)
{
    struct model *m = calloc(1, sizeof *m);

    assert_non_null(m);
    m->f = f;
    m->random = 7;
    assert_int_equal(vf_apply(f->v, view, false), COFRE_OUT_OK);
    for (int i = 0; i < 5; i++)
        create(m);
    for (int i = 0; i < STEPS; i++) {
        some_step(m);
        if (i % 80 == 79)
            next_epoch(m);
    }
    return m;
}

/* ---- what is found ---- */

static json_t *
accesses(struct model *m, size_t who, const struct cofre_accesses_in *in)
{
    struct cofre_call c;
    json_t *body;

    vf_call(&c, COFRE_ROLE_COMPLIANCE, COFRE_ACT_CUSTOMER_ACCESSES);
    cofre_customer_accesses(m->f->v, &c, bytes_str(m->id[who]), in);
    note(m, &c, bit(who));
    assert_int_equal(c.outcome, COFRE_OUT_OK);
    assert_non_null(body = json_loadb(vf_body(&c), c.body.len, 0, NULL));
    cofre_call_free(&c);
    return body;
}

static uint64_t
number(const json_t *object, const char *name)
{
    return (uint64_t)json_integer_value(json_object_get(object, name));
}

/* The next entry at or behind seq that concerns the person, below to; to when there is none. */
static uint64_t
next_of(const struct model *m, size_t who, uint64_t seq, uint64_t to)
{
    while (seq < to && (m->concerns[seq] & bit(who)) == 0)
        seq++;
    return seq;
}

/* An access says what its entry says, and its proof proves that entry. */
static void
check_access(struct model *m, const json_t *a)
{
    static struct entry_parsed p;
    struct note_verifier key;
    const char *text = json_string_value(json_object_get(a, "entry"));
    const char *proof = json_string_value(json_object_get(a, "proof"));
    struct buf line = vf_entry(m->f->v, number(a, "seq"));
    uint64_t index = 0;

    assert_string_equal(text, (const char *)line.p);
    OK(entry_parse(bytes_str(text), &p));
    assert_int_equal(p.e.seq, number(a, "seq"));
    assert_true(bytes_equal(p.e.act, bytes_str(json_string_value(json_object_get(a, "act")))));
    assert_true(bytes_equal(p.e.role, bytes_str(json_string_value(json_object_get(a, "role")))));
    assert_true(bytes_equal(p.e.view, bytes_str(json_string_value(json_object_get(a, "view")))));
    assert_true(
        bytes_equal(p.e.purpose, bytes_str(json_string_value(json_object_get(a, "purpose")))));
    assert_int_equal(p.e.n_fields, json_array_size(json_object_get(a, "fields")));
    assert_int_equal(p.e.ok, json_is_true(json_object_get(a, "ok")));
    assert_int_equal(p.e.code, number(a, "code"));
    assert_true(log_epoch(m->f->v->log, log_epochs(m->f->v->log), &key, NULL));
    OK(proof_verify(bytes_str(proof), bytes_str(text), &key, &index));
    assert_int_equal(index, p.e.seq);
    buf_free(&line);
}

/* Pages until next is null; each access is the next one of the model. */
static size_t
check_person(struct model *m, size_t who, uint64_t limit, bool prove)
{
    struct cofre_accesses_in in = {.to = vf_size(m->f->v), .limit = limit};
    const uint64_t to = in.to;
    uint64_t seq = 0;
    size_t n = 0;
    bool more = true;

    for (; more; m->pages++) {
        json_t *body = accesses(m, who, &in);
        const json_t *list_of = json_object_get(body, "accesses");
        const json_t *next = json_object_get(body, "next");

        assert_int_equal(number(body, "to"), to);
        assert_in_range(json_array_size(list_of), 0, limit);
        for (size_t i = 0; i < json_array_size(list_of); i++, n++) {
            seq = next_of(m, who, seq, to);
            assert_int_equal(number(json_array_get(list_of, i), "seq"), seq);
            if (prove)
                check_access(m, json_array_get(list_of, i));
            seq++;
        }
        more = json_is_integer(next);
        in.from = more ? (uint64_t)json_integer_value(next) : to;
        assert_true(next_of(m, who, seq, to) >= in.from);
        json_decref(body);
    }
    assert_int_equal(next_of(m, who, seq, to), to);
    return n;
}

static void
exactly_those_that_concern_a_person_are_found(void **state)
{
    struct model *m = model_new(*state);
    size_t all = 0;

    for (size_t who = 0; who < m->n; who++)
        all += check_person(m, who, 1 + who * 7, who % 5 == 0);
    assert_true(all > 4 * m->n);
    free(m);
}

/* With many epochs each entry costs as many HMACs: a request looks at some only, and says where it was. */
static void
a_request_is_a_part_of_the_search(void **state)
{
    struct model *m = model_new(*state);
    const uint64_t size = vf_size(m->f->v);

    for (int i = 0; i < 900; i++)
        OK(keyring_add(m->f->v->ring, KEYRING_LOG, 0, true, 0, NULL));
    check_person(m, 3, 1000, false);
    assert_in_range(m->pages, size / 100, size / 50);
    free(m);
}

static void
without_an_end_the_search_takes_the_whole_log(void **state)
{
    struct model *m = model_new(*state);
    const struct cofre_accesses_in in = {.to = UINT64_MAX, .limit = 1000, .whole = true};
    const uint64_t to = vf_size(m->f->v);
    json_t *body = accesses(m, 3, &in);
    const size_t n = json_array_size(json_object_get(body, "accesses"));

    assert_int_equal(number(body, "to"), to);
    assert_true(json_is_null(json_object_get(body, "next")));
    json_decref(body);
    /* The search itself is the next one. */
    body = accesses(m, 3, &in);
    assert_int_equal(json_array_size(json_object_get(body, "accesses")), n + 1);
    json_decref(body);
    /* From beyond the end there is nothing, and no more. */
    body =
        accesses(m, 3, &(struct cofre_accesses_in){.from = to + 100, .to = UINT64_MAX, .limit = 1});
    assert_int_equal(json_array_size(json_object_get(body, "accesses")), 0);
    assert_true(json_is_null(json_object_get(body, "next")));
    json_decref(body);
    free(m);
}

static void
nobody_else_may_and_nobody_unknown_is_found(void **state)
{
    struct vf *f = *state;
    const struct cofre_accesses_in in = {.to = UINT64_MAX, .limit = 10};
    static const char *const ids[] = {"cus_aaaaaaaaaaaaaaaaaaaaaaaaaa", "cus_", "nonsense", ""};
    struct cofre_call c;
    char id[128];

    vf_customer(f->v, "one", id);
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        struct buf line;

        vf_call(&c, COFRE_ROLE_COMPLIANCE, COFRE_ACT_CUSTOMER_ACCESSES);
        cofre_customer_accesses(f->v, &c, bytes_str(ids[i]), &in);
        assert_int_equal(vf_submit(f->v, &c), COFRE_OUT_NOT_FOUND);
        assert_int_equal(c.body.len, 0);
        line = vf_entry(f->v, c.seq);
        assert_non_null(strstr((const char *)line.p, "\"act\":\"customer-accesses\",\"ok\":false"));
        assert_non_null(strstr((const char *)line.p, "\"subj\":[]"));
        buf_free(&line);
        cofre_call_free(&c);
    }
    vf_call(&c, COFRE_ROLE_SUPPORT, COFRE_ACT_CUSTOMER_ACCESSES);
    cofre_customer_accesses(f->v, &c, bytes_str(id), &in);
    assert_int_equal(vf_submit(f->v, &c), COFRE_OUT_FORBIDDEN);
    cofre_call_free(&c);
}

/* ---- the key for others ---- */

/* What the key finds in the whole log, as a set of entries; false: it was refused. */
static bool
find_with_key(struct model *m, size_t who, bool current, bool found[static ENTRIES_MAX],
              uint32_t *last)
{
    struct buf key = BUF_INIT;
    struct subject *s;
    struct cofre_call c;
    bool ok;

    vf_call(&c, COFRE_ROLE_ADMIN, COFRE_ACT_CUSTOMER_ACCESSES);
    cofre_customer_subject_key(m->f->v, &c, bytes_str(m->id[who]), current, &key);
    note(m, &c, bit(who));
    ok = c.outcome == COFRE_OUT_OK;
    assert_true(ok || c.outcome == COFRE_OUT_REFUSED);
    assert_int_equal(c.body.len, 0);
    cofre_call_free(&c);
    if (ok) {
        OK(subject_parse(buf_bytes(&key), &s, NULL));
        *last = subject_last_epoch(s);
        for (uint64_t seq = 0; seq < vf_size(m->f->v); seq++) {
            struct buf line = vf_entry(m->f->v, seq);
            found[seq] = subject_matches(s, (struct bytes){line.p, line.len - 1});
            buf_free(&line);
        }
        subject_free(s);
    }
    buf_free(&key);
    return ok;
}

static void
a_key_file_opens_closed_epochs_alone(void **state)
{
    struct model *m = model_new(*state);
    bool *found = calloc(ENTRIES_MAX, sizeof *found);
    uint64_t closed;
    uint32_t last = 0;

    /* What concerns the person up to now is in a closed epoch after this. */
    closed = vf_size(m->f->v);
    assert_int_equal(log_epochs(m->f->v->log), m->f->v->keys->log_epoch);
    next_epoch(m);
    show(m);
    assert_non_null(found);
    assert_true(find_with_key(m, 2, false, found, &last));
    assert_int_equal(last, m->f->v->keys->log_epoch - 1);
    for (uint64_t seq = 0; seq < vf_size(m->f->v); seq++)
        assert_int_equal(found[seq], seq < closed && (m->concerns[seq] & bit(2)) != 0);
    assert_true(find_with_key(m, 2, true, found, &last));
    assert_int_equal(last, m->f->v->keys->log_epoch);
    for (uint64_t seq = 0; seq < vf_size(m->f->v); seq++)
        assert_int_equal(found[seq], (m->concerns[seq] & bit(2)) != 0);
    free(found);
    free(m);
}

static void
without_a_closed_epoch_there_is_no_key(void **state)
{
    struct model *m = calloc(1, sizeof *m);
    bool *found = calloc(ENTRIES_MAX, sizeof *found);
    uint32_t last = 0;

    assert_true(m != NULL && found != NULL);
    m->f = *state;
    create(m);
    assert_false(find_with_key(m, 0, false, found, &last));
    assert_true(find_with_key(m, 0, true, found, &last));
    assert_int_equal(last, 1);
    free(found);
    free(m);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(exactly_those_that_concern_a_person_are_found),
        TEST(a_request_is_a_part_of_the_search),
        TEST(without_an_end_the_search_takes_the_whole_log),
        TEST(nobody_else_may_and_nobody_unknown_is_found),
        TEST(a_key_file_opens_closed_epochs_alone),
        TEST(without_a_closed_epoch_there_is_no_key),
    };

    return cmocka_run_group_tests(tests, vf_group, NULL);
}
