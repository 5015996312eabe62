#ifndef AUDIT_PROVER_H
#define AUDIT_PROVER_H

#include "audit/proof.h"

/* Makes many C2SP tlog-proofs against one checkpoint; tiles that several need are read once. */
struct prover;

/*
 * checkpoint: a signed one, whose tiles lie below dir; copied, while dir is borrowed.
 * COFRE_EFORMAT: not a checkpoint.  COFRE_ENOMEM.  *out is NULL on error.
 */
COFRE_CHECKED enum cofre_err prover_new(int dir, struct bytes checkpoint, struct prover **out,
                                        struct cofre_why *why);
/* NULL does nothing. */
void prover_free(struct prover *p);
/* Appends the proof of entry index.  COFRE_ENOENT: the checkpoint does not cover it.
 * COFRE_EINTEGRITY, and what the tiles return. */
COFRE_CHECKED enum cofre_err prover_put(struct prover *p, uint64_t index, struct buf *out,
                                        struct cofre_why *why);

#endif
