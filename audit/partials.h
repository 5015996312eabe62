#ifndef AUDIT_PARTIALS_H
#define AUDIT_PARTIALS_H

#include "audit/tiles.h"
#include "cofre/bytes.h"
#include "cofre/err.h"

/*
 * The file `partials`: sizes of checkpoints of which partial tiles are there because the full ones
 * are not, ascending, one decimal a line.  Without it, nobody could tell whether the partial tile
 * of an older checkpoint was ever there.
 *
 * A size is kept as long as it needs a partial tile that no newer listed size needs, too.  When its
 * tiles of the lowest levels are full, the smallest size that needs the same of the others stands for
 * it: 501 becomes 256 when the second tile of level 0 is full.  So there are at most 255 for each level,
 * however long the log, and each digit of the file is bound to a tile.
 */
enum {
    PARTIALS_SIZES = 8 * (TILES_WIDTH - 1),
    PARTIALS_MAX = PARTIALS_SIZES * 21 /* bytes of the file: 20 digits and a line end each */
};

struct partials {
    size_t n;
    uint64_t size[PARTIALS_SIZES]; /* ascending */
};

/* COFRE_EFORMAT: not such a file; out is empty. */
COFRE_CHECKED enum cofre_err partials_parse(struct bytes text, struct partials *out);
/* Appends the file's text.  Check buf_error. */
void partials_put(struct buf *out, const struct partials *p);
/*
 * Adds a checkpoint's size, which must not be below the last one, and drops those that are no longer
 * needed beside it.  Adding the last one again, or 0, changes nothing.
 */
void partials_add(struct partials *p, uint64_t size);
/* Whether it lists just what partials_add leaves when the last one comes. */
bool partials_is_least(const struct partials *p);
/* Whether a listed size needs this partial tile. */
bool partials_has(const struct partials *p, const struct tiles_name *name);

#endif
