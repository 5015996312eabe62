#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit/tiles_edge.h"

#include "audit/tiles.h"

/* A proof needs about two tiles of each level, and there are rarely more than four levels. */
enum { SLOTS = 8 };

struct slot {
    struct tiles_name name; /* width 0: empty */
    struct buf hashes;
};

struct tiles_source {
    int dir;
    uint64_t size;
    unsigned next; /* the slot that is given up next */
    struct slot slots[SLOTS];
};

enum cofre_err
tiles_source_new(int dir, uint64_t size, struct tiles_source **out)
{
    struct tiles_source *s = calloc(1, sizeof *s);

    *out = s;
    if (s == NULL)
        return COFRE_ENOMEM;
    s->dir = dir;
    s->size = size;
    return COFRE_OK;
}

void
tiles_source_free(struct tiles_source *s)
{
    if (s == NULL)
        return;
    for (unsigned i = 0; i < SLOTS; i++)
        buf_free(&s->slots[i].hashes);
    free(s);
}

static unsigned
width_of(const char *text)
{
    char *end;
    const unsigned long n = strtoul(text, &end, 10);

    return *end == '\0' && n < TILES_WIDTH ? (unsigned)n : 0;
}

/* The narrowest partial tile that is at least as wide as name; 0 when there is none. */
static unsigned
wider_partial(int dir, const struct tiles_name *name)
{
    char path[TILES_PATH_MAX];
    const struct dirent *e;
    unsigned best = 0, width;
    DIR *d;
    int fd;

    tiles_path(name, path);
    *strrchr(path, '/') = '\0';
    fd = openat(dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    if ((d = fdopendir(fd)) == NULL) {
        close(fd);
        return 0;
    }
    while ((e = readdir(d)) != NULL) {
        width = width_of(e->d_name);
        if (width >= name->width && (best == 0 || width < best))
            best = width;
    }
    closedir(d);
    return best;
}

/*
 * Reads at least name's width: the very file, or, as partial tiles go when the full one is there
 * and a size need not be a checkpoint's, a wider one.
 */
static enum cofre_err
read_wide(int dir, const struct tiles_name *name, struct buf *out)
{
    struct tiles_name wide = *name;
    enum cofre_err err = tiles_read(dir, name, out, NULL);

    if (err != COFRE_ENOENT || name->width == TILES_WIDTH)
        return err;
    wide.width = wider_partial(dir, name);
    if (wide.width > 0) {
        err = tiles_read(dir, &wide, out, NULL);
        if (err != COFRE_ENOENT)
            return err;
    }
    wide.width = TILES_WIDTH;
    return tiles_read(dir, &wide, out, NULL);
}

/* The tile of a level that holds hash number n, borrowed until the next call. */
static enum cofre_err
tile_of(struct tiles_source *s, int level, uint64_t n, const uint8_t **hashes)
{
    struct tiles_name name = tiles_edge_last(level, s->size);
    struct slot *slot;
    enum cofre_err err;

    if (n / TILES_WIDTH < name.index)
        name = (struct tiles_name){level, n / TILES_WIDTH, TILES_WIDTH};
    for (unsigned i = 0; i < SLOTS; i++) {
        slot = &s->slots[i];
        if (slot->name.width > 0 && slot->name.level == level && slot->name.index == name.index) {
            *hashes = slot->hashes.p;
            return COFRE_OK;
        }
    }
    slot = &s->slots[s->next];
    s->next = (s->next + 1) % SLOTS;
    slot->name.width = 0;
    err = read_wide(s->dir, &name, &slot->hashes);
    if (err != COFRE_OK)
        return err;
    slot->name = name;
    *hashes = slot->hashes.p;
    return COFRE_OK;
}

static enum cofre_err
source_node(void *ctx, unsigned level, uint64_t index, uint8_t out[static HASH_LEN])
{
    struct tiles_source *s = ctx;
    const int tile_level = (int)(level / TILES_HEIGHT);
    const unsigned height = level % TILES_HEIGHT;
    const uint64_t first = index << height;
    const uint8_t *hashes;
    enum cofre_err err;

    assert(first + (UINT64_C(1) << height) <= tiles_edge_hashes(tile_level, s->size));
    err = tile_of(s, tile_level, first, &hashes);
    if (err == COFRE_OK)
        tiles_edge_subtree(hashes + first % TILES_WIDTH * HASH_LEN, height, out);
    return err;
}

struct tree_source
tiles_source_tree(struct tiles_source *s)
{
    return (struct tree_source){source_node, s};
}
