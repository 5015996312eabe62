#ifndef CRYPTO_KDF_H
#define CRYPTO_KDF_H

#include "cofre/err.h"
#include "crypto/hash.h"

/*
 * HKDF-SHA-256 (RFC 5869).  Lengths up to KDF_MAX; more is a caller's mistake (assert).
 */
enum { KDF_MAX = 255 * HASH_LEN, KEY_LEN = 32 };

/* Extract and expand with plain bytes, as the RFC has it. */
void kdf_hkdf(struct bytes salt, struct bytes ikm, struct bytes info, uint8_t *out, size_t len);
/* Extract alone, and the result made ready. */
void kdf_extract(struct hmac_key *prk, struct bytes salt, struct bytes ikm);
/* Expand alone; prk is a uniformly random key (or the result of an extract), made ready. */
void kdf_expand(const struct hmac_key *prk, struct bytes info, uint8_t *out, size_t len);
/* Expand with info = PAE(label, pieces...); for keys of which each use has a label. */
void kdf_derive(const struct hmac_key *prk, const char *label, const struct bytes *pieces,
                size_t n, uint8_t out[static KEY_LEN]);
/* The same, twice as long: a key and a commitment to it, for instance. */
void kdf_derive_pair(const struct hmac_key *prk, const char *label, const struct bytes *pieces,
                     size_t n, uint8_t out[static 2 * KEY_LEN]);

#endif
