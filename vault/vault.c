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
#include "vault/disk.h"
#include "vault/keys.h"
#include "vault/recover.h"

#include "vault/vault_internal.h"

int64_t
vault_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void
vault_today(char out[static 11])
{
    struct normalise_date d = normalise_date_of(vault_now());

    snprintf(out, 11, "%04u-%02u-%02u", (unsigned)d.year % 10000, (unsigned)d.month % 100,
             (unsigned)d.day % 100);
}

/* ---- the struct ---- */

static enum cofre_err
vault_new(const struct cofre_vault_config *config, struct cofre_vault **out)
{
    struct cofre_vault *v = calloc(1, sizeof *v);

    if (v == NULL)
        return COFRE_ENOMEM;
    v->dir_fd = v->lock_fd = v->audit_fd = -1;
    pthread_rwlock_init(&v->keys_lock, NULL);
    pthread_mutex_init(&v->catalog_lock, NULL);
    pthread_mutex_init(&v->committer.lock, NULL);
    pthread_cond_init(&v->committer.wake, NULL);
    pthread_mutex_init(&v->keeper_lock, NULL);
    pthread_cond_init(&v->keeper_wake, NULL);
    *out = v;
    v->dir = strdup(config->dir);
    if (config->anchor != NULL)
        v->anchor_path = strdup(config->anchor);
    if (v->dir == NULL || (config->anchor != NULL && v->anchor_path == NULL))
        return COFRE_ENOMEM;
    return COFRE_OK;
}

