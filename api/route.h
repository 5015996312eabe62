#ifndef ROUTE_H
#define ROUTE_H

#include "cofre/call.h"

struct request;

enum {
    ROUTE_PARAMS_MAX = 2,
    /* flags */
    ROUTE_OPEN = 1U << 0,    /* needs no token, leaves no entry */
    ROUTE_BODY = 1U << 1,    /* takes a JSON body */
    ROUTE_MANY = 1U << 2,    /* whose size may be that of a batch */
    ROUTE_CREATES = 1U << 3, /* honours Idempotency-Key */
    ROUTE_QUERY = 1U << 4    /* reads its query itself; elsewhere any parameter is refused */
};

/*
 * One operation.  A pattern's "{name}" stands for [A-Za-z0-9_-]{1,64}, a last "{name...}" for
 * [A-Za-z0-9_./-]{1,128}.  run is called for a request that may be served: it runs the vault's operation
 * (open routes: writes the reply) and leaves the outcome in the request's call.
 */
struct route {
    const char *method;
    const char *pattern;
    enum cofre_act act; /* of an open route: UNKNOWN_ROUTE, and never used */
    unsigned flags;
    void (*run)(struct request *req);
};

/* What a path matched. */
struct route_match {
    const struct route *route;             /* NULL: nothing for this method */
    bool path_known;                       /* the path exists, for other methods */
    bool open;                             /* for a known path: it needs no token */
    struct bytes params[ROUTE_PARAMS_MAX]; /* borrowed from path */
};

/* The table, for the tests and for counting. */
const struct route *route_table(size_t *n);
/* path is decoded.  *out is always set. */
void route_find(const char *method, const char *path, struct route_match *out);
/* The methods of a path for an Allow header, "GET, POST"; cut when there is no room. */
void route_allow(const char *path, char *out, size_t room);

#endif
