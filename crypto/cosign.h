#ifndef CRYPTO_COSIGN_H
#define CRYPTO_COSIGN_H

#include "crypto/note.h"

/*
 * C2SP tlog-cosignature, cosignature/v1: a witness's signature on a checkpoint, with the time.
 * Ed25519 over "cosignature/v1\ntime " SECONDS "\n" and the checkpoint's text; algorithm byte 0x04;
 * on the line: key id | big-endian 64-bit seconds since 1970 | 64 bytes.
 */
enum { COSIGN_RAW = 8 + NOTE_SIGNATURE };

/* A witness's signer: note_signer_init with algorithm 0x04 (another key id, another vkey). */
COFRE_CHECKED enum cofre_err cosign_signer_init(struct note_signer *s, const char *name,
                                                const uint8_t seed[static NOTE_SEED]);
/* Appends the signature line for a checkpoint's text (as in note.text).  seconds < 2^63. */
void cosign_put(struct buf *out, const struct note_signer *s, struct bytes text, uint64_t seconds);
/* Appends a line of a parsed note as it was: to move it to another copy of that note. */
void cosign_line_put(struct buf *out, const struct note_signature *line);
/*
 * True when the note carries a valid cosignature of v (algorithm 0x04); *seconds is then its time, the
 * newest where there are several.  A line by v's name and key id that does not verify makes it false,
 * as does want of memory; *seconds is then unchanged.
 */
bool cosign_verify(const struct note *n, const struct note_verifier *v, uint64_t *seconds);

#endif
