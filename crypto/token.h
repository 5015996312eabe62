#ifndef CRYPTO_TOKEN_H
#define CRYPTO_TOKEN_H

#include "cofre/bytes.h"
#include "crypto/hash.h"

/*
 * Access tokens: "cofre_", 43 characters of base62 of 32 random bytes (big-endian, padded with
 * '0' on the left), and 6 characters of base62 of a CRC-32 (IEEE) of the 49 before, so that a
 * scanner, and we, can tell a mistyped token from a wrong one without a look-up.
 */
enum { TOKEN_SECRET = 32, TOKEN_CHARS = 6 + 43 + 6, TOKEN_MAX = TOKEN_CHARS + 1 };

/* The text with NUL, for these random bytes.  The caller wipes it. */
void token_text(const uint8_t secret[static TOKEN_SECRET], char out[static TOKEN_MAX]);
/* COFRE_EFORMAT: not a token's form, or the checksum is off; secret is then zero. */
COFRE_CHECKED enum cofre_err token_parse(struct bytes text, uint8_t secret[static TOKEN_SECRET]);
/* What is stored: HMAC(pepper, PAE("cofre/v1/token", secret)). */
void token_hash(const struct hmac_key *pepper, const uint8_t secret[static TOKEN_SECRET],
                uint8_t out[static HASH_LEN]);

#endif
