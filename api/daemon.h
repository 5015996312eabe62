#ifndef DAEMON_H
#define DAEMON_H

#include <microhttpd.h>

#include "cofre/server.h"

/* The HTTP library: how it is set up, and what it asks of us besides answering requests. */

/*
 * Listens, and starts the threads; fills server->daemon and server->url.  On error nothing is left open.
 * Errors are those of cofre_server_start.
 */
COFRE_CHECKED enum cofre_err daemon_start(struct cofre_server *server,
                                          const struct cofre_server_config *config,
                                          struct cofre_why *why);

/* How long the connection's client may be silent from now on: within a request (reading), or between two. */
void daemon_patience(struct cofre_server *server, struct MHD_Connection *connection, bool reading);

#endif
