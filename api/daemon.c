#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cofre/secret.h"
#include "listen.h"
#include "request.h"
#include "server_internal.h"

#include "daemon.h"

/*
 * The server is the library's poll loop on a pool of threads.  Its epoll loop would scale to more idle
 * connections, but stalls when one wait returns exactly 128 events.
 */
enum {
    FLAGS = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL | MHD_ALLOW_SUSPEND_RESUME |
            MHD_USE_ERROR_LOG
};
enum { OPTIONS_MAX = 20 };

static const char priorities[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:%SERVER_PRECEDENCE";

/* ---- patience with clients ---- */

/*
 * Which of the two patiences a connection has.  The idle one is the daemon's own, for which the library
 * keeps a list in order of time; the others are searched one by one, so that only connections
 * that owe us bytes should be among them.
 */
struct patience {
    bool reading;
};

void
daemon_patience(struct cofre_server *server, struct MHD_Connection *connection, bool reading)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct patience *patience = info != NULL ? info->socket_context : NULL;

    if (patience == NULL || patience->reading == reading)
        return;
    patience->reading = reading;
    (void)MHD_set_connection_option(connection, MHD_CONNECTION_OPTION_TIMEOUT,
                                    reading ? server->config.request_timeout_s
                                            : server->config.idle_timeout_s);
}

static void
on_connection(void *cls, struct MHD_Connection *connection, void **socket_context,
              enum MHD_ConnectionNotificationCode code)
{
    struct cofre_server *server = cls;
    struct patience *patience;

    if (code != MHD_CONNECTION_NOTIFY_STARTED) {
        atomic_fetch_sub(&server->metrics.connected, 1);
        free(*socket_context);
        *socket_context = NULL;
        return;
    }
    atomic_fetch_add(&server->metrics.connected, 1);
    atomic_fetch_add(&server->metrics.connections, 1);
    if ((patience = malloc(sizeof *patience)) == NULL)
        return;
    patience->reading = true;
    *socket_context = patience;
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
run(struct cofre_server *server, const struct options *o)
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
    server->daemon = run(server, &options);
    if (server->daemon != NULL)
        return COFRE_OK;
    close(socket.fd);
    return server->tls ? cofre_why_set(why, COFRE_EINVAL,
                                       "the TLS files do not load, or the "
                                       "HTTP server does not start")
                       : cofre_why_set(why, COFRE_EIO, "the HTTP server does not start");
}

enum cofre_err
daemon_start(struct cofre_server *server, const struct cofre_server_config *config,
             struct cofre_why *why)
{
    struct pem pem = {0};
    enum cofre_err err = start(server, config, &pem, why);

    pem_free(&pem);
    return err;
}
