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
};

/* Makes the batch durable and runs done() of each call; the committer's thread. */
void commit_batch_run(struct cofre_vault *v, struct commit_batch *b);
/* Makes a call a refused one, whose body says so. */
void commit_batch_refuse(struct cofre_call *call, enum cofre_outcome outcome);
/* The commitment to the body, for the entry. */
void commit_batch_reply(struct cofre_call *call);

#endif
