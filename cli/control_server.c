#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "cofre/oplog.h"

#include "run.h"
#include "stream.h"

#include "control.h"

enum { REQUEST_TIMEOUT_S = 5 };

struct control_server {
    struct cofre_vault *vault;
    int dir;
    int listener;
    int wake; /* readable once we are to stop */
    atomic_bool stopping;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t idle;
    unsigned commands; /* under mutex: places taken; given back before the answer goes */
    unsigned threads;  /* under mutex: those that are not done with us yet */
};

struct connection {
    struct control_server *server;
    int fd;
    unsigned uid;
    struct control_message message;
    char text[CONTROL_MESSAGE_MAX + CONTROL_WORDS_MAX]; /* the words, each with its NUL */
    const char *words[CONTROL_WORDS_MAX];
    size_t n_words;
    bool terminal;
    struct options options;
};

static bool
take_place(struct control_server *s)
{
    bool free_place;

    pthread_mutex_lock(&s->mutex);
    free_place = s->commands < CONTROL_COMMANDS;
    if (free_place)
        s->commands++;
    pthread_mutex_unlock(&s->mutex);
    return free_place;
}

static void
give_place_back(struct control_server *s)
{
    pthread_mutex_lock(&s->mutex);
    s->commands--;
    pthread_mutex_unlock(&s->mutex);
}

static void
reply(int fd, int exit_code, const char *text)
{
    struct control_message *m = calloc(1, sizeof *m);
    size_t len = strnlen(text, CONTROL_REPLY_MAX - 1);

    if (m == NULL)
        return;
    bytes_set_le32(m->bytes, (uint32_t)exit_code);
    memcpy(m->bytes + 4, text, len);
    m->len = 4 + len;
    /* A client that is gone needs no answer. */
    (void)!control_send(fd, m);
    free(m);
}

static enum cofre_err
read_words(struct connection *c)
{
    struct reader r = reader_of((struct bytes){c->message.bytes, c->message.len});
    uint32_t magic = reader_le32(&r);
    uint32_t flags = reader_le32(&r);
    uint32_t n = reader_le32(&r);
    char *to = c->text;

    if (r.failed || magic != CONTROL_MAGIC || n > CONTROL_WORDS_MAX)
        return COFRE_EFORMAT;
    for (c->n_words = 0; c->n_words < n; c->n_words++) {
        struct bytes word = reader_take(&r, reader_le32(&r));

        if (r.failed || (word.len > 0 && memchr(word.p, 0, word.len) != NULL))
            return COFRE_EFORMAT;
        c->words[c->n_words] = to;
        if (word.len > 0)
            memcpy(to, word.p, word.len);
        to[word.len] = 0;
        to += word.len + 1;
    }
    c->terminal = (flags & CONTROL_TERMINAL) != 0;
    return r.left.len == 0 ? COFRE_OK : COFRE_EFORMAT;
}

static bool
should_stop(void *ctx)
{
    const struct connection *c = ctx;
    struct pollfd p = {.fd = c->fd, .events = POLLRDHUP};

    return atomic_load(&c->server->stopping) || (poll(&p, 1, 0) > 0 && p.revents != 0);
}

/* Runs what was asked for, on the descriptors that came with it. */
static int
run(struct connection *c)
{
    struct control_message *m = &c->message;
    struct stream out = {m->fds[0], c->server->wake, c->fd};
    struct stream err = {m->fds[1], c->server->wake, c->fd};
    char actor[RUN_ACTOR_MAX];
    struct cmd cmd = {.options = &c->options,
                      .vault = c->server->vault,
                      .actor = actor,
                      .out_fd = m->fds[0],
                      .json = options_has(&c->options, OPT_JSON),
                      .err_is_terminal = c->terminal,
                      .stop = should_stop,
                      .stop_ctx = c};
    int exit_code = EXIT_AGAIN;

    run_actor(actor, c->uid);
    cmd.files.n = m->n_fds - 2;
    memcpy(cmd.files.fd, m->fds + 2, cmd.files.n * sizeof *cmd.files.fd);
    cmd.out = stream_open(&out);
    cmd.err = stream_open(&err);
    if (cmd.out != NULL && cmd.err != NULL)
        exit_code = run_command(&cmd);
    if (cmd.out != NULL)
        fclose(cmd.out);
    if (cmd.err != NULL)
        fclose(cmd.err);
    return exit_code;
}

static void
handle(struct connection *c)
{
    struct cofre_why why = {""};
    int exit_code = EXIT_USAGE;
    const char *text = "";

    if (control_receive(c->fd, &c->message) != COFRE_OK) {
        give_place_back(c->server);
        return;
    }
    if (read_words(c) != COFRE_OK)
        text = "the server does not understand this cofre; are both of one version?";
    else if (options_parse(c->words, c->n_words, &c->options, &why) != COFRE_OK)
        text = why.text;
    else if (c->options.command == NULL || c->options.command->place != COMMAND_WITH_VAULT ||
             options_has(&c->options, OPT_HELP) || options_has(&c->options, OPT_VERSION))
        text = "not a command for a server";
    else if (c->message.n_fds != 2 + infiles_count(&c->options))
        text = "the command's files did not come with it";
    else
        exit_code = run(c);
    control_close_fds(&c->message);
    give_place_back(c->server);
    reply(c->fd, exit_code, text);
}

