#include <assert.h>
#include <stdlib.h>

#include <sodium.h>

#include "crypto/keyslot_codec.h"
#include "crypto/pae.h"

#include "crypto/keyslot.h"

static_assert(KEYSLOT_CODEC_SALT == crypto_pwhash_argon2id_SALTBYTES, "");
static_assert((int)KEYSLOT_FILE_LEN == (int)KEY_LEN, "");

/* What a secret gives for one slot. */
struct wrap {
    uint8_t key[KEY_LEN];
    uint8_t commitment[HASH_LEN];
};

static bool
secret_valid(const struct keyslot_secret *with)
{
    if (with->type == KEYSLOT_KEYFILE)
        return with->bytes.len == KEYSLOT_FILE_LEN;
    return with->type == KEYSLOT_PASSPHRASE && with->bytes.len >= KEYSLOT_PASS_MIN &&
           with->bytes.len <= KEYSLOT_PASS_MAX;
}

/* The secret as KEY_LEN bytes: a key file's own, a passphrase's after Argon2id. */
static enum cofre_err
stretch(const struct keyslot_codec_slot *s, struct bytes secret, uint8_t out[static KEY_LEN])
{
    if (s->type == KEYSLOT_KEYFILE) {
        memcpy(out, secret.p, KEY_LEN);
        return COFRE_OK;
    }
    /* Costs and lengths are in bounds, so that the only way to fail is a lack of memory. */
    if (crypto_pwhash(out, KEY_LEN, (const char *)secret.p, secret.len, s->salt, s->passes,
                      (size_t)s->mib << 20, crypto_pwhash_ALG_ARGON2ID13) != 0)
        return COFRE_ENOMEM;
    return COFRE_OK;
}

static enum cofre_err
wrap_derive(struct wrap *w, const uint8_t vault[static KEYSLOT_VAULT],
            const struct keyslot_codec_slot *s, struct bytes secret)
{
    uint8_t head[KEYSLOT_CODEC_HEAD];
    const struct bytes pieces[] = {{vault, KEYSLOT_VAULT}, {head, KEYSLOT_CODEC_HEAD - HASH_LEN}};
    uint8_t ikm[KEY_LEN], pair[2 * KEY_LEN];
    struct hmac_key prk;
    enum cofre_err err;

    if ((err = stretch(s, secret, ikm)) != COFRE_OK)
        goto out;
    keyslot_codec_head(s, head); /* all but the commitment, which is what comes out */
    kdf_extract(&prk, BYTES_OF(s->salt), BYTES_OF(ikm));
    kdf_derive_pair(&prk, "cofre/v1/keyslot", pieces, 2, pair);
    memcpy(w->key, pair, KEY_LEN);
    memcpy(w->commitment, pair + KEY_LEN, HASH_LEN);
    secret_wipe(pair, sizeof pair);
    secret_wipe(&prk, sizeof prk);
out:
    secret_wipe(ikm, sizeof ikm);
    return err;
}

/* ad = vault, head of the slot */
struct ad {
    uint8_t bytes[KEYSLOT_VAULT + KEYSLOT_CODEC_HEAD];
};

static void
ad_fill(struct ad *ad, const uint8_t vault[static KEYSLOT_VAULT],
        const struct keyslot_codec_slot *s)
{
    memcpy(ad->bytes, vault, KEYSLOT_VAULT);
    keyslot_codec_head(s, ad->bytes + KEYSLOT_VAULT);
}

/* A new slot for root in *s.  *s is undefined on error. */
static enum cofre_err
slot_seal(struct keyslot_codec_slot *s, const struct keyslot_table *t, struct bytes root,
          const struct keyslot_secret *with)
{
    struct box_key key = {.kind = BOX_SLOT};
    enum cofre_err err;
    struct wrap w;
    struct ad ad;

    memset(s, 0, sizeof *s);
    s->id = t->next_id;
    s->type = with->type;
    if (with->type == KEYSLOT_PASSPHRASE) {
        s->mib = KEYSLOT_ARGON_MIB;
        s->passes = KEYSLOT_ARGON_PASSES;
    }
    randombytes_buf(s->salt, sizeof s->salt);
    if ((err = wrap_derive(&w, t->vault, s, with->bytes)) != COFRE_OK)
        return err;

    memcpy(s->commitment, w.commitment, HASH_LEN);
    ad_fill(&ad, t->vault, s);
    key.version = s->id;
    key.key = w.key;
    box_seal_to(s->box, &key, BYTES_OF(ad.bytes), root);
    secret_wipe(&w, sizeof w);
    return COFRE_OK;
}

/* COFRE_EAUTH: another secret. */
static enum cofre_err
slot_open(const struct keyslot_codec_slot *s, const struct keyslot_table *t, struct bytes secret,
          uint8_t root[static KEY_LEN])
{
    struct box_key key = {.kind = BOX_SLOT, .version = s->id};
    enum cofre_err err;
    struct wrap w;
    struct ad ad;
    size_t len;

    if ((err = wrap_derive(&w, t->vault, s, secret)) != COFRE_OK)
        return err;
    ad_fill(&ad, t->vault, s);
    key.key = w.key;
    if (secret_equal(BYTES_OF(w.commitment), BYTES_OF(s->commitment)))
        err = box_open(root, &len, &key, BYTES_OF(ad.bytes), BYTES_OF(s->box));
    else
        err = COFRE_EAUTH;
    secret_wipe(&w, sizeof w);
    return err;
}

