#include <stdlib.h>

#include "cofre/encode.h"
#include "cofre/secret.h"
#include "vault/records/person.h"

#include "vault/records/subject_keys.h"

/* Is it one of the log's, and one that is wanted?  What is destroyed finds nothing any more. */
static bool
wanted(const struct keyring_entry *e, bool current)
{
    if (e->class != KEYRING_LOG || e->state == KEYRING_PENDING || e->state == KEYRING_DESTROYED)
        return false;
    return current || e->state != KEYRING_ACTIVE;
}

/* With keys_lock held. */
static enum cofre_err
derive(struct cofre_vault *v, const struct person *p, bool current, struct subject_keys *out)
{
    struct keyring_entry e;
    enum cofre_err err;

    out->epochs = calloc(SUBJECT_EPOCHS_MAX, sizeof *out->epochs);
    if (out->epochs == NULL)
        return COFRE_ENOMEM;
    if ((err = secret_new(SUBJECT_EPOCHS_MAX * KEY_LEN, &out->memory)) != COFRE_OK)
        return err;
    for (size_t i = 0; out->n < SUBJECT_EPOCHS_MAX && keyring_entry(v->ring, i, &e); i++) {
        struct pseudonym_log log = {.vault = v->id, .epoch = e.version};

        if (!wanted(&e, current))
            continue;
        log.secret = keyring_key(v->ring, KEYRING_LOG, 0, e.version);
        if (log.secret == NULL)
            return COFRE_ENOKEY;
        pseudonym_subject_key(&log, p->bundle.ps, secret_data(out->memory) + out->n * KEY_LEN);
        out->epochs[out->n++] = e.version;
    }
    return COFRE_OK;
}

enum cofre_err
subject_keys_open(struct cofre_vault *v, struct cofre_call *call, struct bytes cus, bool current,
                  struct subject_keys *out)
{
    struct store_conn *conn = NULL;
    struct store_customer row;
    struct person p = {.tag_key = {0}};
    uint8_t id[STORE_ID];
    enum cofre_err err = COFRE_ENOENT;

    *out = (struct subject_keys){.memory = NULL};
    if (encode_id_parse(cus, "cus_", id) == COFRE_OK &&
        (err = store_snapshot(v->store, &conn, NULL)) == COFRE_OK &&
        (err = store_customer_get(conn, id, &row)) == COFRE_OK)
        err = person_open(v, &row, &p);
    store_snapshot_end(conn);
    if (err == COFRE_OK) {
        person_tag(&p, call);
        call->n = 1;
        pthread_rwlock_rdlock(&v->keys_lock);
        err = derive(v, &p, current, out);
        pthread_rwlock_unlock(&v->keys_lock);
    }
    secret_wipe(&p, sizeof p);
    if (err != COFRE_OK)
        subject_keys_free(out);
    return err;
}

void
subject_keys_free(struct subject_keys *k)
{
    secret_free(k->memory);
    free(k->epochs);
    *k = (struct subject_keys){.memory = NULL};
}
