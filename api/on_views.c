#include "body.h"
#include "cofre/views.h"
#include "query.h"
#include "request.h"
#include "server_internal.h"

#include "on_views.h"

enum { CURSOR_MAX = 512, SINCE_MAX = 32 };

void
on_views_contract(struct request *req)
{
    cofre_view_contract(req->server->vault, &req->call, request_param(req, 0));
}

void
on_views_record(struct request *req)
{
    cofre_view_record(req->server->vault, &req->call, request_param(req, 0), request_param(req, 1));
}

void
on_views_records(struct request *req)
{
    struct cofre_page page = {.limit = COFRE_PAGE_DEFAULT};
    const struct query_param params[] = {
        {.name = "limit", .number = &page.limit, .min = 1, .max = COFRE_PAGE_MAX},
        {.name = "cursor", .text = &page.cursor, .max_len = CURSOR_MAX},
    };

    if (query_read(req, params, sizeof params / sizeof *params))
        cofre_view_records(req->server->vault, &req->call, request_param(req, 0), &page);
}

void
on_views_batch_get(struct request *req)
{
    struct json_in in;
    struct body_names ps;

    if (json_in_parse(&in, &req->call, buf_bytes(&req->body)) && body_pseudonyms(&in, &ps))
        cofre_view_batch_get(req->server->vault, &req->call, request_param(req, 0), ps.list, ps.n);
    json_in_free(&in);
}

/* ps is empty for the events of all records. */
static void
events(struct request *req, struct bytes ps)
{
    struct cofre_page page = {.limit = COFRE_PAGE_DEFAULT};
    const struct query_param params[] = {
        {.name = "limit", .number = &page.limit, .min = 1, .max = COFRE_PAGE_MAX},
        {.name = "cursor", .text = &page.cursor, .max_len = CURSOR_MAX},
        {.name = "since", .text = &page.since, .max_len = SINCE_MAX},
        {.name = "kind", .text = &page.kind, .max_len = COFRE_NAME_MAX},
    };

    if (query_read(req, params, sizeof params / sizeof *params))
        cofre_view_events(req->server->vault, &req->call, request_param(req, 0), ps, &page);
}

void
on_views_record_events(struct request *req)
{
    events(req, request_param(req, 1));
}

void
on_views_events(struct request *req)
{
    events(req, BYTES_NONE);
}
