#ifndef AUDIT_VERIFY_STREAM_H
#define AUDIT_VERIFY_STREAM_H

#include "audit/verify_bundle.h"
#include "audit/verify_internal.h"

/* What verify_stream.c (tiles and bundles) and verify_journal.c share. */
struct verify_stream {
    struct verify_stream_config c;
    uint64_t next_mark; /* the smallest size of a mark that is still to come, or UINT64_MAX */
    struct verify_report *report;
    struct cofre_why *why;

    struct tiles_edge edge; /* of all entries so far */
    uint8_t prev[HASH_LEN]; /* leaf hash of the last one */
    uint64_t first;         /* entries below this one are gone */
    uint64_t *hits;
    size_t n_hits;
    size_t hits_room;
    size_t hash_ends[TILES_WIDTH + 1]; /* of a hash tile */
    struct buf scratch;

    struct buf tail; /* the unfinished bundle, from the journal */
    size_t tail_ends[TILES_WIDTH + 1];
    struct buf again;        /* a bundle that the journal overlaps */
    uint64_t again_index;    /* UINT64_MAX: none */
    struct bytes again_left; /* from the next entry on, in it */
    uint64_t again_next;     /* its seq */
    bool again_gone;         /* it was pruned, and again has the hash tile instead */
};

/* COFRE_EINTEGRITY, with why. */
enum cofre_err verify_stream_bad(const struct verify_stream *s, uint64_t seq, const char *what);
/* Notes the time of the next entry, which is there. */
void verify_stream_time(struct verify_stream *s, uint64_t seq, uint64_t ts);
/* Entry seq concerns the subject.  COFRE_ENOMEM. */
COFRE_CHECKED enum cofre_err verify_stream_hit(struct verify_stream *s, uint64_t seq);
/* An entry that was checked: into the tree; passes marks, checks tiles that it fills. */
COFRE_CHECKED enum cofre_err verify_stream_leaf(struct verify_stream *s,
                                                const uint8_t leaf[static HASH_LEN]);
/* The files of one tile, as verify_tile_check; `needed` is set here. */
COFRE_CHECKED enum cofre_err verify_stream_tile(struct verify_stream *s, struct verify_tile tile);

/* Whether the journal holds the entry after the last bundle, or there is none (*met). */
COFRE_CHECKED enum cofre_err verify_journal_meet(struct verify_stream *s,
                                                 struct verify_walk *journal, bool *met);
/* Reads it to its end. */
COFRE_CHECKED enum cofre_err verify_journal_take(struct verify_stream *s,
                                                 const struct verify_walk *journal);
/* The files of the bundle that is unfinished at the end. */
COFRE_CHECKED enum cofre_err verify_journal_tail(struct verify_stream *s);

#endif
