#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "audit/files.h"
#include "audit/log_internal.h"

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

enum cofre_err
log_files_put_recovery(int dir, const struct note_verifier *v, struct cofre_why *why)
{
    struct buf line = BUF_INIT;
    enum cofre_err err;

    note_vkey_put(&line, v);
    buf_putc(&line, '\n');
    if ((err = buf_error(&line)) == COFRE_OK)
        err = files_put(dir, LOG_RECOVERY, buf_bytes(&line), why);
    buf_free(&line);
    return err;
}

/* ---- files that are replaced ---- */

static enum cofre_err
failed(struct cofre_why *why, const char *path, const char *what)
{
    int os_error = errno;
    bool full = os_error == ENOSPC || os_error == EDQUOT;

    return cofre_why_os(why, full ? COFRE_ENOSPC : COFRE_EIO, os_error, "%s: %s", path, what);
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

/* The name of path in its directory, and that directory's descriptor. */
static const char *
enter(int dir, const char *path, int *parent)
{
    char step[FILES_PATH_MAX];
    const char *slash = strrchr(path, '/');

    (void)snprintf(step, sizeof step, "%.*s", slash == NULL ? 1 : (int)(slash - path),
                   slash == NULL ? "." : path);
    *parent = openat(dir, step, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return slash == NULL ? path : slash + 1;
}

static enum cofre_err
prepare(int tmp_dir, const char *tmp, struct bytes contents, struct cofre_why *why)
{
    int fd = openat(tmp_dir, tmp, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    enum cofre_err err = COFRE_OK;

    if (fd < 0)
        return failed(why, tmp, "create");
    if (!write_all(fd, contents))
        err = failed(why, tmp, "write");
    else if (fsync(fd) != 0)
        err = failed(why, tmp, "fsync");
    (void)close(fd);
    return err;
}

enum cofre_err
log_files_replace(const struct log_place *place, const char *path, struct bytes contents,
                  struct cofre_why *why)
{
    int parent;
    const char *name = enter(place->dir, path, &parent);
    char tmp[FILES_PATH_MAX];
    enum cofre_err err;

    if (parent < 0)
        return failed(why, path, "open of the directory");
    (void)snprintf(tmp, sizeof tmp, "%s.new", name);
    err = prepare(place->tmp_dir, tmp, contents, why);
    if (err == COFRE_OK && renameat(place->tmp_dir, tmp, parent, name) != 0)
        err = failed(why, path, "rename");
    if (err == COFRE_OK && fsync(parent) != 0)
        err = failed(why, path, "fsync of the directory");
    if (err != COFRE_OK)
        (void)unlinkat(place->tmp_dir, tmp, 0);
    (void)close(parent);
    return err;
}

enum cofre_err
log_files_publish(int dir, int tmp_dir, struct bytes checkpoint, struct cofre_why *why)
{
    return log_files_replace(&(struct log_place){dir, tmp_dir}, "checkpoint", checkpoint, why);
}
