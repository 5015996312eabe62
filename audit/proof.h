#ifndef AUDIT_PROOF_H
#define AUDIT_PROOF_H

#include "audit/checkpoint.h"
#include "audit/tree.h"

/*
 * C2SP tlog-proof: "c2sp.org/tlog-proof@v1", optional "extra" line, "index N", the hashes in base64
 * a line each, an empty line, and the signed checkpoint.
 */
enum { PROOF_MAX = 131072 }; /* an entry in "extra" has up to 87,384 characters */

/* Appends a proof's text. */
void proof_put(struct buf *out, uint64_t index, const struct tree_proof *proof,
               struct bytes checkpoint);
/*
 * Makes the proof of entry index for a checkpoint's text, from the tiles below dir.
 * COFRE_ENOENT: the checkpoint does not cover index.  COFRE_EFORMAT, and what the tiles return.
 */
COFRE_CHECKED enum cofre_err proof_make(int dir, uint64_t index, struct bytes checkpoint,
                                        struct buf *out, struct cofre_why *why);
/*
 * Verifies, offline, that entry is the one at the proof's index under a checkpoint that v signed.
 * COFRE_EFORMAT, COFRE_EAUTH.
 */
COFRE_CHECKED enum cofre_err proof_verify(struct bytes proof, struct bytes entry,
                                          const struct note_verifier *v, uint64_t *index);
/*
 * Puts data into the "extra" line of a proof's text, which has none yet (assert): it is covered by
 * nothing, and for the reader to check.  Check buf_error(proof).
 */
void proof_extra_put(struct buf *proof, struct bytes extra);
/* Appends what the "extra" line holds.  COFRE_ENOENT: there is none.  COFRE_EFORMAT, COFRE_ENOMEM. */
COFRE_CHECKED enum cofre_err proof_extra(struct bytes proof, struct buf *out);
/* The signed checkpoint in a proof's text, borrowed, which nothing is said about.  COFRE_EFORMAT,
 * COFRE_ENOMEM. */
COFRE_CHECKED enum cofre_err proof_checkpoint(struct bytes proof, struct bytes *checkpoint);

#endif
