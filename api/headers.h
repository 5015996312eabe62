#ifndef HEADERS_H
#define HEADERS_H

#include <microhttpd.h>

#include "cofre/bytes.h"

/* The request headers that mean something to us; borrowed from the connection until its reply is sent. */
struct headers {
    struct bytes authorization;
    struct bytes content_type;
    struct bytes content_length;
    struct bytes transfer_encoding;
    struct bytes expect;
    struct bytes idempotency_key;
    struct bytes if_match;
    const char *twice; /* the name of one that came more than once, with a colon; or NULL */
};

/* One pass over the headers of a request. */
void headers_read(struct MHD_Connection *connection, struct headers *out);
/* The body's announced length; UINT64_MAX when it is not said, or not a number. */
uint64_t headers_length(const struct headers *h);
/* Is there a body?  Then announced by one of the two headers. */
bool headers_body(const struct headers *h);
/* application/json, with no parameter or charset=utf-8. */
bool headers_json(const struct headers *h, bool patch);

#endif
