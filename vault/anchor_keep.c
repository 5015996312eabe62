#include <string.h>

#include "cofre/oplog.h"
#include "vault/ready.h"
#include "vault/space.h"

#include "vault/anchor.h"

/* The thread that keeps the anchor up to date. */
enum { KEEP_MS = 500 };

enum cofre_err
anchor_now(struct cofre_vault *v, struct anchor *out, struct cofre_why *why)
{
    struct store_conn *conn = NULL;
    struct store_head db;
    struct log_head log;
    enum cofre_err err;

    /* The log first: a head that is older than the database's is true as well. */
    log_head(v->log, &log);
    if ((err = store_snapshot(v->store, &conn, why)) != COFRE_OK)
        return err;
    err = store_head_get(conn, &db);
    store_snapshot_end(conn);
    pthread_rwlock_rdlock(&v->keys_lock);
    *out = (struct anchor){.incarnation = db.incarnation,
                           .summed = db.summed,
                           .generation = db.generation,
                           .keyring_generation = keyring_generation(v->ring),
                           .log_size = log.size};
    pthread_rwlock_unlock(&v->keys_lock);
    memcpy(out->log_root, log.root, HASH_LEN);
    return err;
}

static bool
same(const struct anchor *a, const struct anchor *b)
{
    return a->incarnation == b->incarnation && a->generation == b->generation &&
           a->keyring_generation == b->keyring_generation && a->log_size == b->log_size;
}

static void
keep(struct cofre_vault *v, struct anchor *last)
{
    struct cofre_why why = {{0}};
    struct anchor now;
    enum cofre_err err;

    if ((err = anchor_now(v, &now, &why)) == COFRE_OK && same(&now, last) &&
        !atomic_load(&v->anchor_failed)) {
        atomic_store(&v->anchor_kept, vault_clock());
        return;
    }
    if (err == COFRE_OK)
        err = anchor_write(v, &now, &why);
    if (err == COFRE_OK) {
        *last = now;
        atomic_store(&v->anchor_failed, false);
        atomic_store(&v->anchor_kept, vault_clock());
    } else if (!atomic_exchange(&v->anchor_failed, true)) {
        oplog_line(OPLOG_ERROR, "anchor: %s: %s", cofre_err_text(err), why.text);
    }
}

static void *
keeper(void *arg)
{
    struct cofre_vault *v = arg;
    struct anchor last = {0};
    bool stop = false;

    while (!stop) {
        struct timespec until;

        until = vault_until(KEEP_MS);
        pthread_mutex_lock(&v->keeper_lock);
        if (!v->keeper_stop)
            pthread_cond_timedwait(&v->keeper_wake, &v->keeper_lock, &until);
        stop = v->keeper_stop;
        pthread_mutex_unlock(&v->keeper_lock);
        keep(v, &last);
        space_watch(v);
        ready_watch(v);
    }
    return NULL;
}

enum cofre_err
anchor_start(struct cofre_vault *v, struct cofre_why *why)
{
    int r;

    atomic_store(&v->anchor_kept, vault_clock());
    r = pthread_create(&v->keeper, NULL, keeper, v);

    if (r != 0)
        return cofre_why_os(why, COFRE_ENOMEM, r, "cannot start the anchor's thread");
    v->keeper_running = true;
    return COFRE_OK;
}

bool
anchor_overdue(struct cofre_vault *v)
{
    return v->keeper_running &&
           vault_clock() - atomic_load(&v->anchor_kept) > ANCHOR_OVERDUE_MS;
}

void
anchor_stop(struct cofre_vault *v)
{
    if (!v->keeper_running)
        return;
    pthread_mutex_lock(&v->keeper_lock);
    v->keeper_stop = true;
    pthread_cond_signal(&v->keeper_wake);
    pthread_mutex_unlock(&v->keeper_lock);
    pthread_join(v->keeper, NULL);
    v->keeper_running = false;
}
