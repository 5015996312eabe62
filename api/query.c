#include <assert.h>
#include <stdio.h>

#include "request.h"

#include "query.h"

enum { QUERY_PARAMS_MAX = 8 };

struct query {
    struct request *req;
    const struct query_param *params;
    size_t n;
    bool seen[QUERY_PARAMS_MAX];
};

static bool
name_looks_ours(const char *name, size_t len)
{
    return len >= 1 && len <= 32 && strspn(name, "abcdefghijklmnopqrstuvwxyz_") == len;
}

static void
fault(struct query *q, const char *name, size_t len, const char *reason)
{
    char pointer[40] = "?";

    if (name_looks_ours(name, len))
        snprintf(pointer, sizeof pointer, "?%s", name);
    cofre_call_fail(&q->req->call, COFRE_OUT_INVALID, pointer, reason);
}

static bool
number_read(const struct query_param *p, struct bytes text)
{
    uint64_t n = 0;

    if (text.len == 0 || text.len > 18)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.p[i] < '0' || text.p[i] > '9')
            return false;
        n = n * 10 + (uint64_t)(text.p[i] - '0');
    }
    if (n < p->min || n > p->max)
        return false;
    *p->number = n;
    return true;
}

static bool
text_read(const struct query_param *p, struct bytes text)
{
    if (text.len == 0 || text.len > p->max_len)
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (text.p[i] < 0x21 || text.p[i] > 0x7e)
            return false;
    *p->text = text;
    return true;
}

static void
value_read(struct query *q, const struct query_param *p, struct bytes text)
{
    char reason[80];

    if (p->number != NULL && !number_read(p, text)) {
        snprintf(reason, sizeof reason, "must be an integer from %llu to %llu",
                 (unsigned long long)p->min, (unsigned long long)p->max);
        fault(q, p->name, strlen(p->name), reason);
    } else if (p->text != NULL && !text_read(p, text)) {
        snprintf(reason, sizeof reason, "must be 1 to %zu visible ASCII characters", p->max_len);
        fault(q, p->name, strlen(p->name), reason);
    }
}

static enum MHD_Result
on_argument(void *cls, enum MHD_ValueKind kind, const char *key, size_t key_len, const char *value,
            size_t value_len)
{
    struct query *q = cls;

    (void)kind;
    for (size_t i = 0; i < q->n; i++) {
        if (strcmp(key, q->params[i].name) != 0)
            continue;
        if (q->seen[i])
            fault(q, key, key_len, "comes twice");
        else
            value_read(q, &q->params[i], (struct bytes){(const uint8_t *)value, value_len});
        q->seen[i] = true;
        return MHD_YES;
    }
    fault(q, key, key_len, "a parameter that is not known here");
    return MHD_YES;
}

bool
query_read(struct request *req, const struct query_param *params, size_t n)
{
    struct query q = {.req = req, .params = params, .n = n};

    assert(n <= QUERY_PARAMS_MAX);
    (void)MHD_get_connection_values_n(req->connection, MHD_GET_ARGUMENT_KIND, on_argument, &q);
    for (size_t i = 0; i < n; i++)
        if (params[i].required && !q.seen[i])
            fault(&q, params[i].name, strlen(params[i].name), "is missing");
    return cofre_call_ok(&req->call);
}
