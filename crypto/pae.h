#ifndef CRYPTO_PAE_H
#define CRYPTO_PAE_H

#include "crypto/hash.h"

/*
 * The one encoding for everything that is MACed, derived or bound:
 *
 *     PAE(label, pieces...) = LE64(1 + n)  LE64(len(label)) label  { LE64(len(piece)) piece }...
 *
 * It is injective: two different lists never encode alike.  Labels are "cofre/v1/<use>".
 */

/* How many bytes the encoding has. */
size_t pae_size(const char *label, const struct bytes *pieces, size_t n);
/* Writes the encoding to out, which has room for pae_size bytes. */
void pae_write(uint8_t *out, const char *label, const struct bytes *pieces, size_t n);
/* Appends the encoding to out. */
void pae_put(struct buf *out, const char *label, const struct bytes *pieces, size_t n);
/* Feeds the encoding to m, without building it. */
void pae_update(struct hmac *m, const char *label, const struct bytes *pieces, size_t n);
/* HMAC-SHA-256(k, PAE(label, pieces...)). */
void pae_hmac(const struct hmac_key *k, const char *label, const struct bytes *pieces, size_t n,
              uint8_t out[static HASH_LEN]);

#endif
