#ifndef AUDIT_CHECKPOINT_H
#define AUDIT_CHECKPOINT_H

#include "cofre/err.h"
#include "crypto/note.h"
#include "crypto/hash.h"

/*
 * C2SP tlog-checkpoint v1.0.0: a signed note with the text
 *
 *     ORIGIN "\n" SIZE "\n" base64(root) "\n" { extension line "\n" }
 *
 * The signing key's name is the origin.
 */
enum { CHECKPOINT_MAX = 16384 };

struct checkpoint {
    struct bytes origin; /* borrows the parsed bytes */
    uint64_t size;
    uint8_t root[HASH_LEN];
    bool extended; /* there are extension lines: none of the log's own checkpoints has any */
};

/* Appends a signed checkpoint for origin = the signer's name. */
void checkpoint_sign(struct buf *out, const struct note_signer *s, uint64_t size,
                     const uint8_t root[static HASH_LEN]);
/* Takes a note's text apart.  COFRE_EFORMAT (also for a size with a leading zero). */
COFRE_CHECKED enum cofre_err checkpoint_parse(struct bytes text, struct checkpoint *out);
/*
 * Parses a signed checkpoint and checks v's signature and that its origin is v's name.
 * COFRE_EFORMAT, COFRE_EAUTH.  *out borrows bytes.
 */
COFRE_CHECKED enum cofre_err checkpoint_open(struct bytes bytes, const struct note_verifier *v,
                                             struct checkpoint *out);

#endif
