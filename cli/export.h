#ifndef CLI_EXPORT_H
#define CLI_EXPORT_H

#include "cofre/siem.h"

#include "command.h"
#include "say.h"

/*
 * `cofre audit export`, the process that the person started.  It fetches pieces of the log, each by a
 * command of its own that the server (or the vault, opened here) answers at once into memory, and does by
 * itself all that can take long: writing to the collector, waiting for it, keeping the cursor.
 */
enum { EXPORT_BATCH = 256, EXPORT_WAIT_MS = 500, EXPORT_STALL_MS = 30000 };

/* ---- export_cursor.c: where to go on ---- */

enum { EXPORT_ORIGIN_MAX = 255 };

struct export_cursor {
    char origin[EXPORT_ORIGIN_MAX + 1];
    uint64_t next;    /* the first entry that was not exported yet */
    uint8_t leaf[32]; /* leaf hash of the one before; next is above 0 */
};

/* COFRE_ENOENT: there is none.  COFRE_EFORMAT: it is not one.  COFRE_EIO. */
COFRE_CHECKED enum cofre_err export_cursor_read(const char *path, struct export_cursor *out,
                                                struct cofre_why *why);
/* Replaces it, atomically and durably.  COFRE_ENOSPC, COFRE_EIO: the old one is still there. */
COFRE_CHECKED enum cofre_err export_cursor_write(const char *path, const struct export_cursor *c,
                                                 struct cofre_why *why);

/* ---- export_out.c, export_syslog.c: the collector ---- */

struct export_out {
    int fd;             /* standard output, or the socket; -1: not connected */
    const char *socket; /* NULL: standard output */
    bool stream;
    uint64_t ident[4]; /* what the socket's path named when we connected */
    bool (*stop)(void *ctx);
    void *stop_ctx;
    int64_t stall_ms; /* give up after so long without progress; 0: never */
};

/*
 * Sends one line or message.  COFRE_EAGAIN: to stop, or nothing went for stall_ms.  COFRE_EIO: the collector is
 * gone, or the output cannot be written.
 */
COFRE_CHECKED enum cofre_err export_out_put(struct export_out *o, struct bytes text);
/*
 * Waits until what was sent was read at the other end of a pipe or socket, or is durable in a file.
 * The errors are the same; what was sent since the last time may be lost then.
 */
COFRE_CHECKED enum cofre_err export_out_settle(struct export_out *o);
/* Is the collector gone, as far as that can be seen without writing?  Waits up to ms for it. */
bool export_out_gone(struct export_out *o, int ms);
/* Connects, if it is a socket and none is connected.  COFRE_EIO with the reason. */
COFRE_CHECKED enum cofre_err export_out_open(struct export_out *o, struct cofre_why *why);
void export_out_close(struct export_out *o);

/* Of export_syslog.c, for the above. */
COFRE_CHECKED enum cofre_err export_syslog_open(struct export_out *o, struct cofre_why *why);
/* Is what we are connected to still there? */
bool export_syslog_lives(const struct export_out *o);

/* ms on the monotonic clock; a short sleep. */
int64_t export_clock(void);
void export_sleep(int ms);

/* ---- export_fetch.c: pieces of the log ---- */

struct export_fetch {
    struct cmd *cmd;
    bool follow;                /* wait for a server; never open the vault here */
    struct cofre_vault *opened; /* here, when no server runs */
    struct buf piece;           /* the last one: a head, then lines */
    struct buf said;            /* what the command said on its stderr */
};

/*
 * Fetches up to limit entries from `from` on into f->piece.  again: it goes on from a piece before.  Returns an
 * exit code: EXIT_DONE; EXIT_AGAIN also when a server is to be waited for; else it was said why.
 */
int export_fetch_piece(struct export_fetch *f, uint64_t from, uint64_t limit, bool again);
/* Closes the vault, if it was opened here. */
int export_fetch_end(struct export_fetch *f);

/* ---- export.c ---- */

/* The whole command. */
int export_drive(struct cmd *cmd);

#endif
