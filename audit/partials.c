#include <assert.h>
#include <string.h>

#include "audit/lines.h"
#include "audit/tiles_edge.h"

#include "audit/partials.h"

static_assert((int)PARTIALS_SIZES == (int)TILES_LEVELS * (TILES_WIDTH - 1), "255 for each level");

enum cofre_err
partials_parse(struct bytes text, struct partials *out)
{
    struct bytes line;
    uint64_t size;

    out->n = 0;
    while (text.len > 0) {
        if (!lines_take(&text, &line) || !lines_number(line, &size) || size == 0 ||
            out->n == PARTIALS_SIZES || (out->n > 0 && size <= out->size[out->n - 1])) {
            out->n = 0;
            return COFRE_EFORMAT;
        }
        out->size[out->n++] = size;
    }
    return COFRE_OK;
}

void
partials_put(struct buf *out, const struct partials *p)
{
    for (size_t i = 0; i < p->n; i++) {
        buf_put_u64_dec(out, p->size[i]);
        buf_putc(out, '\n');
    }
}

/*
 * Whether size needs a partial tile that next does not need, and that is not full at newest.  Sizes
 * need the same tile of a level if they have as many hashes there.
 */
static bool
is_needed(uint64_t size, uint64_t next, uint64_t newest)
{
    for (int level = 0; level < TILES_LEVELS; level++) {
        const struct tiles_name name = tiles_edge_last(level, size);

        if (name.width > 0 && name.index == tiles_edge_last(level, newest).index &&
            tiles_edge_hashes(level, size) != tiles_edge_hashes(level, next))
            return true;
    }
    return false;
}

/*
 * The smallest size that needs the same of the tiles that are not full at newest.  The full ones are those
 * of the lowest levels.
 */
static uint64_t
smallest(uint64_t size, uint64_t newest)
{
    int level = 0;

    while (tiles_edge_last(level, size).index < tiles_edge_last(level, newest).index)
        level++;
    return size >> (TILES_HEIGHT * level) << (TILES_HEIGHT * level);
}

void
partials_add(struct partials *p, uint64_t size)
{
    uint64_t kept[PARTIALS_SIZES];
    size_t at = PARTIALS_SIZES;
    uint64_t next = size;

    if (size == 0 || (p->n > 0 && p->size[p->n - 1] == size))
        return;
    assert(p->n == 0 || p->size[p->n - 1] < size);
    kept[--at] = size;
    for (size_t i = p->n; i-- > 0;) {
        const uint64_t least = smallest(p->size[i], size);

        if (!is_needed(least, next, size))
            continue;
        /* Each that is kept needs a tile of its own, and a level has 255 unfinished ones at most. */
        assert(at > 0);
        next = kept[--at] = least;
    }
    p->n = PARTIALS_SIZES - at;
    memcpy(p->size, kept + at, p->n * sizeof *kept);
}

bool
partials_is_least(const struct partials *p)
{
    struct partials again = *p;

    if (p->n == 0)
        return true;
    again.n--;
    partials_add(&again, p->size[p->n - 1]);
    return again.n == p->n && memcmp(again.size, p->size, p->n * sizeof *p->size) == 0;
}

bool
partials_has(const struct partials *p, const struct tiles_name *name)
{
    for (size_t i = 0; i < p->n; i++) {
        const struct tiles_name needed = tiles_edge_last(name->level, p->size[i]);

        if (needed.index == name->index && needed.width == name->width && name->width > 0)
            return true;
    }
    return false;
}
