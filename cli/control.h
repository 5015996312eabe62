#ifndef CLI_CONTROL_H
#define CLI_CONTROL_H

#include "cofre/vault.h"

#include "command.h"

/*
 * DIR/control, the Unix socket (SOCK_SEQPACKET, mode 0600) by which commands reach a running server.
 *
 *   request   LE32 magic, LE32 flags, LE32 number of words, each word as LE32 length and bytes;
 *             descriptors by SCM_RIGHTS: stdout, stderr, then the command's files (infiles.h)
 *   reply     LE32 exit code, then a sentence for stderr, empty where the command spoke for itself
 *
 * A connection is one command.  When the client hangs up, a stoppable command leaves off.
 */
enum {
    CONTROL_MAGIC = 0x31726663, /* "cfr1" */
    CONTROL_TERMINAL = 1,       /* flag: stderr is a terminal */
    CONTROL_MESSAGE_MAX = 64 * 1024,
    CONTROL_WORDS_MAX = 256,
    CONTROL_REPLY_MAX = 256,
    CONTROL_COMMANDS = 8 /* at once */
};

struct control_message {
    uint8_t bytes[CONTROL_MESSAGE_MAX];
    size_t len;
    int fds[2 + INFILES_MAX];
    size_t n_fds;
};

/* "/proc/self/fd/N/control": a path of any length fits a socket's address this way. */
struct sockaddr_un;
void control_address(int dir, struct sockaddr_un *out);
/* COFRE_EIO: also when the other side is gone. */
COFRE_CHECKED enum cofre_err control_send(int fd, const struct control_message *m);
/* Received descriptors are close-on-exec, and the caller's to close.  COFRE_EIO, COFRE_EFORMAT: none. */
COFRE_CHECKED enum cofre_err control_receive(int fd, struct control_message *m);
void control_close_fds(struct control_message *m);
/* The uid of the other side.  COFRE_EIO. */
COFRE_CHECKED enum cofre_err control_peer(int fd, unsigned *uid);

/*
 * Lets the server of the vault in dir run a command, if there is one: words are this process's own, files
 * those it opened.  *exit_code is set.  COFRE_ENOENT: no server listens there.
 */
COFRE_CHECKED enum cofre_err control_client_run(const char *dir, const char *const *words, size_t n,
                                                const struct infiles *files, int *exit_code);

/* The same, with its output to other descriptors than this process's own. */
struct control_ask {
    const char *dir;
    const char *const *words;
    size_t n;
    const struct infiles *files;
    int out;
    int err;
};
COFRE_CHECKED enum cofre_err control_client_ask(const struct control_ask *ask, int *exit_code);

/* ---- in the server ---- */

struct control_server;

/* Listens, and runs commands on vault, which must outlive it.  COFRE_EIO, COFRE_ENOMEM: *out is NULL. */
COFRE_CHECKED enum cofre_err control_server_start(const char *dir, struct cofre_vault *vault,
                                                  struct control_server **out,
                                                  struct cofre_why *why);
/* Accepts no more, stops what can be stopped, waits for the rest.  NULL is fine. */
void control_server_stop(struct control_server *server);

#endif
