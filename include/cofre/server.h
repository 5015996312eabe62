#ifndef COFRE_SERVER_H
#define COFRE_SERVER_H

#include "cofre/bytes.h"
#include "cofre/err.h"

/*
 * The vault over HTTP/1.1 and TLS (docs/api.md).
 */
struct cofre_server;
struct cofre_vault;

struct cofre_server_config {
    const char *listen; /* "ADDR:PORT", "[IPv6]:PORT", "localhost:PORT"; port 0: any free one */

    /* PEM, all borrowed during the start only; the caller wipes tls_key.  Empty: no TLS. */
    struct bytes tls_cert;
    struct bytes tls_key;
    struct bytes client_ca; /* not empty: every client must show a certificate signed by it */

    unsigned threads;           /* 0: one for each core, at most 16 */
    unsigned max_connections;   /* 0: 1024; above it, new connections wait to be accepted */
    unsigned max_per_address;   /* connections of one client address; 0: no limit */
    unsigned request_timeout_s; /* a client silent within a request; 0: 10 */
    unsigned idle_timeout_s;    /* a client silent between requests; 0: 60 */
    unsigned upload_timeout_s;  /* from the first byte of a body to its last; 0: 120 */
    unsigned drain_timeout_s;   /* uploads that are under way at a stop; 0: 10 */
    size_t max_body;            /* bytes of a request about one customer; 0: 4 MiB */
    size_t max_batch;           /* bytes of a request about many; 0: 16 MiB */
    size_t max_header;          /* bytes of a request's line and headers; 0: 16 KiB */
};

/*
 * Starts serving vault, on threads of its own, and returns.  Keeps vault, which must outlive the server.
 * *out is NULL on error.
 *
 * COFRE_EINVAL    listen is no address and port; certificate and key are not both there, or do not load
 * COFRE_EREFUSED  listen is not a loopback address, and there is no TLS
 * COFRE_EBUSY     another process listens there
 * COFRE_EIO       the system does not let us listen; why says what it said
 * COFRE_ENOMEM
 */
COFRE_CHECKED enum cofre_err cofre_server_start(struct cofre_vault *vault,
                                                const struct cofre_server_config *config,
                                                struct cofre_server **out, struct cofre_why *why);

/* "http://127.0.0.1:8420" with the real port; valid until the server is stopped. */
const char *cofre_server_url(const struct cofre_server *server);

/* Accepts nothing more, answers every request that is under way, frees the server.  NULL is fine. */
void cofre_server_stop(struct cofre_server *server);

#endif
