#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cofre/oplog.h"
#include "cofre/secret.h"
#include "crypto/pae.h"
#include "vault/disk.h"

#include "vault/anchor.h"

/*
 *     0          8         24            28           32         40              48        56
 *     +----------+---------+-------------+------------+----------+---------------+---------+------+-----+
 *     | COFREANC | vault   | incarnation | zero       | database | keyring       | log     | root | MAC |
 *     | 8        | 16      | LE32        | LE32       | LE64 gen | LE64 gen      | LE64    | 32   | 32  |
 *     +----------+---------+-------------+------------+----------+---------------+---------+------+-----+
 */
enum { ANCHOR_BODY = 56 + HASH_LEN, ANCHOR_LEN = ANCHOR_BODY + HASH_LEN, KEEP_MS = 500 };

static void
mac(const struct cofre_vault *v, struct bytes body, uint8_t out[static HASH_LEN])
{
    struct hmac_key k;

    hmac_key_init(&k, (struct bytes){v->keys->anchor, KEY_LEN});
    pae_hmac(&k, "cofre/v1/anchor-file", &body, 1, out);
    secret_wipe(&k, sizeof k);
}

/* The directory and name of the anchor's file; the directory is to be closed unless it is v's. */
static int
place(const struct cofre_vault *v, char **name, char **copy)
{
    char *dir;
    int fd;

    *copy = NULL;
    if (v->anchor_path == NULL) {
        *name = (char *)(uintptr_t) "anchor";
        return v->dir_fd;
    }
    if ((*copy = strdup(v->anchor_path)) == NULL || (dir = strdup(v->anchor_path)) == NULL) {
        free(*copy);
        *copy = NULL;
        return -1;
    }
    *name = basename(*copy);
    fd = open(dirname(dir), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(dir);
    return fd;
}

static void
leave(const struct cofre_vault *v, int fd, char *copy)
{
    if (fd >= 0 && fd != v->dir_fd)
        close(fd);
    free(copy);
}

enum cofre_err
anchor_read(const struct cofre_vault *v, struct anchor *out, struct cofre_why *why)
{
    struct buf file = BUF_INIT;
    struct reader r;
    uint8_t tag[HASH_LEN];
    char *name = NULL;
    char *copy = NULL;
    int fd = place(v, &name, &copy);
    enum cofre_err err;

    if (fd < 0)
        err = cofre_why_os(why, COFRE_EIO, errno, "the anchor's directory");
    else
        err = disk_read(fd, name, ANCHOR_LEN, &file, why);
    if (err == COFRE_ERANGE)
        err = COFRE_EINTEGRITY;
    if (err != COFRE_OK)
        goto out;
    err = COFRE_EINTEGRITY;
    if (file.len == ANCHOR_LEN)
        mac(v, (struct bytes){file.p, ANCHOR_BODY}, tag);
    if (file.len != ANCHOR_LEN ||
        !secret_equal(BYTES_OF(tag), (struct bytes){file.p + ANCHOR_BODY, HASH_LEN}) ||
        memcmp(file.p, "COFREANC", 8) != 0 || memcmp(file.p + 8, v->id, sizeof v->id) != 0) {
        cofre_why_set(why, err, "the anchor was altered, or is another vault's");
        goto out;
    }
    r = reader_of((struct bytes){file.p + 24, ANCHOR_BODY - 24});
    out->incarnation = reader_le32(&r);
    (void)reader_le32(&r);
    out->generation = reader_le64(&r);
    out->keyring_generation = reader_le64(&r);
    out->log_size = reader_le64(&r);
    memcpy(out->log_root, reader_take(&r, HASH_LEN).p, HASH_LEN);
    err = COFRE_OK;
out:
    leave(v, fd, copy);
    buf_free(&file);
    return err;
}

enum cofre_err
anchor_write(const struct cofre_vault *v, const struct anchor *a, struct cofre_why *why)
{
    struct buf file = BUF_INIT;
    uint8_t tag[HASH_LEN];
    char *name = NULL;
    char *copy = NULL;
    int fd = place(v, &name, &copy);
    enum cofre_err err;

    if (fd < 0) {
        err = cofre_why_os(why, COFRE_EIO, errno, "the anchor's directory");
        goto out;
    }
    buf_puts(&file, "COFREANC");
    buf_put(&file, v->id, sizeof v->id);
    buf_put_le32(&file, a->incarnation);
    buf_put_le32(&file, 0);
    buf_put_le64(&file, a->generation);
    buf_put_le64(&file, a->keyring_generation);
    buf_put_le64(&file, a->log_size);
    buf_put(&file, a->log_root, HASH_LEN);
    mac(v, buf_bytes(&file), tag);
    buf_put(&file, tag, sizeof tag);
    if ((err = buf_error(&file)) == COFRE_OK)
        err = disk_replace(fd, name, buf_bytes(&file), why);
out:
    leave(v, fd, copy);
    buf_free(&file);
    return err;
}

enum cofre_err
anchor_check_none(const struct cofre_vault *v, struct cofre_why *why)
{
    struct stat st;

    if (v->anchor_path == NULL || lstat(v->anchor_path, &st) != 0)
        return COFRE_OK;
    return cofre_why_set(why, COFRE_EEXIST, "there is an anchor already, perhaps another vault's");
}

void
anchor_remove(const struct cofre_vault *v)
{
    char *name = NULL;
    char *copy = NULL;
    int fd = place(v, &name, &copy);

    if (fd >= 0)
        (void)unlinkat(fd, name, 0);
    leave(v, fd, copy);
}

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
    *out = (struct anchor){.incarnation = 1,
                           .generation = db.generation,
                           .keyring_generation = keyring_generation(v->ring),
                           .log_size = log.size};
    pthread_rwlock_unlock(&v->keys_lock);
    memcpy(out->log_root, log.root, HASH_LEN);
    return err;
}

