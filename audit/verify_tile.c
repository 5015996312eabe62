#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/verify_internal.h"

/* Absent is fine here. */
static enum cofre_err
compare(int dir, const struct tiles_name *name, struct bytes contents, struct buf *scratch,
        struct cofre_why *why)
{
    char path[TILES_PATH_MAX];
    enum cofre_err err = tiles_read(dir, name, scratch, NULL);

    if (err == COFRE_OK && bytes_equal(buf_bytes(scratch), contents))
        return COFRE_OK;
    if (err == COFRE_ENOENT || err == COFRE_ENOMEM)
        return err;
    tiles_path(name, path);
    if (err == COFRE_OK || err == COFRE_EFORMAT)
        return cofre_why_set(why, COFRE_EINTEGRITY, "%s: not what the entries make it", path);
    return cofre_why_set(why, err, "%s: cannot be read", path);
}

static enum cofre_err
compare_partials(int dir, const struct verify_tile *t, DIR *d, struct buf *scratch,
                 struct cofre_why *why)
{
    struct tiles_name name = t->name;
    const struct dirent *e;
    unsigned long width;
    enum cofre_err err = COFRE_OK;

    while ((err == COFRE_OK || err == COFRE_ENOENT) && (e = readdir(d)) != NULL) {
        /* Names that are not a width's, and widths beyond the log, are the walk's to judge. */
        width = strtoul(e->d_name, NULL, 10);
        if (width == 0 || width > t->name.width || width >= TILES_WIDTH)
            continue;
        name.width = (unsigned)width;
        err = compare(dir, &name, (struct bytes){t->contents.p, t->ends[width]}, scratch, why);
    }
    return err == COFRE_ENOENT ? COFRE_OK : err;
}

static enum cofre_err
check_partials(int dir, const struct verify_tile *t, struct buf *scratch, struct cofre_why *why)
{
    const struct tiles_name any = {t->name.level, t->name.index, 1};
    char path[TILES_PATH_MAX];
    enum cofre_err err;
    DIR *d;
    int fd;

    tiles_path(&any, path);
    *strrchr(path, '/') = '\0';
    fd = openat(dir, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? COFRE_OK : cofre_why_os(why, COFRE_EIO, errno, "%s", path);
    if ((d = fdopendir(fd)) == NULL) {
        close(fd);
        return COFRE_ENOMEM;
    }
    err = compare_partials(dir, t, d, scratch, why);
    closedir(d);
    return err;
}

static enum cofre_err
missing(const struct tiles_name *name, struct cofre_why *why)
{
    char path[TILES_PATH_MAX];

    tiles_path(name, path);
    return cofre_why_set(why, COFRE_EINTEGRITY, "%s: missing", path);
}

enum cofre_err
verify_tile_check(int dir, const struct verify_tile *t, struct buf *scratch, struct cofre_why *why)
{
    enum cofre_err err = COFRE_OK;

    if (t->name.width == TILES_WIDTH && !t->is_file)
        err = compare(dir, &t->name, t->contents, scratch, why);
    if (err == COFRE_ENOENT && t->needed)
        return missing(&t->name, why);
    if (err != COFRE_OK && err != COFRE_ENOENT)
        return err;
    return check_partials(dir, t, scratch, why);
}
