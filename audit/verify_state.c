#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "audit/verify_internal.h"

/* As old as this, it was not written while we looked, whatever the resolution of file times. */
enum { FRESH_SECONDS = 5 };

/* Entries of a directory come in any order: their hashes are summed up. */
static void
add_file(struct verify_state *s, const char *below, const char *name, const struct stat *st)
{
    char text[512];
    uint8_t hash[HASH_LEN];

    (void)snprintf(text, sizeof text, "%s/%s %ju %jd %jd %ld", below, name, (uintmax_t)st->st_ino,
                   (intmax_t)st->st_size, (intmax_t)st->st_mtim.tv_sec, st->st_mtim.tv_nsec);
    hash_of(bytes_str(text), hash);
    for (size_t i = 0; i < HASH_LEN; i++)
        s->sum[i] = (uint8_t)(s->sum[i] + hash[i]);
    if ((int64_t)st->st_mtim.tv_sec > s->newest)
        s->newest = (int64_t)st->st_mtim.tv_sec;
}

static void
add_directory(struct verify_state *s, int dir, const char *path)
{
    const int fd = openat(dir, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
    const struct dirent *e;
    struct stat st;

    if (d == NULL) {
        if (fd >= 0)
            (void)close(fd);
        return;
    }
    while ((e = readdir(d)) != NULL) {
        if (fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode))
            add_file(s, path, e->d_name, &st);
    }
    (void)closedir(d);
}

void
verify_state_take(int dir, struct verify_state *out)
{
    static const char *const paths[] = {".", "keys", "journal", "time"};

    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        add_directory(out, dir, paths[i]);
}

bool
verify_state_moved(int dir, const struct verify_state *before, unsigned wait_ms)
{
    const struct timespec wait = {wait_ms / 1000, (long)(wait_ms % 1000) * 1000000};
    struct verify_state now;

    verify_state_take(dir, &now);
    if (memcmp(now.sum, before->sum, sizeof now.sum) != 0)
        return true;
    if (wait_ms == 0 || now.newest + FRESH_SECONDS < (int64_t)time(NULL))
        return false;
    (void)nanosleep(&wait, NULL);
    verify_state_take(dir, &now);
    return memcmp(now.sum, before->sum, sizeof now.sum) != 0;
}
