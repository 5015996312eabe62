#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cofre/secret.h"
#include "crypto/token.h"
#include "vault/anchor.h"
#include "vault/cache.h"
#include "vault/keys.h"
#include "vault/recover.h"

#include "vault/vault_internal.h"

enum { REFUSED_MS = 5000 };

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
    pthread_mutex_init(&v->catalog_lock, NULL);
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
    keys_close(v);
    for (int *fd = (int[]){v->audit_fd, v->lock_fd, v->dir_fd, -2}; *fd != -2; fd++)
        if (*fd >= 0)
            close(*fd);
    pthread_rwlock_destroy(&v->keys_lock);
    pthread_mutex_destroy(&v->catalog_lock);
    pthread_mutex_destroy(&v->committer.lock);
    pthread_cond_destroy(&v->committer.wake);
    pthread_mutex_destroy(&v->keeper_lock);
    pthread_cond_destroy(&v->keeper_wake);
    free(v->dir);
    free(v->anchor_path);
    free(v);
}

struct log_config
vault_log_config(const struct cofre_vault *v, const struct cofre_vault_config *config)
{
    return (struct log_config){.dir = v->audit_fd,
                               .tmp_dir = v->dir_fd,
                               .signer = &v->signer,
                               .checkpoint_ms = config->checkpoint_ms};
}

enum cofre_err
vault_open_store(struct cofre_vault *v, const struct cofre_vault_config *config, bool create,
                 struct cofre_why *why)
{
    const struct store_config settings = {
        .where = v->dir,
        .key = keyring_active(v->ring, KEYRING_DB, 0, NULL),
        .readers = config->readers > 0 ? config->readers : 4,
        .create = create,
    };
    enum cofre_err err;

    if (settings.key == NULL)
        return cofre_why_set(why, COFRE_EINTEGRITY, "the keyring lacks the database's key");
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

/* ---- opening ---- */

bool
cofre_vault_exists(const char *dir)
{
    static const char *const names[] = {"keyslots", "keyring", "vault.db", "audit"};
    struct stat st;
    bool found = false;
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    for (size_t i = 0; fd >= 0 && i < sizeof names / sizeof *names; i++)
        found = found || fstatat(fd, names[i], &st, AT_SYMLINK_NOFOLLOW) == 0;
    if (fd >= 0)
        close(fd);
    return found;
}

static enum cofre_err
open_dir(struct cofre_vault *v, struct cofre_why *why)
{
    struct stat st;

    v->dir_fd = open(v->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (v->dir_fd < 0 || fstat(v->dir_fd, &st) != 0)
        return cofre_why_os(why, errno == ENOENT || errno == ENOTDIR ? COFRE_ENOENT : COFRE_EIO,
                            errno, "the vault's directory");
    if (st.st_uid != geteuid() && geteuid() != 0)
        return cofre_why_set(why, COFRE_EREFUSED, "the vault's directory belongs to somebody else");
    if ((st.st_mode & 077) != 0)
        return cofre_why_set(why, COFRE_EREFUSED,
                             "the vault's directory is open to others (chmod 700 it)");
    return COFRE_OK;
}

enum cofre_err
vault_take_lock(struct cofre_vault *v, struct cofre_why *why)
{
    v->lock_fd = openat(v->dir_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (v->lock_fd < 0)
        return cofre_why_os(why, COFRE_EIO, errno, "lock");
    if (flock(v->lock_fd, LOCK_EX | LOCK_NB) != 0)
        return cofre_why_set(why, COFRE_EBUSY, "another process has this vault open");
    return COFRE_OK;
}

enum cofre_err
vault_open_audit(struct cofre_vault *v, struct cofre_why *why)
{
    v->audit_fd = openat(v->dir_fd, "audit", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (v->audit_fd < 0)
        return cofre_why_os(why, COFRE_EINTEGRITY, errno, "audit/");
    return COFRE_OK;
}

/* Everything that can refuse the start; nothing is written yet. */
static enum cofre_err
check_all(struct cofre_vault *v, const struct cofre_vault_config *config, struct cofre_why *why)
{
    struct log_config log;
    enum cofre_err err;

    if ((err = open_dir(v, why)) != COFRE_OK)
        return err;
    if (!cofre_vault_exists(v->dir))
        return cofre_why_set(why, COFRE_ENOENT,
                             "there is no vault here (make one with cofre init)");
    if ((err = vault_take_lock(v, why)) != COFRE_OK ||
        (err = keys_open(v, config, why)) != COFRE_OK || (err = vault_open_audit(v, why)) != COFRE_OK)
        return err;
    log = vault_log_config(v, config);
    if ((err = log_open_held(&log, &v->log, why)) != COFRE_OK)
        return cofre_why_add(why, err, "audit/");
    if ((err = vault_open_store(v, config, false, why)) != COFRE_OK ||
        (err = recover_check(v, why)) != COFRE_OK)
        return err;
    return anchor_check(v, why);
}

/* The start is accepted: from here on the vault's files are ours to change. */
static enum cofre_err
begin(struct cofre_vault *v, struct cofre_why *why)
{
    enum cofre_err err;

    if ((err = log_start(v->log, why)) != COFRE_OK || (err = log_commit(v->log, why)) != COFRE_OK)
        return cofre_why_add(why, err, "audit/");
    return vault_run(v, why);
}

enum cofre_err
cofre_vault_open(const struct cofre_vault_config *config, struct cofre_vault **out,
                 struct cofre_why *why)
{
    struct cofre_vault *v = NULL;
    enum cofre_err err;

    *out = NULL;
    if ((err = vault_new(config, &v)) == COFRE_OK && (err = check_all(v, config, why)) != COFRE_OK)
        store_leave_files(v->store);
    if (err == COFRE_OK && (err = begin(v, why)) == COFRE_OK) {
        *out = v;
        return COFRE_OK;
    }
    if (v != NULL) {
        commit_stop(v);
        anchor_stop(v);
        if (log_close(v->log, NULL) != COFRE_OK)
            cofre_why_set(why, err, "the log could not be closed");
        vault_free(v);
    }
    return err;
}

enum cofre_err
cofre_vault_close(struct cofre_vault *v, struct cofre_why *why)
{
    enum cofre_err err;

    if (v == NULL)
        return COFRE_OK;
    commit_stop(v);
    anchor_stop(v);
    err = log_close(v->log, why);
    vault_free(v);
    return err;
}

/* ---- while it is open ---- */

enum cofre_err
cofre_vault_mark(struct cofre_vault *v, enum cofre_act act, struct cofre_why *why)
{
    struct cofre_call call;
    bool recorded;

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

bool
cofre_vault_ready(struct cofre_vault *v, struct cofre_why *why)
{
    struct cofre_why trouble = {{0}};

    if (log_dead(v->log)) {
        log_trouble(v->log, &trouble);
        cofre_why_set(why, COFRE_ESTOPPED, "audit log: %s", trouble.text);
        return false;
    }
    if (atomic_load(&v->store_unknown) || atomic_load(&v->catalog_failed)) {
        cofre_why_set(why, COFRE_EIO, "the database failed; see the server's output");
        return false;
    }
    /* Whether it would go well by now only the next batch can tell: red for a while, then try. */
    if (atomic_load(&v->refused) != 0 && vault_clock() - atomic_load(&v->refused) < REFUSED_MS) {
        cofre_why_set(why, COFRE_ESTOPPED, "the last access could not be recorded; see the server's output");
        return false;
    }
    if (atomic_load(&v->anchor_failed)) {
        cofre_why_set(why, COFRE_EIO, "the anchor cannot be written");
        return false;
    }
    return true;
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
}
