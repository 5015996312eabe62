#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit/files.h"
#include "audit/log_internal.h"

struct sweep {
    struct log *l;
    bool stamps; /* there are time stamps: each bundle is looked through for theirs */
    struct buf bundle;
    struct entry_parsed *parsed;
    struct cofre_why *why;
};

static enum cofre_err
failed(const struct sweep *s, const char *path)
{
    return cofre_why_os(s->why, COFRE_EIO, errno, "%s", path);
}

/* The pair of files that this entry names. */
static enum cofre_err
drop_stamp(struct sweep *s, struct bytes line)
{
    static const char *const ends[] = {"checkpoint", "tsr"};
    static const char act[] = "\"act\":\"audit-timestamp\"";
    const struct entry *e = &s->parsed->e;
    char path[FILES_PATH_MAX];

    /* No quote is part of a name, so that this is found nowhere else. */
    if (memmem(line.p, line.len, act, sizeof act - 1) == NULL ||
        entry_parse(line, s->parsed) != COFRE_OK || e->n_fields == 0 || e->fields[0].len < 6 ||
        memcmp(e->fields[0].p, "size-", 5) != 0)
        return COFRE_OK;
    for (size_t i = 0; i < 2; i++) {
        (void)snprintf(path, sizeof path, "time/%.*s.%s", (int)(e->fields[0].len - 5),
                       (const char *)e->fields[0].p + 5, ends[i]);
        if (unlinkat(s->l->dir, path, 0) != 0 && errno != ENOENT)
            return failed(s, path);
    }
    return COFRE_OK;
}

static enum cofre_err
drop_stamps(struct sweep *s, const struct tiles_name *name)
{
    enum cofre_err err = tiles_read(s->l->dir, name, &s->bundle, s->why);
    struct bytes left = buf_bytes(&s->bundle);
    struct bytes entry;

    while (err == COFRE_OK && left.len > 0) {
        if (tiles_bundle_entry(left, 0, &entry) != COFRE_OK)
            break; /* it goes, whatever it is */
        left = (struct bytes){entry.p + entry.len, left.len - 2 - entry.len};
        err = drop_stamp(s, entry);
    }
    return err;
}

/* The time stamps first: while the bundle is there, a sweep that was cut off finds them again. */
static enum cofre_err
drop_bundle(struct sweep *s, uint64_t index)
{
    const struct tiles_name name = {TILES_ENTRIES, index, TILES_WIDTH};
    char path[TILES_PATH_MAX];
    enum cofre_err err;

    if (s->stamps && (err = drop_stamps(s, &name)) != COFRE_OK)
        return err;
    if ((err = tiles_drop_partial(s->l->dir, TILES_ENTRIES, index, s->why)) != COFRE_OK)
        return err;
    tiles_path(&name, path);
    return unlinkat(s->l->dir, path, 0) == 0 || errno == ENOENT ? COFRE_OK : failed(s, path);
}

static enum cofre_err sweep_below(struct sweep *s, const char *path, uint64_t prefix);

/*
 * One name in a directory of bundles: "007" is bundle 7 of that thousand, "x007" the directory of what
 * begins with these digits.  The smallest number below that has three digits more.
 */
static enum cofre_err
sweep_one(struct sweep *s, const char *path, uint64_t prefix, const char *name)
{
    const bool below = name[0] == 'x';
    char sub[TILES_PATH_MAX + 256];
    char *end;
    uint64_t n = prefix * 1000 + strtoull(name + below, &end, 10);
    enum cofre_err err;

    if (end != name + below + 3 || *end != '\0')
        return COFRE_OK; /* no tile's name; ".p" goes with its bundle */
    if (!below)
        return n < s->l->pruned ? drop_bundle(s, n) : COFRE_OK;
    if (n >= s->l->pruned / 1000 + 1)
        return COFRE_OK;
    (void)snprintf(sub, sizeof sub, "%s/%s", path, name);
    if ((err = sweep_below(s, sub, n)) != COFRE_OK)
        return err;
    if (unlinkat(s->l->dir, sub, AT_REMOVEDIR) != 0 && errno != ENOTEMPTY && errno != EEXIST)
        return failed(s, sub);
    return COFRE_OK;
}

static enum cofre_err
sweep_below(struct sweep *s, const char *path, uint64_t prefix)
{
    int fd = openat(s->l->dir, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
    const struct dirent *e;
    enum cofre_err err = COFRE_OK;

    if (d == NULL) {
        err = failed(s, path);
        if (fd >= 0)
            (void)close(fd);
        return err;
    }
    while (err == COFRE_OK && (e = readdir(d)) != NULL)
        err = sweep_one(s, path, prefix, e->d_name);
    (void)closedir(d);
    return err;
}

enum cofre_err
log_sweep_run(struct log *l, struct cofre_why *why)
{
    struct sweep s = {.l = l, .why = why, .parsed = malloc(sizeof *s.parsed)};
    enum cofre_err err;

    if (s.parsed == NULL)
        return COFRE_ENOMEM;
    s.stamps = faccessat(l->dir, "time", F_OK, AT_SYMLINK_NOFOLLOW) == 0;
    err = sweep_below(&s, "tile/entries", 0);
    buf_free(&s.bundle);
    free(s.parsed);
    return err;
}
