#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "cofre/oplog.h"
#include "cofre/secret.h"
#include "json_in.h"
#include "listen.h"
#include "request.h"
#include "server_internal.h"

/*
 * The server is the library's poll loop on a pool of threads.  Its epoll loop would scale to more idle
 * connections, but stalls when one wait returns exactly 128 events.
 */
enum {
    FLAGS = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL | MHD_ALLOW_SUSPEND_RESUME |
            MHD_USE_ERROR_LOG
};
enum { THREADS_MAX = 16, OPTIONS_MAX = 20, DRAIN_STEP_MS = 5 };

static const char priorities[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:%SERVER_PRECEDENCE";

uint64_t
server_clock(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* ---- patience with clients ---- */

/*
 * A connection's socket context tells which of the two patiences it has.  The idle one is the daemon's own, for
 * which the library keeps a list in order of time; the others are searched one by one, so that only
 * connections that owe us bytes should be among them.
 */
static const char reading_mark;

void
server_patience(struct cofre_server *server, struct MHD_Connection *connection, bool reading)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    void **context = info != NULL ? (void **)(uintptr_t)&info->socket_context : NULL;
    bool is_reading = context != NULL && *context != NULL;

    if (context == NULL || is_reading == reading)
        return;
    *context = reading ? (void *)(uintptr_t)&reading_mark : NULL;
    (void)MHD_set_connection_option(connection, MHD_CONNECTION_OPTION_TIMEOUT,
                                    reading ? server->config.request_timeout_s
                                            : server->config.idle_timeout_s);
}

static void
on_connection(void *cls, struct MHD_Connection *connection, void **socket_context,
              enum MHD_ConnectionNotificationCode code)
{
    struct cofre_server *server = cls;

    if (code != MHD_CONNECTION_NOTIFY_STARTED) {
        atomic_fetch_sub(&server->metrics.connected, 1);
        return;
    }
    atomic_fetch_add(&server->metrics.connected, 1);
    atomic_fetch_add(&server->metrics.connections, 1);
    *socket_context = (void *)(uintptr_t)&reading_mark;
    (void)MHD_set_connection_option(connection, MHD_CONNECTION_OPTION_TIMEOUT,
                                    server->config.request_timeout_s);
}

/* ---- what the library wants from us ---- */

/* Its texts may quote a request, so they are counted, never shown. */
__attribute__((format(printf, 2, 0))) static void
on_complaint(void *cls, const char *format, va_list args)
{
    static const char refusal[] = "Error processing request";
    struct cofre_server *server = cls;

    (void)args;
    if (strncmp(format, refusal, sizeof refusal - 1) == 0)
        atomic_fetch_add(&server->metrics.refused, 1);
    else
        atomic_fetch_add(&server->metrics.library, 1);
}

static int
hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* Decodes %XX in place, but %00, which would end the text early, and what is malformed stay as they are. */
static size_t
on_unescape(void *cls, struct MHD_Connection *connection, char *s)
{
    char *to = s;

    (void)cls;
    (void)connection;
    for (const char *from = s; *from != 0; from++) {
        int high = *from == '%' ? hex_value(from[1]) : -1;
        int low = high >= 0 ? hex_value(from[2]) : -1;
        if (low >= 0 && high + low > 0) {
            *to++ = (char)(high * 16 + low);
            from += 2;
        } else {
            *to++ = *from;
        }
    }
    *to = 0;
    return (size_t)(to - s);
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

/* PEM texts, which the library wants with a NUL behind; secrets, one of them being the key. */
struct pem {
    struct secret *cert;
    struct secret *key;
    struct secret *ca;
};

static enum cofre_err
pem_copy(struct bytes from, struct secret **out)
{
    enum cofre_err err;

    if (from.len == 0)
        return COFRE_OK;
    if ((err = secret_new(from.len + 1, out)) == COFRE_OK)
        memcpy(secret_data(*out), from.p, from.len);
    return err;
}

static void
pem_free(struct pem *pem)
{
    secret_free(pem->cert);
    secret_free(pem->key);
    secret_free(pem->ca);
}

static enum cofre_err
pem_read(const struct cofre_server_config *config, struct pem *pem, struct cofre_why *why)
{
    enum cofre_err err;

    if ((config->tls_cert.len > 0) != (config->tls_key.len > 0))
        return cofre_why_set(why, COFRE_EINVAL, "TLS needs both certificate and key");
    if (config->client_ca.len > 0 && config->tls_cert.len == 0)
        return cofre_why_set(why, COFRE_EINVAL, "client certificates need TLS");
    if ((err = pem_copy(config->tls_cert, &pem->cert)) != COFRE_OK ||
        (err = pem_copy(config->tls_key, &pem->key)) != COFRE_OK ||
        (err = pem_copy(config->client_ca, &pem->ca)) != COFRE_OK)
        return err;
    return COFRE_OK;
}

struct options {
    struct MHD_OptionItem items[OPTIONS_MAX];
    size_t n;
};

static void
option(struct options *o, enum MHD_OPTION name, intptr_t value, void *pointer)
{
    o->items[o->n++] = (struct MHD_OptionItem){name, value, pointer};
}

static void
options_of(struct cofre_server *server, const struct pem *pem, int fd, struct options *o)
{
    const struct cofre_server_config *c = &server->config;

    option(o, MHD_OPTION_LISTEN_SOCKET, fd, NULL);
    option(o, MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)request_completed, server);
    option(o, MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)on_connection, server);
    option(o, MHD_OPTION_UNESCAPE_CALLBACK, (intptr_t)on_unescape, server);
    option(o, MHD_OPTION_STRICT_FOR_CLIENT, 1, NULL);
    option(o, MHD_OPTION_CONNECTION_LIMIT, c->max_connections, NULL);
    option(o, MHD_OPTION_CONNECTION_TIMEOUT, c->idle_timeout_s, NULL);
    option(o, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (intptr_t)c->max_header, NULL);
    if (c->max_per_address > 0)
        option(o, MHD_OPTION_PER_IP_CONNECTION_LIMIT, c->max_per_address, NULL);
    if (c->threads > 1)
        option(o, MHD_OPTION_THREAD_POOL_SIZE, c->threads, NULL);
    if (server->tls) {
        option(o, MHD_OPTION_HTTPS_MEM_CERT, 0, secret_data(pem->cert));
        option(o, MHD_OPTION_HTTPS_MEM_KEY, 0, secret_data(pem->key));
        option(o, MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)priorities);
    }
    if (server->client_ca)
        option(o, MHD_OPTION_HTTPS_MEM_TRUST, 0, secret_data(pem->ca));
    option(o, MHD_OPTION_END, 0, NULL);
}

