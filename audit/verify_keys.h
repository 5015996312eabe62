#ifndef AUDIT_VERIFY_KEYS_H
#define AUDIT_VERIFY_KEYS_H

#include "audit/verify.h"

/* What a person gives a verifier as text. */

enum { VERIFY_KEYS_MAX = 64 };

struct verify_keys {
    struct note_verifier key[VERIFY_KEYS_MAX];
    size_t n;
};

/*
 * Adds verifier keys, one a line (the last line's end may be missing).  COFRE_EFORMAT: no key, or not one
 * on every line; COFRE_ELIMIT: too many.  With either, none was added.
 */
COFRE_CHECKED enum cofre_err verify_keys_add(struct verify_keys *k, struct bytes text);
/* The same for witnesses: keys that make cosignatures, and none twice. */
COFRE_CHECKED enum cofre_err verify_keys_witness(struct verify_keys *k, struct bytes text);
/* 64 hexadecimal digits.  COFRE_EFORMAT. */
COFRE_CHECKED enum cofre_err verify_keys_hash(struct bytes text, uint8_t out[static HASH_LEN]);

#endif
