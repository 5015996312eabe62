#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <time.h>

#include "cofre/admin.h"

#include "command.h"

/*
 * How far long work is: on a terminal one line on stderr, rewritten; with --json a line on stdout,
 * {"progress":{"done","total","seconds"}}, at most once a second; else nothing.
 */
struct progress {
    struct cmd *cmd;
    const char *unit; /* "bytes" is said in MB */
    struct timespec start;
    double last;                 /* seconds from the start at the last line */
    bool shown;                  /* something stands on the terminal's line */
    struct cofre_progress hooks; /* for the vault: reports here, stops as cmd does */
};

/* Keeps cmd, and its own address: p must not move. */
void progress_start(struct progress *p, struct cmd *cmd, const char *unit);
/* Clears the terminal's line. */
void progress_end(struct progress *p);
/* Seconds since the start. */
double progress_seconds(const struct progress *p);

#endif
