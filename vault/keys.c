#include <assert.h>
#include <string.h>

#include <sodium.h>

#include "cofre/encode.h"
#include "cofre/secret.h"
#include "crypto/keyslot.h"
#include "crypto/pae.h"
#include "vault/disk.h"
#include "vault/signing.h"

#include "vault/keys.h"

/* Files: keyslots, keyring (a box under HKDF(root, "cofre/v1/keyring-sealing", vault)); signing.c has the third. */
enum {
    KEYRING_FILE_MAX = 1024 * 1024,
    ORIGIN_RANDOM = 10,
    KEKS_SPARE = 4 /* room that a rotation leaves for epochs of failed ones */
};

static const enum keyring_class first_keys[] = {KEYRING_DB,     KEYRING_KEK,    KEYRING_INDEX,
                                                KEYRING_ROWTAG, KEYRING_PEPPER, KEYRING_CURSOR,
                                                KEYRING_LOG};

static enum cofre_err
new_memory(struct cofre_vault *v)
{
    enum cofre_err err = secret_new(sizeof *v->keys, &v->keys_memory);

    if (err == COFRE_OK)
        v->keys = (struct vault_keys *)(void *)secret_data(v->keys_memory);
    return err;
}

/* One of the three files, which a vault has: without it, or grown, it is damaged. */
static enum cofre_err
private_file(const struct cofre_vault *v, const char *name, size_t max, struct buf *out,
          struct cofre_why *why)
{
    enum cofre_err err = disk_read(v->dir_fd, name, max, out, why);

    return err == COFRE_ENOENT || err == COFRE_ERANGE ? COFRE_EINTEGRITY : err;
}

/* What is derived from the root key. */
static void
derive(struct cofre_vault *v, const struct secret *root)
{
    const struct bytes vault = BYTES_OF(v->id);
    struct hmac_key prk;

    hmac_key_init(&prk, secret_bytes(root));
    kdf_derive(&prk, "cofre/v1/keyring-sealing", &vault, 1, v->keys->ring_sealing);
    kdf_derive(&prk, "cofre/v1/anchor", &vault, 1, v->keys->anchor);
    kdf_derive(&prk, "cofre/v1/signing-file", &vault, 1, v->keys->signing_sealing);
    secret_wipe(&prk, sizeof prk);
}

const struct bundle_kek *
keys_kek(const struct vault_keys *k, uint32_t epoch)
{
    for (size_t i = 0; i < k->n_keks; i++)
        if (k->keks[i].epoch == epoch)
            return &k->keks[i];
    return NULL;
}

uint32_t
keys_kek_active(struct cofre_vault *v)
{
    uint32_t epoch;

    pthread_rwlock_rdlock(&v->keys_lock);
    epoch = v->keys->kek_active;
    pthread_rwlock_unlock(&v->keys_lock);
    return epoch;
}

static enum cofre_err
too_many(struct cofre_why *why)
{
    return cofre_why_set(why, COFRE_ELIMIT, "more than %d KEK epochs are held", VAULT_KEKS_MAX);
}

/* Takes over the KEK epochs that k has not yet. */
static enum cofre_err
prepare_keks(struct vault_keys *k, const struct keyring *ring, struct cofre_why *why)
{
    struct keyring_entry e;

    for (size_t i = 0; keyring_entry(ring, i, &e); i++) {
        const uint8_t *key = keyring_key(ring, e.class, e.scope, e.version);

        if (e.class != KEYRING_KEK || key == NULL || keys_kek(k, e.version) != NULL)
            continue;
        if (k->n_keks == VAULT_KEKS_MAX)
            return too_many(why);
        k->keks[k->n_keks].epoch = e.version;
        hmac_key_init(&k->keks[k->n_keks].key, (struct bytes){key, KEY_LEN});
        k->n_keks++;
    }
    return COFRE_OK;
}

/* Fills v->keys from v->ring, at the start. */
static enum cofre_err
prepare(struct cofre_vault *v, struct cofre_why *why)
{
    struct vault_keys *k = v->keys;
    const uint8_t *index = keyring_active(v->ring, KEYRING_INDEX, 0, NULL);
    const uint8_t *pepper = keyring_active(v->ring, KEYRING_PEPPER, 0, &k->pepper_version);
    const uint8_t *cursor = keyring_active(v->ring, KEYRING_CURSOR, 0, &k->cursor_version);
    const uint8_t *log = keyring_active(v->ring, KEYRING_LOG, 0, &k->log_epoch);
    const uint8_t *kek = keyring_active(v->ring, KEYRING_KEK, 0, &k->kek_active);

    if (index == NULL || pepper == NULL || cursor == NULL || log == NULL || kek == NULL)
        return cofre_why_set(why, COFRE_EINTEGRITY, "the keyring lacks an active key");
    hmac_key_init(&k->index, (struct bytes){index, KEY_LEN});
    hmac_key_init(&k->pepper, (struct bytes){pepper, KEY_LEN});
    memcpy(k->cursor, cursor, KEY_LEN);
    atomic_store(&v->log_epoch, k->log_epoch);
    memcpy(k->log_secret, log, KEY_LEN);
    return prepare_keks(k, v->ring, why);
}

