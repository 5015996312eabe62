/*
 * The HTTP server over a vault that is a few lines: what reaches it, how many entries a request
 * leaves, what goes back.  The vault's own functions are replaced by the linker:
 *
 * wrap: cofre_submit cofre_submit_wait cofre_vault_authenticate cofre_vault_auth_failed
 * wrap: cofre_vault_unready cofre_vault_stats cofre_customer_create cofre_customer_batch
 * wrap: cofre_customer_patch cofre_customer_lookup cofre_customer_reveal cofre_event_append
 * wrap: cofre_consent_put cofre_view_contract cofre_view_records cofre_view_record
 * wrap: cofre_view_batch_get cofre_view_events cofre_audit_checkpoint cofre_audit_tile
 * wrap: cofre_customer_accesses
 * wrap: cofre_audit_entries cofre_audit_proof
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "api/route.h"
#include "cofre/audit.h"
#include "cofre/customers.h"
#include "cofre/server.h"
#include "cofre/vault.h"
#include "cofre/views.h"
#include "http_client.h"

#define FAKE(name) __wrap_##name

/* ---- the vault ---- */

struct fake {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct cofre_call *queue;
    bool stop;
    bool hold;          /* leave the queue alone */
    atomic_bool broken; /* the log cannot be written */
    atomic_uint entries;
    atomic_uint act; /* of the last entry */
    atomic_uint outcome;
    atomic_uint auth_failed[COFRE_AUTH_FAILURES];
    char said[512]; /* the last operation and its arguments */
    char idem[512];
};

static struct fake fake;

static void
finish(struct cofre_call *call)
{
    call->recorded = !fake.broken;
    if (fake.broken) {
        call->outcome = COFRE_OUT_AUDIT;
        buf_reset(&call->body);
    }
    if (!cofre_call_ok(call) && call->body.len == 0)
        call->render(call);
    call->seq = fake.entries;
    memset(call->leaf, 7, sizeof call->leaf);
    atomic_fetch_add(&fake.entries, 1);
    fake.act = call->act;
    fake.outcome = call->outcome;
}

static void *
commit(void *arg)
{
    (void)arg;
    pthread_mutex_lock(&fake.lock);
    while (!fake.stop || fake.queue != NULL) {
        struct cofre_call *list = fake.hold ? NULL : fake.queue;
        if (list == NULL) {
            pthread_cond_wait(&fake.wake, &fake.lock);
            continue;
        }
        fake.queue = NULL;
        for (struct cofre_call *c = list; c != NULL; c = c->next)
            finish(c);
        pthread_mutex_unlock(&fake.lock);
        while (list != NULL) {
            struct cofre_call *next = list->next;
            list->done(list);
            list = next;
        }
        pthread_mutex_lock(&fake.lock);
    }
    pthread_mutex_unlock(&fake.lock);
    return NULL;
}

void FAKE(cofre_submit)(struct cofre_vault *vault, struct cofre_call *call);
void
FAKE(cofre_submit)(struct cofre_vault *vault, struct cofre_call *call)
{
    (void)vault;
    pthread_mutex_lock(&fake.lock);
    call->next = fake.queue;
    fake.queue = call;
    pthread_cond_signal(&fake.wake);
    pthread_mutex_unlock(&fake.lock);
}

void FAKE(cofre_submit_wait)(struct cofre_vault *vault, struct cofre_call *call);
void
FAKE(cofre_submit_wait)(struct cofre_vault *vault, struct cofre_call *call)
{
    (void)vault;
    pthread_mutex_lock(&fake.lock);
    finish(call);
    pthread_mutex_unlock(&fake.lock);
}

enum cofre_err FAKE(cofre_vault_authenticate)(struct cofre_vault *vault, struct bytes text,
                                              struct cofre_actor *actor);
enum cofre_err
FAKE(cofre_vault_authenticate)(struct cofre_vault *vault, struct bytes text,
                               struct cofre_actor *actor)
{
    char name[16];

    (void)vault;
    snprintf(name, sizeof name, "%.*s", (int)text.len, (const char *)text.p);
    if (cofre_role_parse(bytes_str(name), &actor->role) != COFRE_OK)
        return COFRE_EAUTH;
    snprintf(actor->id, sizeof actor->id, "tok_%s", name);
    return COFRE_OK;
}

void FAKE(cofre_vault_auth_failed)(struct cofre_vault *vault, enum cofre_auth_failure kind);
void
FAKE(cofre_vault_auth_failed)(struct cofre_vault *vault, enum cofre_auth_failure kind)
{
    (void)vault;
    atomic_fetch_add(&fake.auth_failed[kind], 1);
}

const char *FAKE(cofre_vault_unready)(struct cofre_vault *vault, struct cofre_why *why);
const char *
FAKE(cofre_vault_unready)(struct cofre_vault *vault, struct cofre_why *why)
{
    (void)vault;
    (void)why;
    return fake.broken ? "disk-full" : NULL;
}

void FAKE(cofre_vault_stats)(struct cofre_vault *vault, struct cofre_vault_stats *out);
void
FAKE(cofre_vault_stats)(struct cofre_vault *vault, struct cofre_vault_stats *out)
{
    (void)vault;
    out->customers = 4711;
}

/* Remembers an operation, and answers it. */
static void __attribute__((format(printf, 3, 4)))
say(struct cofre_call *call, const char *body, const char *fmt, ...)
{
    va_list args;

    pthread_mutex_lock(&fake.lock);
    va_start(args, fmt);
    vsnprintf(fake.said, sizeof fake.said, fmt, args);
    va_end(args);
    snprintf(fake.idem, sizeof fake.idem, "%.*s|%.*s", (int)call->idem_key.len,
             (const char *)call->idem_key.p, (int)call->idem_body.len,
             (const char *)call->idem_body.p);
    pthread_mutex_unlock(&fake.lock);
    buf_puts(&call->body, body);
}

