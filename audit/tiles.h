#ifndef AUDIT_TILES_H
#define AUDIT_TILES_H

#include "audit/tree.h"
#include "cofre/err.h"

/*
 * C2SP tlog-tiles, tile height 8, as files below a log's directory (audit/):
 *
 *     tile/<L>/<N>[.p/<W>]        256 (or W) hashes of level 8*L
 *     tile/entries/<N>[.p/<W>]    256 (or W) entries, each with a big-endian 16-bit length
 *
 * N is written in groups of three digits, all but the last with an "x" in front: x001/x234/067.
 * A tile is written once, durably, and never changed; partial tiles go when the full one is there.
 */
enum {
    TILES_HEIGHT = 8,
    TILES_WIDTH = 256,
    TILES_PATH_MAX = 80,
    TILES_HASHES_LEN = TILES_WIDTH * HASH_LEN,
    TILES_BUNDLE_MAX = TILES_WIDTH * (2 + 65535)
};

/* Level of the entry bundles, in calls that take a level. */
#define TILES_ENTRIES (-1)

struct tiles_name {
    int level;      /* TILES_ENTRIES, or 0..7 */
    uint64_t index; /* N */
    unsigned width; /* 1..256; 256 is the full tile, without ".p/W" */
};

/* The path below the log's directory, e.g. "tile/0/x001/234.p/12". */
void tiles_path(const struct tiles_name *name, char out[static TILES_PATH_MAX]);
/* The reverse; only the canonical form.  COFRE_EFORMAT. */
COFRE_CHECKED enum cofre_err tiles_path_parse(struct bytes path, struct tiles_name *out);

/*
 * Writes a tile: makes directories, writes an unnamed file, syncs it, links it, syncs the
 * directories.  A file that is there already with the same bytes is fine.
 *
 * COFRE_EINTEGRITY  there already with other bytes
 * COFRE_EIO, COFRE_ENOSPC
 */
COFRE_CHECKED enum cofre_err tiles_write(int dir, const struct tiles_name *name,
                                         struct bytes contents, struct cofre_why *why);
/* Reads a tile into out (reset first).  COFRE_ENOENT, COFRE_EIO, COFRE_ENOMEM. */
COFRE_CHECKED enum cofre_err tiles_read(int dir, const struct tiles_name *name, struct buf *out,
                                        struct cofre_why *why);
/* Removes all partial tiles of one level and index, and their directory.  Absent is fine. */
COFRE_CHECKED enum cofre_err tiles_drop_partial(int dir, int level, uint64_t index,
                                                struct cofre_why *why);

/* The i-th entry of a bundle, borrowed.  COFRE_EFORMAT: cut short, or fewer entries than i + 1. */
COFRE_CHECKED enum cofre_err tiles_bundle_entry(struct bytes bundle, size_t i, struct bytes *out);

/*
 * A source of hashes (tree.h) for the tree of exactly `size` leaves, from the tiles of a
 * directory; keeps the last few tiles that it read.  dir is borrowed.  COFRE_ENOMEM: *out is NULL.
 */
struct tiles_source;
COFRE_CHECKED enum cofre_err tiles_source_new(int dir, uint64_t size, struct tiles_source **out);
void tiles_source_free(struct tiles_source *s);
struct tree_source tiles_source_tree(struct tiles_source *s);

/*
 * The tree builder's side: takes leaf hashes in order, writes each level's tile when it is full,
 * and the partial ones when asked.  It keeps one unfinished tile for each level in memory.
 */
struct tiles_builder;
/* Goes on at size, reading the unfinished tiles' hashes from the directory's full tiles below and
 * from tail: the (size % 256) leaf hashes after the last full level-0 tile. */
COFRE_CHECKED enum cofre_err tiles_builder_new(int dir, uint64_t size, const uint8_t *tail,
                                               struct tiles_builder **out, struct cofre_why *why);
void tiles_builder_free(struct tiles_builder *b);
/* Adds the next entry; when its bundle is full, bundle and hash tiles are written, durably. */
COFRE_CHECKED enum cofre_err tiles_builder_add(struct tiles_builder *b, struct bytes entry,
                                               const uint8_t leaf[static HASH_LEN],
                                               struct cofre_why *why);
/* Writes every partial tile of the present size, durably: what a checkpoint needs. */
COFRE_CHECKED enum cofre_err tiles_builder_flush(struct tiles_builder *b, struct cofre_why *why);
/* Root and size of what was added. */
void tiles_builder_root(const struct tiles_builder *b, uint64_t *size,
                        uint8_t root[static HASH_LEN]);

#endif