/* The MAC over all that the file holds before it. */
static void
table_mac(const struct keyslot_table *t, struct bytes root, uint8_t out[static HASH_LEN])
{
    uint8_t file[KEYSLOT_CODEC_MAX];
    const struct bytes piece = {file, keyslot_codec_put(t, file)};
    uint8_t raw[KEY_LEN];
    struct hmac_key k;

    assert(root.len == KEY_LEN);
    hmac_key_init(&k, root);
    kdf_derive(&k, "cofre/v1/keyslots-mac", NULL, 0, raw);
    hmac_key_init(&k, BYTES_OF(raw));
    pae_hmac(&k, "cofre/v1/keyslots", &piece, 1, out);
    secret_wipe(raw, sizeof raw);
    secret_wipe(&k, sizeof k);
}

static bool
table_authentic(const struct keyslot_table *t, struct bytes root)
{
    uint8_t mac[HASH_LEN];
    bool same;

    table_mac(t, root, mac);
    same = secret_equal(BYTES_OF(mac), BYTES_OF(t->mac));
    secret_wipe(mac, sizeof mac);
    return same;
}

/* Puts a new slot at place, counts what is up to it, and makes the MAC anew. */
static enum cofre_err
place_slot(struct keyslot_table *t, size_t place, struct bytes root,
           const struct keyslot_secret *with)
{
    struct keyslot_codec_slot slot;
    enum cofre_err err;

    assert(root.len == KEY_LEN);
    if (!secret_valid(with))
        return COFRE_EINVAL;
    if (place == KEYSLOT_MAX || t->next_id == UINT32_MAX)
        return COFRE_ELIMIT;
    if ((err = slot_seal(&slot, t, root, with)) != COFRE_OK)
        return err;
    t->slots[place] = slot;
    t->count = place + 1;
    t->next_id++;
    table_mac(t, root, t->mac);
    return COFRE_OK;
}

enum cofre_err
keyslot_create(const uint8_t vault[static KEYSLOT_VAULT], const struct keyslot_secret *with,
               struct keyslot_table **table, struct secret **root)
{
    struct keyslot_table *t;
    enum cofre_err err;

    *table = NULL;
    *root = NULL;
    if ((t = calloc(1, sizeof *t)) == NULL)
        return COFRE_ENOMEM;
    memcpy(t->vault, vault, KEYSLOT_VAULT);
    t->next_id = 1;

    if ((err = secret_random(KEY_LEN, root)) != COFRE_OK ||
        (err = place_slot(t, 0, secret_bytes(*root), with)) != COFRE_OK) {
        secret_free(*root);
        *root = NULL;
        keyslot_free(t);
        return err;
    }
    *table = t;
    return COFRE_OK;
}

enum cofre_err
keyslot_add(struct keyslot_table *t, struct bytes root, const struct keyslot_secret *with,
            uint32_t *id)
{
    enum cofre_err err;

    if (!table_authentic(t, root))
        return COFRE_EINVAL;
    if ((err = place_slot(t, t->count, root, with)) != COFRE_OK)
        return err;
    *id = t->slots[t->count - 1].id;
    return COFRE_OK;
}

enum cofre_err
keyslot_reset(struct keyslot_table *t, struct bytes root, const struct keyslot_secret *with)
{
    return place_slot(t, 0, root, with);
}

/* The first slot that the secret opens.  COFRE_EAUTH: none. */
static enum cofre_err
open_any(const struct keyslot_table *t, const struct keyslot_secret *with,
         uint8_t root[static KEY_LEN])
{
    enum cofre_err err = COFRE_EAUTH;

    if (!secret_valid(with))
        return COFRE_EAUTH;
    for (size_t i = 0; i < t->count && err == COFRE_EAUTH; i++)
        if (t->slots[i].type == with->type)
            err = slot_open(&t->slots[i], t, with->bytes, root);
    return err;
}

enum cofre_err
keyslot_unlock(const struct keyslot_table *t, const struct keyslot_secret *with,
               struct secret **root)
{
    struct secret *opened;
    enum cofre_err err;

    *root = NULL;
    if ((err = secret_new(KEY_LEN, &opened)) != COFRE_OK)
        return err;
    if ((err = open_any(t, with, secret_data(opened))) != COFRE_OK)
        goto out;
    if (!table_authentic(t, secret_bytes(opened))) {
        err = COFRE_EINTEGRITY;
        goto out;
    }
    *root = opened;
    opened = NULL; /* moved to *root */
out:
    secret_free(opened);
    return err;
}

size_t
keyslot_count(const struct keyslot_table *t)
{
    return t->count;
}

bool
keyslot_get(const struct keyslot_table *t, size_t i, enum keyslot_type *type, uint32_t *id)
{
    if (i >= t->count)
        return false;
    *type = t->slots[i].type;
    *id = t->slots[i].id;
    return true;
}

const uint8_t *
keyslot_vault(const struct keyslot_table *t)
{
    return t->vault;
}

void
keyslot_write(const struct keyslot_table *t, struct bytes root, struct buf *out)
{
    uint8_t file[KEYSLOT_CODEC_MAX + HASH_LEN];
    size_t len = keyslot_codec_put(t, file);

    table_mac(t, root, file + len);
    buf_put(out, file, len + HASH_LEN);
}

enum cofre_err
keyslot_read(struct bytes file, struct keyslot_table **out)
{
    struct keyslot_table *t = calloc(1, sizeof *t);
    enum cofre_err err;

    *out = NULL;
    if (t == NULL)
        return COFRE_ENOMEM;
    if ((err = keyslot_codec_get(file, t)) != COFRE_OK) {
        keyslot_free(t);
        return err;
    }
    *out = t;
    return COFRE_OK;
}

void
keyslot_free(struct keyslot_table *t)
{
    free(t);
}
