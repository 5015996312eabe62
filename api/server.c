#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "cofre/oplog.h"
#include "daemon.h"
#include "json_in.h"
#include "server_internal.h"

enum { THREADS_MAX = 16, DRAIN_STEP_MS = 5 };

uint64_t
server_clock(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* ---- start ---- */

static unsigned
or_default(unsigned value, unsigned otherwise)
{
    return value > 0 ? value : otherwise;
}

static unsigned
cores(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);

    if (n < 1)
        return 1;
    return n < THREADS_MAX ? (unsigned)n : THREADS_MAX;
}

static void
settle(struct cofre_server_config *c)
{
    c->threads = or_default(c->threads, cores());
    c->max_connections = or_default(c->max_connections, 1024);
    if (c->max_connections < c->threads)
        c->max_connections = c->threads;
    c->request_timeout_s = or_default(c->request_timeout_s, 10);
    c->idle_timeout_s = or_default(c->idle_timeout_s, 60);
    c->upload_timeout_s = or_default(c->upload_timeout_s, 120);
    c->drain_timeout_s = or_default(c->drain_timeout_s, 10);
    c->max_body = c->max_body > 0 ? c->max_body : 4 * 1024 * 1024;
    c->max_batch = c->max_batch > 0 ? c->max_batch : 16 * 1024 * 1024;
    c->max_header = c->max_header > 0 ? c->max_header : 16 * 1024;
}

enum cofre_err
cofre_server_start(struct cofre_vault *vault, const struct cofre_server_config *config,
                   struct cofre_server **out, struct cofre_why *why)
{
    struct cofre_server *server = calloc(1, sizeof *server);
    enum cofre_err err;

    *out = NULL;
    if (server == NULL)
        return COFRE_ENOMEM;
    json_in_setup();
    server->vault = vault;
    server->config = *config;
    settle(&server->config);
    server->tls = config->tls_cert.len > 0;
    server->client_ca = config->client_ca.len > 0;
    if ((err = daemon_start(server, config, why)) != COFRE_OK) {
        free(server);
        return err;
    }
    *out = server;
    return COFRE_OK;
}

const char *
cofre_server_url(const struct cofre_server *server)
{
    return server->url;
}

/* ---- stop ---- */

/* Waits for counter to fall to 0; false after ms. */
static bool
settled(atomic_uint *counter, uint64_t ms)
{
    const struct timespec step = {0, DRAIN_STEP_MS * 1000000L};
    uint64_t until = server_clock() + ms * 1000000;

    while (atomic_load(counter) > 0) {
        if (server_clock() > until)
            return false;
        nanosleep(&step, NULL);
    }
    return true;
}

void
cofre_server_stop(struct cofre_server *server)
{
    int fd;

    if (server == NULL)
        return;
    atomic_store(&server->draining, true);
    fd = MHD_quiesce_daemon(server->daemon);
    if (fd >= 0)
        shutdown(fd, SHUT_RDWR);
    if (!settled(&server->inflight, (uint64_t)server->config.drain_timeout_s * 1000))
        oplog_line(OPLOG_WARNING, "stopping: uploads that do not end are cut");
    atomic_store(&server->closed, true);
    /* The library does not stop while a connection is suspended; the vault always gives them back. */
    while (!settled(&server->suspended, 10000))
        oplog_line(OPLOG_WARNING, "stopping: waiting for the vault");
    MHD_stop_daemon(server->daemon);
    if (fd >= 0)
        close(fd);
    free(server);
}
