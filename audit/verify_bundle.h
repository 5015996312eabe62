#ifndef AUDIT_VERIFY_BUNDLE_H
#define AUDIT_VERIFY_BUNDLE_H

#include "audit/subject.h"
#include "audit/tiles.h"
#include "audit/verify_form.h"

/*
 * The part of verification that needs nothing but one full bundle, and is therefore done ahead, in
 * as many threads as there are processors: reading it, hashing its entries, and checking the form,
 * the seq and, but for the first entry, the prev of each.
 */
struct verify_bundle_source {
    int dir;
    uint64_t pruned;               /* bundles below may be gone */
    const struct subject *subject; /* NULL: nobody is looked for */
};

enum { VERIFY_BUNDLE_SET = TILES_WIDTH / 64 };

struct verify_bundle {
    enum cofre_err err; /* COFRE_OK, or what verify_bundle_load answers */
    struct cofre_why why;
    bool gone; /* it was pruned: leaf is from the hash tile, and there is nothing else */
    struct buf file;
    size_t ends[TILES_WIDTH + 1]; /* ends[n]: where the first n entries end in file */
    uint8_t leaf[TILES_WIDTH][HASH_LEN];
    uint8_t prev[HASH_LEN]; /* of the first entry: for the caller to check */
    uint64_t ts[TILES_WIDTH];
    uint64_t bytes;                     /* of entries */
    uint64_t events[VERIFY_BUNDLE_SET]; /* a bit for each entry that verify_events_see wants */
    uint64_t hits[VERIFY_BUNDLE_SET];   /* and for each that concerns the subject */
};

/*
 * Fills b, and returns b->err.  COFRE_ENOENT: there is no such bundle; COFRE_EINTEGRITY, COFRE_EIO,
 * COFRE_ENOMEM.
 */
enum cofre_err verify_bundle_load(const struct verify_bundle_source *s, uint64_t index,
                                  struct verify_bundle *b);
/* Checks one entry: its form, its seq, its prev (NULL: not that).  COFRE_EINTEGRITY. */
COFRE_CHECKED enum cofre_err verify_bundle_entry(struct bytes line, uint64_t seq,
                                                 const uint8_t *prev, struct verify_form *form,
                                                 struct cofre_why *why);
/* Entry i of a bundle that was loaded and is not gone; borrowed. */
struct bytes verify_bundle_line(const struct verify_bundle *b, size_t i);
void verify_bundle_free(struct verify_bundle *b);

#endif