/* What was said last; valid until the next call. */
static const char *
said(const char *what)
{
    static char copy[512];

    pthread_mutex_lock(&fake.lock);
    memcpy(copy, what, sizeof copy);
    pthread_mutex_unlock(&fake.lock);
    return copy;
}

static void
forget(void)
{
    pthread_mutex_lock(&fake.lock);
    fake.said[0] = 0;
    pthread_mutex_unlock(&fake.lock);
}

#define B(b) (int)(b).len, (const char *)(b).p

void
FAKE(cofre_customer_create)(struct cofre_vault *vault, struct cofre_call *call,
                            const struct cofre_customer_in *in)
{
    (void)vault;
    say(call, "{\"id\":\"cus_x\",\"version\":1}", "create %.*s fields=%zu consents=%zu",
        B(in->external_id), in->n_fields, in->n_consents);
    call->outcome = COFRE_OUT_CREATED;
    call->version = 1;
}

void
FAKE(cofre_customer_batch)(struct cofre_vault *vault, struct cofre_call *call,
                           const struct cofre_customer_in *in, size_t n)
{
    (void)vault;
    say(call, "{\"results\":[]}", "batch %zu first=%.*s", n, B(in[0].external_id));
}

void
FAKE(cofre_customer_patch)(struct cofre_vault *vault, struct cofre_call *call, struct bytes cus,
                           const struct cofre_field *fields, size_t n, uint64_t version)
{
    (void)vault;
    say(call, "{}", "patch %.*s n=%zu form=%d match=%llu", B(cus), n,
        n > 0 ? (int)fields->form : -1, (unsigned long long)version);
    call->version = 12;
}

void
FAKE(cofre_event_append)(struct cofre_vault *vault, struct cofre_call *call, struct bytes cus,
                         const struct cofre_event_in *in, size_t n)
{
    (void)vault;
    say(call, "{\"results\":[]}", "events of=%.*s n=%zu first=%.*s external_id=%.*s", B(cus), n,
        B(in[0].event_id), B(in[0].external_id));
}

void
FAKE(cofre_consent_put)(struct cofre_vault *vault, struct cofre_call *call, struct bytes cus,
                        const struct cofre_consent_in *in)
{
    (void)vault;
    say(call, "{}", "consent %.*s %.*s %.*s", B(cus), B(in->purpose), B(in->status));
}

void
FAKE(cofre_customer_lookup)(struct cofre_vault *vault, struct cofre_call *call, struct bytes index,
                            const struct cofre_field *value)
{
    (void)vault;
    (void)value;
    say(call, "{\"id\":\"cus_x\"}", "lookup %.*s", B(index));
}

void
FAKE(cofre_customer_reveal)(struct cofre_vault *vault, struct cofre_call *call, struct bytes cus,
                            const struct cofre_reveal_in *in)
{
    (void)vault;
    say(call, "{\"fields\":{}}", "reveal %.*s n=%zu for=%.*s", B(cus), in->n_fields,
        B(in->purpose));
}

void
FAKE(cofre_view_contract)(struct cofre_vault *vault, struct cofre_call *call, struct bytes view)
{
    (void)vault;
    say(call, "{}", "contract %.*s", B(view));
}

void
FAKE(cofre_view_records)(struct cofre_vault *vault, struct cofre_call *call, struct bytes view,
                         const struct cofre_page *page)
{
    (void)vault;
    say(call, "{\"records\":[],\"next\":null}", "records %.*s limit=%llu cursor=%.*s", B(view),
        (unsigned long long)page->limit, B(page->cursor));
}

void
FAKE(cofre_view_record)(struct cofre_vault *vault, struct cofre_call *call, struct bytes view,
                        struct bytes ps)
{
    (void)vault;
    snprintf(call->etag_id, sizeof call->etag_id, "%s", "abc");
    say(call, "{\"pseudonym\":\"ps_1\"}", "record %.*s %.*s", B(view), B(ps));
}

void
FAKE(cofre_view_batch_get)(struct cofre_vault *vault, struct cofre_call *call, struct bytes view,
                           const struct bytes *ps, size_t n)
{
    (void)vault;
    say(call, "{\"records\":[]}", "batch-get %.*s n=%zu first=%.*s", B(view), n, B(ps[0]));
}

void
FAKE(cofre_view_events)(struct cofre_vault *vault, struct cofre_call *call, struct bytes view,
                        struct bytes ps, const struct cofre_page *page)
{
    (void)vault;
    say(call, "{\"events\":[]}", "view-events %.*s of=%.*s kind=%.*s since=%.*s", B(view), B(ps),
        B(page->kind), B(page->since));
}

void
FAKE(cofre_audit_checkpoint)(struct cofre_vault *vault, struct cofre_call *call)
{
    (void)vault;
    say(call, "cofre.example\n1\n", "checkpoint");
    call->content_type = "text/plain; charset=utf-8";
}

void
FAKE(cofre_audit_tile)(struct cofre_vault *vault, struct cofre_call *call, struct bytes path)
{
    (void)vault;
    say(call, "tile", "tile %.*s", B(path));
    call->content_type = "application/octet-stream";
}

void
FAKE(cofre_customer_accesses)(struct cofre_vault *vault, struct cofre_call *call, struct bytes cus,
                              const struct cofre_accesses_in *in)
{
    (void)vault;
    say(call, "{\"accesses\":[]}", "accesses %.*s %llu %llu %llu whole=%d", B(cus),
        (unsigned long long)in->from, (unsigned long long)in->to, (unsigned long long)in->limit,
        in->whole);
}

void
FAKE(cofre_audit_entries)(struct cofre_vault *vault, struct cofre_call *call, uint64_t from,
                          uint64_t limit)
{
    (void)vault;
    say(call, "{}", "entries %llu %llu", (unsigned long long)from, (unsigned long long)limit);
}

