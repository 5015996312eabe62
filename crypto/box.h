#ifndef CRYPTO_BOX_H
#define CRYPTO_BOX_H

#include "cofre/err.h"
#include "crypto/kdf.h"

/*
 * A sealed box: XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha, libsodium) with a random nonce.
 *
 *     0        1        2         4              8            32
 *     +--------+--------+---------+--------------+------------+------------------+---------+
 *     | 1      | kind   | zero    | key version  | nonce      | ciphertext       | tag     |
 *     | u8     | u8     | u16     | LE32         | 24         | len(plaintext)   | 16      |
 *     +--------+--------+---------+--------------+------------+------------------+---------+
 *
 * The additional data is PAE("cofre/v1/box", header of 8 bytes, ad), so that neither kind nor key
 * version can be changed.  Each kind says, where it is used, what ad binds (vault, row, version).
 */
enum {
    BOX_HEADER = 8,
    BOX_NONCE = 24,
    BOX_TAG = 16,
    BOX_OVERHEAD = BOX_HEADER + BOX_NONCE + BOX_TAG,
    BOX_AD_MAX = 1024 /* bytes of ad; more is a caller's mistake (assert) */
};

enum box_kind {
    BOX_COMPARTMENT = 1, /* part of a customer, under the customer's DEK */
    BOX_EVENT = 2,       /* an event's attributes, under the customer's DEK */
    BOX_BUNDLE = 3,      /* DEK and PS, under a KEK epoch (see bundle.h) */
    BOX_KEYRING = 4,
    BOX_SIGNING = 5, /* the audit signing key file */
    BOX_CURSOR = 6,
    BOX_REASON = 7, /* the stated reason of a reveal, under the customer's DEK */
    BOX_SLOT = 8    /* the root key in a keyslot */
};

struct box_key {
    enum box_kind kind;
    uint32_t version;   /* of the key, written into the header */
    const uint8_t *key; /* KEY_LEN bytes, borrowed */
};

/* Appends the box to out (check buf_error). ad may be empty. */
void box_seal(struct buf *out, const struct box_key *key, struct bytes ad, struct bytes plain);
/* The same into out, which has room for plain.len + BOX_OVERHEAD bytes, away from plain. */
void box_seal_to(uint8_t *out, const struct box_key *key, struct bytes ad, struct bytes plain);

/*
 * Opens into out, which needs room for sealed.len - BOX_OVERHEAD bytes and must not overlap
 * sealed; *len is set, to 0 on error.
 *
 * COFRE_EAUTH   too short, altered, another kind, version, key or ad: one code on purpose
 */
COFRE_CHECKED enum cofre_err box_open(uint8_t *out, size_t *len, const struct box_key *key,
                                      struct bytes ad, struct bytes sealed);

/* The key version in the header.  COFRE_EFORMAT: too short, or not a box of this kind. */
COFRE_CHECKED enum cofre_err box_version(struct bytes sealed, enum box_kind kind,
                                         uint32_t *version);

#endif
