#include "body.h"
#include "cofre/views.h"
#include "query.h"
#include "request.h"
#include "server_internal.h"

#include "on_customers.h"

/*
 * If-Match: absent or "*" is any version (0).  A well-formed tag that is none of ours matches
 * nothing (UINT64_MAX).  False after a fault.
 */
static bool
if_match(struct request *req, uint64_t *version)
{
    struct bytes tag = req->headers.if_match;
    uint64_t n = 0;

    *version = 0;
    if (tag.p == NULL || bytes_equal(tag, BYTES_LIT("*")))
        return true;
    if (tag.len < 2 || tag.p[0] != '"' || tag.p[tag.len - 1] != '"' ||
        memchr(tag.p + 1, '"', tag.len - 2) != NULL) {
        cofre_call_fail(&req->call, COFRE_OUT_INVALID, "If-Match:", "must be one ETag, or *");
        return false;
    }
    for (size_t i = 1; i < tag.len - 1 && n < UINT64_MAX; i++) {
        uint8_t c = tag.p[i];
        n = c >= '0' && c <= '9' && tag.len <= 20 ? n * 10 + (uint64_t)(c - '0') : UINT64_MAX;
    }
    *version = n > 0 ? n : UINT64_MAX;
    return true;
}

void
on_customers_create(struct request *req)
{
    struct json_in in;
    struct cofre_customer_in customer;

    if (json_in_parse(&in, &req->call, buf_bytes(&req->body)) && body_customer(&in, &customer))
        cofre_customer_create(req->server->vault, &req->call, &customer);
    json_in_free(&in);
}

void
on_customers_batch(struct request *req)
{
    struct json_in in;
    struct body_customers customers;

    if (json_in_parse(&in, &req->call, buf_bytes(&req->body)) && body_customers(&in, &customers))
        cofre_customer_batch(req->server->vault, &req->call, customers.list, customers.n);
    json_in_free(&in);
}

void
on_customers_patch(struct request *req)
{
    struct json_in in;
    struct body_fields fields;
    uint64_t version;

    if (!if_match(req, &version))
        return;
    if (json_in_parse(&in, &req->call, buf_bytes(&req->body)) && body_patch(&in, &fields))
        cofre_customer_patch(req->server->vault, &req->call, request_param(req, 0), fields.list,
                             fields.n, version);
    json_in_free(&in);
}

static void
events(struct request *req, struct bytes cus)
{
    struct json_in in;
    struct body_events events;

    if (json_in_parse(&in, &req->call, buf_bytes(&req->body)) &&
        body_events(&in, cus.len > 0, &events))
        cofre_event_append(req->server->vault, &req->call, cus, events.list, events.n);
    json_in_free(&in);
}

void
on_customers_events(struct request *req)
{
    events(req, request_param(req, 0));
}

void
on_customers_events_batch(struct request *req)
{
    events(req, BYTES_NONE);
}

void
on_customers_consent(struct request *req)
{
    struct json_in in;
    struct cofre_consent_in consent;

    if (json_in_parse(&in, &req->call, buf_bytes(&req->body)) && body_consent(&in, &consent)) {
        consent.purpose = request_param(req, 1);
        cofre_consent_put(req->server->vault, &req->call, request_param(req, 0), &consent);
    }
    json_in_free(&in);
}

void
on_customers_lookup(struct request *req)
{
    struct json_in in;
    struct bytes index;
    struct cofre_field value;

    if (json_in_parse(&in, &req->call, buf_bytes(&req->body)) && body_lookup(&in, &index, &value))
        cofre_customer_lookup(req->server->vault, &req->call, index, &value);
    json_in_free(&in);
}

void
on_customers_reveal(struct request *req)
{
    struct json_in in;
    struct cofre_reveal_in reveal;

    if (json_in_parse(&in, &req->call, buf_bytes(&req->body)) && body_reveal(&in, &reveal))
        cofre_customer_reveal(req->server->vault, &req->call, request_param(req, 0), &reveal);
    json_in_free(&in);
}

void
on_customers_accesses(struct request *req)
{
    struct cofre_accesses_in in = {.to = UINT64_MAX, .limit = COFRE_PAGE_DEFAULT};
    const uint64_t seq_max = (UINT64_C(1) << 53) - 1;
    const struct query_param params[] = {
        {.name = "from", .number = &in.from, .min = 0, .max = seq_max},
        {.name = "to", .number = &in.to, .min = 0, .max = seq_max},
        {.name = "limit", .number = &in.limit, .min = 1, .max = COFRE_PAGE_MAX},
    };

    if (query_read(req, params, sizeof params / sizeof *params))
        cofre_customer_accesses(req->server->vault, &req->call, request_param(req, 0), &in);
}
