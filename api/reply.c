#include <assert.h>
#include <stdio.h>

#include "problem.h"
#include "request.h"
#include "server_internal.h"

#include "reply.h"

enum { LEAF_CHARS = 44, SALT_CHARS = 44, RECEIPT_MAX = 20 + 1 + LEAF_CHARS + 1 + SALT_CHARS + 1 };

static_assert(sizeof((struct cofre_call *)0)->leaf == 32, "LEAF_CHARS");
static_assert(sizeof((struct cofre_call *)0)->salt == 32, "SALT_CHARS");

struct reply {
    struct MHD_Response *response;
    bool ok;
};

static void
header(struct reply *r, const char *name, const char *value)
{
    r->ok = r->ok && MHD_add_response_header(r->response, name, value) == MHD_YES;
}

/* "<seq> <leaf hash> <salt>" */
static void
receipt(struct reply *r, const struct cofre_call *call)
{
    struct buf text = BUF_INIT;

    if (!call->recorded)
        return;
    if (buf_reserve(&text, RECEIPT_MAX) != NULL) {
        buf_put_u64_dec(&text, call->seq);
        buf_putc(&text, ' ');
        encode_base64(&text, BYTES_OF(call->leaf));
        buf_putc(&text, ' ');
        encode_base64(&text, BYTES_OF(call->salt));
        buf_putc(&text, 0);
    }
    if (buf_error(&text) == COFRE_OK)
        header(r, "Cofre-Audit", (const char *)text.p);
    else
        r->ok = false;
    buf_free(&text);
}

static void
etag(struct reply *r, const struct cofre_call *call)
{
    char text[sizeof call->etag_id + 2];

    if (!cofre_call_ok(call))
        return;
    if (call->version > 0)
        snprintf(text, sizeof text, "\"%llu\"", (unsigned long long)call->version);
    else if (call->etag_id[0] != 0)
        snprintf(text, sizeof text, "\"%s\"", call->etag_id);
    else
        return;
    header(r, MHD_HTTP_HEADER_ETAG, text);
}

static void
of_refusal(struct reply *r, const struct request *req, unsigned status)
{
    char allow[64];

    if (status == MHD_HTTP_UNAUTHORIZED)
        header(r, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer");
    if (status == MHD_HTTP_SERVICE_UNAVAILABLE)
        header(r, MHD_HTTP_HEADER_RETRY_AFTER, "1");
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED) {
        route_allow(req->path, allow, sizeof allow);
        header(r, MHD_HTTP_HEADER_ALLOW, allow);
    }
}

static void
headers(struct reply *r, const struct request *req, unsigned status)
{
    const struct cofre_call *call = &req->call;
    const char *type = call->content_type;

    header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type != NULL ? type : "application/json");
    header(r, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    header(r, "X-Content-Type-Options", "nosniff");
    header(r, "X-Request-Id", req->id);
    receipt(r, call);
    etag(r, call);
    if (status >= 400)
        of_refusal(r, req, status);
    if (req->close || atomic_load_explicit(&req->server->draining, memory_order_relaxed))
        header(r, MHD_HTTP_HEADER_CONNECTION, "close");
}

static unsigned
row_of(const struct request *req)
{
    if (req->match.open)
        return METRICS_OPEN;
    return req->authenticated ? (unsigned)req->call.act : METRICS_UNAUTHENTICATED;
}

static struct bytes
body_of(struct request *req)
{
    struct cofre_call *call = &req->call;

    if (req->static_reply.p != NULL)
        return req->static_reply;
    if (call->body.len == 0 && !cofre_call_ok(call))
        problem_write(call, req->id);
    return buf_bytes(&call->body);
}

enum MHD_Result
reply_send(struct request *req)
{
    struct metrics *m = &req->server->metrics;
    unsigned status = req->status != 0 ? req->status : cofre_outcome(req->call.outcome)->http;
    struct bytes body = body_of(req);
    struct reply r = {.ok = true};
    enum MHD_Result result = MHD_NO;

    if (req->call.body.failed)
        return MHD_NO;
    /* Persistent: the library neither copies nor frees; request_completed comes after the last byte. */
    r.response = MHD_create_response_from_buffer(body.len, (void *)(uintptr_t)body.p,
                                                 MHD_RESPMEM_PERSISTENT);
    if (r.response == NULL)
        return MHD_NO;
    headers(&r, req, status);
    if (r.ok)
        result = MHD_queue_response(req->connection, status, r.response);
    MHD_destroy_response(r.response);
    metrics_request(m, row_of(req), status, server_clock() - req->began);
    atomic_fetch_add_explicit(&m->reply_bytes, body.len, memory_order_relaxed);
    return result;
}