/* Its threads must not take the process's signals. */
static struct MHD_Daemon *
daemon_start(struct cofre_server *server, const struct options *o)
{
    struct MHD_Daemon *daemon;
    sigset_t all;
    sigset_t before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    daemon = MHD_start_daemon((unsigned)FLAGS | (server->tls ? MHD_USE_TLS : 0U), 0, NULL, NULL,
                              request_handle, server, MHD_OPTION_EXTERNAL_LOGGER, on_complaint,
                              server, MHD_OPTION_ARRAY, o->items, MHD_OPTION_END);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return daemon;
}

static enum cofre_err
start(struct cofre_server *server, const struct cofre_server_config *config, struct pem *pem,
      struct cofre_why *why)
{
    struct listen_socket socket;
    struct options options = {.n = 0};
    enum cofre_err err;

    if ((err = pem_read(config, pem, why)) != COFRE_OK ||
        (err = listen_open(config->listen, server->tls, &socket, why)) != COFRE_OK)
        return err;
    snprintf(server->url, sizeof server->url, "%s://%s", server->tls ? "https" : "http",
             socket.address);
    options_of(server, pem, socket.fd, &options);
    server->daemon = daemon_start(server, &options);
    if (server->daemon != NULL)
        return COFRE_OK;
    close(socket.fd);
    return server->tls ? cofre_why_set(why, COFRE_EINVAL,
                                       "the TLS files do not load, or the "
                                       "HTTP server does not start")
                       : cofre_why_set(why, COFRE_EIO, "the HTTP server does not start");
}

enum cofre_err
cofre_server_start(struct cofre_vault *vault, const struct cofre_server_config *config,
                   struct cofre_server **out, struct cofre_why *why)
{
    struct cofre_server *server = calloc(1, sizeof *server);
    struct pem pem = {0};
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
    err = start(server, config, &pem, why);
    pem_free(&pem);
    if (err != COFRE_OK) {
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
