#ifndef VAULT_COMMIT_INTERNAL_H
#define VAULT_COMMIT_INTERNAL_H

#include "vault/vault_internal.h"

/*
 * What commit.c (the queue and the thread) and commit_batch.c (what is done with a batch) share.
 */
enum { COMMIT_BATCH_MAX = 1024 };

struct commit_batch {
    struct cofre_call *calls[COMMIT_BATCH_MAX];
    bool staged[COMMIT_BATCH_MAX]; /* its entry is linked */
    size_t n;
    bool rows;   /* rows were kept */
    size_t owed; /* entries of these rows */
    uint64_t owed_bytes;
    bool later[COMMIT_BATCH_MAX]; /* its turn is in the next batch: this one owes enough */
};

/* Makes the batch durable and runs done() of each call; the committer's thread. */
void commit_batch_run(struct cofre_vault *v, struct commit_batch *b);
/* Makes a call a refused one, whose body says so. */
void commit_batch_refuse(struct cofre_call *call, enum cofre_outcome outcome);
/* Links the call's entry; on success *line borrows its bytes (log_stage). */
COFRE_CHECKED enum cofre_err commit_batch_stage(struct cofre_vault *v, struct cofre_call *call,
                                                struct bytes *line);
/* Pays what a refused journal write left owing: entries of rows that are committed. */
COFRE_CHECKED enum cofre_err commit_batch_pay(struct cofre_vault *v, struct cofre_why *why);
/* The commitment to the body, for the entry. */
void commit_batch_reply(struct cofre_call *call);

/* ---- commit_space.c ---- */

/* The journal found no space, and nothing is staged: gives up the reserve, pays, says so in the log. */
void commit_space_lost(struct cofre_vault *v);
/* After that: COFRE_ENOSPC until there is room for the reserve again; then goes on, and says so. */
COFRE_CHECKED enum cofre_err commit_space_ready(struct cofre_vault *v, struct cofre_why *why);

#endif
