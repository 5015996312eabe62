#include "cofre/audit.h"
#include "cofre/views.h"
#include "query.h"
#include "request.h"
#include "server_internal.h"

#include "on_audit.h"

static const uint64_t seq_max = (UINT64_C(1) << 53) - 1;

void
on_audit_checkpoint(struct request *req)
{
    cofre_audit_checkpoint(req->server->vault, &req->call);
}

void
on_audit_tile(struct request *req)
{
    cofre_audit_tile(req->server->vault, &req->call, request_param(req, 0));
}

void
on_audit_entries(struct request *req)
{
    uint64_t from = 0;
    uint64_t limit = COFRE_PAGE_DEFAULT;
    const struct query_param params[] = {
        {.name = "from", .number = &from, .min = 0, .max = seq_max},
        {.name = "limit", .number = &limit, .min = 1, .max = COFRE_PAGE_MAX},
    };

    if (query_read(req, params, sizeof params / sizeof *params))
        cofre_audit_entries(req->server->vault, &req->call, from, limit);
}

void
on_audit_proof(struct request *req)
{
    uint64_t seq = 0;
    uint64_t with_entry = 0;
    const struct query_param params[] = {
        {.name = "seq", .required = true, .number = &seq, .min = 0, .max = seq_max},
        {.name = "entry", .number = &with_entry, .min = 0, .max = 1},
    };

    if (query_read(req, params, sizeof params / sizeof *params))
        cofre_audit_proof(req->server->vault, &req->call, seq, with_entry == 1);
}
