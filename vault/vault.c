#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cofre/secret.h"
#include "crypto/token.h"
#include "vault/anchor.h"
#include "vault/cache.h"
#include "vault/keys.h"
#include "vault/rows.h"
#include "vault/space.h"
#include "vault/witnesses.h"

#include "vault/vault_internal.h"

int64_t
vault_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t
vault_clock(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

struct timespec
vault_until(int64_t ms)
{
    int64_t when = vault_clock() + ms;

    return (struct timespec){(time_t)(when / 1000), (long)(when % 1000) * 1000000};
}

void
vault_today(char out[static 11])
{
    struct normalise_date d = normalise_date_of(vault_now());

    snprintf(out, 11, "%04u-%02u-%02u", (unsigned)d.year % 10000, (unsigned)d.month % 100,
             (unsigned)d.day % 100);
}

/* ---- the struct ---- */

static void
locks_init(struct cofre_vault *v)
{
    pthread_condattr_t monotonic;

    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_rwlock_init(&v->keys_lock, NULL);
    pthread_mutex_init(&v->signing_lock, NULL);
    pthread_mutex_init(&v->catalog_lock, NULL);
    pthread_mutex_init(&v->stamp_lock, NULL);
    pthread_mutex_init(&v->committer.lock, NULL);
    pthread_cond_init(&v->committer.wake, &monotonic);
    pthread_mutex_init(&v->keeper_lock, NULL);
    pthread_cond_init(&v->keeper_wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

enum cofre_err
vault_new(const struct cofre_vault_config *config, struct cofre_vault **out)
{
    struct cofre_vault *v = calloc(1, sizeof *v);

    if (v == NULL)
        return COFRE_ENOMEM;
    v->dir_fd = v->lock_fd = v->audit_fd = -1;
    locks_init(v);
    rows_init(v, config);
    *out = v;
    if (cache_new(&v->people) != COFRE_OK)
        return COFRE_ENOMEM;
    v->dir = strdup(config->dir);
    if (config->anchor != NULL)
        v->anchor_path = strdup(config->anchor);
    if (v->dir == NULL || (config->anchor != NULL && v->anchor_path == NULL))
        return COFRE_ENOMEM;
    return COFRE_OK;
}

void
vault_free(struct cofre_vault *v)
{
    if (v == NULL)
        return;
    catalog_release(v->catalog);
    store_close(v->store);
    cache_free(v->people);
    witnesses_free(v);
    keys_close(v);
    for (int *fd = (int[]){v->audit_fd, v->lock_fd, v->dir_fd, -2}; *fd != -2; fd++)
        if (*fd >= 0)
            close(*fd);
    pthread_rwlock_destroy(&v->keys_lock);
    pthread_mutex_destroy(&v->signing_lock);
    pthread_mutex_destroy(&v->catalog_lock);
    pthread_mutex_destroy(&v->stamp_lock);
    pthread_mutex_destroy(&v->committer.lock);
    pthread_cond_destroy(&v->committer.wake);
    pthread_mutex_destroy(&v->keeper_lock);
    pthread_cond_destroy(&v->keeper_wake);
    pthread_mutex_destroy(&v->rows.lock);
    pthread_cond_destroy(&v->rows.wake);
    free(v->dir);
    free(v->anchor_path);
    free(v);
}

struct log_config
vault_log_config(const struct cofre_vault *v, const struct cofre_vault_config *config)
{
    return (struct log_config){.dir = v->audit_fd,
                               .tmp_dir = v->dir_fd,
                               .signer = v->signer,
                               .next = v->next,
                               .certifier = v->certifier,
                               .hold = witnesses_required(v),
                               .checkpoint_ms = config->checkpoint_ms};
}

enum cofre_err
vault_open_store(struct cofre_vault *v, const struct cofre_vault_config *config, bool create,
                 struct cofre_why *why)
{
    uint32_t version = 0;
    const uint8_t *rowtag = keyring_active(v->ring, KEYRING_ROWTAG, 0, &version);
    const struct store_config settings = {
        .where = v->dir,
        .key = keyring_active(v->ring, KEYRING_DB, 0, NULL),
        /* One more, for the recount of the rows. */
        .readers = 1 + (config->readers > 0 ? config->readers : 4),
        .create = create,
        .rowtag = {.key = rowtag, .version = version, .vault = v->id},
    };
    enum cofre_err err;

    if (settings.key == NULL || rowtag == NULL)
        return cofre_why_set(why, COFRE_EINTEGRITY, "the keyring lacks the database's keys");
    err = store_open(&settings, &v->store, why);
    /* Its key is in a keyring that opened: whatever is wrong, it is not the secret, nor the directory. */
    return !create && (err == COFRE_EAUTH || err == COFRE_ENOENT) ? COFRE_EINTEGRITY : err;
}

enum cofre_err
vault_run(struct cofre_vault *v, struct cofre_why *why)
{
    struct catalog *c;
    enum cofre_err err;

    if ((err = catalog_read(v, &c, why)) != COFRE_OK)
        return cofre_why_add(why, err, "catalogue");
    v->catalog = c;
    if ((err = commit_start(v, why)) != COFRE_OK)
        return err;
    return anchor_start(v, why);
}

/* ---- while it is open ---- */

enum cofre_err
cofre_vault_mark(struct cofre_vault *v, enum cofre_act act, struct cofre_why *why)
{
    struct cofre_call call;
    bool recorded;

    if (act == COFRE_ACT_STOP)
        witnesses_leave(v);
    cofre_call_init(&call);
    call.actor.role = COFRE_ROLE_SYSTEM;
    call.act = act;
    cofre_submit_wait(v, &call);
    recorded = call.recorded;
    cofre_call_free(&call);
    if (!recorded)
        return cofre_why_set(why, COFRE_ESTOPPED, "the entry could not be written");
    return COFRE_OK;
}

enum cofre_err
cofre_vault_authenticate(struct cofre_vault *v, struct bytes text, struct cofre_actor *actor)
{
    uint8_t secret[TOKEN_SECRET];
    uint8_t hash[HASH_LEN];
    const struct catalog_token *t;
    struct catalog *c;
    enum cofre_err err = COFRE_EAUTH;

    if (atomic_load(&v->catalog_failed) || token_parse(text, secret) != COFRE_OK)
        return COFRE_EAUTH;
    token_hash(&v->keys->pepper, secret, hash);
    secret_wipe(secret, sizeof secret);
    c = catalog_hold(v);
    t = catalog_token(c, hash);
    if (t != NULL && t->expires > vault_now()) {
        *actor = t->actor;
        err = COFRE_OK;
    }
    catalog_release(c);
    return err;
}

void
cofre_vault_auth_failed(struct cofre_vault *v, enum cofre_auth_failure kind)
{
    atomic_fetch_add(&v->auth_failed, 1);
    if (atomic_fetch_add(&v->auth_failures[kind], 1) != 0)
        return;
    pthread_mutex_lock(&v->committer.lock);
    pthread_cond_signal(&v->committer.wake);
    pthread_mutex_unlock(&v->committer.lock);
}

void
cofre_vault_stats(struct cofre_vault *v, struct cofre_vault_stats *out)
{
    struct log_head head;

    log_head(v->log, &head);
    pthread_mutex_lock(&v->committer.lock);
    out->queued = v->committer.queued;
    pthread_mutex_unlock(&v->committer.lock);
    out->entries = atomic_load(&v->entries);
    out->batches = atomic_load(&v->batches);
    out->mutations = atomic_load(&v->mutations);
    out->auth_failures = atomic_load(&v->auth_failed);
    out->log_size = head.size;
    out->generation = atomic_load(&v->generation);
    out->customers = atomic_load(&v->customers);
    witnesses_stats(v, out);
    out->disk_left = space_left(v);
    out->ready = cofre_vault_ready(v, NULL);
}
