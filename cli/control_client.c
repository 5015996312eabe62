#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "control.h"

/* A connection to the server, -1 when none listens.  The one at the other end owns the vault. */
static int
connect_to(const char *path)
{
    struct sockaddr_un address;
    struct stat st;
    unsigned uid;
    int fd = -1;
    int dir;

    if ((dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC)) < 0)
        return -1;
    control_address(dir, &address);
    if (fstat(dir, &st) != 0 || (fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)) < 0)
        goto out;
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) != 0 ||
        control_peer(fd, &uid) != COFRE_OK || (uid != st.st_uid && uid != 0)) {
        close(fd);
        fd = -1;
    }
out:
    close(dir);
    return fd;
}

static void
put_le32(struct control_message *m, size_t n)
{
    bytes_set_le32(m->bytes + m->len, (uint32_t)n);
    m->len += 4;
}

static enum cofre_err
put_words(struct control_message *m, const char *const *words, size_t n)
{
    if (n > CONTROL_WORDS_MAX)
        return COFRE_ELIMIT;
    put_le32(m, n);
    for (size_t i = 0; i < n; i++) {
        size_t len = strlen(words[i]);

        if (len > sizeof m->bytes - m->len || sizeof m->bytes - m->len - len < 8)
            return COFRE_ELIMIT;
        put_le32(m, len);
        memcpy(m->bytes + m->len, words[i], len);
        m->len += len;
    }
    return COFRE_OK;
}

static void
put_fds(struct control_message *m, const struct control_ask *ask)
{
    m->fds[m->n_fds++] = ask->out;
    m->fds[m->n_fds++] = ask->err;
    memcpy(m->fds + m->n_fds, ask->files->fd, ask->files->n * sizeof *ask->files->fd);
    m->n_fds += ask->files->n;
}

/* Sends and waits; the exit code, with what is to be said in text. */
static int
answer(int fd, struct control_message *m, char text[static CONTROL_REPLY_MAX])
{
    size_t len;
    int exit_code;

    text[0] = 0;
    /* A server that refused us at once has answered already, and may be gone: read its answer. */
    (void)!control_send(fd, m);
    m->n_fds = 0;
    if (control_receive(fd, m) != COFRE_OK || m->len < 4) {
        strcpy(text, "the server stopped before it answered; see its output, and whether the "
                     "command took effect: cofre audit show");
        return EXIT_AGAIN;
    }
    control_close_fds(m);
    exit_code = (int)bytes_get_le32(m->bytes);
    len = m->len - 4 < CONTROL_REPLY_MAX - 1 ? m->len - 4 : CONTROL_REPLY_MAX - 1;
    memcpy(text, m->bytes + 4, len);
    text[len] = 0;
    return exit_code;
}

enum cofre_err
control_client_ask(const struct control_ask *ask, int *exit_code)
{
    struct control_message *m = NULL;
    char text[CONTROL_REPLY_MAX] = "the command line is too long";
    enum cofre_err err = COFRE_OK;
    int fd;

    if ((fd = connect_to(ask->dir)) < 0)
        return COFRE_ENOENT;
    if ((m = calloc(1, sizeof *m)) == NULL) {
        err = COFRE_ENOMEM;
        goto out;
    }
    put_le32(m, CONTROL_MAGIC);
    put_le32(m, isatty(ask->err) ? CONTROL_TERMINAL : 0);
    *exit_code = EXIT_USAGE;
    if (put_words(m, ask->words, ask->n) == COFRE_OK) {
        put_fds(m, ask);
        *exit_code = answer(fd, m, text);
    }
    if (text[0] != 0)
        dprintf(ask->err, "cofre: %s\n", text);
out:
    free(m);
    close(fd);
    return err;
}

enum cofre_err
control_client_run(const char *dir, const char *const *words, size_t n, const struct infiles *files,
                   int *exit_code)
{
    const struct control_ask ask = {dir, words, n, files, STDOUT_FILENO, STDERR_FILENO};

    return control_client_ask(&ask, exit_code);
}
