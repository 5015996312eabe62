#ifndef CLI_EXPORT_INTERNAL_H
#define CLI_EXPORT_INTERNAL_H

#include "export.h"

/* What export.c (pieces) and export_send.c (batches) share. */

enum { EXPORT_BACKOFF_MS = 100, EXPORT_BACKOFF_MAX_MS = 5000 };

struct export
{
    struct cmd *cmd;
    struct export_fetch fetch;
    struct export_out out;
    struct cofre_siem *siem;
    const char *format;
    const char *path; /* of the cursor; NULL: none */
    struct export_cursor at;
    bool known;     /* at.leaf is that of entry at.next - 1 */
    bool held;      /* and this log was seen to hold that */
    bool begun;     /* a piece was had */
    uint64_t until; /* where to end, unless it follows */
    uint64_t left;  /* entries that may still be exported */
    int wait_ms;    /* before it is tried again */
};

/* SIGINT and SIGTERM are blocked: is one waiting? */
bool export_stop_asked(void *ctx);
/* Says so, and returns exit_code. */
int export_fail(struct export *x, int exit_code, const char *text);

/*
 * Sends the next batch of lines, holds each against the one before, waits until it was read, moves the cursor;
 * again and again until that went well.  Takes them off *lines.  An exit code.
 */
int export_send_batch(struct export *x, struct bytes *lines);
/* The collector is gone (COFRE_EIO), or does not read.  EXIT_DONE: it is to be connected again. */
int export_send_lost(struct export *x, enum cofre_err err);

#endif
