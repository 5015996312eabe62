#include <microhttpd.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "cofre/secret.h"
#include "listen.h"

#include "witness_server.h"

/*
 * A small server of its own: a witness's requests are few and small, and answered in the thread that
 * reads them.  Threads and connections are bounded; who is slow is cut.
 */
enum {
    THREADS = 4,
    CONNECTIONS = 256,
    PER_ADDRESS = 64,
    IDLE_S = 10,
    UPLOAD_MS = 20000,
    HEADER_MAX = 8 * 1024,
    DRAIN_MS = 5000,
    REFUSALS_MS = 60000,
    ITEMS_MAX = 16
};

static uint64_t
clock_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- one request ---- */

struct exchange {
    uint64_t began;
    struct buf body;
    bool too_long;
    bool replied;
};

static enum MHD_Result
send_reply(struct MHD_Connection *connection, const struct witness_reply *r)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(
        r->body.len, (void *)(uintptr_t)r->body.p, MHD_RESPMEM_MUST_COPY);
    enum MHD_Result sent = MHD_NO;

    if (response == NULL)
        return MHD_NO;
    if (MHD_add_response_header(response, "Content-Type", r->content_type) == MHD_YES &&
        MHD_add_response_header(response, "Cache-Control", "no-store") == MHD_YES &&
        (r->allow == NULL || MHD_add_response_header(response, "Allow", r->allow) == MHD_YES))
        sent = MHD_queue_response(connection, r->status, response);
    MHD_destroy_response(response);
    return sent;
}

static enum MHD_Result
collect(struct exchange *x, const char *data, size_t *size)
{
    if (clock_ms() - x->began > UPLOAD_MS)
        return MHD_NO;
    x->too_long = x->too_long || x->body.len + *size > COFRE_WITNESS_BODY_MAX;
    if (!x->too_long)
        buf_put(&x->body, data, *size);
    *size = 0;
    return MHD_YES;
}

static enum MHD_Result
answer(struct cofre_witness_server *s, struct MHD_Connection *connection, struct exchange *x,
       const char *method, const char *path)
{
    const struct witness_ask ask = {method, path, buf_bytes(&x->body), x->too_long};
    struct witness_reply reply = {.body = BUF_INIT};
    enum MHD_Result sent = MHD_NO;

    x->replied = true;
    if (buf_error(&x->body) == COFRE_OK) {
        witness_answer(s->witness, &ask, &reply);
        witness_answer_count(&s->refusals, reply.refusal);
        sent = send_reply(connection, &reply);
    }
    buf_free(&reply.body);
    return sent;
}

static enum MHD_Result
on_request(void *cls, struct MHD_Connection *connection, const char *path, const char *method,
           const char *version, const char *data, size_t *size, void **con_cls)
{
    struct cofre_witness_server *s = cls;
    struct exchange *x = *con_cls;

    (void)version;
    if (x == NULL) {
        if ((x = calloc(1, sizeof *x)) == NULL)
            return MHD_NO;
        atomic_fetch_add(&s->inflight, 1);
        x->began = clock_ms();
        *con_cls = x;
        return MHD_YES;
    }
    if (*size > 0 && !x->replied)
        return collect(x, data, size);
    if (!x->replied)
        return answer(s, connection, x, method, path);
    *size = 0;
    return MHD_YES;
}

static void
on_completed(void *cls, struct MHD_Connection *connection, void **con_cls,
             enum MHD_RequestTerminationCode code)
{
    struct cofre_witness_server *s = cls;
    struct exchange *x = *con_cls;

    (void)connection;
    (void)code;
    if (x == NULL)
        return;
    *con_cls = NULL;
    buf_free(&x->body);
    free(x);
    atomic_fetch_sub(&s->inflight, 1);
}

/* The library's texts may quote a request: they are counted, not shown. */
__attribute__((format(printf, 2, 0))) static void
on_complaint(void *cls, const char *format, va_list args)
{
    static const char refusal[] = "Error processing request";
    struct cofre_witness_server *s = cls;

    (void)args;
    if (strncmp(format, refusal, sizeof refusal - 1) == 0)
        witness_answer_count(&s->refusals, WITNESS_REFUSED_BY_LIBRARY);
}

/* ---- the refusals are told once in a while ---- */

static void *
tell(void *arg)
{
    struct cofre_witness_server *s = arg;
    struct timespec until;
    bool stop = false;

    while (!stop) {
        uint64_t when = clock_ms() + REFUSALS_MS;

        until = (struct timespec){(time_t)(when / 1000), (long)(when % 1000) * 1000000};
        pthread_mutex_lock(&s->lock);
        while (!s->stopping && clock_ms() < when)
            pthread_cond_timedwait(&s->wake, &s->lock, &until);
        stop = s->stopping;
        pthread_mutex_unlock(&s->lock);
        witness_answer_tell(&s->refusals);
    }
    return NULL;
}

/* ---- start ---- */

/* PEM with a NUL behind it, as the library wants it. */
static enum cofre_err
pem_copy(struct bytes from, struct secret **out)
{
    enum cofre_err err = secret_new(from.len + 1, out);

    if (err == COFRE_OK)
        memcpy(secret_data(*out), from.p, from.len);
    return err;
}