void
FAKE(cofre_audit_proof)(struct cofre_vault *vault, struct cofre_call *call, uint64_t seq,
                        bool with_entry)
{
    (void)vault;
    say(call, "proof", "proof %llu%s", (unsigned long long)seq, with_entry ? " and entry" : "");
}

/* ---- the server ---- */

static struct cofre_server *server;
static struct http_reply *reply;

static const struct cofre_server_config small = {.listen = "127.0.0.1:0",
                                                 .threads = 2,
                                                 .max_body = 4096,
                                                 .max_batch = 8192,
                                                 .drain_timeout_s = 5};

static int
setup(void **state)
{
    struct cofre_why why = {{0}};

    (void)state;
    memset(&fake, 0, sizeof fake);
    pthread_mutex_init(&fake.lock, NULL);
    pthread_cond_init(&fake.wake, NULL);
    assert_int_equal(pthread_create(&fake.thread, NULL, commit, NULL), 0);
    assert_int_equal(cofre_server_start((struct cofre_vault *)&fake, &small, &server, &why),
                     COFRE_OK);
    reply = calloc(1, sizeof *reply);
    assert_non_null(reply);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    cofre_server_stop(server);
    server = NULL;
    pthread_mutex_lock(&fake.lock);
    fake.stop = true;
    pthread_cond_signal(&fake.wake);
    pthread_mutex_unlock(&fake.lock);
    pthread_join(fake.thread, NULL);
    free(reply);
    return 0;
}

static void
hold(bool on)
{
    pthread_mutex_lock(&fake.lock);
    fake.hold = on;
    pthread_cond_signal(&fake.wake);
    pthread_mutex_unlock(&fake.lock);
}

/* One request on a connection; token NULL for none, body NULL for none. */
static void
ask_on(int fd, const char *method, const char *path, const char *token, const char *more,
       const char *body)
{
    char head[4096];
    int n = snprintf(head, sizeof head, "%s %s HTTP/1.1\r\nHost: here\r\n%s%s%s%s", method, path,
                     token != NULL ? "Authorization: Bearer " : "", token != NULL ? token : "",
                     token != NULL ? "\r\n" : "", more);

    assert_true(n > 0 && (size_t)n < sizeof head);
    assert_true(http_send(fd, head, (size_t)n));
    if (body != NULL) {
        n = snprintf(head, sizeof head, "Content-Length: %zu\r\n", strlen(body));
        assert_true(http_send(fd, head, (size_t)n));
    }
    (void)http_send(fd, "\r\n", 2);
    if (body != NULL)
        (void)http_send(fd, body, strlen(body));
    http_read(fd, reply);
}

#define JSON "Content-Type: application/json\r\n"

static void
ask(const char *method, const char *path, const char *token, const char *body)
{
    int fd = http_connect(cofre_server_url(server));

    assert_true(fd >= 0);
    ask_on(fd, method, path, token, body != NULL ? JSON : "", body);
    close(fd);
}

static void
expect_problem(int status, const char *code)
{
    char member[96];

    assert_int_equal(reply->status, status);
    assert_string_equal(http_header(reply, "Content-Type"), "application/problem+json");
    snprintf(member, sizeof member, "\"code\":\"%s\"", code);
    assert_non_null(strstr(reply->body, member));
    assert_non_null(strstr(reply->body, http_header(reply, "X-Request-Id")));
}

/* ---- tests ---- */

static void
open_routes_need_no_token_and_leave_no_entry(void **state)
{
    static const char *const paths[] = {"/healthz", "/readyz", "/metrics", "/openapi.json"};

    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        ask("GET", paths[i], NULL, NULL);
        assert_int_equal(reply->status, 200);
        assert_null(http_header(reply, "Cofre-Audit"));
        assert_string_equal(http_header(reply, "Cache-Control"), "no-store");
        assert_null(http_header(reply, "Server"));
    }
    ask("POST", "/healthz", NULL, NULL);
    expect_problem(405, "method-not-allowed");
    assert_string_equal(http_header(reply, "Allow"), "GET, HEAD");
    assert_int_equal(fake.entries, 0);
}

static void
without_a_valid_token_there_is_no_answer_and_no_entry(void **state)
{
    (void)state;
    ask("GET", "/v1/views/loyalty", NULL, NULL);
    expect_problem(401, "unauthenticated");
    assert_string_equal(http_header(reply, "WWW-Authenticate"), "Bearer");
    assert_null(http_header(reply, "Cofre-Audit"));
    ask("GET", "/v1/no/such/thing", "nonsense", NULL);
    expect_problem(401, "unauthenticated");
    assert_int_equal(fake.auth_failed[COFRE_AUTH_MISSING], 1);
    assert_int_equal(fake.auth_failed[COFRE_AUTH_BAD], 1);
    assert_int_equal(fake.entries, 0);
    assert_string_equal(said(fake.said), "");
}

struct row {
    const char *method;
    const char *path;
    const char *token;
    const char *body;
    int status;
    enum cofre_act act;
    const char *said;
};

#define BATCH "{\"customers\":[{\"external_id\":\"c1\"}]}"
#define EVENT "\"event_id\":\"e1\",\"kind\":\"visit\",\"time\":\"2026-01-01\""

