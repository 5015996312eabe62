#include "auth.h"
#include "query.h"
#include "request.h"
#include "server_internal.h"

#include "judge.h"

static void
fail(struct request *req, enum cofre_outcome outcome, const char *pointer, const char *reason)
{
    cofre_call_fail(&req->call, outcome, pointer, reason);
}

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
    else if (!headers_json(h, req->match.route->act == COFRE_ACT_CUSTOMER_PATCH))
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

void
judge_headers(struct request *req, const char *method)
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
