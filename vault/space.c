#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "cofre/oplog.h"

#include "vault/space.h"

enum { RESERVE_PART = 16, LOW_PART = 20, BLOCK = 4096, MIB = 1024 * 1024 };

static const char reserve_name[] = "reserve";

/* ---- how much there is ---- */

struct room {
    uint64_t left;
    uint64_t whole;
};

static bool
room_of(int fd, struct room *out)
{
    struct statvfs st;

    if (fstatvfs(fd, &st) != 0)
        return false;
    *out = (struct room){(uint64_t)st.f_bavail * st.f_frsize, (uint64_t)st.f_blocks * st.f_frsize};
    return true;
}

/* Of the directory that the anchor lies in; false too when it cannot be seen: writing it tells. */
static bool
room_of_anchor(const struct cofre_vault *v, struct room *out)
{
    char *copy;
    bool seen = false;
    int fd;

    if (v->anchor_path == NULL || (copy = strdup(v->anchor_path)) == NULL)
        return false;
    if ((fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) >= 0) {
        seen = room_of(fd, out);
        close(fd);
    }
    free(copy);
    return seen;
}

static uint64_t
at_most(uint64_t n, uint64_t most)
{
    return n < most ? n : most;
}

static bool
below_mark(const struct cofre_vault *v, const struct room *r)
{
    return r->left < at_most(v->space.low, r->whole / LOW_PART);
}

static bool
tell_low(struct cofre_why *why, const struct room *r, const char *path)
{
    cofre_why_set(why, COFRE_ENOSPC, "disk: %" PRIu64 ".%" PRIu64 " MiB left at %s", r->left / MIB,
                  r->left % MIB * 10 / MIB, path);
    return true;
}

bool
space_low(struct cofre_vault *v, struct cofre_why *why)
{
    struct room r;

    if (room_of(v->dir_fd, &r) && below_mark(v, &r))
        return tell_low(why, &r, v->dir);
    if (room_of_anchor(v, &r) && below_mark(v, &r))
        return tell_low(why, &r, v->anchor_path);
    return false;
}

uint64_t
space_left(struct cofre_vault *v)
{
    struct room r;
    uint64_t left = UINT64_MAX;

    if (room_of(v->dir_fd, &r))
        left = r.left;
    if (room_of_anchor(v, &r))
        left = at_most(left, r.left);
    return left;
}

/* ---- the reserve ---- */

/* 0, or an errno value.  What is there already of the right size is only looked at. */
static int
hold(struct cofre_vault *v)
{
    struct stat st;
    int error = 0;
    int fd = openat(v->dir_fd, reserve_name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

    if (fd < 0)
        return errno;
    if (fstat(fd, &st) != 0)
        error = errno;
    else if (!S_ISREG(st.st_mode))
        error = EINVAL;
    else if ((uint64_t)st.st_size > v->space.reserve && ftruncate(fd, (off_t)v->space.reserve) != 0)
        error = errno;
    else if ((uint64_t)st.st_blocks * 512 < v->space.reserve)
        error = posix_fallocate(fd, 0, (off_t)v->space.reserve);
    if (error == 0 && fsync(fd) != 0)
        error = errno;
    close(fd);
    if (error != 0)
        (void)unlinkat(v->dir_fd, reserve_name, 0);
    return error;
}

static bool
no_space(int error)
{
    return error == ENOSPC || error == EDQUOT;
}

static uint64_t
setting(unsigned mib, unsigned otherwise)
{
    return (uint64_t)(mib > 0 ? mib : otherwise) * MIB;
}

enum cofre_err
space_open(struct cofre_vault *v, const struct cofre_vault_config *config, struct cofre_why *why)
{
    struct room r;
    int error;

    if (!room_of(v->dir_fd, &r))
        return cofre_why_os(why, COFRE_EIO, errno, "%s", v->dir);
    v->space.low = setting(config->low_disk_mib, SPACE_LOW_MIB);
    v->space.reserve =
        at_most(setting(config->reserve_mib, SPACE_RESERVE_MIB), r.whole / RESERVE_PART);
    v->space.reserve -= v->space.reserve % BLOCK;
    if (v->space.reserve < SPACE_RESERVE_LEAST)
        v->space.reserve = SPACE_RESERVE_LEAST;
    if ((error = hold(v)) == 0)
        return COFRE_OK;
    if (!no_space(error))
        return cofre_why_os(why, COFRE_EIO, error, "%s/%s", v->dir, reserve_name);
    space_give_up(v);
    return COFRE_OK;
}

uint64_t
space_owed_max(const struct cofre_vault *v)
{
    return v->space.reserve / 4;
}

bool
space_full(struct cofre_vault *v)
{
    return atomic_load(&v->space.full);
}

void
space_give_up(struct cofre_vault *v)
{
    if (unlinkat(v->dir_fd, reserve_name, 0) != 0 && errno != ENOENT)
        oplog_line(OPLOG_ERROR, "%s/%s: cannot be given up: %s", v->dir, reserve_name,
                   strerror(errno));
    atomic_store(&v->space.full, true);
    if (v->space.told)
        return;
    v->space.told = true;
    oplog_line(OPLOG_ERROR,
               "disk full at %s: the reserve is given up, and nothing is served until %" PRIu64
               " KiB are free",
               v->dir, v->space.reserve * 3 / 2 / 1024);
}

static bool
room_again(const struct cofre_vault *v)
{
    struct room r;

    return room_of(v->dir_fd, &r) && r.left >= v->space.reserve * 3 / 2;
}

bool
space_regain(struct cofre_vault *v)
{
    if (!room_again(v) || hold(v) != 0)
        return false;
    atomic_store(&v->space.full, false);
    return true;
}

void
space_watch(struct cofre_vault *v)
{
    if (!space_full(v) || !room_again(v))
        return;
    atomic_store(&v->space.poke, true);
    pthread_mutex_lock(&v->committer.lock);
    pthread_cond_signal(&v->committer.wake);
    pthread_mutex_unlock(&v->committer.lock);
}
