#ifndef VERIFY_OPTIONS_H
#define VERIFY_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The command line of cofre-verify, taken apart and found to make sense; nothing is opened. */

enum { OPTIONS_USAGE = 64, OPTIONS_MANY = 64 };

struct options_list {
    const char *text[OPTIONS_MANY];
    size_t n;
};

struct options {
    const char *dir;
    const char *vkey;
    struct options_list since;
    struct options_list witness; /* keys, or files of them */
    uint64_t quorum;             /* 0: not given */
    const char *tsa_ca;
    struct options_list accept; /* hashes */
    uint64_t max_age;           /* seconds; 0: not given */
    const char *subject;
    unsigned threads; /* 0: not given */
    const char *proof;
    const char *seals;    /* a copy of the log's keys/ */
    const char *recovery; /* the recovery key's file */
    const char *entry;
    const char *reply;
    const char *receipt;
    bool json;
    bool quiet;
};

/* -1: go on; else the exit status, and it has said why. */
int options_take(int argc, char **argv, struct options *o);
/* Says what is wrong, and how to call it; OPTIONS_USAGE. */
int options_wrong(const char *what);

#endif
