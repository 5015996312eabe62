#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/journal.h"
#include "audit/lines.h"
#include "audit/verify_internal.h"

/* Whoever tampers may have chosen the name: none of it may steer a terminal. */
static enum cofre_err
alien(const struct verify_walk *w, const char *path)
{
    char shown[FILES_PATH_MAX];
    size_t n;

    for (n = 0; n < sizeof shown - 1 && path[n] != '\0'; n++)
        shown[n] = path[n] > ' ' && path[n] < 0x7f ? path[n] : '?';
    shown[n] = '\0';
    return cofre_why_set(w->why, COFRE_EINTEGRITY, "%s: does not belong to a log", shown);
}

static void
reach_tile(struct verify_walk *w, const struct tiles_name *name)
{
    const size_t at = (size_t)(name->level - TILES_ENTRIES);
    const uint64_t hashes = name->index * TILES_WIDTH + name->width;

    if (hashes > w->reach[at]) {
        w->reach[at] = hashes;
        w->farthest[at] = *name;
    }
}

static bool
journal_file(struct verify_walk *w, const char *path)
{
    const char *name = path + sizeof "journal/" - 1;
    char again[JOURNAL_NAME_LEN + 1];
    uint64_t first;

    if (strncmp(path, "journal/", sizeof "journal/" - 1) != 0)
        return false;
    first = strtoull(name, NULL, 10);
    (void)snprintf(again, sizeof again, "%020" PRIu64, first);
    if (strcmp(again, name) != 0)
        return false;
    if (w->journals++ == 0 || first < w->first_journal)
        w->first_journal = first;
    return true;
}

/* "<prefix>N" for an epoch N that ended, or whose key was lost. */
static bool
is_of_epoch(const struct verify_walk *w, const char *path, struct bytes prefix, bool lost)
{
    struct bytes left = bytes_str(path);
    const struct verify_key *k;
    uint64_t n;

    if (!lines_skip(&left, prefix) || !lines_number(left, &n) || n == 0 || n > w->epochs->n)
        return false;
    k = &w->epochs->key[n - 1];
    return k->size != UINT64_MAX && (!lost || k->kind == SEAL_RECOVER);
}

static bool
is_fixed(const struct verify_walk *w, const char *path)
{
    static const char *const always[] = {"checkpoint", "witnessed", "partials", "keys/vkeys"};

    for (size_t i = 0; i < sizeof always / sizeof *always; i++) {
        if (strcmp(path, always[i]) == 0)
            return true;
    }
    return (w->epochs->has_recovery && strcmp(path, "keys/recovery") == 0) ||
           (w->epochs->has_pruned && strcmp(path, "keys/pruned") == 0) ||
           is_of_epoch(w, path, BYTES_LIT("keys/seal."), false) ||
           is_of_epoch(w, path, BYTES_LIT("keys/last."), true);
}

static enum cofre_err
see_tile(struct verify_walk *w, const char *path, const struct tiles_name *name)
{
    if (name->width < TILES_WIDTH &&
        !verify_partials_allow(w->dir, w->partials, name, w->signed_size))
        return cofre_why_set(w->why, COFRE_EINTEGRITY, "%s: of no checkpoint that partials lists",
                             path);
    reach_tile(w, name);
    return COFRE_OK;
}

/* keys/last.N comes before keys/seal.N. */
static bool
is_last_early(struct verify_walk *w, const char *path)
{
    struct bytes left = bytes_str(path);
    uint64_t n;

    if (!lines_skip(&left, BYTES_LIT("keys/last.")) || !lines_number(left, &n) ||
        n != w->epochs->n || w->epochs->pending)
        return false;
    w->last_early = true;
    return true;
}

static enum cofre_err
see_file(struct verify_walk *w, const char *path)
{
    struct tiles_name name;
    bool is_stamp;
    enum cofre_err err;

    w->files++;
    if (is_last_early(w, path) || is_fixed(w, path) || journal_file(w, path))
        return COFRE_OK;
    if (tiles_path_parse(bytes_str(path), &name) == COFRE_OK)
        return see_tile(w, path, &name);
    err = verify_stamps_name(&w->stamps, path, &is_stamp);
    return err != COFRE_OK || is_stamp ? err : alien(w, path);
}

static bool
one_of(const char *path, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(path, list[i]) == 0)
            return true;
    }
    return false;
}

/*
 * A directory of tiles must be the way to some tile of the log, even when it is empty: a crash
 * between making it and the first tile leaves it so.
 */
