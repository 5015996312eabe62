#ifndef SERVER_INTERNAL_H
#define SERVER_INTERNAL_H

#include <microhttpd.h>
#include <stdatomic.h>

#include "cofre/server.h"
#include "metrics.h"

/* What the files of api/ know of a server.  request.h says what the counts mean. */
struct cofre_server {
    struct cofre_vault *vault;
    struct MHD_Daemon *daemon;
    struct cofre_server_config config; /* with the defaults filled in; its pointers are not valid */
    bool tls;
    bool client_ca;
    char url[96];
    atomic_uint inflight;
    atomic_uint suspended;
    atomic_bool draining; /* replies say "Connection: close" */
    atomic_bool closed;
    struct metrics metrics;
};

/* ns since some fixed moment */
uint64_t server_clock(void);

#endif
