#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/seal.h"
#include "crypto/note_key.h"
#include "vault/anchor.h"
#include "vault/keys.h"
#include "vault/signing.h"
#include "vault/space.h"

#include "vault/vault_internal.h"

/* Making a vault: all of it, or nothing. */

/* What was there before, to be put back when the making fails. */
struct making {
    bool dir;    /* we made it */
    mode_t mode; /* else its mode */
    bool locked; /* nobody else is at it, and what is in it is ours */
};

/* Nothing in it, or the lock alone. */
static enum cofre_err
check_empty(const struct cofre_vault *v, bool locked, struct cofre_why *why)
{
    int fd = openat(v->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *names = fd >= 0 ? fdopendir(fd) : NULL;
    const struct dirent *e;
    bool other = false;

    if (names == NULL) {
        if (fd >= 0)
            close(fd);
        return cofre_why_os(why, COFRE_EIO, errno, "the vault's directory");
    }
    while ((e = readdir(names)) != NULL)
        other = other || !(strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
                           (locked && strcmp(e->d_name, "lock") == 0));
    closedir(names);
    if (!other)
        return COFRE_OK;
    return cofre_why_set(why, COFRE_EEXIST, "%s",
                         cofre_vault_exists(v->dir) ? "there is a vault already"
                                                    : "the directory is not empty");
}

static enum cofre_err
make_dir(struct cofre_vault *v, struct making *m, struct cofre_why *why)
{
    struct stat st;
    enum cofre_err err;

    m->dir = mkdir(v->dir, 0700) == 0;
    if (!m->dir && errno != EEXIST)
        return cofre_why_os(why, COFRE_EIO, errno, "making the vault's directory");
    v->dir_fd = open(v->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (v->dir_fd < 0 || fstat(v->dir_fd, &st) != 0)
        return cofre_why_os(why, COFRE_EIO, errno, "the vault's directory");
    m->mode = st.st_mode & 07777;
    if ((err = check_empty(v, false, why)) != COFRE_OK ||
        (err = vault_take_lock(v, why)) != COFRE_OK)
        return err;
    /* Again, now that nobody else is making one. */
    if ((err = check_empty(v, true, why)) != COFRE_OK)
        return err;
    m->locked = true;
    if (!m->dir && fchmod(v->dir_fd, 0700) != 0)
        return cofre_why_os(why, COFRE_EIO, errno, "closing the vault's directory to others");
    return COFRE_OK;
}

static enum cofre_err
make_log(struct cofre_vault *v, const struct cofre_vault_config *config,
         const struct note_verifier *recovery, struct cofre_why *why)
{
    struct log_config log;
    enum cofre_err err;

    if (mkdirat(v->dir_fd, "audit", 0700) != 0)
        return cofre_why_os(why, COFRE_EIO, errno, "making audit/");
    if ((err = vault_open_audit(v, why)) != COFRE_OK)
        return err;
    log = vault_log_config(v, config);
    log.recovery = recovery;
    if ((err = log_create(&log, why)) != COFRE_OK ||
        (err = log_open(&log, &v->log, why)) != COFRE_OK)
        return err;
    vault_set_origin(v);
    return COFRE_OK;
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
first_entry(struct cofre_vault *v, const char *actor, const struct note_verifier *recovery,
            struct cofre_why *why)
{
    uint8_t hash[HASH_LEN];
    struct buf hex = BUF_INIT;
    struct cofre_call call;
    bool recorded;

    cofre_call_init(&call);
    snprintf(call.actor.id, sizeof call.actor.id, "%s", actor);
    call.actor.role = COFRE_ROLE_ADMIN;
    call.act = COFRE_ACT_INIT;
    if (recovery != NULL) {
        seal_vkey_hash(recovery, hash);
        buf_put_hex(&hex, BYTES_OF(hash));
        cofre_call_field(&call, BYTES_LIT("recovery"));
        cofre_call_field(&call, buf_bytes(&hex));
        call.fields.failed = call.fields.failed || hex.failed;
        buf_free(&hex);
    }
    cofre_submit_wait(v, &call);
    recorded = call.recorded;
    cofre_call_free(&call);
    return recorded ? COFRE_OK : cofre_why_set(why, COFRE_EIO, "the first entry");
}

/* Removes a directory of ours and what is in it, links not followed; done on a best effort. */
static void
remove_below(int dir, const char *name)
{
    int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    DIR *names = fd >= 0 ? fdopendir(fd) : NULL;
    const struct dirent *e;

    if (names == NULL) {
        if (fd >= 0)
            close(fd);
        return;
    }
    while ((e = readdir(names)) != NULL) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        if (unlinkat(fd, e->d_name, 0) != 0 && errno == EISDIR)
            remove_below(fd, e->d_name);
    }
    closedir(names);
    (void)unlinkat(dir, name, AT_REMOVEDIR);
}

/* Leaves things as they were before. */
static void
unmake(struct cofre_vault *v, const struct making *m)
{
    static const char *const names[] = {
        "keyslots",     "keyring",        "signing",      "vault.db",    "vault.db-wal",
        "vault.db-shm", "checkpoint.new", "keyslots.new", "keyring.new", "signing.new",  "signing.old", "reserve", "partials.new"};

    remove_below(v->dir_fd, "audit");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        (void)unlinkat(v->dir_fd, names[i], 0);
    anchor_remove(v);
    if (!m->dir)
        (void)fchmod(v->dir_fd, m->mode);
    (void)unlinkat(v->dir_fd, "lock", 0);
    if (m->dir)
        (void)rmdir(v->dir);
}

/* A pair for the day when the signing key is lost; its private half never lies in the vault. */
static enum cofre_err
make_recovery(struct cofre_vault *v, const struct cofre_vault_config *config,
              struct note_verifier *recovery, struct cofre_why *why)
{
    struct note_signer *pair = NULL;
    struct buf text = BUF_INIT;
    enum cofre_err err;

    if ((err = signing_new(v->signer->verifier.name, &pair)) != COFRE_OK)
        return err;
    *recovery = pair->verifier;
    note_key_put(&text, pair);
    if ((err = buf_error(&text)) == COFRE_OK)
        err = config->keep_recovery(config->keep_ctx, buf_bytes(&text), why);
    signing_free(pair);
    buf_free(&text);
    return err;
}

static enum cofre_err
make(struct cofre_vault *v, const struct cofre_vault_config *config, const char *origin,
     struct note_verifier *recovery, struct cofre_why *why)
{
    const bool with = config->keep_recovery != NULL;
    enum cofre_err err;

    if ((err = keys_create(v, config, origin, why)) != COFRE_OK ||
        (with && (err = make_recovery(v, config, recovery, why)) != COFRE_OK) ||
        (err = vault_open_store(v, config, true, why)) != COFRE_OK ||
        (err = make_log(v, config, with ? recovery : NULL, why)) != COFRE_OK)
        return err;
    return make_defaults(v, why);
}

/* Its first entry and its anchor. */
static enum cofre_err
start(struct cofre_vault *v, const char *actor, const struct note_verifier *recovery,
      struct cofre_why *why)
{
    struct anchor now;
    enum cofre_err err;

    if ((err = vault_run(v, why)) != COFRE_OK || (err = first_entry(v, actor, recovery, why)) != COFRE_OK ||
        (err = anchor_now(v, &now, why)) != COFRE_OK)
        return err;
    return anchor_write(v, &now, why);
}

static enum cofre_err
stop(struct cofre_vault *v, enum cofre_err err, struct cofre_why *why)
{
    enum cofre_err closed;

    commit_stop(v);
    anchor_stop(v);
    closed = log_close(v->log, why);
    v->log = NULL;
    store_close(v->store);
    v->store = NULL;
    return err != COFRE_OK ? err : closed;
}

enum cofre_err
cofre_vault_create(const struct cofre_vault_config *config, const char *origin, const char *actor,
                   struct buf *vkey, struct cofre_why *why)
{
    struct cofre_vault *v = NULL;
    struct making m = {.locked = false};
    struct note_verifier recovery;
    enum cofre_err err;

    if ((err = vault_new(config, &v)) != COFRE_OK ||
        (err = anchor_check_none(v, why)) != COFRE_OK || (err = make_dir(v, &m, why)) != COFRE_OK ||
        (err = make(v, config, origin, &recovery, why)) != COFRE_OK ||
        (err = space_open(v, config, why)) != COFRE_OK ||
        (err = start(v, actor, config->keep_recovery != NULL ? &recovery : NULL, why)) != COFRE_OK)
        goto out;
    note_vkey_put(vkey, &v->signer->verifier);
    err = buf_error(vkey);
out:
    if (v != NULL) {
        err = stop(v, err, why);
        if (err != COFRE_OK && m.locked)
            unmake(v, &m);
        else if (err != COFRE_OK && m.dir)
            (void)rmdir(v->dir); /* empty, or somebody else's by now */
        vault_free(v);
    }
    return err;
}
