#include <stdio.h>
#include <string.h>

#include "on_audit.h"
#include "on_customers.h"
#include "on_open.h"
#include "on_views.h"

#include "route.h"

enum { PARAM_MAX = COFRE_NAME_MAX, REST_MAX = 128 };

#define CREATE (ROUTE_BODY | ROUTE_CREATES)
#define CREATE_MANY (ROUTE_BODY | ROUTE_CREATES | ROUTE_MANY)

/* Every operation, its name in the log, and what answers it; the most frequent first. */
/* clang-format off */
static const struct route routes[] = {
    {"GET",   "/v1/views/{view}/records/{ps}",        COFRE_ACT_VIEW_RECORD, 0, on_views_record},
    {"GET",   "/v1/views/{view}/records",             COFRE_ACT_VIEW_RECORDS, ROUTE_QUERY, on_views_records},
    {"GET",   "/v1/views/{view}/records/{ps}/events", COFRE_ACT_VIEW_RECORD_EVENTS, ROUTE_QUERY, on_views_record_events},
    {"GET",   "/v1/views/{view}/events",              COFRE_ACT_VIEW_EVENTS, ROUTE_QUERY, on_views_events},
    {"POST",  "/v1/views/{view}/records:batch-get",   COFRE_ACT_VIEW_BATCH_GET, ROUTE_BODY, on_views_batch_get},
    {"GET",   "/v1/views/{view}",                     COFRE_ACT_VIEW_CONTRACT, 0, on_views_contract},

    {"POST",  "/v1/customers",                        COFRE_ACT_CUSTOMER_CREATE, CREATE, on_customers_create},
    {"POST",  "/v1/customers:batch",                  COFRE_ACT_CUSTOMER_BATCH, CREATE_MANY, on_customers_batch},
    {"POST",  "/v1/customers:lookup",                 COFRE_ACT_CUSTOMER_LOOKUP, ROUTE_BODY, on_customers_lookup},
    {"PATCH", "/v1/customers/{cus}",                  COFRE_ACT_CUSTOMER_PATCH, ROUTE_BODY, on_customers_patch},
    {"POST",  "/v1/customers/{cus}/events",           COFRE_ACT_EVENT_APPEND, CREATE, on_customers_events},
    {"POST",  "/v1/events:batch",                     COFRE_ACT_EVENT_BATCH, CREATE_MANY, on_customers_events_batch},
    {"PUT",   "/v1/customers/{cus}/consents/{purpose}", COFRE_ACT_CONSENT_PUT, ROUTE_BODY, on_customers_consent},
    {"POST",  "/v1/customers/{cus}:reveal",           COFRE_ACT_CUSTOMER_REVEAL, ROUTE_BODY, on_customers_reveal},
    {"GET",   "/v1/customers/{cus}/accesses",         COFRE_ACT_CUSTOMER_ACCESSES, ROUTE_QUERY, on_customers_accesses},

    {"GET",   "/v1/audit/checkpoint",                 COFRE_ACT_AUDIT_CHECKPOINT, 0, on_audit_checkpoint},
    {"GET",   "/v1/audit/tile/{path...}",             COFRE_ACT_AUDIT_TILE, 0, on_audit_tile},
    {"GET",   "/v1/audit/entries",                    COFRE_ACT_AUDIT_ENTRIES, ROUTE_QUERY, on_audit_entries},
    {"GET",   "/v1/audit/proof",                      COFRE_ACT_AUDIT_PROOF, ROUTE_QUERY, on_audit_proof},

    {"GET",   "/healthz",                             COFRE_ACT_UNKNOWN_ROUTE, ROUTE_OPEN, on_open_healthz},
    {"GET",   "/readyz",                              COFRE_ACT_UNKNOWN_ROUTE, ROUTE_OPEN, on_open_readyz},
    {"GET",   "/metrics",                             COFRE_ACT_UNKNOWN_ROUTE, ROUTE_OPEN, on_open_metrics},
    {"GET",   "/openapi.json",                        COFRE_ACT_UNKNOWN_ROUTE, ROUTE_OPEN, on_open_openapi},
};
/* clang-format on */

enum { ROUTES = sizeof routes / sizeof *routes };

const struct route *
route_table(size_t *n)
{
    *n = ROUTES;
    return routes;
}

static bool
param_char(char c, bool rest)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || (rest && (c == '/' || c == '.'));
}

/* The length of the parameter that path begins with; 0: none. */
static size_t
param_length(const char *path, bool rest)
{
    size_t max = rest ? REST_MAX : PARAM_MAX;
    size_t n = 0;

    while (n <= max && param_char(path[n], rest))
        n++;
    return n <= max ? n : 0;
}

static bool
matches(const char *pattern, const char *path, struct bytes params[static ROUTE_PARAMS_MAX])
{
    size_t n = 0;

    while (*pattern != 0) {
        const char *end;
        size_t len;
        if (*pattern != '{') {
            if (*pattern++ != *path++)
                return false;
            continue;
        }
        end = strchr(pattern, '}');
        len = param_length(path, end[-1] == '.');
        if (len == 0 || n == ROUTE_PARAMS_MAX)
            return false;
        params[n++] = (struct bytes){(const uint8_t *)path, len};
        path += len;
        pattern = end + 1;
    }
    return *path == 0;
}

/* HEAD is GET without the body, which the library leaves out; only where no entry has to say so. */
static bool
takes(const struct route *r, const char *method)
{
    return strcmp(method, r->method) == 0 ||
           ((r->flags & ROUTE_OPEN) != 0 && strcmp(method, "HEAD") == 0);
}

void
route_find(const char *method, const char *path, struct route_match *out)
{
    *out = (struct route_match){0};
    for (size_t i = 0; i < ROUTES; i++) {
        struct bytes params[ROUTE_PARAMS_MAX] = {BYTES_NONE};
        if (!matches(routes[i].pattern, path, params))
            continue;
        out->path_known = true;
        out->open = (routes[i].flags & ROUTE_OPEN) != 0;
        if (!takes(&routes[i], method))
            continue;
        out->route = &routes[i];
        memcpy(out->params, params, sizeof params);
        return;
    }
}

void
route_allow(const char *path, char *out, size_t room)
{
    struct bytes params[ROUTE_PARAMS_MAX];
    size_t len = 0;

    out[0] = 0;
    for (size_t i = 0; i < ROUTES; i++) {
        int n;
        if (!matches(routes[i].pattern, path, params))
            continue;
        n = snprintf(out + len, room - len, "%s%s%s", len > 0 ? ", " : "", routes[i].method,
                     (routes[i].flags & ROUTE_OPEN) != 0 ? ", HEAD" : "");
        if (n < 0 || (size_t)n >= room - len)
            return;
        len += (size_t)n;
    }
}
