#include "cofre/secret.h"
#include "crypto/pae.h"

#include "crypto/pseudonym.h"

/* The first 128 bits of the PAE's HMAC. */
static void
cut_hmac(const struct hmac_key *k, const char *label, const struct bytes *pieces, size_t n,
         uint8_t out[static PSEUDONYM_LEN])
{
    uint8_t whole[HASH_LEN];

    pae_hmac(k, label, pieces, n, whole);
    memcpy(out, whole, PSEUDONYM_LEN);
    secret_wipe(whole, sizeof whole);
}

void
pseudonym_of(const struct hmac_key *view, const uint8_t customer[static BUNDLE_ID],
             const uint8_t ps[static KEY_LEN], uint8_t out[static PSEUDONYM_LEN])
{
    const struct bytes pieces[] = {{customer, BUNDLE_ID}, {ps, KEY_LEN}};

    cut_hmac(view, "cofre/v1/pseudonym", pieces, 2, out);
}

void
pseudonym_event_ref(const struct hmac_key *view, struct bytes event_key,
                    uint8_t out[static PSEUDONYM_LEN])
{
    cut_hmac(view, "cofre/v1/event-ref", &event_key, 1, out);
}

void
pseudonym_index(const struct hmac_key *index, struct bytes field, struct bytes value,
                uint8_t out[static PSEUDONYM_LEN])
{
    const struct bytes pieces[] = {field, value};

    cut_hmac(index, "cofre/v1/index", pieces, 2, out);
}

void
pseudonym_subject_key(const struct pseudonym_log *log, const uint8_t ps[static KEY_LEN],
                      uint8_t out[static KEY_LEN])
{
    uint8_t epoch[4];
    const struct bytes pieces[] = {{log->vault, BUNDLE_ID}, BYTES_OF(epoch)};
    uint8_t ikm[2 * KEY_LEN];
    struct hmac_key prk;

    bytes_set_le32(epoch, log->epoch);
    memcpy(ikm, ps, KEY_LEN);
    memcpy(ikm + KEY_LEN, log->secret, KEY_LEN);
    kdf_extract(&prk, BYTES_NONE, BYTES_OF(ikm));
    kdf_derive(&prk, "cofre/v1/subject", pieces, 2, out);
    secret_wipe(ikm, sizeof ikm);
    secret_wipe(&prk, sizeof prk);
}

void
pseudonym_subject(const uint8_t key[static KEY_LEN], const uint8_t nonce[static PSEUDONYM_NONCE],
                  uint8_t out[static PSEUDONYM_LEN])
{
    uint8_t whole[HASH_LEN];
    struct hmac_key k;

    hmac_key_init(&k, (struct bytes){key, KEY_LEN});
    hmac_of(&k, (struct bytes){nonce, PSEUDONYM_NONCE}, whole);
    memcpy(out, whole, PSEUDONYM_LEN);
    secret_wipe(whole, sizeof whole);
    secret_wipe(&k, sizeof k);
}
