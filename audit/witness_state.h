#ifndef AUDIT_WITNESS_STATE_H
#define AUDIT_WITNESS_STATE_H

#include "audit/checkpoint.h"
#include "crypto/hash.h"

/*
 * What a witness remembers: the newest checkpoint that it cosigned for each origin, in one file that is
 * replaced as a whole.
 *
 *     state   "cofre-witness-state/v1\n" "generation " G "\n"
 *             { "checkpoint " LENGTH "\n" LENGTH bytes: the note, with the log's signatures and ours }
 *             "mac " HEX "\n"
 *     mark    "cofre-witness-mark/v1\n" "generation " G "\n" "mac " HEX "\n"
 *
 * The MAC is over all that stands before it, under a key of the witness's.  Each change adds one to the
 * generation and writes first `state`, then `mark`: at the opening the state's is the mark's, or, after
 * a crash between the two, one more.  Anything else was altered or put back.
 */
enum { WITNESS_STATE_LOGS = 256, WITNESS_STATE_MAX = WITNESS_STATE_LOGS * (CHECKPOINT_MAX + 1024) };

struct witness_seen {
    struct buf note;
    struct bytes origin; /* borrows note */
    uint64_t size;
    uint8_t root[HASH_LEN];
};

struct witness_state {
    int dir;                    /* borrowed */
    const struct hmac_key *mac; /* borrowed */
    uint64_t generation;
    struct witness_seen seen[WITNESS_STATE_LOGS];
    size_t n;
};

/* Writes both files of a new witness, generation 0.  s is zeroed but for dir and mac. */
COFRE_CHECKED enum cofre_err witness_state_create(struct witness_state *s, struct cofre_why *why);
/* Reads them.  COFRE_EINTEGRITY: missing, altered, or older than the other.  Free also on error. */
COFRE_CHECKED enum cofre_err witness_state_read(struct witness_state *s, struct cofre_why *why);
void witness_state_free(struct witness_state *s);

/* What is remembered of an origin, or NULL. */
const struct witness_seen *witness_state_find(const struct witness_state *s, struct bytes origin);
/*
 * Remembers note, a checkpoint that parses, for its origin: durable on return.  On error s is as it was;
 * the files may hold the new state, which nobody has been told of.  COFRE_ELIMIT: too many origins.
 * COFRE_EIO, COFRE_ENOSPC, COFRE_ENOMEM.
 */
COFRE_CHECKED enum cofre_err witness_state_put(struct witness_state *s, struct bytes note,
                                               struct cofre_why *why);

#endif
