#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "place.h"

/* The directory part: "." where there is none. */
static enum cofre_err
parent_of(const char *path, char out[static PATH_MAX])
{
    const char *slash = strrchr(path, '/');
    size_t len = slash == NULL ? 0 : slash == path ? 1 : (size_t)(slash - path);

    if (len >= PATH_MAX)
        return COFRE_ERANGE;
    memcpy(out, slash == NULL ? "." : path, slash == NULL ? 1 : len);
    out[slash == NULL ? 1 : len] = 0;
    return COFRE_OK;
}

/*
 * The real path of what exists, and behind it the rest as it is written.  "missing/.." is not
 * resolved, which cannot matter: such a path cannot be opened either.
 */
static enum cofre_err
real_path(const char *path, char out[static PATH_MAX])
{
    char head[PATH_MAX];
    char real[PATH_MAX];
    size_t len = strnlen(path, PATH_MAX);
    size_t rest;

    while (len > 1 && path[len - 1] == '/')
        len--;
    if (len == 0 || len >= PATH_MAX)
        return COFRE_ERANGE;
    memcpy(head, path, len);
    head[len] = 0;

    for (rest = len;;) {
        const char *slash;

        if (realpath(head, real) != NULL)
            break;
        if (errno != ENOENT)
            return COFRE_EIO;
        if ((slash = strrchr(head, '/')) == NULL) {
            rest = 0;
            if (realpath(".", real) == NULL)
                return COFRE_EIO;
            break;
        }
        rest = (size_t)(slash - head);
        head[rest == 0 ? 1 : rest] = 0;
    }
    while (rest < len && path[rest] == '/')
        rest++;
    if (snprintf(out, PATH_MAX, "%s%s%.*s", strcmp(real, "/") == 0 ? "" : real,
                 rest < len || strcmp(real, "/") == 0 ? "/" : "", (int)(len - rest),
                 path + rest) >= PATH_MAX)
        return COFRE_ERANGE;
    return COFRE_OK;
}

enum cofre_err
place_inside(const char *path, const char *dir, bool *inside, struct cofre_why *why)
{
    char real[PATH_MAX];
    char real_dir[PATH_MAX];
    size_t len;

    if (real_path(path, real) != COFRE_OK)
        return cofre_why_set(why, COFRE_EIO, "%s: no such place", path);
    if (real_path(dir, real_dir) != COFRE_OK)
        return cofre_why_set(why, COFRE_EIO, "%s: no such place", dir);
    len = strlen(real_dir);
    *inside = strncmp(real, real_dir, len) == 0 && (real[len] == 0 || real[len] == '/');
    return COFRE_OK;
}

bool
place_same_volume(const char *a, const char *b)
{
    struct stat st_a;
    struct stat st_b;

    return stat(a, &st_a) == 0 && stat(b, &st_b) == 0 && st_a.st_dev == st_b.st_dev;
}

enum cofre_err
place_sync_parent(const char *path, struct cofre_why *why)
{
    char parent[PATH_MAX];
    int failed;
    int fd;

    if (parent_of(path, parent) != COFRE_OK)
        return cofre_why_set(why, COFRE_EIO, "%s: the name is too long", path);
    if ((fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
        return cofre_why_os(why, COFRE_EIO, errno, "%s", parent);
    failed = fsync(fd) != 0;
    if (failed)
        cofre_why_os(why, COFRE_EIO, errno, "%s", parent);
    close(fd);
    return failed ? COFRE_EIO : COFRE_OK;
}