static const struct row served[] = {
    {"GET", "/v1/views/loyalty", "crm", NULL, 200, COFRE_ACT_VIEW_CONTRACT, "contract loyalty"},
    {"GET", "/v1/views/loyalty/records", "crm", NULL, 200, COFRE_ACT_VIEW_RECORDS,
     "records loyalty limit=100 cursor="},
    {"GET", "/v1/views/loyalty/records?limit=1000&cursor=AbC-_", "crm", NULL, 200,
     COFRE_ACT_VIEW_RECORDS, "records loyalty limit=1000 cursor=AbC-_"},
    {"GET", "/v1/views/loyalty/records/ps_abc", "crm", NULL, 200, COFRE_ACT_VIEW_RECORD,
     "record loyalty ps_abc"},
    {"GET", "/v1/views/loyalty/records/ps_a/events?kind=visit&since=2026-W01", "crm", NULL, 200,
     COFRE_ACT_VIEW_RECORD_EVENTS, "view-events loyalty of=ps_a kind=visit since=2026-W01"},
    {"GET", "/v1/views/loyalty/events?kind=visit", "crm", NULL, 200, COFRE_ACT_VIEW_EVENTS,
     "view-events loyalty of= kind=visit since="},
    {"POST", "/v1/views/loyalty/records:batch-get", "crm", "{\"pseudonyms\":[\"ps_a\",\"ps_b\"]}",
     200, COFRE_ACT_VIEW_BATCH_GET, "batch-get loyalty n=2 first=ps_a"},
    {"POST", "/v1/customers", "ingest", "{\"external_id\":\"c1\",\"fields\":{\"name\":\"N\"}}", 201,
     COFRE_ACT_CUSTOMER_CREATE, "create c1 fields=1 consents=0"},
    {"POST", "/v1/customers:batch", "ingest", BATCH, 200, COFRE_ACT_CUSTOMER_BATCH,
     "batch 1 first=c1"},
    {"POST", "/v1/customers:lookup", "support", "{\"index\":\"email\",\"value\":\"v\"}", 200,
     COFRE_ACT_CUSTOMER_LOOKUP, "lookup email"},
    {"PATCH", "/v1/customers/cus_1", "ingest", "{\"fields\":{\"city\":null}}", 200,
     COFRE_ACT_CUSTOMER_PATCH, "patch cus_1 n=1 form=5 match=0"},
    {"POST", "/v1/customers/cus_1/events", "ingest", "{\"events\":[{" EVENT "}]}", 200,
     COFRE_ACT_EVENT_APPEND, "events of=cus_1 n=1 first=e1 external_id="},
    {"POST", "/v1/events:batch", "ingest", "{\"events\":[{" EVENT ",\"external_id\":\"c1\"}]}", 200,
     COFRE_ACT_EVENT_BATCH, "events of= n=1 first=e1 external_id=c1"},
    {"PUT", "/v1/customers/cus_1/consents/loyalty", "ingest",
     "{\"status\":\"granted\",\"source\":\"web\"}", 200, COFRE_ACT_CONSENT_PUT,
     "consent cus_1 loyalty granted"},
    {"POST", "/v1/customers/cus_1:reveal", "support",
     "{\"fields\":[\"phone\"],\"purpose\":\"service\",\"reason\":\"call back\"}", 200,
     COFRE_ACT_CUSTOMER_REVEAL, "reveal cus_1 n=1 for=service"},
    {"GET", "/v1/customers/cus_1/accesses?from=5&to=90&limit=7", "compliance", NULL, 200,
     COFRE_ACT_CUSTOMER_ACCESSES, "accesses cus_1 5 90 7 whole=0"},
    {"GET", "/v1/customers/cus_1/accesses", "compliance", NULL, 200, COFRE_ACT_CUSTOMER_ACCESSES,
     "accesses cus_1 0 18446744073709551615 100 whole=0"},
    {"GET", "/v1/audit/checkpoint", "compliance", NULL, 200, COFRE_ACT_AUDIT_CHECKPOINT,
     "checkpoint"},
    {"GET", "/v1/audit/tile/0/x001/234.p/17", "compliance", NULL, 200, COFRE_ACT_AUDIT_TILE,
     "tile 0/x001/234.p/17"},
    {"GET", "/v1/audit/entries?from=5&limit=7", "compliance", NULL, 200, COFRE_ACT_AUDIT_ENTRIES,
     "entries 5 7"},
    {"GET", "/v1/audit/proof?seq=12", "crm", NULL, 200, COFRE_ACT_AUDIT_PROOF, "proof 12"},
};

static const struct row refused[] = {
    {"GET", "/v1/no/such/thing", "crm", NULL, 404, COFRE_ACT_UNKNOWN_ROUTE, ""},
    {"GET", "/", "crm", NULL, 404, COFRE_ACT_UNKNOWN_ROUTE, ""},
    {"GET", "/v1/customers/cus_1/loyalty", "ingest", NULL, 404, COFRE_ACT_UNKNOWN_ROUTE, ""},
    {"GET", "/v1/views/a%00b/records", "crm", NULL, 404, COFRE_ACT_UNKNOWN_ROUTE, ""},
    {"GET", "/v1/views/a%2Fb", "crm", NULL, 404, COFRE_ACT_UNKNOWN_ROUTE, ""},
    {"DELETE", "/v1/customers", "ingest", NULL, 405, COFRE_ACT_UNKNOWN_ROUTE, ""},
    {"HEAD", "/v1/views/loyalty", "crm", NULL, 405, COFRE_ACT_UNKNOWN_ROUTE, ""},
    {"POST", "/v1/customers", "crm", "not json", 403, COFRE_ACT_CUSTOMER_CREATE, ""},
    {"GET", "/v1/views/loyalty/records", "support", NULL, 403, COFRE_ACT_VIEW_RECORDS, ""},
    {"GET", "/v1/audit/checkpoint", "ingest", NULL, 403, COFRE_ACT_AUDIT_CHECKPOINT, ""},
    {"POST", "/v1/customers", "ingest", "not json", 400, COFRE_ACT_CUSTOMER_CREATE, ""},
    {"POST", "/v1/customers", "ingest", "", 400, COFRE_ACT_CUSTOMER_CREATE, ""},
    {"POST", "/v1/customers", "ingest", NULL, 400, COFRE_ACT_CUSTOMER_CREATE, ""},
    {"GET", "/v1/views/loyalty", "crm", "{}", 400, COFRE_ACT_VIEW_CONTRACT, ""},
    {"GET", "/v1/views/loyalty?x=1", "crm", NULL, 400, COFRE_ACT_VIEW_CONTRACT, ""},
    {"GET", "/v1/views/loyalty/records?limit=1001", "crm", NULL, 400, COFRE_ACT_VIEW_RECORDS, ""},
    {"GET", "/v1/views/loyalty/records?limit=0", "crm", NULL, 400, COFRE_ACT_VIEW_RECORDS, ""},
    {"GET", "/v1/views/loyalty/records?limit=+5", "crm", NULL, 400, COFRE_ACT_VIEW_RECORDS, ""},
    {"GET", "/v1/views/loyalty/records?limit", "crm", NULL, 400, COFRE_ACT_VIEW_RECORDS, ""},
    {"GET", "/v1/views/loyalty/records?limit=5&limit=5", "crm", NULL, 400, COFRE_ACT_VIEW_RECORDS,
     ""},
    {"GET", "/v1/audit/proof", "crm", NULL, 400, COFRE_ACT_AUDIT_PROOF, ""},
};

