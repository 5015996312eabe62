#ifndef AUDIT_VERIFY_INTERNAL_H
#define AUDIT_VERIFY_INTERNAL_H

#include "audit/checkpoint.h"
#include "audit/files.h"
#include "audit/tiles_edge.h"
#include "audit/verify.h"

/*
 * What the files of verify*.c share.  Every function here answers COFRE_EINTEGRITY for tampering,
 * COFRE_EIO for what cannot be read, and COFRE_ENOMEM; why then names the place.
 */

/*
 * What the names in the directory say of the log's size; the entries must confirm it.  Taken
 * first: a log that is being written to only grows, so what fits now fits later.
 */
struct verify_walk {
    int dir;
    /* Per level (TILES_ENTRIES first): hashes that the tiles by their names hold. */
    uint64_t reach[1 + TILES_LEVELS];
    struct tiles_name farthest[1 + TILES_LEVELS];
    size_t journals;
    uint64_t first_journal; /* the smallest number, when there is any */
    struct cofre_why *why;
};

/* Goes through everything below dir: each name must be one that a log can have. */
COFRE_CHECKED enum cofre_err verify_walk_run(int dir, struct verify_walk *out,
                                             struct cofre_why *why);
/* The same for the journal's files alone. */
COFRE_CHECKED enum cofre_err verify_walk_journals(int dir, struct verify_walk *out,
                                                  struct cofre_why *why);
/* Holds what was seen against the number of entries that there are. */
COFRE_CHECKED enum cofre_err verify_walk_fits(const struct verify_walk *w, uint64_t size,
                                              struct cofre_why *why);

/* A checkpoint to compare with when the stream comes by its size. */
struct verify_mark {
    uint64_t size;
    uint8_t root[HASH_LEN];
    bool same; /* out; stays as it was when the log is shorter */
};

struct verify_marks {
    struct verify_mark *mark;
    size_t n;
};

struct verify_stream;
COFRE_CHECKED enum cofre_err verify_stream_new(const struct verify_config *config,
                                               uint64_t signed_size, struct verify_stream **out);
void verify_stream_free(struct verify_stream *s);
/*
 * Reads all entries in order, and holds every tile, partial tile and journal record against them.
 * Fills marks' same, and of report size, first_ts, last_ts, bytes and torn.
 */
COFRE_CHECKED enum cofre_err verify_stream_run(struct verify_stream *s, struct verify_marks marks,
                                               struct verify_report *report, struct cofre_why *why);

/*
 * Holds the files of one tile against its contents: the full tile when its width is TILES_WIDTH,
 * and every partial one.  ends[w] is where the first w entries or hashes end.  The full tile may
 * be absent unless needed.
 */
struct verify_tile {
    struct tiles_name name;
    struct bytes contents;
    const size_t *ends;
    bool needed;
};
COFRE_CHECKED enum cofre_err verify_tile_check(int dir, const struct verify_tile *t,
                                               struct buf *scratch, struct cofre_why *why);
/* The partial tile of that name is there, or the full one. */
COFRE_CHECKED enum cofre_err verify_tile_exists(int dir, const struct tiles_name *name,
                                                struct cofre_why *why);

#endif
