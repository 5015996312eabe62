#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "place.h"
#include "secretin.h"

#include "recovery.h"

struct recovery_file
recovery_of(const struct options *o)
{
    return (struct recovery_file){.path = options_text(o, OPT_RECOVERY_KEY),
                                  .vault = secretin_vault(o)};
}

static enum cofre_err
check_place(const struct recovery_file *f, struct cofre_why *why)
{
    bool inside = false;
    enum cofre_err err = place_inside(f->path, f->vault, &inside, why);

    if (err == COFRE_OK && inside)
        err = cofre_why_set(why, COFRE_EREFUSED,
                            "%s lies in the vault's directory: who takes the vault would have the key "
                            "that outlives its signing key; keep it offline",
                            f->path);
    return err;
}

static enum cofre_err
write_all(int fd, struct bytes b)
{
    while (b.len > 0) {
        ssize_t n = write(fd, b.p, b.len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return COFRE_EIO;
        b.p += n;
        b.len -= (size_t)n;
    }
    return fsync(fd) == 0 ? COFRE_OK : COFRE_EIO;
}

enum cofre_err
recovery_keep(void *ctx, struct bytes private_key, struct cofre_why *why)
{
    struct recovery_file *f = ctx;
    enum cofre_err err;
    int fd;

    if ((err = check_place(f, why)) != COFRE_OK)
        return err;
    fd = open(f->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return cofre_why_os(why, errno == EEXIST ? COFRE_EEXIST : COFRE_EIO, errno, "%s", f->path);
    f->made = true;
    if ((err = write_all(fd, private_key)) != COFRE_OK)
        cofre_why_os(why, err, errno, "%s", f->path);
    if (close(fd) != 0 && err == COFRE_OK)
        err = cofre_why_os(why, COFRE_EIO, errno, "%s", f->path);
    if (err == COFRE_OK)
        err = place_sync_parent(f->path, why);
    if (err != COFRE_OK)
        recovery_undo(f);
    return err;
}

void
recovery_undo(const struct recovery_file *f)
{
    if (f->made)
        (void)unlink(f->path);
}

/* Where, and whose: the same rules as for a key file. */
enum cofre_err
recovery_read(const struct recovery_file *f, struct buf *out, struct cofre_why *why)
{
    struct stat st;
    ssize_t n = 0;
    enum cofre_err err;
    int fd;

    if ((err = check_place(f, why)) != COFRE_OK)
        return err;
    if ((fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)) < 0)
        return cofre_why_os(why, errno == ENOENT ? COFRE_ENOENT : COFRE_EIO, errno, "%s", f->path);
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        err = cofre_why_set(why, COFRE_EREFUSED, "%s is not an ordinary file", f->path);
    else if ((st.st_uid != geteuid() && st.st_uid != 0) || (st.st_mode & 077) != 0)
        err = cofre_why_set(why, COFRE_EREFUSED, "%s is open to others (chmod 600 it)", f->path);
    else if (buf_reserve(out, 1024) == NULL)
        err = COFRE_ENOMEM;
    else if ((n = read(fd, out->p, 1024)) < 0)
        err = cofre_why_os(why, COFRE_EIO, errno, "%s", f->path);
    out->len = n > 0 ? (size_t)n : 0;
    (void)close(fd);
    return err;
}
