#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit/files.h"

#include "audit/tiles.h"

static_assert((int)TILES_PATH_MAX <= (int)FILES_PATH_MAX, "a tile's path is a path");

/* A tile's last leaf must have an index of 64 bits. */
#define INDEX_MAX (UINT64_MAX / TILES_WIDTH)

static bool
valid(const struct tiles_name *name)
{
    return name->level >= TILES_ENTRIES && name->level < TREE_LEVELS / TILES_HEIGHT &&
           name->index <= INDEX_MAX && name->width >= 1 && name->width <= TILES_WIDTH;
}

/* Appends to a path; returns its new end. */
COFRE_PRINTF(3, 4)
static char *
put(char *at, const char *end, const char *format, ...)
{
    va_list args;
    int len;

    va_start(args, format);
    len = vsnprintf(at, (size_t)(end - at), format, args);
    va_end(args);
    assert(len >= 0 && len < end - at);
    return at + len;
}

void
tiles_path(const struct tiles_name *name, char out[static TILES_PATH_MAX])
{
    const char *const end = out + TILES_PATH_MAX;
    char *at = out;
    uint64_t scale = 1;

    assert(valid(name));
    at = name->level == TILES_ENTRIES ? put(at, end, "tile/entries/")
                                      : put(at, end, "tile/%d/", name->level);
    while (name->index / scale >= 1000)
        scale *= 1000;
    for (; scale > 1; scale /= 1000)
        at = put(at, end, "x%03u/", (unsigned)(name->index / scale % 1000));
    at = put(at, end, "%03u", (unsigned)(name->index % 1000));
    if (name->width < TILES_WIDTH)
        (void)put(at, end, ".p/%u", name->width);
}

static bool
take(struct bytes *b, struct bytes literal)
{
    if (b->len < literal.len || memcmp(b->p, literal.p, literal.len) != 0)
        return false;
    b->p += literal.len;
    b->len -= literal.len;
    return true;
}

/* Three digits at most: no overflow. */
static bool
take_digits(struct bytes *b, size_t least, unsigned *out)
{
    size_t n = 0;

    for (*out = 0; n < 3 && n < b->len && b->p[n] >= '0' && b->p[n] <= '9'; n++)
        *out = *out * 10 + (unsigned)(b->p[n] - '0');
    b->p += n;
    b->len -= n;
    return n >= least;
}

static bool
take_level(struct bytes *b, int *out)
{
    unsigned digit;

    if (take(b, BYTES_LIT("entries/"))) {
        *out = TILES_ENTRIES;
        return true;
    }
    if (!take_digits(b, 1, &digit) || !take(b, BYTES_LIT("/")))
        return false;
    *out = (int)digit;
    return true;
}

static bool
take_index(struct bytes *b, uint64_t *out)
{
    unsigned group;
    bool more;

    *out = 0;
    do {
        more = take(b, BYTES_LIT("x"));
        if (!take_digits(b, 3, &group) || *out > INDEX_MAX / 1000)
            return false;
        *out = *out * 1000 + group;
    } while (more && take(b, BYTES_LIT("/")));
    return !more;
}

enum cofre_err
tiles_path_parse(struct bytes path, struct tiles_name *out)
{
    struct bytes left = path;
    char canonical[TILES_PATH_MAX];
    unsigned width = TILES_WIDTH;

    if (!take(&left, BYTES_LIT("tile/")) || !take_level(&left, &out->level) ||
        !take_index(&left, &out->index))
        return COFRE_EFORMAT;
    if (left.len > 0 && (!take(&left, BYTES_LIT(".p/")) || !take_digits(&left, 1, &width)))
        return COFRE_EFORMAT;
    out->width = width;
    if (!valid(out))
        return COFRE_EFORMAT;
    /* Leading zeros, empty groups, a full tile spelt as a partial one: one comparison for all. */
    tiles_path(out, canonical);
    return bytes_equal(path, bytes_str(canonical)) ? COFRE_OK : COFRE_EFORMAT;
}

static size_t
longest(const struct tiles_name *name)
{
    return name->level == TILES_ENTRIES ? name->width * (size_t)(2 + 65535)
                                        : name->width * (size_t)HASH_LEN;
}

enum cofre_err
tiles_read(int dir, const struct tiles_name *name, struct buf *out, struct cofre_why *why)
{
    char path[TILES_PATH_MAX];
    enum cofre_err err;

    tiles_path(name, path);
    err = files_read(dir, path, longest(name), out, why);
    if (err == COFRE_OK && name->level != TILES_ENTRIES && out->len != longest(name)) {
        out->len = 0;
        err = cofre_why_set(why, COFRE_EFORMAT, "%s: not %u hashes long", path, name->width);
    }
    return err;
}

enum cofre_err
tiles_write(int dir, const struct tiles_name *name, struct bytes contents, struct cofre_why *why)
{
    struct buf present = BUF_INIT;
    char path[TILES_PATH_MAX];
    enum cofre_err err;

    tiles_path(name, path);
    err = files_put(dir, path, contents, why);
    if (err == COFRE_EINTEGRITY && name->level == TILES_ENTRIES)
        return cofre_why_add(why, err, "entries from %" PRIu64 " on", name->index * TILES_WIDTH);
    if (err != COFRE_EEXIST)
        return err;

    err = files_read(dir, path, longest(name), &present, why);
    if (err == COFRE_EFORMAT || (err == COFRE_OK && !bytes_equal(buf_bytes(&present), contents)))
        err = cofre_why_set(why, COFRE_EINTEGRITY, "%s: there already, with other bytes", path);
    buf_free(&present);
    return err;
}

/* Unlinks what has a partial tile's name; fd is taken over. */
static int
empty_partials(int fd)
{
    DIR *d = fdopendir(fd);
    const struct dirent *e;
    int result = 0;

    if (d == NULL) {
        close(fd);
        return -1;
    }
    while (result == 0 && (e = readdir(d)) != NULL) {
        if (e->d_name[0] >= '1' && e->d_name[0] <= '9')
            result = unlinkat(fd, e->d_name, 0);
    }
    closedir(d);
    return result;
}

enum cofre_err
tiles_drop_partial(int dir, int level, uint64_t index, struct cofre_why *why)
{
    const struct tiles_name name = {level, index, 1};
    char path[TILES_PATH_MAX];
    int fd;

    tiles_path(&name, path);
    *strrchr(path, '/') = '\0'; /* "….p/1" -> "….p" */
    fd = openat(dir, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return COFRE_OK;
    /* No sync: should a crash bring them back, they are dropped again at the next start. */
    if (fd < 0 || empty_partials(fd) != 0 || unlinkat(dir, path, AT_REMOVEDIR) != 0)
        return cofre_why_os(why, COFRE_EIO, errno, "%s", path);
    return COFRE_OK;
}

enum cofre_err
tiles_bundle_entry(struct bytes bundle, size_t i, struct bytes *out)
{
    size_t len;

    for (;; i--) {
        if (bundle.len < 2)
            return COFRE_EFORMAT;
        len = bytes_get_be16(bundle.p);
        if (bundle.len - 2 < len)
            return COFRE_EFORMAT;
        if (i == 0)
            break;
        bundle.p += 2 + len;
        bundle.len -= 2 + len;
    }
    *out = (struct bytes){bundle.p + 2, len};
    return COFRE_OK;
}
