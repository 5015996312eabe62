#ifndef AUDIT_VERIFY_H
#define AUDIT_VERIFY_H

#include "cofre/err.h"
#include "crypto/note.h"
#include "audit/tree.h"

/*
 * Checks a log's directory with nothing but a public key.  It streams: memory does not grow with
 * the log.  Bundles are hashed ahead in other threads; progress is called by the caller's.
 * Checked are: the checkpoint's form and signature; that the directory holds exactly the files
 * that belong; every bundle, every tile, every partial tile, every journal record; that each entry
 * has its fixed form, its seq and its prev; that the tree's root is the checkpoint's; and that
 * every kept checkpoint is a prefix.
 */
enum verify_verdict {
    VERIFY_GOOD = 0,
    VERIFY_TAMPERED = 1,
    VERIFY_ROLLED_BACK = 2, /* a kept checkpoint is larger than the log */
    VERIFY_FORKED = 3,      /* a kept checkpoint is no prefix of the log */
    VERIFY_UNREADABLE = 66
};

struct verify_config {
    int dir;                          /* the log's directory, borrowed */
    const struct note_verifier *keys; /* the first is the first epoch's */
    size_t n_keys;
    const struct bytes *since; /* kept checkpoints, as bytes */
    size_t n_since;
    unsigned threads; /* 1: only the caller's; 0: as many as there are processors */
    void (*progress)(void *ctx, uint64_t done, uint64_t total); /* may be NULL */
    void *ctx;
};

struct verify_report {
    enum verify_verdict verdict;
    char reason[256];       /* what is wrong, and where: file, entry; empty when good */
    uint64_t signed_size;   /* entries under the checkpoint's signature */
    uint64_t size;          /* entries in all; those from signed_size on are chained, not signed */
    uint8_t root[HASH_LEN]; /* at signed_size */
    uint64_t first_ts;      /* ms; 0 when empty */
    uint64_t last_ts;
    uint64_t bytes; /* of entries */
    bool torn;      /* a last record is cut short: a crash, not a change */
};

/* Always fills *report; the verdicts are taken in the order 66, 1, 3, 2.  COFRE_ENOMEM alone is an
 * error. */
COFRE_CHECKED enum cofre_err verify_log(const struct verify_config *config,
                                        struct verify_report *report);

#endif
