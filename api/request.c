#include <assert.h>
#include <stdlib.h>

#include "auth.h"
#include "problem.h"
#include "query.h"
#include "reply.h"
#include "server_internal.h"

#include "request.h"

/* A body that is refused is read to its end, so that the client reads our reply; up to here. */
enum { DISCARD_MAX = 64 * 1024 * 1024 };

static_assert(offsetof(struct request, call) == 0, "a request is found by its call");

static void
render(struct cofre_call *call)
{
    problem_write(call, ((struct request *)call)->id);
}

static void
on_done(struct cofre_call *call)
{
    struct request *req = (struct request *)call;
    struct cofre_server *server = req->server;

    atomic_store_explicit(&req->done, true, memory_order_release);
    MHD_resume_connection(req->connection); /* from here on req may be gone */
    atomic_fetch_sub(&server->suspended, 1);
}

static void
fail(struct request *req, enum cofre_outcome outcome, const char *pointer, const char *reason)
{
    cofre_call_fail(&req->call, outcome, pointer, reason);
}

/* ---- judging the headers ---- */

static bool
role_allows(struct request *req)
{
    return cofre_act_allowed(req->call.act, req->call.actor.role);
}

static void
judge_body(struct request *req)
{
    const struct headers *h = &req->headers;
    const struct cofre_server_config *config = &req->server->config;
    unsigned flags = req->match.route->flags;
    bool announced = h->content_length.p != NULL;

    if (h->transfer_encoding.p != NULL && announced) {
        fail(req, COFRE_OUT_INVALID, "Transfer-Encoding:", "comes with a Content-Length");
        return;
    }
    if ((flags & ROUTE_BODY) == 0) {
        if (headers_body(h))
            fail(req, COFRE_OUT_INVALID, "", "no body is accepted here");
        return;
    }
    req->limit = (flags & ROUTE_MANY) != 0 ? config->max_batch : config->max_body;
    if (!headers_body(h))
        fail(req, COFRE_OUT_INVALID, "", "a JSON body is missing");
    else if (!headers_json(h))
        fail(req, COFRE_OUT_MEDIA_TYPE, NULL, "");
    else if (announced && headers_length(h) > req->limit)
        fail(req, COFRE_OUT_TOO_LARGE, NULL, "");
}

static void
judge_idempotency(struct request *req)
{
    struct bytes key = req->headers.idempotency_key;

    if ((req->match.route->flags & ROUTE_CREATES) == 0 || key.p == NULL)
        return;
    for (size_t i = 0; i < key.len; i++) {
        if (key.p[i] < 0x21 || key.p[i] > 0x7e) {
            key.len = 0;
            break;
        }
    }
    if (key.len < 1 || key.len > 255)
        fail(req, COFRE_OUT_INVALID,
             "Idempotency-Key:", "must be 1 to 255 visible ASCII characters");
    req->call.idem_key = key;
}

/* Everything that can be said before the body; leaves the outcome in the call. */
static void
judge(struct request *req, const char *method)
{
    const struct headers *h = &req->headers;

    headers_read(req->connection, &req->headers);
    /* Two lengths, say: a proxy before us may have taken the other one, and so sees other requests. */
    req->close =
        h->twice != NULL || (h->transfer_encoding.p != NULL && h->content_length.p != NULL);
    route_find(method, req->path, &req->match);
    if (req->match.open) {
        if (req->match.route == NULL)
            fail(req, COFRE_OUT_METHOD, NULL, "");
        req->discard = true;
        return;
    }
    auth_check(req);
    if (!cofre_call_ok(&req->call))
        return;
    if (req->match.route == NULL) {
        fail(req, req->match.path_known ? COFRE_OUT_METHOD : COFRE_OUT_NOT_FOUND, NULL, "");
        return;
    }
    req->call.act = req->match.route->act;
    if (!role_allows(req)) {
        fail(req, COFRE_OUT_FORBIDDEN, NULL, "");
        return;
    }
    if (h->twice != NULL)
        fail(req, COFRE_OUT_INVALID, h->twice, "comes more than once");
    judge_body(req);
    judge_idempotency(req);
    if ((req->match.route->flags & ROUTE_QUERY) == 0)
        (void)query_read(req, NULL, 0);
}

/* ---- the end: operation, entry, reply ---- */

static void
operate(struct request *req)
{
    if (req->call.idem_key.len > 0) {
        /* The same body for another customer is another request. */
        buf_puts(&req->idem, req->path);
        buf_putc(&req->idem, '\n');
        buf_putb(&req->idem, buf_bytes(&req->body));
        if (buf_error(&req->idem) != COFRE_OK)
            fail(req, COFRE_OUT_INTERNAL, NULL, "");
        req->call.idem_body = buf_bytes(&req->idem);
    }
    if (cofre_call_ok(&req->call))
        req->match.route->run(req);
    buf_free(&req->body);
}

static enum MHD_Result
reply_now(struct request *req)
{
    req->step = REQUEST_REPLIED;
    server_patience(req->server, req->connection, false);
    return reply_send(req);
}