static void
run_row(const struct row *row)
{
    unsigned before = fake.entries;

    forget();
    reply->of_head = strcmp(row->method, "HEAD") == 0;
    ask(row->method, row->path, row->token, row->body);
    if (reply->status != row->status)
        fail_msg("%s %s: %d instead of %d: %s", row->method, row->path, reply->status, row->status,
                 reply->body);
    assert_string_equal(said(fake.said), row->said);
    assert_int_equal(fake.entries, before + 1);
    assert_int_equal(fake.act, row->act);
    assert_int_equal(cofre_outcome((enum cofre_outcome)fake.outcome)->http, row->status);
    assert_non_null(http_header(reply, "Cofre-Audit"));
}

static void
every_route_reaches_its_operation_and_leaves_one_entry(void **state)
{
    size_t n;
    bool seen[COFRE_ACTS] = {false};
    const struct route *routes = route_table(&n);

    (void)state;
    for (size_t i = 0; i < sizeof served / sizeof *served; i++) {
        run_row(&served[i]);
        seen[served[i].act] = true;
    }
    for (size_t i = 0; i < n; i++)
        assert_true((routes[i].flags & ROUTE_OPEN) != 0 || seen[routes[i].act]);
}

static void
every_refusal_leaves_one_entry(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        run_row(&refused[i]);
}

static void
a_reply_has_its_headers(void **state)
{
    char receipt[512];
    char leaf[64];
    char salt[64];
    unsigned seq;

    (void)state;
    ask("GET", "/v1/views/loyalty/records/ps_1", "crm", NULL);
    assert_string_equal(reply->body, "{\"pseudonym\":\"ps_1\"}");
    assert_string_equal(http_header(reply, "Content-Type"), "application/json");
    assert_string_equal(http_header(reply, "Cache-Control"), "no-store");
    assert_string_equal(http_header(reply, "X-Content-Type-Options"), "nosniff");
    assert_string_equal(http_header(reply, "ETag"), "\"abc\"");
    snprintf(receipt, sizeof receipt, "%s", http_header(reply, "Cofre-Audit"));
    assert_int_equal(sscanf(receipt, "%u %63s %63s", &seq, leaf, salt), 3);
    assert_int_equal(seq, 0);
    assert_string_equal(leaf, "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=");
    assert_int_equal(strlen(salt), 44);
    ask("PATCH", "/v1/customers/cus_1", "ingest", "{\"fields\":{}}");
    assert_string_equal(http_header(reply, "ETag"), "\"12\"");
}

static char *
never_enough(struct http_reply *r)
{
    (void)r;
    return NULL;
}

static void
a_connection_is_kept_and_requests_may_be_pipelined(void **state)
{
    static const char two[] =
        "GET /v1/views/a HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer crm\r\n\r\n"
        "GET /healthz HTTP/1.0\r\n\r\n";
    char *first;
    int fd = http_connect(cofre_server_url(server));

    (void)state;
    for (int i = 0; i < 3; i++) {
        ask_on(fd, "GET", "/v1/views/loyalty", "crm", "", NULL);
        assert_int_equal(reply->status, 200);
        ask_on(fd, "POST", "/v1/customers", "ingest", JSON, "{\"external_id\":\"c\"}");
        assert_int_equal(reply->status, 201);
        ask_on(fd, "POST", "/v1/customers", "crm", JSON, "{\"external_id\":\"c\"}");
        assert_int_equal(reply->status, 403);
    }
    assert_int_equal(fake.entries, 9);
    http_send(fd, two, sizeof two - 1);
    reply->len = 0;
    reply->text[0] = 0;
    (void)http_fill(fd, reply, never_enough); /* to the end of the connection */
    assert_non_null(first = strstr(reply->text, "Cofre-Audit: 9 "));
    assert_non_null(strstr(first, "{\"status\":\"ok\"}"));
    close(fd);
}

static void
when_the_log_cannot_be_written_nothing_leaves(void **state)
{
    (void)state;
    fake.broken = true;
    ask("GET", "/v1/views/loyalty/records/ps_1", "crm", NULL);
    expect_problem(503, "audit-unavailable");
    assert_null(strstr(reply->body, "ps_1"));
    assert_null(http_header(reply, "Cofre-Audit"));
    assert_null(http_header(reply, "ETag"));
    assert_string_equal(http_header(reply, "Retry-After"), "1");
    ask("GET", "/readyz", NULL, NULL);
    assert_int_equal(reply->status, 503);
    assert_string_equal(reply->body, "{\"status\":\"unavailable\",\"cause\":\"disk-full\"}");
    ask("GET", "/healthz", NULL, NULL);
    assert_int_equal(reply->status, 200);
}

