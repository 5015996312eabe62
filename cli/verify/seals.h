#ifndef VERIFY_SEALS_H
#define VERIFY_SEALS_H

#include "audit/seal.h"
#include "audit/verify_keys.h"

/* The key epochs that a log's seals lead to from its first key: what vouches for one proof. */

enum { SEALS_WRONG_MAX = 160 };

struct seals_epoch {
    struct note_verifier key;
    uint64_t from;
    uint64_t size;          /* of the seal that ended it; UINT64_MAX: none did */
    uint8_t root[HASH_LEN]; /* the seal's */
};

struct seals {
    struct seals_epoch *epoch; /* of number i + 1 */
    size_t n;
};

/*
 * Walks through seal.1, seal.2, ... in the directory, a copy of a log's keys/; -1: there is none, and
 * one epoch is all that is known.  known: the keys that
 * are given, at least one, which the seals must confirm.  recovery: NULL, or the key that may seal
 * in a lost one's place; it must come from outside as well, as nothing here can bear it out.
 * out must be freed in any case.
 *
 * COFRE_EAUTH  what is wrong with them is in wrong
 * COFRE_EIO    wrong then names the file
 * COFRE_ENOMEM
 */
COFRE_CHECKED enum cofre_err seals_load(int dir, const struct verify_keys *known,
                                        const struct note_verifier *recovery, struct seals *out,
                                        char wrong[static SEALS_WRONG_MAX]);
void seals_free(struct seals *s);
/* The epoch, from 0, that entry seq belongs to. */
size_t seals_of(const struct seals *s, uint64_t seq);
/*
 * The epoch, from 0, whose key signed this checkpoint, which is of its size, and of its seal's tree
 * when it is of that size.  COFRE_EAUTH: none; wrong says why.
 */
COFRE_CHECKED enum cofre_err seals_signer(const struct seals *s, struct bytes checkpoint,
                                          size_t *epoch, char wrong[static SEALS_WRONG_MAX]);

#endif