static void *
serve_connection(void *arg)
{
    struct connection *c = arg;
    struct control_server *server = c->server;

    handle(c);
    close(c->fd);
    free(c);

    pthread_mutex_lock(&server->mutex);
    server->threads--;
    pthread_cond_signal(&server->idle);
    pthread_mutex_unlock(&server->mutex);
    return NULL;
}

/* Starts the connection's thread, which then owns fd; false: nothing was started. */
static bool
start_connection(struct control_server *s, int fd, unsigned uid)
{
    struct connection *c = calloc(1, sizeof *c);
    pthread_attr_t detached;
    pthread_t thread;
    int failed;

    if (c == NULL)
        return false;
    c->server = s;
    c->fd = fd;
    c->uid = uid;
    pthread_mutex_lock(&s->mutex);
    s->threads++;
    pthread_mutex_unlock(&s->mutex);
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    failed = pthread_create(&thread, &detached, serve_connection, c);
    pthread_attr_destroy(&detached);
    if (failed) {
        pthread_mutex_lock(&s->mutex);
        s->threads--;
        pthread_mutex_unlock(&s->mutex);
        free(c);
    }
    return !failed;
}

static void
accept_one(struct control_server *s)
{
    static const struct timeval timeout = {.tv_sec = REQUEST_TIMEOUT_S};
    unsigned uid;
    int fd;

    if ((fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC)) < 0)
        return;
    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) != 0 ||
        control_peer(fd, &uid) != COFRE_OK || (uid != geteuid() && uid != 0)) {
        oplog_line(OPLOG_WARNING, "a command of another user was refused");
        reply(fd, EXIT_REFUSED, "the server belongs to another user");
    } else if (!take_place(s)) {
        reply(fd, EXIT_BUSY, "the server runs as many commands as it can; try again");
    } else if (start_connection(s, fd, uid)) {
        return;
    } else {
        give_place_back(s);
        reply(fd, EXIT_AGAIN, "the server is out of memory; try again");
    }
    close(fd);
}

static void *
accept_all(void *arg)
{
    struct control_server *s = arg;
    struct pollfd p[] = {{.fd = s->listener, .events = POLLIN}, {.fd = s->wake, .events = POLLIN}};

    while (!atomic_load(&s->stopping)) {
        if (poll(p, 2, -1) < 0 && errno != EINTR)
            break;
        if ((p[0].revents & POLLIN) != 0)
            accept_one(s);
    }
    return NULL;
}

/* The vault is locked, so a socket that is there already is a dead server's. */
static enum cofre_err
listen_in(struct control_server *s, struct cofre_why *why)
{
    struct sockaddr_un address;

    control_address(s->dir, &address);
    if (unlinkat(s->dir, "control", 0) != 0 && errno != ENOENT)
        return cofre_why_os(why, COFRE_EIO, errno, "control, which a dead server left behind");
    s->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (s->listener < 0 ||
        bind(s->listener, (const struct sockaddr *)&address, sizeof address) != 0 ||
        fchmodat(s->dir, "control", S_IRUSR | S_IWUSR, 0) != 0 ||
        listen(s->listener, CONTROL_COMMANDS) != 0)
        return cofre_why_os(why, COFRE_EIO, errno,
                            "the socket for commands, control, cannot be made");
    return COFRE_OK;
}

static void
release(struct control_server *s)
{
    if (s->listener >= 0)
        close(s->listener);
    if (s->wake >= 0)
        close(s->wake);
    if (s->dir >= 0)
        close(s->dir);
    pthread_cond_destroy(&s->idle);
    pthread_mutex_destroy(&s->mutex);
    free(s);
}

enum cofre_err
control_server_start(const char *dir, struct cofre_vault *vault, struct control_server **out,
                     struct cofre_why *why)
{
    struct control_server *s = calloc(1, sizeof *s);
    enum cofre_err err;

    *out = NULL;
    if (s == NULL)
        return COFRE_ENOMEM;
    s->vault = vault;
    s->listener = -1;
    pthread_mutex_init(&s->mutex, NULL);
    pthread_cond_init(&s->idle, NULL);
    s->dir = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    s->wake = eventfd(0, EFD_CLOEXEC);
    if (s->dir < 0 || s->wake < 0)
        err = cofre_why_os(why, COFRE_EIO, errno, "%s", dir);
    else
        err = listen_in(s, why);
    if (err == COFRE_OK && pthread_create(&s->thread, NULL, accept_all, s) != 0)
        err = COFRE_ENOMEM;
    if (err != COFRE_OK) {
        release(s);
        return err;
    }
    *out = s;
    return COFRE_OK;
}

void
control_server_stop(struct control_server *s)
{
    if (s == NULL)
        return;
    atomic_store(&s->stopping, true);
    eventfd_write(s->wake, 1);
    pthread_join(s->thread, NULL);
    unlinkat(s->dir, "control", 0);

    pthread_mutex_lock(&s->mutex);
    while (s->threads > 0)
        pthread_cond_wait(&s->idle, &s->mutex);
    pthread_mutex_unlock(&s->mutex);
    release(s);
}