/* ---- bodies ---- */

static void
too_large_a_body_is_refused_and_recorded_once(void **state)
{
    char *big = malloc(6000);
    int fd = http_connect(cofre_server_url(server));

    (void)state;
    memset(big, 'x', 5999);
    big[5999] = 0;
    ask_on(fd, "POST", "/v1/customers", "ingest", JSON, big);
    expect_problem(413, "body-too-large");
    assert_int_equal(fake.entries, 1);
    /* It was read to its end: the connection goes on. */
    ask_on(fd, "POST", "/v1/customers:batch", "ingest", JSON, big);
    expect_problem(400, "invalid-request");
    assert_int_equal(fake.entries, 2);
    close(fd);
    free(big);
}

static void
too_large_a_body_in_chunks_is_refused(void **state)
{
    char head[512];
    char chunk[1024 + 16];
    int fd = http_connect(cofre_server_url(server));
    int n =
        snprintf(head, sizeof head,
                 "POST /v1/customers HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer ingest\r\n" JSON
                 "Transfer-Encoding: chunked\r\n\r\n");

    (void)state;
    http_send(fd, head, (size_t)n);
    n = snprintf(chunk, sizeof chunk, "400\r\n%01024d\r\n", 0);
    for (int i = 0; i < 5; i++)
        assert_true(http_send(fd, chunk, (size_t)n));
    http_send(fd, "0\r\n\r\n", 5);
    http_read(fd, reply);
    expect_problem(413, "body-too-large");
    assert_int_equal(fake.entries, 1);
    close(fd);
}

static void
a_client_that_asks_first_is_refused_before_it_sends(void **state)
{
    static const char head[] = "POST /v1/customers HTTP/1.1\r\nHost: h\r\n" JSON
                               "Authorization: Bearer ingest\r\nContent-Length: 5000\r\n"
                               "Expect: 100-continue\r\n\r\n";
    static const char endless[] =
        "POST /v1/customers HTTP/1.1\r\nHost: h\r\n" JSON "Content-Length: 99999999999\r\n\r\n";
    int fd = http_connect(cofre_server_url(server));

    (void)state;
    http_send(fd, head, sizeof head - 1);
    http_read(fd, reply);
    expect_problem(413, "body-too-large");
    assert_string_equal(http_header(reply, "Connection"), "close");
    assert_int_equal(fake.entries, 1);
    close(fd);
    fd = http_connect(cofre_server_url(server));
    http_send(fd, endless, sizeof endless - 1);
    http_read(fd, reply);
    expect_problem(401, "unauthenticated");
    close(fd);
}

static void
two_lengths_or_two_tokens_are_refused(void **state)
{
    int fd = http_connect(cofre_server_url(server));

    (void)state;
    ask_on(fd, "POST", "/v1/customers", "ingest", JSON "Transfer-Encoding: chunked\r\n",
           "0\r\n\r\n");
    expect_problem(400, "invalid-request");
    assert_string_equal(http_header(reply, "Connection"), "close");
    close(fd);
    fd = http_connect(cofre_server_url(server));
    ask_on(fd, "POST", "/v1/customers", "nobody", JSON "Transfer-Encoding: chunked\r\n",
           "0\r\n\r\n");
    expect_problem(401, "unauthenticated");
    assert_string_equal(http_header(reply, "Connection"), "close");
    close(fd);
    assert_string_equal(said(fake.said), "");
    fd = http_connect(cofre_server_url(server));
    ask_on(fd, "GET", "/v1/views/loyalty", "crm", "Authorization: Bearer ingest\r\n", NULL);
    expect_problem(400, "invalid-request");
    assert_non_null(strstr(reply->body, "\"pointer\":\"Authorization:\""));
    close(fd);
}

static void
only_json_is_taken(void **state)
{
    int fd = http_connect(cofre_server_url(server));

    (void)state;
    ask_on(fd, "POST", "/v1/customers", "ingest", "Content-Type: text/plain\r\n", "{}");
    expect_problem(415, "unsupported-media-type");
    ask_on(fd, "POST", "/v1/customers", "ingest", "", "{}");
    expect_problem(415, "unsupported-media-type");
    ask_on(fd, "POST", "/v1/customers", "ingest",
           "Content-Type: application/JSON; charset=UTF-8\r\n", "{\"external_id\":\"c\"}");
    assert_int_equal(reply->status, 201);
    ask_on(fd, "POST", "/v1/customers", "ingest",
           "Content-Type: application/json; charset=latin1\r\n", "{}");
    expect_problem(415, "unsupported-media-type");
    close(fd);
}

static void
an_idempotency_key_stands_for_path_and_body(void **state)
{
    int fd = http_connect(cofre_server_url(server));

    (void)state;
    ask_on(fd, "POST", "/v1/customers", "ingest", JSON "Idempotency-Key: k-1\r\n",
           "{\"external_id\":\"c\"}");
    assert_int_equal(reply->status, 201);
    assert_string_equal(said(fake.idem), "k-1|/v1/customers\n{\"external_id\":\"c\"}");
    ask_on(fd, "POST", "/v1/customers", "ingest", JSON "Idempotency-Key: a b\r\n", "{}");
    expect_problem(400, "invalid-request");
    ask_on(fd, "PATCH", "/v1/customers/cus_1", "ingest", JSON "Idempotency-Key: k-1\r\n",
           "{\"fields\":{}}");
    assert_string_equal(said(fake.idem), "|");
    close(fd);
}