/* ---- the keyring's file ---- */

static enum cofre_err
ring_save(struct cofre_vault *v, struct keyring *ring, struct cofre_why *why)
{
    struct buf sealed = BUF_INIT;
    enum cofre_err err;

    err = keyring_seal(ring, (struct bytes){v->keys->ring_sealing, KEY_LEN}, &sealed);
    if (err == COFRE_OK)
        err = disk_replace(v->dir_fd, "keyring", buf_bytes(&sealed), why);
    buf_free(&sealed);
    return err;
}

static enum cofre_err
ring_read(struct cofre_vault *v, struct keyring **out, struct cofre_why *why)
{
    struct buf file = BUF_INIT;
    enum cofre_err err;

    *out = NULL;
    err = private_file(v, "keyring", KEYRING_FILE_MAX, &file, why);
    if (err == COFRE_OK) {
        err = keyring_open(v->id, (struct bytes){v->keys->ring_sealing, KEY_LEN}, buf_bytes(&file),
                           out);
        if (err == COFRE_EAUTH || err == COFRE_EFORMAT)
            err = cofre_why_set(why, COFRE_EINTEGRITY,
                                "the keyring was altered, or is another vault's");
    }
    buf_free(&file);
    return err;
}

/* The file must be what we left, but for keys that an attempt before this one left in it unused. */
static enum cofre_err
ring_changed(struct cofre_vault *v, enum keyring_class class, uint32_t scope, uint32_t *version,
             struct keyring **out, struct cofre_why *why)
{
    struct keyring *ring = NULL;
    enum cofre_err err;

    if ((err = ring_read(v, &ring, why)) != COFRE_OK)
        return err;
    if (keyring_generation(ring) < keyring_generation(v->ring))
        err = cofre_why_set(why, COFRE_EINTEGRITY, "the keyring's file is older than the keyring");
    else if ((err = keyring_add(ring, class, scope, true, vault_now(), version)) == COFRE_OK)
        err = ring_save(v, ring, why);
    if (err == COFRE_OK) {
        *out = ring;
        ring = NULL; /* moved to out */
    }
    keyring_free(ring);
    return err;
}

/* With keys_lock held for writing. */
static void
take_log_secret(struct cofre_vault *v, const struct keyring *ring)
{
    const uint8_t *secret = keyring_active(ring, KEYRING_LOG, 0, &v->keys->log_epoch);

    assert(secret != NULL);
    memcpy(v->keys->log_secret, secret, KEY_LEN);
    atomic_store(&v->log_epoch, v->keys->log_epoch);
}

enum cofre_err
keys_add(struct cofre_vault *v, enum keyring_class class, uint32_t scope, uint32_t *version,
         struct cofre_why *why)
{
    struct keyring *ring = NULL;
    struct keyring *old;
    enum cofre_err err;

    assert(class == KEYRING_KEK || class == KEYRING_VIEW || class == KEYRING_LOG);
    /* Epochs that a failed attempt left in the file may come along: they are counted before. */
    if (class == KEYRING_KEK && v->keys->n_keks + KEKS_SPARE > VAULT_KEKS_MAX)
        return too_many(why);
    if ((err = ring_changed(v, class, scope, version, &ring, why)) != COFRE_OK)
        return err;
    pthread_rwlock_wrlock(&v->keys_lock);
    err = prepare_keks(v->keys, ring, why);
    if (err == COFRE_OK) {
        (void)keyring_active(ring, KEYRING_KEK, 0, &v->keys->kek_active);
        take_log_secret(v, ring);
        old = v->ring;
        v->ring = ring;
        ring = old;
    }
    pthread_rwlock_unlock(&v->keys_lock);
    keyring_free(ring);
    return err;
}

/* ---- all together ---- */

static struct keyslot_secret
slot_secret(const struct cofre_vault_config *config)
{
    return (struct keyslot_secret){
        .type = config->secret_kind == COFRE_SECRET_KEY_FILE ? KEYSLOT_KEYFILE : KEYSLOT_PASSPHRASE,
        .bytes = config->secret};
}

static enum cofre_err
save_slots(struct cofre_vault *v, const struct keyslot_table *t, const struct secret *root,
           struct cofre_why *why)
{
    struct buf file = BUF_INIT;
    enum cofre_err err;

