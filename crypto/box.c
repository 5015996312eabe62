#include <assert.h>

#include <sodium.h>

#include "crypto/pae.h"

#include "crypto/box.h"

enum { FORMAT = 1 };

static const char LABEL[] = "cofre/v1/box";
/* PAE of the label, the header and an ad of full length. */
enum { BOUND_MAX = 8 + (8 + sizeof LABEL - 1) + (8 + BOX_HEADER) + (8 + BOX_AD_MAX) };

static_assert(BOX_NONCE == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, "");
static_assert(BOX_TAG == crypto_aead_xchacha20poly1305_ietf_ABYTES, "");
static_assert(KEY_LEN == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "");

struct bound {
    uint8_t bytes[BOUND_MAX];
    size_t len;
};

/* What the tag covers beside the ciphertext. */
static void
bind(struct bound *bound, const uint8_t header[static BOX_HEADER], struct bytes ad)
{
    const struct bytes pieces[] = {{header, BOX_HEADER}, ad};

    assert(ad.len <= BOX_AD_MAX);
    bound->len = pae_size(LABEL, pieces, 2);
    assert(bound->len <= sizeof bound->bytes);
    pae_write(bound->bytes, LABEL, pieces, 2);
}

static void
header_write(uint8_t header[static BOX_HEADER], const struct box_key *key)
{
    header[0] = FORMAT;
    header[1] = (uint8_t)key->kind;
    bytes_set_le16(header + 2, 0);
    bytes_set_le32(header + 4, key->version);
}

void
box_seal_to(uint8_t *out, const struct box_key *key, struct bytes ad, struct bytes plain)
{
    uint8_t *nonce = out + BOX_HEADER;
    struct bound bound;

    header_write(out, key);
    randombytes_buf(nonce, BOX_NONCE);
    bind(&bound, out, ad);
    crypto_aead_xchacha20poly1305_ietf_encrypt(nonce + BOX_NONCE, NULL, plain.p, plain.len,
                                               bound.bytes, bound.len, NULL, nonce, key->key);
}

void
box_seal(struct buf *out, const struct box_key *key, struct bytes ad, struct bytes plain)
{
    uint8_t *to;

    if (plain.len > BUF_MAX - BOX_OVERHEAD) {
        out->failed = true;
        return;
    }
    if ((to = buf_reserve(out, plain.len + BOX_OVERHEAD)) == NULL)
        return;
    box_seal_to(to, key, ad, plain);
    out->len += plain.len + BOX_OVERHEAD;
}

enum cofre_err
box_open(uint8_t *out, size_t *len, const struct box_key *key, struct bytes ad, struct bytes sealed)
{
    uint8_t header[BOX_HEADER];
    const uint8_t *nonce;
    struct bound bound;

    *len = 0;
    header_write(header, key);
    if (sealed.len < BOX_OVERHEAD || memcmp(sealed.p, header, BOX_HEADER) != 0)
        return COFRE_EAUTH;

    nonce = sealed.p + BOX_HEADER;
    bind(&bound, header, ad);
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL, NULL, nonce + BOX_NONCE,
                                                   sealed.len - BOX_HEADER - BOX_NONCE, bound.bytes,
                                                   bound.len, nonce, key->key) != 0)
        return COFRE_EAUTH;
    *len = sealed.len - BOX_OVERHEAD;
    return COFRE_OK;
}

enum cofre_err
box_version(struct bytes sealed, enum box_kind kind, uint32_t *version)
{
    if (sealed.len < BOX_OVERHEAD || sealed.p[0] != FORMAT || sealed.p[1] != (uint8_t)kind ||
        bytes_get_le16(sealed.p + 2) != 0)
        return COFRE_EFORMAT;
    *version = bytes_get_le32(sealed.p + 4);
    return COFRE_OK;
}