static enum cofre_err
see_directory(struct verify_walk *w, const char *path)
{
    static const char *const fixed[] = {"keys",   "journal",      "tile",
                                        "tile/0", "tile/entries", "time"};
    char tile[FILES_PATH_MAX + sizeof "/000"];
    const size_t len = strlen(path);
    const bool partial = len > 2 && strcmp(path + len - 2, ".p") == 0;
    struct tiles_name name;

    if (one_of(path, fixed, sizeof fixed / sizeof fixed[0]))
        return COFRE_OK;
    (void)snprintf(tile, sizeof tile, "%s%s", path, partial ? "/1" : "/000");
    if (tiles_path_parse(bytes_str(tile), &name) != COFRE_OK)
        return alien(w, path);
    name.width = 1;
    reach_tile(w, &name);
    return COFRE_OK;
}

static enum cofre_err walk(struct verify_walk *w, const char *path);

/* Where the full tile is under the checkpoint, partial ones went together with their directory. */
static bool
is_left_over(const struct verify_walk *w, const char *path)
{
    const size_t len = strlen(path);
    char tile[FILES_PATH_MAX + sizeof "/1"];
    struct tiles_name name;

    (void)snprintf(tile, sizeof tile, "%s/1", path);
    return len > 2 && strcmp(path + len - 2, ".p") == 0 &&
           tiles_path_parse(bytes_str(tile), &name) == COFRE_OK &&
           name.index < tiles_edge_last(name.level, w->signed_size).index;
}

static enum cofre_err
see(struct verify_walk *w, const char *path)
{
    struct stat st;
    uint64_t before;
    enum cofre_err err;

    if (fstatat(w->dir, path, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        /* Partial tiles and journal files may go while we look. */
        return errno == ENOENT ? COFRE_OK : cofre_why_os(w->why, COFRE_EIO, errno, "%s", path);
    }
    if (S_ISREG(st.st_mode))
        return see_file(w, path);
    if (!S_ISDIR(st.st_mode))
        return alien(w, path);
    before = w->files;
    err = see_directory(w, path);
    if (err == COFRE_OK)
        err = walk(w, path);
    return err == COFRE_OK && w->files == before && is_left_over(w, path) ? alien(w, path) : err;
}

static enum cofre_err
walk_names(struct verify_walk *w, const char *path, DIR *d)
{
    char below[FILES_PATH_MAX];
    const struct dirent *e;
    enum cofre_err err = COFRE_OK;
    int len;

    while (err == COFRE_OK && (errno = 0, e = readdir(d)) != NULL) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        len = strcmp(path, ".") == 0 ? snprintf(below, sizeof below, "%s", e->d_name)
                                     : snprintf(below, sizeof below, "%s/%s", path, e->d_name);
        err = len < 0 || (size_t)len >= sizeof below ? alien(w, below) : see(w, below);
    }
    if (err == COFRE_OK && errno != 0)
        err = cofre_why_os(w->why, COFRE_EIO, errno, "%s", path);
    return err;
}

/* As deep as tile paths are: every directory on the way was found to be on such a path. */
static enum cofre_err
walk(struct verify_walk *w, const char *path)
{
    const int fd = openat(w->dir, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    enum cofre_err err;
    DIR *d;

    if (fd < 0 && errno == ENOENT)
        return COFRE_OK;
    if (fd < 0)
        return cofre_why_os(w->why, COFRE_EIO, errno, "%s", path);
    if ((d = fdopendir(fd)) == NULL) {
        close(fd);
        return COFRE_ENOMEM;
    }
    err = walk_names(w, path, d);
    closedir(d);
    return err;
}

enum cofre_err
verify_walk_run(struct verify_walk *w)
{
    return walk(w, ".");
}

enum cofre_err
verify_walk_journals(int dir, struct verify_walk *out, struct cofre_why *why)
{
    static const struct verify_epochs none;

    memset(out, 0, sizeof *out);
    out->dir = dir;
    out->epochs = &none;
    out->why = why;
    return walk(out, "journal");
}

enum cofre_err
verify_walk_fits(const struct verify_walk *w, uint64_t size)
{
    char path[TILES_PATH_MAX];

    for (int level = TILES_ENTRIES; level < TILES_LEVELS; level++) {
        const size_t at = (size_t)(level - TILES_ENTRIES);

        if (w->reach[at] <= tiles_edge_hashes(level, size))
            continue;
        tiles_path(&w->farthest[at], path);
        return cofre_why_set(w->why, COFRE_EINTEGRITY, "%s: the log has no entries for it", path);
    }
    return COFRE_OK;
}

bool
verify_walk_ends(const struct verify_walk *w, uint64_t size)
{
    return w->signed_size <= size && w->reach[0] <= size;
}
