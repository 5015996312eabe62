#include <assert.h>

#include "cofre/secret.h"
#include "crypto/pae.h"

#include "crypto/kdf.h"

/* What expand feeds: plain bytes, or (with a label) a PAE that is never built. */
struct info {
    struct bytes plain;
    const char *label;
    const struct bytes *pieces;
    size_t n;
};

static void
feed(struct hmac *m, const struct info *info)
{
    if (info->label != NULL)
        pae_update(m, info->label, info->pieces, info->n);
    else
        hmac_update(m, info->plain);
}

static void
expand(const struct hmac_key *prk, const struct info *info, uint8_t *out, size_t len)
{
    uint8_t block[HASH_LEN];
    struct hmac m;
    uint8_t i = 0;

    assert(len <= KDF_MAX);
    while (len > 0) {
        size_t part = len < HASH_LEN ? len : HASH_LEN;

        hmac_init(&m, prk);
        if (i > 0)
            hmac_update(&m, BYTES_OF(block));
        feed(&m, info);
        i++;
        hmac_update(&m, (struct bytes){&i, 1});
        hmac_final(&m, block);

        memcpy(out, block, part);
        out += part;
        len -= part;
    }
    secret_wipe(block, sizeof block);
}

void
kdf_extract(struct hmac_key *prk, struct bytes salt, struct bytes ikm)
{
    uint8_t raw[HASH_LEN];
    struct hmac_key k;

    hmac_key_init(&k, salt);
    hmac_of(&k, ikm, raw);
    hmac_key_init(prk, BYTES_OF(raw));
    secret_wipe(raw, sizeof raw);
    secret_wipe(&k, sizeof k);
}

void
kdf_expand(const struct hmac_key *prk, struct bytes info, uint8_t *out, size_t len)
{
    expand(prk, &(struct info){.plain = info}, out, len);
}

void
kdf_hkdf(struct bytes salt, struct bytes ikm, struct bytes info, uint8_t *out, size_t len)
{
    struct hmac_key prk;

    kdf_extract(&prk, salt, ikm);
    kdf_expand(&prk, info, out, len);
    secret_wipe(&prk, sizeof prk);
}

void
kdf_derive(const struct hmac_key *prk, const char *label, const struct bytes *pieces, size_t n,
           uint8_t out[static KEY_LEN])
{
    expand(prk, &(struct info){.label = label, .pieces = pieces, .n = n}, out, KEY_LEN);
}

void
kdf_derive_pair(const struct hmac_key *prk, const char *label, const struct bytes *pieces, size_t n,
                uint8_t out[static 2 * KEY_LEN])
{
    expand(prk, &(struct info){.label = label, .pieces = pieces, .n = n}, out, 2 * KEY_LEN);
}