static void
vault_free(struct cofre_vault *v)
{
    if (v == NULL)
        return;
    catalog_release(v->catalog);
    store_close(v->store);
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

static struct log_config
log_settings(const struct cofre_vault *v, const struct cofre_vault_config *config)
{
    return (struct log_config){.dir = v->audit_fd,
                               .tmp_dir = v->dir_fd,
                               .signer = &v->signer,
                               .checkpoint_ms = config->checkpoint_ms};
}

static enum cofre_err
open_store(struct cofre_vault *v, const struct cofre_vault_config *config, bool create,
           struct cofre_why *why)
{
    const struct store_config settings = {
        .where = v->dir,
        .key = keyring_active(v->ring, KEYRING_DB, 0, NULL),
        .readers = config->readers > 0 ? config->readers : 4,
        .create = create,
    };

    if (settings.key == NULL)
        return cofre_why_set(why, COFRE_EINTEGRITY, "the keyring lacks the database's key");
    return store_open(&settings, &v->store, why);
}

/* From here on calls are accepted. */
static enum cofre_err
run(struct cofre_vault *v, struct cofre_why *why)
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

static enum cofre_err
take_lock(struct cofre_vault *v, struct cofre_why *why)
{
    v->lock_fd = openat(v->dir_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (v->lock_fd < 0)
        return cofre_why_os(why, COFRE_EIO, errno, "lock");
    if (flock(v->lock_fd, LOCK_EX | LOCK_NB) != 0)
        return cofre_why_set(why, COFRE_EBUSY, "another process has this vault open");
    return COFRE_OK;
}

static enum cofre_err
open_audit(struct cofre_vault *v, struct cofre_why *why)
{
    v->audit_fd = openat(v->dir_fd, "audit", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (v->audit_fd < 0)
        return cofre_why_os(why, COFRE_EINTEGRITY, errno, "audit/");
    return COFRE_OK;
}

enum cofre_err
cofre_vault_open(const struct cofre_vault_config *config, struct cofre_vault **out,
                 struct cofre_why *why)
{
    struct cofre_vault *v = NULL;
    struct log_config log;
    enum cofre_err err;

    *out = NULL;
    if ((err = vault_new(config, &v)) != COFRE_OK || (err = open_dir(v, why)) != COFRE_OK)
        goto fail;
    if (!cofre_vault_exists(v->dir)) {
        err = cofre_why_set(why, COFRE_ENOENT, "there is no vault here (make one with cofre init)");
        goto fail;
    }
    if ((err = take_lock(v, why)) != COFRE_OK || (err = keys_open(v, config, why)) != COFRE_OK ||
        (err = open_audit(v, why)) != COFRE_OK)
        goto fail;
    log = log_settings(v, config);
    if ((err = log_open(&log, &v->log, why)) != COFRE_OK) {
        cofre_why_add(why, err, "audit/");
        goto fail;
    }
    if ((err = open_store(v, config, false, why)) != COFRE_OK ||
        (err = recover_reconcile(v, why)) != COFRE_OK || (err = anchor_check(v, why)) != COFRE_OK ||
        (err = run(v, why)) != COFRE_OK)
        goto fail;
    *out = v;
    return COFRE_OK;
fail:
    if (v != NULL) {
        anchor_stop(v);
        commit_stop(v);
        if (v->log != NULL && log_close(v->log, NULL) != COFRE_OK)
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

    if (token_parse(text, secret) != COFRE_OK)
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

/* ---- making ---- */

static enum cofre_err
make_dir(struct cofre_vault *v, bool *made, struct cofre_why *why)
{
    struct stat st;

    *made = mkdir(v->dir, 0700) == 0;
    if (!*made && errno != EEXIST)
        return cofre_why_os(why, COFRE_EIO, errno, "making the vault's directory");
    if (cofre_vault_exists(v->dir))
        return cofre_why_set(why, COFRE_EEXIST, "there is a vault already");
    v->dir_fd = open(v->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (v->dir_fd < 0 || fstat(v->dir_fd, &st) != 0)
        return cofre_why_os(why, COFRE_EIO, errno, "the vault's directory");
    if (!*made && fchmod(v->dir_fd, 0700) != 0)
        return cofre_why_os(why, COFRE_EIO, errno, "closing the vault's directory to others");
    return COFRE_OK;
}

static enum cofre_err
make_log(struct cofre_vault *v, const struct cofre_vault_config *config, struct cofre_why *why)
{
    struct log_config log;
    enum cofre_err err;

    if (mkdirat(v->dir_fd, "audit", 0700) != 0)
        return cofre_why_os(why, COFRE_EIO, errno, "making audit/");
    if ((err = open_audit(v, why)) != COFRE_OK)
        return err;
    log = log_settings(v, config);
    if ((err = log_create(&log, why)) != COFRE_OK)
        return err;
    return log_open(&log, &v->log, why);
}

static enum cofre_err
put_doc(struct store_conn *w, const char *kind, const char *name, struct bytes body)
{
    struct store_doc doc = {.name = bytes_str(name), .body = body};

    return store_doc_put(w, kind, &doc);
}

/* The default schema and purposes (design 5). */
static enum cofre_err
make_defaults(struct cofre_vault *v, struct cofre_why *why)
{
    struct store_conn *w = store_writer(v->store);
    struct store_head head = {0};
    struct log_head log;
    struct schema *schema = NULL;
    struct buf text = BUF_INIT;
    enum cofre_err err;

    if ((err = schema_parse(bytes_str(schema_default), &schema, why)) != COFRE_OK ||
        (err = schema_merge(NULL, schema, why)) != COFRE_OK)
        goto out;
    schema_write(schema, &text);
    if ((err = buf_error(&text)) != COFRE_OK || (err = store_begin(w)) != COFRE_OK)
        goto out;
    log_head(v->log, &log);
    head.log_size = log.size;
    memcpy(head.log_root, log.root, HASH_LEN);
    if ((err = put_doc(w, CATALOG_SCHEMA, "customers", buf_bytes(&text))) != COFRE_OK ||
        (err = put_doc(w, CATALOG_PURPOSE, "loyalty", BYTES_LIT("consent"))) != COFRE_OK ||
        (err = put_doc(w, CATALOG_PURPOSE, "marketing", BYTES_LIT("consent"))) != COFRE_OK ||
        (err = put_doc(w, CATALOG_PURPOSE, "service", BYTES_LIT("contract"))) != COFRE_OK) {
        store_rollback(w);
        goto out;
    }
    err = store_commit(w, &head);
out:
    schema_free(schema);
    buf_free(&text);
    return err;
}

static enum cofre_err
first_entry(struct cofre_vault *v, const char *actor, struct cofre_why *why)
{
    struct cofre_call call;
    bool recorded;

    cofre_call_init(&call);
    snprintf(call.actor.id, sizeof call.actor.id, "%s", actor);
    call.actor.role = COFRE_ROLE_ADMIN;
    call.act = COFRE_ACT_INIT;
    cofre_submit_wait(v, &call);
    recorded = call.recorded;
    cofre_call_free(&call);
    return recorded ? COFRE_OK : cofre_why_set(why, COFRE_EIO, "the first entry");
}

/* Removes what a failed init made; only files that it can have made. */
static void
unmake(struct cofre_vault *v, bool made)
{
    static const char *const names[] = {"keyslots",     "keyring",      "signing", "vault.db",
                                        "vault.db-wal", "vault.db-shm", "anchor",  "lock",
                                        "keyslots.new", "keyring.new",  "signing.new", "anchor.new"};
    static const char *const below[] = {"audit/checkpoint", "audit/keys/vkeys"};
    static const char *const dirs[] = {"audit/keys", "audit/journal", "audit/tile/entries",
                                       "audit/tile/0", "audit/tile", "audit"};

    if (v->dir_fd < 0)
        return;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unlinkat(v->dir_fd, names[i], 0);
    for (size_t i = 0; i < sizeof below / sizeof *below; i++)
        unlinkat(v->dir_fd, below[i], 0);
    for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++)
        unlinkat(v->dir_fd, dirs[i], AT_REMOVEDIR);
    if (made)
        rmdir(v->dir);
}

enum cofre_err
cofre_vault_create(const struct cofre_vault_config *config, const char *origin, const char *actor,
                   struct buf *vkey, struct cofre_why *why)
{
    struct cofre_vault *v = NULL;
    struct anchor now;
    bool made = false;
    bool ours = false;
    enum cofre_err err;

    if ((err = vault_new(config, &v)) != COFRE_OK || (err = make_dir(v, &made, why)) != COFRE_OK)
        goto out;
    ours = true;
    if ((err = take_lock(v, why)) != COFRE_OK ||
        (err = keys_create(v, config, origin, why)) != COFRE_OK ||
        (err = open_store(v, config, true, why)) != COFRE_OK ||
        (err = make_log(v, config, why)) != COFRE_OK || (err = make_defaults(v, why)) != COFRE_OK ||
        (err = run(v, why)) != COFRE_OK || (err = first_entry(v, actor, why)) != COFRE_OK ||
        (err = anchor_now(v, &now, why)) != COFRE_OK ||
        (err = anchor_write(v, &now, why)) != COFRE_OK)
        goto out;
    note_vkey_put(vkey, &v->signer.verifier);
    err = buf_error(vkey);
out:
    if (v != NULL) {
        commit_stop(v);
        anchor_stop(v);
        if (v->log != NULL) {
            enum cofre_err closed = log_close(v->log, why);
            err = err != COFRE_OK ? err : closed;
        }
        store_close(v->store);
        v->store = NULL;
        if (err != COFRE_OK && ours)
            unmake(v, made);
        vault_free(v);
    }
    return err;
}