    keyslot_write(t, secret_bytes(root), &file);
    if ((err = buf_error(&file)) == COFRE_OK)
        err = disk_replace(v->dir_fd, "keyslots", buf_bytes(&file), why);
    buf_free(&file);
    return err;
}

static void
random_origin(char out[static 64])
{
    uint8_t random[ORIGIN_RANDOM];
    struct buf text = BUF_INIT;

    randombytes_buf(random, sizeof random);
    buf_puts(&text, "cofre.invalid/");
    encode_base32(&text, BYTES_OF(random));
    memset(out, 0, 64);
    if (text.len < 64 && buf_error(&text) == COFRE_OK)
        memcpy(out, text.p, text.len);
    buf_free(&text);
}

enum cofre_err
keys_create(struct cofre_vault *v, const struct cofre_vault_config *config, const char *origin,
            struct cofre_why *why)
{
    const struct keyslot_secret with = slot_secret(config);
    struct keyslot_table *slots = NULL;
    struct secret *root = NULL;
    char made[64];
    enum cofre_err err;

    randombytes_buf(v->id, sizeof v->id);
    if (origin == NULL) {
        random_origin(made);
        origin = made;
    }
    if (!note_name_valid(bytes_str(origin)))
        return cofre_why_set(why, COFRE_EINVAL,
                             "the origin must have 1 to 255 bytes, no blank and no \"+\"");
    if ((err = new_memory(v)) != COFRE_OK)
        return err;
    if ((err = keyslot_create(v->id, &with, &slots, &root)) != COFRE_OK) {
        err = cofre_why_set(why, err, "a passphrase has %d to %d bytes, a key file %d",
                            KEYSLOT_PASS_MIN, KEYSLOT_PASS_MAX, KEYSLOT_FILE_LEN);
        goto out;
    }
    derive(v, root);
    if ((err = keyring_new(v->id, &v->ring)) != COFRE_OK)
        goto out;
    for (size_t i = 0; i < sizeof first_keys / sizeof *first_keys; i++)
        if ((err = keyring_add(v->ring, first_keys[i], 0, true, vault_now(), NULL)) != COFRE_OK)
            goto out;
    if ((err = save_slots(v, slots, root, why)) == COFRE_OK &&
        (err = ring_save(v, v->ring, why)) == COFRE_OK &&
        (err = signing_new(origin, &v->signer)) == COFRE_OK &&
        (err = signing_save(v, why)) == COFRE_OK)
        err = prepare(v, why);
out:
    keyslot_free(slots);
    secret_free(root);
    return err;
}

static enum cofre_err
unlock(struct cofre_vault *v, const struct cofre_vault_config *config, struct secret **root,
       struct cofre_why *why)
{
    const struct keyslot_secret with = slot_secret(config);
    struct keyslot_table *slots = NULL;
    struct buf file = BUF_INIT;
    enum cofre_err err;

    if ((err = private_file(v, "keyslots", KEYSLOT_TABLE_MAX, &file, why)) != COFRE_OK)
        goto out;
    if ((err = keyslot_read(buf_bytes(&file), &slots)) != COFRE_OK) {
        if (err == COFRE_EFORMAT)
            err = cofre_why_set(why, COFRE_EINTEGRITY, "the keyslots are malformed");
        goto out;
    }
    memcpy(v->id, keyslot_vault(slots), sizeof v->id);
    err = keyslot_unlock(slots, &with, root);
    if (err == COFRE_EAUTH)
        cofre_why_set(why, err, "no keyslot opens with this %s: it is another one, or the file keyslots was altered",
                      with.type == KEYSLOT_KEYFILE ? "key file" : "passphrase");
    else if (err == COFRE_EINTEGRITY)
        cofre_why_set(why, err, "the keyslots were altered");
out:
    keyslot_free(slots);
    buf_free(&file);
    return err;
}

enum cofre_err
keys_open(struct cofre_vault *v, const struct cofre_vault_config *config, struct cofre_why *why)
{
    struct secret *root = NULL;
    enum cofre_err err;

    if ((err = new_memory(v)) != COFRE_OK || (err = unlock(v, config, &root, why)) != COFRE_OK)
        goto out;
    derive(v, root);
    if ((err = ring_read(v, &v->ring, why)) == COFRE_OK &&
        (v->certifier != NULL || (err = signing_open(v, why)) == COFRE_OK))
        err = prepare(v, why);
out:
    secret_free(root);
    return err;
}

void
keys_close(struct cofre_vault *v)
{
    signing_free(v->signer);
    signing_free(v->next);
    v->signer = v->next = NULL;
    keyring_free(v->ring);
    secret_free(v->keys_memory);
    v->ring = NULL;
    v->keys_memory = NULL;
    v->keys = NULL;
}
