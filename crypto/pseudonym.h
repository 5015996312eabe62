#ifndef CRYPTO_PSEUDONYM_H
#define CRYPTO_PSEUDONYM_H

#include "crypto/bundle.h"

/*
 * Keyed one-way values (design 7, 8): each is HMAC-SHA-256 over a PAE with a label of its own,
 * cut to 128 bits.
 */
enum { PSEUDONYM_LEN = 16, PSEUDONYM_NONCE = 16 };

/* ps = HMAC(K_view_epoch, PAE("cofre/v1/pseudonym", customer id, PS))[0..16) */
void pseudonym_of(const struct hmac_key *view, const uint8_t customer[static BUNDLE_ID],
                  const uint8_t ps[static KEY_LEN], uint8_t out[static PSEUDONYM_LEN]);
/* ref = HMAC(K_view_epoch, PAE("cofre/v1/event-ref", event key))[0..16) */
void pseudonym_event_ref(const struct hmac_key *view, struct bytes event_key,
                         uint8_t out[static PSEUDONYM_LEN]);
/* HMAC(K_index, PAE("cofre/v1/index", field name, normalised value))[0..16) */
void pseudonym_index(const struct hmac_key *index, struct bytes field, struct bytes value,
                     uint8_t out[static PSEUDONYM_LEN]);
/*
 * The log's tag of a person in one entry: HMAC(K, nonce)[0..16) with
 * K = HKDF(ikm = PS || epoch secret, info = PAE("cofre/v1/subject", vault, LE32 log epoch)).
 */
struct pseudonym_log {
    const uint8_t *vault;  /* BUNDLE_ID bytes, borrowed */
    const uint8_t *secret; /* KEY_LEN bytes: the log epoch's, borrowed */
    uint32_t epoch;
};
void pseudonym_subject_key(const struct pseudonym_log *log, const uint8_t ps[static KEY_LEN],
                           uint8_t out[static KEY_LEN]);
void pseudonym_subject(const uint8_t key[static KEY_LEN],
                       const uint8_t nonce[static PSEUDONYM_NONCE],
                       uint8_t out[static PSEUDONYM_LEN]);

#endif
