#ifndef VAULT_OUTWARD_H
#define VAULT_OUTWARD_H

#include "cofre/bytes.h"

/*
 * What the vault asks of the outside (witnesses, time stamping authorities): one POST over HTTP or
 * HTTPS, each on a connection of its own.  No other protocol, no redirect, no cookie; a certificate
 * must be good.  Any thread; it blocks, at most for the timeout.
 */
struct outward_request {
    const char *url; /* http:// or https:// */
    const char *content_type;
    struct bytes body;
    size_t reply_max;    /* bytes; a longer reply is an error */
    unsigned timeout_ms; /* for all of it; 0: 10 seconds */
};

/* Is it a URL that outward_post would ask?  Scheme, host, no blanks or control characters. */
bool outward_url_valid(const char *url);

/*
 * Asks; *status is the HTTP status, whatever it is, and reply (reset first) the body that came with it.
 *
 * COFRE_EINVAL  the URL is not valid
 * COFRE_EIO     nobody there, a bad certificate, no whole reply in time (why; it names no URL)
 * COFRE_ELIMIT  the reply is too long
 * COFRE_ENOMEM
 */
COFRE_CHECKED enum cofre_err outward_post(const struct outward_request *request, unsigned *status,
                                          struct buf *reply, struct cofre_why *why);

#endif
