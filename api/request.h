#ifndef REQUEST_H
#define REQUEST_H

#include <microhttpd.h>
#include <stdatomic.h>

#include "cofre/encode.h"
#include "cofre/vault.h"
#include "headers.h"
#include "route.h"

/*
 * One HTTP request, from its headers to the last byte of its reply.
 *
 * The library calls request_handle on one of its threads:
 *
 *   with the headers    begin: route, token, role and size are judged; what is refused already here has
 *                       its body thrown away unread
 *   with pieces of body collect
 *   when it is complete the operation runs; the connection is suspended, the call is submitted
 *   after done()        (committer's thread: marks, resumes, touches nothing afterwards) the reply
 *
 *  1. Between submit and done() the request belongs to the vault; at all other times, to the
 *     thread of its connection.
 *  2. server->inflight counts requests from begin to request_completed, server->suspended those that the
 *     vault has.  Once server->closed is set, no request begins and none is submitted.
 */
enum request_step { REQUEST_COLLECTING, REQUEST_SUBMITTED, REQUEST_REPLIED };

struct request {
    struct cofre_call call; /* first: a request is found by its call */
    struct cofre_server *server;
    struct MHD_Connection *connection;
    const char *path; /* borrowed from the connection */
    struct route_match match;
    struct headers headers;
    char id[ENCODE_ID_MAX]; /* of the reply's X-Request-Id: the nonce of its entry */
    enum request_step step;
    atomic_bool done;
    bool authenticated; /* then it leaves an entry */
    bool close;         /* nothing more is read from this connection */
    bool discard;       /* the body's bytes are dropped */
    uint64_t began;     /* ns, monotonic */
    uint64_t seen;      /* bytes of body, kept or dropped */
    size_t limit;       /* of the body */
    struct buf body;
    struct buf idem;           /* what an Idempotency-Key stands for: path and body */
    struct bytes static_reply; /* instead of call.body */
    unsigned status;           /* of an open route's reply; else 0 */
};

static inline struct bytes
request_param(const struct request *req, size_t i)
{
    return req->match.params[i];
}

/* The library's callbacks; cls is the server. */
enum MHD_Result request_handle(void *cls, struct MHD_Connection *connection, const char *url,
                               const char *method, const char *version, const char *data,
                               size_t *data_size, void **con_cls);
void request_completed(void *cls, struct MHD_Connection *connection, void **con_cls,
                       enum MHD_RequestTerminationCode code);

#endif