/* Runs the operation and leaves its entry to the vault. */
static enum MHD_Result
submit(struct request *req)
{
    struct cofre_server *server = req->server;

    atomic_fetch_add(&server->suspended, 1);
    if (atomic_load(&server->closed)) {
        atomic_fetch_sub(&server->suspended, 1);
        return MHD_NO;
    }
    if (cofre_call_ok(&req->call))
        operate(req);
    req->step = REQUEST_SUBMITTED;
    MHD_suspend_connection(req->connection);
    cofre_submit(server->vault, &req->call);
    return MHD_YES;
}

static enum MHD_Result
complete(struct request *req)
{
    if (req->step == REQUEST_SUBMITTED)
        return atomic_load_explicit(&req->done, memory_order_acquire) ? reply_now(req) : MHD_YES;
    if (req->match.open && req->match.route != NULL)
        req->match.route->run(req);
    return req->authenticated ? submit(req) : reply_now(req);
}

/* ---- the body ---- */

static enum MHD_Result
cut(struct request *req)
{
    atomic_fetch_add_explicit(&req->server->metrics.cut, 1, memory_order_relaxed);
    return MHD_NO;
}

static enum MHD_Result
collect(struct request *req, const char *data, size_t *size)
{
    struct cofre_server *server = req->server;
    uint64_t patience = (uint64_t)server->config.upload_timeout_s * 1000000000;
    bool keep = !req->discard && cofre_call_ok(&req->call);

    req->seen += *size;
    atomic_fetch_add_explicit(&server->metrics.body_bytes, *size, memory_order_relaxed);
    if (req->seen > DISCARD_MAX || server_clock() - req->began > patience)
        return cut(req);
    if (keep && req->seen > req->limit) {
        fail(req, COFRE_OUT_TOO_LARGE, NULL, "");
        buf_free(&req->body);
    } else if (keep) {
        buf_put(&req->body, data, *size);
        if (buf_error(&req->body) != COFRE_OK)
            return cut(req);
    }
    *size = 0;
    return MHD_YES;
}

/* ---- the beginning ---- */

static struct request *
request_new(struct cofre_server *server, struct MHD_Connection *connection, const char *path)
{
    struct request *req = malloc(sizeof *req);

    if (req == NULL)
        return NULL;
    /* The call is most of it, and sets itself up. */
    memset((char *)req + sizeof req->call, 0, sizeof *req - sizeof req->call);
    cofre_call_init(&req->call);
    req->call.act = COFRE_ACT_UNKNOWN_ROUTE;
    req->call.http = true;
    req->call.render = render;
    req->call.done = on_done;
    req->server = server;
    req->connection = connection;
    req->path = path;
    req->began = server_clock();
    encode_id(req->id, "req_", req->call.nonce);
    return req;
}

/*
 * Is it no use to wait for the body?  A client that asks first (Expect) gets its answer first, and one that
 * wants to send more than we are ready to throw away loses the connection.
 */
static bool
answer_at_once(const struct request *req)
{
    if (cofre_call_ok(&req->call))
        return false;
    if (req->close || (req->headers.expect.p != NULL && headers_body(&req->headers)))
        return true;
    return req->headers.content_length.p != NULL && headers_length(&req->headers) > DISCARD_MAX;
}

/* A refusal in the first call ends the connection, and cannot be suspended: rare, so it may block. */
static enum MHD_Result
refuse_at_once(struct request *req)
{
    req->close = true;
    if (req->authenticated)
        cofre_submit_wait(req->server->vault, &req->call);
    return reply_now(req);
}

static enum MHD_Result
begin(struct cofre_server *server, struct MHD_Connection *connection, const char *path,
      const char *method, void **con_cls)
{
    struct request *req;

    atomic_fetch_add(&server->inflight, 1);
    if (atomic_load(&server->closed) || (req = request_new(server, connection, path)) == NULL) {
        atomic_fetch_sub(&server->inflight, 1);
        return MHD_NO;
    }
    *con_cls = req;
    judge(req, method);
    if (answer_at_once(req))
        return refuse_at_once(req);
    server_patience(server, connection, headers_body(&req->headers));
    /* One allocation: growing would copy, and wipe, again and again. */
    if (cofre_call_ok(&req->call) && !req->discard && req->headers.content_length.p != NULL)
        (void)buf_reserve(&req->body, (size_t)headers_length(&req->headers));
    return MHD_YES;
}

enum MHD_Result
request_handle(void *cls, struct MHD_Connection *connection, const char *url, const char *method,
               const char *version, const char *data, size_t *data_size, void **con_cls)
{
    struct request *req = *con_cls;

    (void)version;
    if (req == NULL)
        return begin(cls, connection, url, method, con_cls);
    if (req->step == REQUEST_REPLIED) {
        *data_size = 0;
        return MHD_YES;
    }
    if (*data_size > 0)
        return collect(req, data, data_size);
    return complete(req);
}

void
request_completed(void *cls, struct MHD_Connection *connection, void **con_cls,
                  enum MHD_RequestTerminationCode code)
{
    struct cofre_server *server = cls;
    struct request *req = *con_cls;

    (void)connection;
    (void)code;
    if (req == NULL)
        return;
    *con_cls = NULL;
    cofre_call_free(&req->call);
    buf_free(&req->body);
    buf_free(&req->idem);
    free(req);
    atomic_fetch_sub(&server->inflight, 1);
}
