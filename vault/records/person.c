#include <string.h>

#include <sodium.h>

#include "cofre/secret.h"
#include "crypto/pad.h"
#include "crypto/pae.h"
#include "vault/cache.h"
#include "vault/keys.h"

#include "vault/records/person.h"

static struct bundle_place
place_of(const struct cofre_vault *v, const uint8_t *id)
{
    return (struct bundle_place){.vault = v->id, .customer = id};
}

static void
derive(struct cofre_vault *v, struct person *p)
{
    struct pseudonym_log log = {.vault = v->id, .secret = v->keys->log_secret};

    pthread_rwlock_rdlock(&v->keys_lock);
    log.epoch = p->tag_epoch = v->keys->log_epoch;
    pseudonym_subject_key(&log, p->bundle.ps, p->tag_key);
    pthread_rwlock_unlock(&v->keys_lock);
}

void
person_new(struct cofre_vault *v, struct person *p)
{
    bundle_random(&p->bundle);
    derive(v, p);
}

enum cofre_err
person_open(struct cofre_vault *v, const struct store_customer *row, struct person *p)
{
    const struct bundle_place place = place_of(v, row->id);
    const struct bundle_kek *kek;
    enum cofre_err err = COFRE_ENOKEY;

    if (cache_get(v->people, row->id, row->bundle, p)) {
        if (p->tag_epoch != atomic_load(&v->log_epoch)) {
            derive(v, p);
            cache_put(v->people, row->id, row->bundle, p);
        }
        return COFRE_OK;
    }
    memset(p, 0, sizeof *p);
    pthread_rwlock_rdlock(&v->keys_lock);
    if ((kek = keys_kek(v->keys, row->kek)) != NULL)
        err = bundle_open(&p->bundle, kek, &place, row->bundle);
    pthread_rwlock_unlock(&v->keys_lock);
    if (err != COFRE_OK)
        return err;
    derive(v, p);
    cache_put(v->people, row->id, row->bundle, p);
    return COFRE_OK;
}

void
person_seal(struct cofre_vault *v, const uint8_t id[static STORE_ID], const struct person *p,
            uint8_t out[static BUNDLE_SEALED], uint32_t *kek)
{
    const struct bundle_place place = place_of(v, id);

    pthread_rwlock_rdlock(&v->keys_lock);
    *kek = v->keys->kek_active;
    bundle_seal(out, keys_kek(v->keys, *kek), &place, &p->bundle);
    pthread_rwlock_unlock(&v->keys_lock);
}

static void
part_ad(const struct cofre_vault *v, const struct person_part *place, struct buf *ad)
{
    uint8_t part[4];
    uint8_t version[8];
    const struct bytes pieces[] = {
        BYTES_OF(v->id), {place->id, STORE_ID}, BYTES_OF(part), BYTES_OF(version)};

    bytes_set_le32(part, (uint32_t)place->part);
    bytes_set_le64(version, place->version);
    pae_put(ad, "cofre/v1/compartment", pieces, 4);
}

static void
row_ad(const struct cofre_vault *v, const char *label, const uint8_t *id, const uint8_t key[16],
       struct buf *ad)
{
    const struct bytes pieces[] = {BYTES_OF(v->id), {id, STORE_ID}, {key, 16}};

    pae_put(ad, label, pieces, 3);
}

static enum cofre_err
seal(const struct person *p, enum box_kind kind, const struct buf *ad, struct bytes plain,
     struct buf *out)
{
    const struct box_key key = {.kind = kind, .version = PERSON_DEK_VERSION, .key = p->bundle.dek};

    if (buf_error(ad) != COFRE_OK)
        return COFRE_ENOMEM;
    box_seal(out, &key, buf_bytes(ad), plain);
    return buf_error(out);
}

static enum cofre_err
open(const struct person *p, enum box_kind kind, const struct buf *ad, struct bytes sealed,
     struct buf *plain)
{
    const struct box_key key = {.kind = kind, .version = PERSON_DEK_VERSION, .key = p->bundle.dek};
    size_t len = 0;
    uint8_t *to;
    enum cofre_err err;