static struct MHD_Daemon *
run(struct cofre_witness_server *s, int fd, struct secret *cert, struct secret *key)
{
    static const char priorities[] =
        "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:%SERVER_PRECEDENCE";
    unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL | MHD_USE_ERROR_LOG;
    struct MHD_OptionItem items[ITEMS_MAX] = {
        {MHD_OPTION_LISTEN_SOCKET, fd, NULL},
        {MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)on_completed, s},
        {MHD_OPTION_STRICT_FOR_CLIENT, 1, NULL},
        {MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS, NULL},
        {MHD_OPTION_PER_IP_CONNECTION_LIMIT, PER_ADDRESS, NULL},
        {MHD_OPTION_CONNECTION_TIMEOUT, IDLE_S, NULL},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, HEADER_MAX, NULL},
        {MHD_OPTION_THREAD_POOL_SIZE, THREADS, NULL},
        {MHD_OPTION_END, 0, NULL},
    };

    if (cert != NULL) {
        flags |= MHD_USE_TLS;
        items[8] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_CERT, 0, secret_data(cert)};
        items[9] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_KEY, 0, secret_data(key)};
        items[10] =
            (struct MHD_OptionItem){MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)priorities};
        items[11] = (struct MHD_OptionItem){MHD_OPTION_END, 0, NULL};
    }
    return MHD_start_daemon(flags, 0, NULL, NULL, on_request, s, MHD_OPTION_EXTERNAL_LOGGER,
                            on_complaint, s, MHD_OPTION_ARRAY, items, MHD_OPTION_END);
}

static enum cofre_err
start_daemon(struct cofre_witness_server *s, const struct cofre_witness_listen *listen,
             struct cofre_why *why)
{
    struct secret *cert = NULL;
    struct secret *key = NULL;
    struct listen_socket socket;
    bool tls = listen->tls_cert.len > 0;
    enum cofre_err err;

    if ((listen->tls_key.len > 0) != tls)
        return cofre_why_set(why, COFRE_EINVAL, "TLS needs both certificate and key");
    if ((err = listen_open(listen->listen, tls, &socket, why)) != COFRE_OK)
        return err;
    if (tls && ((err = pem_copy(listen->tls_cert, &cert)) != COFRE_OK ||
                (err = pem_copy(listen->tls_key, &key)) != COFRE_OK))
        goto out;
    snprintf(s->url, sizeof s->url, "%s://%s", tls ? "https" : "http", socket.address);
    s->daemon = run(s, socket.fd, cert, key);
    if (s->daemon == NULL)
        err = cofre_why_set(why, tls ? COFRE_EINVAL : COFRE_EIO,
                            tls ? "the TLS files do not load, or the HTTP server does not start"
                                : "the HTTP server does not start");
out:
    if (s->daemon == NULL)
        close(socket.fd);
    secret_free(cert);
    secret_free(key);
    return err;
}

static enum cofre_err
start_threads(struct cofre_witness_server *s, const struct cofre_witness_listen *listen,
              struct cofre_why *why)
{
    enum cofre_err err;
    sigset_t all;
    sigset_t before;
    int failed;

    /* Signals are for the program's own thread. */
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    failed = pthread_create(&s->teller, NULL, tell, s);
    s->telling = failed == 0;
    err = failed != 0 ? cofre_why_os(why, COFRE_ENOMEM, failed, "cannot start a thread")
                      : start_daemon(s, listen, why);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return err;
}

enum cofre_err
cofre_witness_serve(struct cofre_witness *w, const struct cofre_witness_listen *listen,
                    struct cofre_witness_server **out, struct cofre_why *why)
{
    struct cofre_witness_server *s = calloc(1, sizeof *s);
    pthread_condattr_t monotonic;
    enum cofre_err err;

    *out = NULL;
    if (s == NULL)
        return COFRE_ENOMEM;
    s->witness = w;
    (void)pthread_mutex_init(&s->lock, NULL);
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&s->wake, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    if ((err = start_threads(s, listen, why)) != COFRE_OK)
        cofre_witness_stop(s);
    else
        *out = s;
    return err;
}

const char *
cofre_witness_url(const struct cofre_witness_server *s)
{
    return s->url;
}

/* ---- stop ---- */

static void
drain(struct cofre_witness_server *s)
{
    const struct timespec step = {0, 5000000L};
    uint64_t until = clock_ms() + DRAIN_MS;
    int fd = MHD_quiesce_daemon(s->daemon);

    if (fd >= 0)
        shutdown(fd, SHUT_RDWR);
    while (atomic_load(&s->inflight) > 0 && clock_ms() < until)
        nanosleep(&step, NULL);
    MHD_stop_daemon(s->daemon);
    if (fd >= 0)
        close(fd);
}

void
cofre_witness_stop(struct cofre_witness_server *s)
{
    if (s == NULL)
        return;
    if (s->daemon != NULL)
        drain(s);
    pthread_mutex_lock(&s->lock);
    s->stopping = true;
    pthread_cond_signal(&s->wake);
    pthread_mutex_unlock(&s->lock);
    if (s->telling)
        (void)pthread_join(s->teller, NULL);
    (void)pthread_cond_destroy(&s->wake);
    (void)pthread_mutex_destroy(&s->lock);
    free(s);
}
