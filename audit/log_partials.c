#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/files.h"
#include "audit/log_internal.h"
#include "audit/tiles_edge.h"

static const char file_name[] = "partials";

static enum cofre_err
is_there(int dir, const struct tiles_name *name, bool *there, struct cofre_why *why)
{
    char path[TILES_PATH_MAX];
    struct stat st;

    tiles_path(name, path);
    *there = fstatat(dir, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
    if (!*there && errno != ENOENT && errno != ENOTDIR)
        return cofre_why_os(why, COFRE_EIO, errno, "%s", path);
    return COFRE_OK;
}

/* ---- reading, and what was before there was such a file ---- */

/*
 * The first partial tile of a size that is missing; width 0 when all are there, or the full ones, or
 * these were pruned.
 */
static enum cofre_err
find_missing(const struct log *l, uint64_t size, struct tiles_name *missing, struct cofre_why *why)
{
    enum cofre_err err = COFRE_OK;
    bool there = true;

    for (int level = TILES_ENTRIES; level < TILES_LEVELS && err == COFRE_OK; level++) {
        struct tiles_name full;

        *missing = tiles_edge_last(level, size);
        if (missing->width == 0 || (level == TILES_ENTRIES && missing->index < l->pruned))
            continue;
        full = *missing;
        full.width = TILES_WIDTH;
        err = is_there(l->dir, missing, &there, why);
        if (err == COFRE_OK && !there)
            err = is_there(l->dir, &full, &there, why);
        if (err == COFRE_OK && !there)
            return err;
    }
    missing->width = 0;
    return err;
}

static enum cofre_err
check_one(const struct log *l, uint64_t size, struct cofre_why *why)
{
    struct tiles_name missing;
    enum cofre_err err = find_missing(l, size, &missing, why);
    char path[TILES_PATH_MAX];

    if (err != COFRE_OK || missing.width == 0)
        return err;
    tiles_path(&missing, path);
    return cofre_why_set(why, COFRE_EINTEGRITY,
                         "%s: missing; the checkpoint of %" PRIu64 " entries needed it", path,
                         size);
}

/* Takes the file's text, and forgets what was never published. */
static enum cofre_err
take(struct log *l, struct bytes text, struct cofre_why *why)
{
    struct partials *p = &l->partials;

    if (partials_parse(text, p) != COFRE_OK || !partials_is_least(p) ||
        (p->n > 0 && p->size[p->n - 1] > l->head.size)) {
        p->n = 0;
        return cofre_why_set(why, COFRE_EINTEGRITY, "partials: not a list of this log's sizes");
    }
    while (p->n > 0 && p->size[p->n - 1] > l->signed_size)
        p->n--;
    return COFRE_OK;
}

enum cofre_err
log_partials_read(struct log *l, struct cofre_why *why)
{
    struct buf text = BUF_INIT;
    struct cofre_why none = {""};
    enum cofre_err err = files_read(l->dir, file_name, PARTIALS_MAX, &text, &none);

    l->partials_stray = true; /* a crash may have left tiles that no checkpoint needed */
    l->partials_there = err != COFRE_ENOENT;
    if (err == COFRE_OK)
        err = take(l, buf_bytes(&text), why);
    else if (err == COFRE_ENOENT)
        err = COFRE_OK;
    else
        err = cofre_why_set(why, err == COFRE_EFORMAT ? COFRE_EINTEGRITY : err, "%s", none.text);
    buf_free(&text);
    for (size_t i = 0; i < l->partials.n && err == COFRE_OK; i++)
        err = check_one(l, l->partials.size[i], why);
    return err;
}

/* ---- the partial tiles of one directory ---- */

/* Opens the directory that name's partial tiles are in; *out is NULL when there is none. */
static enum cofre_err
open_partials(int dir, const struct tiles_name *name, DIR **out, struct cofre_why *why)
{
    struct tiles_name any = {name->level, name->index, 1};
    char path[TILES_PATH_MAX];
    int fd;

    *out = NULL;
    tiles_path(&any, path);
    *strrchr(path, '/') = '\0';
    fd = openat(dir, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? COFRE_OK : cofre_why_os(why, COFRE_EIO, errno, "%s", path);
    if ((*out = fdopendir(fd)) == NULL) {
        (void)close(fd);
        return COFRE_ENOMEM;
    }
    return COFRE_OK;
}

/* The width that a partial tile's name is, or 0. */
static unsigned
width_of(const char *name)
{
    char *end;
    unsigned long width;

    if (name[0] < '1' || name[0] > '9')
        return 0;
    width = strtoul(name, &end, 10);
    return *end == '\0' && width < TILES_WIDTH ? (unsigned)width : 0;
}

/* Removes the unlisted ones of the directory that name is in, and it, if nothing is left. */
static enum cofre_err
drop_stray_of(struct log *l, struct tiles_name name, struct cofre_why *why)
{
    const struct dirent *e;
    enum cofre_err err;
    DIR *d;

    err = open_partials(l->dir, &name, &d, why);
    while (err == COFRE_OK && d != NULL && (e = readdir(d)) != NULL) {
        if ((name.width = width_of(e->d_name)) > 0 && !partials_has(&l->partials, &name) &&
            unlinkat(dirfd(d), e->d_name, 0) != 0 && errno != ENOENT)
            err = cofre_why_os(why, COFRE_EIO, errno, "a partial tile that nothing needs");
    }
    if (d != NULL)
        (void)closedir(d);
    return err;
}

/*
 * Partial tiles of a checkpoint that was never published: the crash or the error came between.  Only
 * the unfinished tiles of the present size can have them; beside full ones they go with the others.
 */
static enum cofre_err
drop_stray(struct log *l, uint64_t size, struct cofre_why *why)
{
    enum cofre_err err = COFRE_OK;

    for (int level = TILES_ENTRIES; level < TILES_LEVELS && err == COFRE_OK; level++)
        err = drop_stray_of(l, tiles_edge_last(level, size), why);
    return err;
}

/* ---- the file, and a log that is older than this file ---- */

static enum cofre_err
put(struct log *l, struct cofre_why *why)
{
    struct buf text = BUF_INIT;
    enum cofre_err err;

    partials_put(&text, &l->partials);
    if ((err = buf_error(&text)) == COFRE_OK)
        err = log_files_replace(&(struct log_place){l->dir, l->tmp_dir}, file_name,
                                buf_bytes(&text), why);
    buf_free(&text);
    return err;
}

/* Sizes that the partial tiles beside those of size may be of, as a set of widths. */
static enum cofre_err
widths_there(struct log *l, struct tiles_name name, bool widths[static TILES_WIDTH],
             struct cofre_why *why)
{
    const struct dirent *e;
    enum cofre_err err;
    DIR *d;

    err = open_partials(l->dir, &name, &d, why);
    while (err == COFRE_OK && d != NULL && (e = readdir(d)) != NULL)
        widths[width_of(e->d_name)] = true;
    if (d != NULL)
        (void)closedir(d);
    widths[0] = false;
    return err;
}

/*
 * From the highest level down, so that sizes ascend: a partial tile of level L with n hashes in the
 * tree is that of a checkpoint of at least n << 8 L entries, and that size needs nothing more.
 */
static enum cofre_err
rebuild(struct log *l, struct partials *p, struct cofre_why *why)
{
    struct tiles_name missing;
    enum cofre_err err = COFRE_OK;

    for (int level = TILES_LEVELS - 1; level >= 0 && err == COFRE_OK; level--) {
        const struct tiles_name last = tiles_edge_last(level, l->signed_size);
        bool widths[TILES_WIDTH] = {false};

        err = widths_there(l, last, widths, why);
        for (unsigned w = 1; w <= last.width && err == COFRE_OK; w++) {
            const uint64_t size = (last.index * TILES_WIDTH + w) << (TILES_HEIGHT * level);

            if (!widths[w] || (p->n > 0 && size <= p->size[p->n - 1]))
                continue;
            err = find_missing(l, size, &missing, why);
            if (err == COFRE_OK && missing.width == 0)
                partials_add(p, size);
        }
    }
    return err;
}

enum cofre_err
log_partials_create(const struct log_config *config, struct cofre_why *why)
{
    return log_files_replace(&(struct log_place){config->dir, config->tmp_dir}, file_name,
                             BYTES_NONE, why);
}

enum cofre_err
log_partials_start(struct log *l, struct cofre_why *why)
{
    enum cofre_err err;

    if (l->partials_there)
        return COFRE_OK;
    if ((err = rebuild(l, &l->partials, why)) == COFRE_OK)
        err = put(l, why);
    l->partials_there = err == COFRE_OK;
    return err;
}

/* ---- around a checkpoint ---- */

enum cofre_err
log_partials_flush(struct log *l, uint64_t size, struct cofre_why *why)
{
    const struct partials *p = &l->partials;
    const bool stray = l->partials_stray;
    enum cofre_err err;

    if (stray && (err = drop_stray(l, size, why)) != COFRE_OK)
        return err;
    l->partials_stray = true;
    if ((err = tiles_builder_flush(l->tiles, why)) != COFRE_OK)
        return err;
    if (stray || size == 0 || p->n == 0 || p->size[p->n - 1] != size) {
        partials_add(&l->partials, size);
        if ((err = put(l, why)) != COFRE_OK)
            return err;
    }
    l->partials_stray = false;
    return COFRE_OK;
}