    buf_reset(plain);
    if (buf_error(ad) != COFRE_OK || (to = buf_reserve(plain, sealed.len)) == NULL)
        return COFRE_ENOMEM;
    err = box_open(to, &len, &key, buf_bytes(ad), sealed);
    plain->len = len;
    return err;
}

enum cofre_err
person_seal_part(const struct cofre_vault *v, const struct person *p,
                 const struct person_part *place, const struct record_value *values, size_t n,
                 struct buf *out)
{
    struct buf plain = BUF_INIT;
    struct buf ad = BUF_INIT;
    enum cofre_err err;

    if ((err = record_write(&plain, values, n)) == COFRE_OK) {
        part_ad(v, place, &ad);
        err = seal(p, BOX_COMPARTMENT, &ad, buf_bytes(&plain), out);
    }
    buf_free(&plain);
    buf_free(&ad);
    return err;
}

enum cofre_err
person_open_part(const struct cofre_vault *v, const struct person *p,
                 const struct store_customer *row, enum store_part part, struct buf *plain,
                 struct record *r)
{
    const struct person_part place = {.id = row->id, .part = part, .version = row->version};
    struct buf ad = BUF_INIT;
    enum cofre_err err;

    *r = (struct record){NULL, 0};
    if (row->part[part].len == 0)
        return COFRE_OK;
    part_ad(v, &place, &ad);
    err = open(p, BOX_COMPARTMENT, &ad, row->part[part], plain);
    if (err == COFRE_OK)
        err = record_open(buf_bytes(plain), r);
    buf_free(&ad);
    return err;
}

enum cofre_err
person_seal_event(const struct cofre_vault *v, const struct person *p,
                  const uint8_t id[static STORE_ID], const uint8_t key[static STORE_KEYED],
                  struct bytes padded, struct buf *out)
{
    struct buf ad = BUF_INIT;
    enum cofre_err err;

    row_ad(v, "cofre/v1/event", id, key, &ad);
    err = seal(p, BOX_EVENT, &ad, padded, out);
    buf_free(&ad);
    return err;
}

enum cofre_err
person_open_event(const struct cofre_vault *v, const struct person *p,
                  const uint8_t id[static STORE_ID], const struct store_event *row,
                  struct buf *plain, struct record *r)
{
    struct buf ad = BUF_INIT;
    enum cofre_err err;

    *r = (struct record){NULL, 0};
    row_ad(v, "cofre/v1/event", id, row->key, &ad);
    err = open(p, BOX_EVENT, &ad, row->sealed, plain);
    if (err == COFRE_OK)
        err = record_open(buf_bytes(plain), r);
    buf_free(&ad);
    return err;
}

enum cofre_err
person_seal_reason(const struct cofre_vault *v, const struct person *p,
                   const uint8_t id[static STORE_ID], const uint8_t nonce[static 16],
                   struct bytes text, struct buf *out)
{
    struct buf plain = BUF_INIT;
    struct buf ad = BUF_INIT;
    enum cofre_err err;

    buf_putb(&plain, text);
    pad_add(&plain);
    row_ad(v, "cofre/v1/reason", id, nonce, &ad);
    err = buf_error(&plain);
    if (err == COFRE_OK)
        err = seal(p, BOX_REASON, &ad, buf_bytes(&plain), out);
    buf_free(&plain);
    buf_free(&ad);
    return err;
}

void
person_tag(const struct person *p, struct cofre_call *call)
{
    uint8_t tag[COFRE_TAG];

    if (call->subjects.len >= COFRE_SUBJECTS_MAX * COFRE_TAG)
        return;
    pseudonym_subject(p->tag_key, call->nonce, tag);
    buf_put(&call->subjects, tag, sizeof tag);
}

void
person_tag_nobody(struct cofre_call *call)
{
    uint8_t tag[COFRE_TAG];

    if (call->subjects.len >= COFRE_SUBJECTS_MAX * COFRE_TAG)
        return;
    randombytes_buf(tag, sizeof tag);
    buf_put(&call->subjects, tag, sizeof tag);
}
