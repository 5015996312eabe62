#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "cofre/secret.h"
#include "vault/records/person.h"

#include "vault/cache.h"

/* A lock for each group of slots: threads rarely meet, and hold one for a copy of 96 bytes. */
enum { LOCKS = 64, COMMITMENT = HASH_LEN + BUNDLE_SALT };

struct slot {
    bool used;
    uint8_t id[BUNDLE_ID];
    uint8_t commitment[COMMITMENT];
    struct person person;
};

struct cache {
    struct secret *memory;
    struct slot *slots;
    pthread_mutex_t lock[LOCKS];
};

enum cofre_err
cache_new(struct cache **out)
{
    struct cache *c = calloc(1, sizeof *c);
    enum cofre_err err;

    *out = NULL;
    if (c == NULL)
        return COFRE_ENOMEM;
    if ((err = secret_new(CACHE_SLOTS * sizeof *c->slots, &c->memory)) != COFRE_OK) {
        free(c);
        return err;
    }
    c->slots = (struct slot *)(void *)secret_data(c->memory);
    for (unsigned i = 0; i < LOCKS; i++)
        pthread_mutex_init(&c->lock[i], NULL);
    *out = c;
    return COFRE_OK;
}

void
cache_free(struct cache *c)
{
    if (c == NULL)
        return;
    for (unsigned i = 0; i < LOCKS; i++)
        pthread_mutex_destroy(&c->lock[i]);
    secret_free(c->memory);
    free(c);
}

/* Ids are random: any of their bytes are a hash. */
static size_t
slot_of(const uint8_t *id)
{
    return bytes_get_le16(id) % CACHE_SLOTS;
}

bool
cache_get(struct cache *c, const uint8_t id[static BUNDLE_ID], struct bytes sealed,
          struct person *p)
{
    size_t at = slot_of(id);
    const struct slot *s = &c->slots[at];
    bool found;

    if (sealed.len != BUNDLE_SEALED)
        return false;
    pthread_mutex_lock(&c->lock[at % LOCKS]);
    found = s->used && memcmp(s->id, id, BUNDLE_ID) == 0 &&
            memcmp(s->commitment, sealed.p, COMMITMENT) == 0;
    if (found)
        *p = s->person;
    pthread_mutex_unlock(&c->lock[at % LOCKS]);
    return found;
}

void
cache_put(struct cache *c, const uint8_t id[static BUNDLE_ID], struct bytes sealed,
          const struct person *p)
{
    size_t at = slot_of(id);
    struct slot *s = &c->slots[at];

    if (sealed.len != BUNDLE_SEALED)
        return;
    pthread_mutex_lock(&c->lock[at % LOCKS]);
    s->used = true;
    memcpy(s->id, id, BUNDLE_ID);
    memcpy(s->commitment, sealed.p, COMMITMENT);
    s->person = *p;
    pthread_mutex_unlock(&c->lock[at % LOCKS]);
}
