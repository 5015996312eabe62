#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/log_prune.h"
#include "cofre/encode.h"
#include "vault/disk.h"

#include "vault/timestamps.h"

static const char staged_checkpoint[] = "timestamp.checkpoint";
static const char staged_reply[] = "timestamp.tsr";

enum { NAME_MAX_LEN = 64 };

static void
name_of(uint64_t size, const char *suffix, char out[static NAME_MAX_LEN])
{
    snprintf(out, NAME_MAX_LEN, "time/%" PRIu64 "%s", size, suffix);
}

bool
timestamps_there(struct cofre_vault *v, uint64_t size)
{
    char name[NAME_MAX_LEN];
    struct stat st;

    name_of(size, ".checkpoint", name);
    return fstatat(v->audit_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* The checkpoint goes last: without it nothing else that is staged means anything. */
static enum cofre_err
drop(struct cofre_vault *v, struct cofre_why *why)
{
    const char *const names[] = {staged_reply, staged_checkpoint};

    for (size_t i = 0; i < 2; i++)
        if (unlinkat(v->dir_fd, names[i], 0) != 0 && errno != ENOENT)
            return cofre_why_os(why, COFRE_EIO, errno, "removing %s", names[i]);
    return disk_sync_dir(v->dir_fd, why);
}

enum cofre_err
timestamps_stage(struct cofre_vault *v, const struct timestamps_pair *pair, struct cofre_why *why)
{
    enum cofre_err err = disk_replace(v->dir_fd, staged_checkpoint, pair->checkpoint, why);

    if (err == COFRE_OK)
        err = disk_replace(v->dir_fd, staged_reply, pair->reply, why);
    if (err != COFRE_OK && drop(v, NULL) != COFRE_OK)
        return err; /* the next start, or the next time stamp, tries again */
    return err;
}

/* ---- settling ---- */

struct staged {
    struct buf text;
    uint64_t size;
    uint8_t hash[HASH_LEN];
    bool named; /* by an entry, which names this reply: */
    uint8_t reply_hash[HASH_LEN];
    struct entry_parsed *parsed;
};

static bool
read_hex(struct bytes text, uint8_t out[static HASH_LEN])
{
    struct buf raw = BUF_INIT;
    bool ok = encode_hex_decode(&raw, text) == COFRE_OK && raw.len == HASH_LEN;

    if (ok)
        memcpy(out, raw.p, HASH_LEN);
    buf_free(&raw);
    return ok;
}

/* Is it the entry of what is staged? */
static enum cofre_err
look(void *ctx, uint64_t seq, struct bytes line)
{
    static const char act[] = "\"act\":\"audit-timestamp\"";
    struct staged *s = ctx;
    const struct entry *e = &s->parsed->e;
    uint8_t hash[HASH_LEN];
    char size[NAME_MAX_LEN];

    (void)seq;
    if (memmem(line.p, line.len, act, sizeof act - 1) == NULL ||
        entry_parse(line, s->parsed) != COFRE_OK || !e->ok || e->n_fields != 3)
        return COFRE_OK;
    snprintf(size, sizeof size, "size-%" PRIu64, s->size);
    if (bytes_equal(e->fields[0], bytes_str(size)) && read_hex(e->fields[1], hash) &&
        memcmp(hash, s->hash, HASH_LEN) == 0 && read_hex(e->fields[2], s->reply_hash))
        s->named = true;
    return COFRE_OK;
}

/* Reads the checkpoint that is staged, and finds its entry, which came after what it covers. */
static enum cofre_err
find(struct cofre_vault *v, struct staged *s, struct cofre_why *why)
{
    struct checkpoint c;
    struct note note;
    uint64_t from;
    enum cofre_err err;

    if ((err = disk_read(v->dir_fd, staged_checkpoint, CHECKPOINT_MAX, &s->text, why)) != COFRE_OK)
        return err;
    /* What was never whole was never named. */
    if (note_parse(buf_bytes(&s->text), &note) != COFRE_OK ||
        checkpoint_parse(note.text, &c) != COFRE_OK)
        return COFRE_OK;
    s->size = c.size;
    hash_of(buf_bytes(&s->text), s->hash);
    from = log_prune_first(v->log) > c.size ? log_prune_first(v->log) : c.size;
    if ((s->parsed = malloc(sizeof *s->parsed)) == NULL)
        return COFRE_ENOMEM;
    err = log_entries(v->log, from, UINT64_MAX, look, s, why);
    free(s->parsed);
    return err;
}

static enum cofre_err
place(struct cofre_vault *v, const char *staged, uint64_t size, const char *suffix,
      struct cofre_why *why)
{
    char name[NAME_MAX_LEN];

    name_of(size, suffix, name);
    if (renameat(v->dir_fd, staged, v->audit_fd, name) != 0)
        return cofre_why_os(why, errno == ENOSPC ? COFRE_ENOSPC : COFRE_EIO, errno, "audit/%s",
                            name);
    return COFRE_OK;
}

/* The reply, if it has not got its name yet: is it what the entry names? */
static enum cofre_err
place_reply(struct cofre_vault *v, const struct staged *s, struct cofre_why *why)
{
    struct buf reply = BUF_INIT;
    uint8_t hash[HASH_LEN];
    enum cofre_err err = disk_read(v->dir_fd, staged_reply, TSA_REPLY_MAX, &reply, why);

    if (err == COFRE_OK) {
        hash_of(buf_bytes(&reply), hash);
        if (memcmp(hash, s->reply_hash, HASH_LEN) != 0)
            err = cofre_why_set(why, COFRE_EINTEGRITY, "timestamp.tsr is not what the log names");
        else
            err = place(v, staged_reply, s->size, ".tsr", why);
    }
    buf_free(&reply);
    return err == COFRE_ENOENT ? COFRE_OK : err;
}

static enum cofre_err
sync_time(struct cofre_vault *v, struct cofre_why *why)
{
    enum cofre_err err;
    int fd = openat(v->audit_fd, "time", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

    if (fd < 0)
        return cofre_why_os(why, COFRE_EIO, errno, "audit/time");
    err = disk_sync_dir(fd, why);
    close(fd);
    return err;
}

static enum cofre_err
place_both(struct cofre_vault *v, const struct staged *s, struct cofre_why *why)
{
    enum cofre_err err;

    if (mkdirat(v->audit_fd, "time", 0700) != 0 && errno != EEXIST)
        return cofre_why_os(why, errno == ENOSPC ? COFRE_ENOSPC : COFRE_EIO, errno, "audit/time");
    if ((err = disk_sync_dir(v->audit_fd, why)) != COFRE_OK ||
        (err = place_reply(v, s, why)) != COFRE_OK || (err = sync_time(v, why)) != COFRE_OK ||
        (err = place(v, staged_checkpoint, s->size, ".checkpoint", why)) != COFRE_OK ||
        (err = sync_time(v, why)) != COFRE_OK)
        return err;
    return disk_sync_dir(v->dir_fd, why);
}

enum cofre_err
timestamps_settle(struct cofre_vault *v, struct cofre_why *why)
{
    struct staged s = {.text = BUF_INIT};
    struct cofre_why none = {""};
    struct stat st;
    enum cofre_err err;

    if (fstatat(v->dir_fd, staged_checkpoint, &st, AT_SYMLINK_NOFOLLOW) != 0 &&
        fstatat(v->dir_fd, staged_reply, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return COFRE_OK;
    err = find(v, &s, &none);
    if (err == COFRE_OK || err == COFRE_ENOENT)
        err = s.named ? place_both(v, &s, why) : drop(v, why);
    else
        cofre_why_set(why, err, "%s", none.text);
    buf_free(&s.text);
    return err;
}
