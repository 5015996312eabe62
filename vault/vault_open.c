#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vault/anchor.h"
#include "vault/keys.h"
#include "vault/recover.h"
#include "vault/rows.h"
#include "vault/signing.h"
#include "vault/space.h"
#include "vault/timestamps.h"
#include "vault/witnesses.h"

#include "vault/vault_internal.h"

/* Opening a vault that is there, and closing it. */

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

void
vault_set_origin(struct cofre_vault *v)
{
    struct note_verifier first;

    if (log_epoch(v->log, 1, &first, NULL))
        memcpy(v->origin, first.name, sizeof v->origin);
}

/* A log that does not verify in itself: there is nothing that anyone could declare. */
static enum cofre_err
log_refused(enum cofre_err err, const struct findings *found, struct cofre_why *why)
{
    size_t len;

    cofre_why_add(why, err, "audit/");
    if (err != COFRE_EINTEGRITY || why == NULL)
        return err;
    len = strlen(why->text);
    snprintf(why->text + len, sizeof why->text - len, "; put audit/ back from a copy%s",
             found->collect ? ": nothing can be declared over a log that does not verify" : "");
    return err;
}

enum cofre_err
vault_check(struct cofre_vault *v, const struct cofre_vault_config *config, struct findings *found,
            struct cofre_why *why)
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
    if (v->certifier != NULL && (err = signing_lost(v, why)) != COFRE_OK)
        return err;
    if ((err = witnesses_open(v, config, why)) != COFRE_OK)
        return err;
    log = vault_log_config(v, config);
    if ((err = log_open_held(&log, &v->log, why)) != COFRE_OK)
        return log_refused(err, found, why);
    vault_set_origin(v);
    if ((err = vault_open_store(v, config, false, why)) != COFRE_OK ||
        (err = recover_check(v, found, why)) != COFRE_OK ||
        (err = anchor_check(v, found, why)) != COFRE_OK)
        return err;
    return rows_check(v, found, why);
}

enum cofre_err
vault_start_log(struct cofre_vault *v, const struct cofre_vault_config *config, struct cofre_why *why)
{
    enum cofre_err err;

    /* Before anything is signed again. */
    if ((err = timestamps_settle(v, why)) != COFRE_OK ||
        (err = space_open(v, config, why)) != COFRE_OK)
        return err;
    if ((err = log_start(v->log, why)) == COFRE_OK && log_commit(v->log, NULL) != COFRE_OK) {
        /* What a crash left owing: the reserve is for that. */
        space_give_up(v);
        err = log_commit(v->log, why);
    }
    if (err != COFRE_OK)
        return cofre_why_add(why, err, "%s/audit", v->dir);
    return signing_settle(v, why);
}

/* The start is accepted: from here on the vault's files are ours to change. */
static enum cofre_err
begin(struct cofre_vault *v, const struct cofre_vault_config *config, struct cofre_why *why)
{
    enum cofre_err err;

    if ((err = vault_start_log(v, config, why)) != COFRE_OK ||
        (err = rows_upgrade(v, why)) != COFRE_OK || (err = vault_run(v, why)) != COFRE_OK ||
        (err = witnesses_start(v, why)) != COFRE_OK)
        return err;
    return rows_start(v, why);
}

enum cofre_err
cofre_vault_open(const struct cofre_vault_config *config, struct cofre_vault **out,
                 struct cofre_why *why)
{
    struct findings found = {.collect = false};
    struct cofre_vault *v = NULL;
    enum cofre_err err;

    *out = NULL;
    if ((err = vault_new(config, &v)) == COFRE_OK &&
        (err = vault_check(v, config, &found, why)) != COFRE_OK)
        store_leave_files(v->store);
    if (err == COFRE_OK && (err = begin(v, config, why)) == COFRE_OK) {
        *out = v;
        return COFRE_OK;
    }
    if (v != NULL) {
        rows_stop(v);
        commit_stop(v);
        anchor_stop(v);
        witnesses_stop(v);
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
    rows_stop(v);
    commit_stop(v);
    anchor_stop(v);
    witnesses_stop(v);
    err = log_close(v->log, why);
    vault_free(v);
    return err;
}
