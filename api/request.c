#include <assert.h>
#include <stdlib.h>

#include "daemon.h"
#include "judge.h"
#include "problem.h"
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
    daemon_patience(req->server, req->connection, false);
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
    judge_headers(req, method);
    if (answer_at_once(req))
        return refuse_at_once(req);
    daemon_patience(server, connection, headers_body(&req->headers));
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
