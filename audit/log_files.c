#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "audit/checkpoint.h"
#include "audit/files.h"
#include "audit/log_internal.h"

enum { VKEYS_MAX = 64 * 1024 };

static const char checkpoint_tmp[] = "checkpoint.new";

/* ---- keys/vkeys ---- */

static enum cofre_err
vkey_line(const struct note_signer *s, struct buf *out)
{
    note_vkey_put(out, &s->verifier);
    buf_putc(out, '\n');
    return buf_error(out);
}

enum cofre_err
log_files_put_vkey(int dir, const struct note_signer *s, struct cofre_why *why)
{
    struct buf line = BUF_INIT;
    enum cofre_err err = vkey_line(s, &line);

    if (err == COFRE_OK)
        err = files_put(dir, "keys/vkeys", buf_bytes(&line), why);
    buf_free(&line);
    return err;
}

static bool
ends_with_line(struct bytes text, struct bytes line)
{
    size_t before = text.len - line.len;

    if (text.len < line.len)
        return false;
    return bytes_equal((struct bytes){text.p + before, line.len}, line) &&
           (before == 0 || text.p[before - 1] == '\n');
}

enum cofre_err
log_files_check_vkey(int dir, const struct note_signer *s, struct cofre_why *why)
{
    struct buf line = BUF_INIT;
    struct buf file = BUF_INIT;
    enum cofre_err err;

    err = files_read(dir, "keys/vkeys", VKEYS_MAX, &file, why);
    if (err == COFRE_OK)
        err = vkey_line(s, &line);
    if (err == COFRE_OK && !ends_with_line(buf_bytes(&file), buf_bytes(&line)))
        err = cofre_why_set(why, COFRE_EINTEGRITY,
                            "keys/vkeys: does not end with the key that signs");
    if (err == COFRE_ENOENT || err == COFRE_EFORMAT)
        err = COFRE_EINTEGRITY;
    buf_free(&line);
    buf_free(&file);
    return err;
}

/* ---- the checkpoint ---- */

static enum cofre_err
failed(struct cofre_why *why, const char *what)
{
    int os_error = errno;
    bool full = os_error == ENOSPC || os_error == EDQUOT;

    return cofre_why_os(why, full ? COFRE_ENOSPC : COFRE_EIO, os_error, "checkpoint: %s", what);
}

static bool
write_all(int fd, struct bytes b)
{
    ssize_t n;

    while (b.len > 0) {
        n = write(fd, b.p, b.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        b.p += n;
        b.len -= (size_t)n;
    }
    return true;
}

enum cofre_err
log_files_publish(int dir, int tmp_dir, struct bytes checkpoint, struct cofre_why *why)
{
    enum cofre_err err = COFRE_OK;
    int fd = openat(tmp_dir, checkpoint_tmp, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
                    0600);

    if (fd < 0)
        return failed(why, "create");
    if (!write_all(fd, checkpoint))
        err = failed(why, "write");
    else if (fsync(fd) != 0)
        err = failed(why, "fsync");
    (void)close(fd);
    if (err == COFRE_OK && renameat(tmp_dir, checkpoint_tmp, dir, "checkpoint") != 0)
        err = failed(why, "rename");
    if (err == COFRE_OK && fsync(dir) != 0)
        err = failed(why, "fsync of the directory");
    if (err != COFRE_OK)
        (void)unlinkat(tmp_dir, checkpoint_tmp, 0);
    return err;
}

enum cofre_err
log_files_checkpoint(int dir, const struct note_signer *s, struct buf *text, struct log_head *out,
                     struct cofre_why *why)
{
    struct checkpoint c;
    enum cofre_err err = files_read(dir, "checkpoint", CHECKPOINT_MAX, text, why);

    if (err == COFRE_ENOENT || err == COFRE_EFORMAT)
        return COFRE_EINTEGRITY;
    if (err != COFRE_OK)
        return err;
    err = checkpoint_open(buf_bytes(text), &s->verifier, &c);
    if (err == COFRE_ENOMEM)
        return err;
    if (err != COFRE_OK)
        return cofre_why_set(why, COFRE_EINTEGRITY, "checkpoint: not one that this key signed");
    out->size = c.size;
    memcpy(out->root, c.root, HASH_LEN);
    return COFRE_OK;
}
