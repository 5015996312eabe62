#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cofre/secret.h"
#include "crypto/pae.h"
#include "vault/disk.h"

#include "vault/anchor.h"

/* A flag: the database had sums over its rows. */
static const uint32_t SUMMED = 1;

/*
 *     0          8         24            28           32         40              48        56
 *     +----------+---------+-------------+------------+----------+---------------+---------+------+-----+
 *     | COFREANC | vault   | incarnation | flags      | database | keyring       | log     | root | MAC |
 *     | 8        | 16      | LE32        | LE32       | LE64 gen | LE64 gen      | LE64    | 32   | 32  |
 *     +----------+---------+-------------+------------+----------+---------------+---------+------+-----+
 */
enum { ANCHOR_BODY = 56 + HASH_LEN, ANCHOR_LEN = ANCHOR_BODY + HASH_LEN };

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
    out->summed = (reader_le32(&r) & SUMMED) != 0;
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
    buf_put_le32(&file, a->summed ? SUMMED : 0);
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
