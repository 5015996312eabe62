#ifndef CRYPTO_NOTE_KEY_H
#define CRYPTO_NOTE_KEY_H

#include "crypto/note.h"

/*
 * The private key of a signer as text, the form that Go's sumdb/note has for one:
 *
 *     "PRIVATE+KEY+" NAME "+" hex(key id) "+" base64(algorithm || seed) "\n"
 *
 * The algorithm is that of the verifier: 0x01, or 0x04 of a witness.
 */
enum { NOTE_KEY_MAX = sizeof "PRIVATE+KEY+" + NOTE_VKEY_MAX + 1 };

/* Appends it; the buffer is secret from now on. */
void note_key_put(struct buf *out, const struct note_signer *s);
/*
 * Reads it; the line's end may be missing.  COFRE_EFORMAT: not such a key, or its key id does not
 * belong to its name and seed.  COFRE_ENOMEM.  Whether the algorithm is the one that is wanted, the
 * caller sees in s->verifier.  Free s with note_signer_free.
 */
COFRE_CHECKED enum cofre_err note_key_parse(struct bytes text, struct note_signer *s);

#endif
