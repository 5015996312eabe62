/* SHA256_* are marked as deprecated for EVP; hash.h says why they are used. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include <assert.h>
#include <stdalign.h>

#include <openssl/sha.h>

#include "cofre/secret.h"

#include "crypto/hash.h"

enum { BLOCK = 64 };

static_assert(sizeof(SHA256_CTX) <= sizeof(struct hash), "struct hash holds OpenSSL's state");
static_assert(alignof(SHA256_CTX) <= alignof(struct hash), "and is aligned for it");
static_assert(SHA256_DIGEST_LENGTH == HASH_LEN, "");

/* No code here looks into the state: OpenSSL alone does, behind this pointer. */
static SHA256_CTX *
state(struct hash *h)
{
    return (SHA256_CTX *)(void *)h;
}

void
hash_init(struct hash *h)
{
    SHA256_Init(state(h));
}

void
hash_update(struct hash *h, struct bytes data)
{
    if (data.len > 0)
        SHA256_Update(state(h), data.p, data.len);
}

void
hash_final(struct hash *h, uint8_t out[static HASH_LEN])
{
    SHA256_Final(out, state(h));
    secret_wipe(h, sizeof *h);
}

void
hash_of(struct bytes data, uint8_t out[static HASH_LEN])
{
    struct hash h;

    hash_init(&h);
    hash_update(&h, data);
    hash_final(&h, out);
}

/* The state after one block of the key, each byte XORed with mask. */
static void
absorb_pad(struct hash *h, const uint8_t key[static BLOCK], uint8_t mask)
{
    uint8_t pad[BLOCK];

    for (size_t i = 0; i < BLOCK; i++)
        pad[i] = key[i] ^ mask;
    hash_init(h);
    hash_update(h, BYTES_OF(pad));
    secret_wipe(pad, sizeof pad);
}

void
hmac_key_init(struct hmac_key *k, struct bytes key)
{
    uint8_t block[BLOCK] = {0};

    if (key.len > BLOCK)
        hash_of(key, block);
    else if (key.len > 0)
        memcpy(block, key.p, key.len);
    absorb_pad(&k->inner, block, 0x36);
    absorb_pad(&k->outer, block, 0x5c);
    secret_wipe(block, sizeof block);
}

void
hmac_init(struct hmac *m, const struct hmac_key *k)
{
    memcpy(&m->h, &k->inner, sizeof m->h);
    m->key = k;
}

void
hmac_update(struct hmac *m, struct bytes data)
{
    hash_update(&m->h, data);
}

void
hmac_final(struct hmac *m, uint8_t out[static HASH_LEN])
{
    uint8_t inner[HASH_LEN];

    SHA256_Final(inner, state(&m->h));
    memcpy(&m->h, &m->key->outer, sizeof m->h);
    hash_update(&m->h, BYTES_OF(inner));
    SHA256_Final(out, state(&m->h));
    secret_wipe(inner, sizeof inner);
    secret_wipe(m, sizeof *m);
}

void
hmac_of(const struct hmac_key *k, struct bytes data, uint8_t out[static HASH_LEN])
{
    struct hmac m;

    hmac_init(&m, k);
    hmac_update(&m, data);
    hmac_final(&m, out);
}
