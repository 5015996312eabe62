#ifndef CRYPTO_HASH_H
#define CRYPTO_HASH_H

#include "cofre/bytes.h"

/*
 * SHA-256 (FIPS 180-4) and HMAC-SHA-256 (FIPS 198-1, RFC 2104).
 *
 * The state is plain memory on the caller's stack: nothing is allocated, nothing can fail, and a
 * keyed state can be prepared once and shared by all threads read-only.  That is why hash.c uses
 * OpenSSL's SHA256_* functions and not EVP, whose contexts are heap objects and, measured, take
 * 1.5 to 2 times as long for the short inputs that we hash.  Both run the same assembly.
 */
enum { HASH_LEN = 32 };

struct hash {
    uint64_t opaque[14];
};

void hash_init(struct hash *h);
void hash_update(struct hash *h, struct bytes data);
/* Writes the digest and wipes h. */
void hash_final(struct hash *h, uint8_t out[static HASH_LEN]);
/* All at once. */
void hash_of(struct bytes data, uint8_t out[static HASH_LEN]);

/* A key made ready: the states after the inner and the outer pad.  As secret as the key. */
struct hmac_key {
    struct hash inner;
    struct hash outer;
};

struct hmac {
    struct hash h;
    const struct hmac_key *key;
};

/* Any key length; keys over 64 bytes are hashed first, as the standard says. */
void hmac_key_init(struct hmac_key *k, struct bytes key);
/* Borrows k until hmac_final. */
void hmac_init(struct hmac *m, const struct hmac_key *k);
void hmac_update(struct hmac *m, struct bytes data);
/* Writes the tag and wipes m. */
void hmac_final(struct hmac *m, uint8_t out[static HASH_LEN]);
void hmac_of(const struct hmac_key *k, struct bytes data, uint8_t out[static HASH_LEN]);

#endif