static void
if_match_takes_one_tag(void **state)
{
    static const struct {
        const char *header;
        const char *match; /* NULL: refused */
    } rows[] = {
        {"If-Match: \"7\"\r\n", "match=7"},
        {"If-Match: *\r\n", "match=0"},
        {"If-Match: \"0\"\r\n", "match=18446744073709551615"},
        {"If-Match: \"x\"\r\n", "match=18446744073709551615"},
        {"If-Match: \"99999999999999999999999\"\r\n", "match=18446744073709551615"},
        {"If-Match: 7\r\n", NULL},
        {"If-Match: W/\"7\"\r\n", NULL},
        {"If-Match: \"7\", \"8\"\r\n", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char more[160];
        int fd = http_connect(cofre_server_url(server));
        forget();
        snprintf(more, sizeof more, JSON "%s", rows[i].header);
        ask_on(fd, "PATCH", "/v1/customers/cus_1", "ingest", more, "{\"fields\":{}}");
        assert_int_equal(reply->status, rows[i].match != NULL ? 200 : 400);
        if (rows[i].match != NULL)
            assert_non_null(strstr(said(fake.said), rows[i].match));
        close(fd);
    }
}

static void
nothing_of_a_request_is_in_a_problem(void **state)
{
    (void)state;
    ask("POST", "/v1/customers", "ingest",
        "{\"external_id\":\"s3cret\",\"S3cret@x\":1,\"fields\":3}");
    expect_problem(400, "invalid-request");
    assert_null(strstr(reply->body, "3cret"));
    ask("POST", "/v1/customers", "ingest", "{\"external_id\": s3cret}");
    expect_problem(400, "invalid-request");
    assert_null(strstr(reply->body, "3cret"));
    ask("GET", "/v1/views/loyalty/records?S3cret=s3cret&limit=s3cret", "crm", NULL);
    expect_problem(400, "invalid-request");
    assert_null(strstr(reply->body, "3cret"));
    assert_non_null(strstr(reply->body, "\"?limit\""));
}

static void
metrics_count_by_action(void **state)
{
    (void)state;
    ask("GET", "/v1/views/loyalty/records/ps_SECRET", "crm", NULL);
    ask("GET", "/v1/views/loyalty/records/ps_SECRET", NULL, NULL);
    ask("GET", "/metrics", NULL, NULL);
    assert_non_null(
        strstr(reply->body, "cofre_http_requests_total{act=\"view-record\",status=\"2xx\"} 1\n"));
    assert_non_null(strstr(
        reply->body, "cofre_http_requests_total{act=\"unauthenticated\",status=\"4xx\"} 1\n"));
    assert_non_null(strstr(reply->body, "cofre_http_request_seconds_count 2\n"));
    assert_non_null(strstr(reply->body, "cofre_customers 4711\n"));
    assert_null(strstr(reply->body, "SECRET"));
}

static void
what_the_parser_refuses_is_counted(void **state)
{
    int fd = http_connect(cofre_server_url(server));
    char *long_line = malloc(40000);

    (void)state;
    memset(long_line, 'a', 40000);
    memcpy(long_line, "GET /", 5);
    (void)http_send(fd, long_line, 40000);
    http_read(fd, reply);
    close(fd);
    free(long_line);
    ask("GET", "/metrics", NULL, NULL);
    assert_non_null(strstr(reply->body, "cofre_http_refused_total 1\n"));
}

/* ---- many connections, and the end ---- */

static void
any_number_of_connections_is_served(void **state)
{
    static const unsigned counts[] = {127, 128, 129, 256, 512};
    static const char request[] =
        "GET /v1/views/loyalty HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer crm\r\n\r\n";
    struct rlimit files = {4096, 4096};
    int *fds = calloc(512, sizeof *fds);

    (void)state;
    if (setrlimit(RLIMIT_NOFILE, &files) != 0)
        skip();
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        unsigned before = fake.entries;
        for (unsigned i = 0; i < counts[c]; i++) {
            fds[i] = http_connect(cofre_server_url(server));
            assert_true(fds[i] >= 0);
        }
        for (int round = 0; round < 3; round++) {
            for (unsigned i = 0; i < counts[c]; i++)
                assert_true(http_send(fds[i], request, sizeof request - 1));
            for (unsigned i = 0; i < counts[c]; i++) {
                http_read(fds[i], reply);
                assert_int_equal(reply->status, 200);
            }
        }
        for (unsigned i = 0; i < counts[c]; i++)
            close(fds[i]);
        assert_int_equal(fake.entries, before + 3 * counts[c]);
    }
    free(fds);
}

static void *
stop_server(void *arg)
{
    cofre_server_stop(arg);
    return NULL;
}

static void
a_stop_answers_what_is_under_way(void **state)
{
    static const char request[] =
        "GET /v1/views/loyalty HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer crm\r\n\r\n";
    pthread_t stopper;
    int fds[8];
    char url[96];

    (void)state;
    snprintf(url, sizeof url, "%s", cofre_server_url(server));
    hold(true);
    for (size_t i = 0; i < 8; i++) {
        fds[i] = http_connect(url);
        assert_true(http_send(fds[i], request, sizeof request - 1));
    }
    usleep(200000);
    assert_int_equal(pthread_create(&stopper, NULL, stop_server, server), 0);
    server = NULL;
    usleep(200000);
    assert_int_equal(http_connect(url), -1);
    hold(false);
    for (size_t i = 0; i < 8; i++) {
        http_read(fds[i], reply);
        assert_int_equal(reply->status, 200);
        assert_string_equal(http_header(reply, "Connection"), "close");
        close(fds[i]);
    }
    pthread_join(stopper, NULL);
}

