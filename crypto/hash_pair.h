#ifndef CRYPTO_HASH_PAIR_H
#define CRYPTO_HASH_PAIR_H

#include "crypto/hash.h"

/*
 * SHA-256 of two messages at once.  The SHA instructions of x86 wait for their own results most of the
 * time: a second message fits into the gaps, and both take little longer than one.  OpenSSL has no such
 * call, which is why there is code of our own here; for everything that is secret hash.h is used.
 */
enum { HASH_PAIR_MAX = 2048 };

/* Whether this processor can; asks it, which takes a while: once is enough. */
bool hash_pair_can(void);
/*
 * out[i] = SHA-256(prefix || message[i]), for messages of at most HASH_PAIR_MAX bytes (assert); only
 * where hash_pair_can.  A message may be where its out is.  Nothing is wiped.
 */
void hash_pair_of(uint8_t prefix, const struct bytes message[static 2],
                  uint8_t *const out[static 2]);

#endif
