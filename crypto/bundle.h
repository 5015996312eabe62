#ifndef CRYPTO_BUNDLE_H
#define CRYPTO_BUNDLE_H

#include "crypto/box.h"

/*
 * A customer's bundle: the two random secrets that everything about the person hangs on.
 *
 *     DEK  32  seals the person's compartments and events
 *     PS   32  makes the person's pseudonyms and log tags
 *
 * Sealed under a KEK epoch, with key commitment: HKDF-Expand(KEK, PAE("cofre/v1/bundle", vault,
 * customer, salt)) gives 64 bytes, the key of this box and a commitment.  The stored form is
 *
 *     commitment 32 | salt 32 | box (kind BUNDLE, key version = KEK epoch) of DEK PS
 *
 * The commitment is compared first, in constant time, so that no box can be made that opens
 * under two KEKs.  ad of the box = commitment, salt, vault, customer.
 */
enum {
    BUNDLE_ID = 16,
    BUNDLE_SALT = 32,
    BUNDLE_SEALED = HASH_LEN + BUNDLE_SALT + BOX_OVERHEAD + 2 * KEY_LEN
};

struct bundle {
    uint8_t dek[KEY_LEN];
    uint8_t ps[KEY_LEN];
};

/* Where a bundle belongs; both ids are BUNDLE_ID bytes, borrowed. */
struct bundle_place {
    const uint8_t *vault;
    const uint8_t *customer;
};

/* A KEK epoch, made ready. */
struct bundle_kek {
    uint32_t epoch;
    struct hmac_key key;
};

/* Fresh random secrets.  The caller wipes b when done (secret_wipe). */
void bundle_random(struct bundle *b);
void bundle_seal(uint8_t out[static BUNDLE_SEALED], const struct bundle_kek *kek,
                 const struct bundle_place *place, const struct bundle *b);
/* COFRE_EAUTH: wrong length, altered, another place or KEK.  b is zero on error. */
COFRE_CHECKED enum cofre_err bundle_open(struct bundle *b, const struct bundle_kek *kek,
                                         const struct bundle_place *place, struct bytes sealed);
/* The KEK epoch that sealed it.  COFRE_EFORMAT. */
COFRE_CHECKED enum cofre_err bundle_epoch(struct bytes sealed, uint32_t *epoch);

#endif
