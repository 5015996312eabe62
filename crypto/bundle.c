#include <assert.h>

#include <sodium.h>

#include "cofre/secret.h"

#include "crypto/bundle.h"

/* commitment | salt | box */
enum { SALT_AT = HASH_LEN, BOX_AT = SALT_AT + BUNDLE_SALT };

static_assert(sizeof(struct bundle) == 2 * KEY_LEN, "DEK and PS, and nothing between");
static_assert(BUNDLE_SEALED == BOX_AT + BOX_OVERHEAD + sizeof(struct bundle), "");

/* The box key and the commitment that this salt gives. */
struct wrap {
    uint8_t key[KEY_LEN];
    uint8_t commitment[HASH_LEN];
};

static_assert(sizeof(struct wrap) == 2 * KEY_LEN, "");

static void
wrap_derive(struct wrap *w, const struct bundle_kek *kek, const struct bundle_place *place,
            const uint8_t salt[static BUNDLE_SALT])
{
    const struct bytes pieces[] = {
        {place->vault, BUNDLE_ID}, {place->customer, BUNDLE_ID}, {salt, BUNDLE_SALT}};
    uint8_t pair[2 * KEY_LEN];

    kdf_derive_pair(&kek->key, "cofre/v1/bundle", pieces, 3, pair);
    memcpy(w->key, pair, KEY_LEN);
    memcpy(w->commitment, pair + KEY_LEN, HASH_LEN);
    secret_wipe(pair, sizeof pair);
}

/* commitment, salt, vault, customer */
struct ad {
    uint8_t bytes[BOX_AT + 2 * BUNDLE_ID];
};

static void
ad_fill(struct ad *ad, const uint8_t head[static BOX_AT], const struct bundle_place *place)
{
    memcpy(ad->bytes, head, BOX_AT);
    memcpy(ad->bytes + BOX_AT, place->vault, BUNDLE_ID);
    memcpy(ad->bytes + BOX_AT + BUNDLE_ID, place->customer, BUNDLE_ID);
}

void
bundle_random(struct bundle *b)
{
    randombytes_buf(b, sizeof *b);
}

void
bundle_seal(uint8_t out[static BUNDLE_SEALED], const struct bundle_kek *kek,
            const struct bundle_place *place, const struct bundle *b)
{
    struct box_key key = {.kind = BOX_BUNDLE, .version = kek->epoch};
    struct wrap w;
    struct ad ad;

    randombytes_buf(out + SALT_AT, BUNDLE_SALT);
    wrap_derive(&w, kek, place, out + SALT_AT);
    memcpy(out, w.commitment, HASH_LEN);
    ad_fill(&ad, out, place);
    key.key = w.key;
    box_seal_to(out + BOX_AT, &key, BYTES_OF(ad.bytes),
                (struct bytes){(const uint8_t *)b, sizeof *b});
    secret_wipe(&w, sizeof w);
}

enum cofre_err
bundle_open(struct bundle *b, const struct bundle_kek *kek, const struct bundle_place *place,
            struct bytes sealed)
{
    struct box_key key = {.kind = BOX_BUNDLE, .version = kek->epoch};
    enum cofre_err err = COFRE_EAUTH;
    struct wrap w;
    struct ad ad;
    size_t len;

    memset(b, 0, sizeof *b);
    if (sealed.len != BUNDLE_SEALED)
        return COFRE_EAUTH;
    wrap_derive(&w, kek, place, sealed.p + SALT_AT);
    if (!secret_equal(BYTES_OF(w.commitment), (struct bytes){sealed.p, HASH_LEN}))
        goto out;

    ad_fill(&ad, sealed.p, place);
    key.key = w.key;
    err = box_open((uint8_t *)b, &len, &key, BYTES_OF(ad.bytes),
                   (struct bytes){sealed.p + BOX_AT, sealed.len - BOX_AT});
    if (err != COFRE_OK)
        secret_wipe(b, sizeof *b);
out:
    secret_wipe(&w, sizeof w);
    return err;
}

enum cofre_err
bundle_epoch(struct bytes sealed, uint32_t *epoch)
{
    if (sealed.len != BUNDLE_SEALED)
        return COFRE_EFORMAT;
    return box_version((struct bytes){sealed.p + BOX_AT, sealed.len - BOX_AT}, BOX_BUNDLE, epoch);
}
