#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

#include "audit/verify_internal.h"

static bool
is_there(int dir, const struct tiles_name *name)
{
    char path[TILES_PATH_MAX];

    tiles_path(name, path);
    return faccessat(dir, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

enum cofre_err
verify_partials_exists(const struct verify_partials_at *at, const struct tiles_name *name,
                       struct cofre_why *why)
{
    const struct tiles_name full = {name->level, name->index, TILES_WIDTH};
    char path[TILES_PATH_MAX];

    /* In this order: a partial tile goes only after the full one has come. */
    if (is_there(at->dir, name) || is_there(at->dir, &full) ||
        (name->level == TILES_ENTRIES && name->index < at->pruned))
        return COFRE_OK;
    tiles_path(name, path);
    return cofre_why_set(why, COFRE_EINTEGRITY, "%s: missing", path);
}

static enum cofre_err
check_level(const struct verify_partials_at *at, int level, const struct partials *p,
            uint64_t signed_size, struct cofre_why *why)
{
    struct tiles_name name, before = {level, 0, 0};
    enum cofre_err err = COFRE_OK;

    for (size_t i = 0; i < p->n && p->size[i] <= signed_size && err == COFRE_OK; i++) {
        name = tiles_edge_last(level, p->size[i]);
        /* Sizes ascend: those that need the same tile follow each other. */
        if (name.width > 0 && (name.index != before.index || name.width != before.width))
            err = verify_partials_exists(at, &name, why);
        before = name;
    }
    return err;
}

/* Or what is left of it beside a newer one, whose checkpoint a crash kept back. */
static bool
lists(const struct partials *p, uint64_t size)
{
    const uint64_t newest = p->n > 0 ? p->size[p->n - 1] : 0;

    for (int level = TILES_ENTRIES; level < TILES_LEVELS && size < newest; level++) {
        const struct tiles_name name = tiles_edge_last(level, size);

        if (name.width > 0 && name.index == tiles_edge_last(level, newest).index &&
            !partials_has(p, &name))
            return false;
    }
    return size <= newest;
}

enum cofre_err
verify_partials_check(const struct verify_partials_at *at, const struct partials *p,
                      uint64_t signed_size, struct cofre_why *why)
{
    enum cofre_err err = COFRE_OK;

    if (signed_size > 0 && !lists(p, signed_size))
        return cofre_why_set(why, COFRE_EINTEGRITY,
                             "partials: %" PRIu64 ", the checkpoint's, is not listed", signed_size);
    if (p->n > 0 && p->size[p->n - 1] > at->size)
        return cofre_why_set(why, COFRE_EINTEGRITY,
                             "partials: %" PRIu64 ": the log has no such size", p->size[p->n - 1]);
    for (int level = TILES_ENTRIES; level < TILES_LEVELS && err == COFRE_OK; level++)
        err = check_level(at, level, p, signed_size, why);
    return err;
}

bool
verify_partials_allow(int dir, const struct partials *p, const struct tiles_name *name,
                      uint64_t signed_size)
{
    const struct tiles_name full = {name->level, name->index, TILES_WIDTH};
    const unsigned shift = name->level == TILES_ENTRIES ? 0 : TILES_HEIGHT * (unsigned)name->level;
    const uint64_t hashes = name->index * TILES_WIDTH + name->width;

    /* Has a size that needs it beyond the checkpoint's: being written, or a crash came between. */
    if (hashes > signed_size >> shift ||
        (hashes == signed_size >> shift && shift > 0 && ~signed_size << (64 - shift) != 0))
        return true;
    return partials_has(p, name) || is_there(dir, &full);
}
