#include <microhttpd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * The limit that audited reads are held against: the same HTTP library, with the same threads and as many
 * bytes of headers, that answers every request with one fixed body.
 *
 *   bench_hello BODY_BYTES THREADS     prints "listening on http://127.0.0.1:PORT", ends on SIGTERM
 */
enum { SECOND_CALL = 1 };

struct hello {
    struct MHD_Response *response;
};

static enum MHD_Result
answer(void *cls, struct MHD_Connection *connection, const char *url, const char *method,
       const char *version, const char *upload, size_t *upload_size, void **state)
{
    static int seen;
    const struct hello *h = cls;

    (void)url, (void)method, (void)version, (void)upload, (void)upload_size;
    /* An answer in the first call would lose keep-alive. */
    if (*state == NULL) {
        *state = &seen;
        return MHD_YES;
    }
    return MHD_queue_response(connection, MHD_HTTP_OK, h->response);
}

static struct MHD_Response *
make_response(size_t size)
{
    static const char *const headers[][2] = {
        {"Content-Type", "application/json"},
        {"Cache-Control", "no-store"},
        {"X-Content-Type-Options", "nosniff"},
        {"X-Request-Id", "req_00000000000000000000000000"},
        {"Cofre-Audit", "1234567 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= "
                        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="},
    };
    char *body = malloc(size + 1);
    struct MHD_Response *r;

    if (body == NULL)
        return NULL;
    memset(body, 'x', size);
    r = MHD_create_response_from_buffer(size, body, MHD_RESPMEM_MUST_FREE);
    for (size_t i = 0; r != NULL && i < sizeof headers / sizeof *headers; i++)
        if (MHD_add_response_header(r, headers[i][0], headers[i][1]) != MHD_YES)
            return NULL;
    return r;
}

int
main(int argc, char **argv)
{
    const union MHD_DaemonInfo *info;
    struct hello h = {NULL};
    struct MHD_Daemon *d;
    sigset_t set;
    int got;

    if (argc != 3) {
        fprintf(stderr, "usage: bench_hello BODY_BYTES THREADS\n");
        return 2;
    }
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    h.response = make_response((size_t)strtoul(argv[1], NULL, 10));
    d = h.response == NULL
            ? NULL
            : MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL |
                                   MHD_ALLOW_SUSPEND_RESUME,
                               0, NULL, NULL, answer, &h, MHD_OPTION_THREAD_POOL_SIZE,
                               (unsigned)strtoul(argv[2], NULL, 10), MHD_OPTION_END);
    if (d == NULL || (info = MHD_get_daemon_info(d, MHD_DAEMON_INFO_BIND_PORT)) == NULL) {
        fprintf(stderr, "bench_hello: cannot start\n");
        return 1;
    }
    printf("listening on http://127.0.0.1:%u\n", info->port);
    fflush(stdout);
    sigwait(&set, &got);
    MHD_stop_daemon(d);
    MHD_destroy_response(h.response);
    return 0;
}