/* When the entries that an anchor does not cover were written. */
struct uncovered {
    struct entry_parsed *parsed;
    uint64_t first_ts;
    uint64_t last_ts;
    bool any;
    bool stopped; /* the last one is a clean stop */
};

static enum cofre_err
look_at(void *ctx, uint64_t seq, struct bytes line)
{
    struct uncovered *u = ctx;

    (void)seq;
    if (entry_parse(line, u->parsed) != COFRE_OK)
        return COFRE_EINTEGRITY;
    if (!u->any)
        u->first_ts = u->parsed->e.ts;
    u->any = true;
    u->last_ts = u->parsed->e.ts;
    u->stopped = bytes_equal(u->parsed->e.act, bytes_str(cofre_act_text(COFRE_ACT_STOP)));
    return COFRE_OK;
}

/*
 * A crash leaves an anchor that is half a second old, and the vault stops by itself before it gets much
 * older.  One that is older than that was put back.
 */
static enum cofre_err
check_lag(struct cofre_vault *v, const struct anchor *then, const struct anchor *now,
          struct cofre_why *why)
{
    struct uncovered u = {.parsed = malloc(sizeof *u.parsed)};
    uint64_t most = ANCHOR_LAG_MS;
    enum cofre_err err;

    if (u.parsed == NULL)
        return COFRE_ENOMEM;
    err = now->log_size == then->log_size ? COFRE_OK
                                          : log_entries(v->log, then->log_size, 1, look_at, &u, why);
    if (err == COFRE_OK && u.any)
        err = log_entries(v->log, now->log_size - 1, 1, look_at, &u, why);
    if (u.stopped)
        most = ANCHOR_STOP_LAG_MS;
    free(u.parsed);
    if (err != COFRE_OK || !u.any || u.last_ts <= u.first_ts || u.last_ts - u.first_ts <= most)
        return err;
    return cofre_why_set(why, COFRE_EINTEGRITY,
                         "the anchor is older than audit/: it saw %llu entries of %llu, and those that it "
                         "lacks span %llu seconds; put the newer anchor back",
                         (unsigned long long)then->log_size, (unsigned long long)now->log_size,
                         (unsigned long long)((u.last_ts - u.first_ts) / 1000));
}

enum cofre_err
anchor_check(struct cofre_vault *v, struct cofre_why *why)
{
    struct anchor then;
    struct anchor now;
    uint8_t root[HASH_LEN];
    enum cofre_err err;

    err = anchor_read(v, &then, why);
    if (err == COFRE_ENOENT)
        return cofre_why_add(why, COFRE_EINTEGRITY, "the anchor is missing");
    if (err != COFRE_OK || (err = anchor_now(v, &now, why)) != COFRE_OK)
        return err;
    if (now.log_size < then.log_size)
        return cofre_why_set(why, COFRE_EINTEGRITY,
                             "audit/ ends at entry %llu and is older than the anchor, which saw %llu; "
                             "put the newer audit/ back",
                             (unsigned long long)now.log_size, (unsigned long long)then.log_size);
    if ((err = log_root_at(v->log, then.log_size, root, why)) != COFRE_OK)
        return err;
    if (memcmp(root, then.log_root, HASH_LEN) != 0)
        return cofre_why_set(why, COFRE_EINTEGRITY,
                             "audit/ is another history than the one the anchor saw (at entry %llu)",
                             (unsigned long long)then.log_size);
    if ((err = check_lag(v, &then, &now, why)) != COFRE_OK)
        return err;
    if (now.generation < then.generation)
        return cofre_why_set(why, COFRE_EINTEGRITY,
                             "vault.db (generation %llu) is older than the anchor (%llu); put the newer "
                             "database back, with its -wal file",
                             (unsigned long long)now.generation,
                             (unsigned long long)then.generation);
    if (now.keyring_generation < then.keyring_generation)
        return cofre_why_set(why, COFRE_EINTEGRITY,
                             "keyring (generation %llu) is older than the anchor (%llu); put the newer "
                             "keyring back",
                             (unsigned long long)now.keyring_generation,
                             (unsigned long long)then.keyring_generation);
    return COFRE_OK;
}

static bool
same(const struct anchor *a, const struct anchor *b)
{
    return a->generation == b->generation && a->keyring_generation == b->keyring_generation &&
           a->log_size == b->log_size;
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