static void
an_upload_that_is_under_way_at_a_stop_may_end(void **state)
{
    static const char head[] = "POST /v1/customers HTTP/1.1\r\nHost: h\r\n" JSON
                               "Authorization: Bearer ingest\r\nContent-Length: 19\r\n\r\n{\"ext";
    pthread_t stopper;
    int fd = http_connect(cofre_server_url(server));

    (void)state;
    http_send(fd, head, sizeof head - 1);
    usleep(100000);
    assert_int_equal(pthread_create(&stopper, NULL, stop_server, server), 0);
    server = NULL;
    usleep(200000);
    http_send(fd, "ernal_id\":\"c\"}", 15);
    http_read(fd, reply);
    assert_int_equal(reply->status, 201);
    close(fd);
    pthread_join(stopper, NULL);
}

static void
a_stop_does_not_wait_for_ever_for_a_slow_upload(void **state)
{
    static const char head[] = "POST /v1/customers HTTP/1.1\r\nHost: h\r\n" JSON
                               "Authorization: Bearer ingest\r\nContent-Length: 50\r\n\r\nabc";
    struct cofre_server_config quick = small;
    struct cofre_server *second;
    int fd;

    (void)state;
    quick.drain_timeout_s = 1;
    assert_int_equal(cofre_server_start((struct cofre_vault *)&fake, &quick, &second, NULL),
                     COFRE_OK);
    fd = http_connect(cofre_server_url(second));
    http_send(fd, head, sizeof head - 1);
    usleep(100000);
    cofre_server_stop(second);
    http_read(fd, reply);
    assert_int_equal(reply->status, 0);
    assert_int_equal(fake.entries, 0);
    close(fd);
}

static void
a_client_that_leaves_does_no_harm(void **state)
{
    static const char request[] =
        "GET /v1/views/loyalty HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer crm\r\n\r\n";

    (void)state;
    hold(true);
    for (int i = 0; i < 16; i++) {
        int fd = http_connect(cofre_server_url(server));
        http_send(fd, request, sizeof request - 1);
        usleep(2000);
        close(fd);
    }
    usleep(50000);
    hold(false);
    ask("GET", "/v1/views/loyalty", "crm", NULL);
    assert_int_equal(reply->status, 200);
    assert_int_equal(fake.entries, 17);
}

static void
a_silent_client_is_let_go(void **state)
{
    struct cofre_server_config quick = small;
    struct cofre_server *second;
    int silent;
    int kept;

    (void)state;
    quick.request_timeout_s = 1;
    assert_int_equal(cofre_server_start((struct cofre_vault *)&fake, &quick, &second, NULL),
                     COFRE_OK);
    silent = http_connect(cofre_server_url(second));
    kept = http_connect(cofre_server_url(second));
    ask_on(kept, "GET", "/v1/views/loyalty", "crm", "", NULL);
    http_send(silent, "GET /hea", 8);
    http_read(silent, reply); /* ends, well before the idle minute */
    if (reply->status != 0)
        assert_int_equal(reply->status, 408);
    ask_on(kept, "GET", "/v1/views/loyalty", "crm", "", NULL);
    assert_int_equal(reply->status, 200);
    close(silent);
    close(kept);
    cofre_server_stop(second);
}

static void
where_it_may_listen(void **state)
{
    static const struct {
        const char *listen;
        enum cofre_err err;
    } rows[] = {
        {"0.0.0.0:0", COFRE_EREFUSED},   {"[::]:0", COFRE_EREFUSED},
        {"192.0.2.1:0", COFRE_EREFUSED}, {"127.0.0.1", COFRE_EINVAL},
        {"127.0.0.1:x", COFRE_EINVAL},   {":8420", COFRE_EINVAL},
        {"::1:8420", COFRE_EINVAL},      {"127.0.0.1:70000", COFRE_EINVAL},
        {"[::1:1", COFRE_EINVAL},        {"", COFRE_EINVAL},
    };
    struct cofre_server *second;
    struct cofre_why why;
    struct cofre_server_config config = small;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        config.listen = rows[i].listen;
        why.text[0] = 0;
        assert_int_equal(cofre_server_start((struct cofre_vault *)&fake, &config, &second, &why),
                         rows[i].err);
        assert_null(second);
        assert_true(why.text[0] != 0);
    }
    config.listen = cofre_server_url(server) + strlen("http://");
    assert_int_equal(cofre_server_start((struct cofre_vault *)&fake, &config, &second, NULL),
                     COFRE_EBUSY);
    config.listen = "localhost:0";
    assert_int_equal(cofre_server_start((struct cofre_vault *)&fake, &config, &second, NULL),
                     COFRE_OK);
    cofre_server_stop(second);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(open_routes_need_no_token_and_leave_no_entry),
        TEST(without_a_valid_token_there_is_no_answer_and_no_entry),
        TEST(every_route_reaches_its_operation_and_leaves_one_entry),
        TEST(every_refusal_leaves_one_entry),
        TEST(a_reply_has_its_headers),
        TEST(a_connection_is_kept_and_requests_may_be_pipelined),
        TEST(when_the_log_cannot_be_written_nothing_leaves),
        TEST(too_large_a_body_is_refused_and_recorded_once),
        TEST(too_large_a_body_in_chunks_is_refused),
        TEST(a_client_that_asks_first_is_refused_before_it_sends),
        TEST(two_lengths_or_two_tokens_are_refused),
        TEST(only_json_is_taken),
        TEST(an_idempotency_key_stands_for_path_and_body),
        TEST(if_match_takes_one_tag),
        TEST(nothing_of_a_request_is_in_a_problem),
        TEST(metrics_count_by_action),
        TEST(what_the_parser_refuses_is_counted),
        TEST(any_number_of_connections_is_served),
        TEST(a_stop_answers_what_is_under_way),
        TEST(an_upload_that_is_under_way_at_a_stop_may_end),
        TEST(a_stop_does_not_wait_for_ever_for_a_slow_upload),
        TEST(a_client_that_leaves_does_no_harm),
        TEST(a_silent_client_is_let_go),
        TEST(where_it_may_listen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
