#ifndef AUDIT_VERIFY_INTERNAL_H
#define AUDIT_VERIFY_INTERNAL_H

#include "audit/checkpoint.h"
#include "audit/files.h"
#include "audit/partials.h"
#include "audit/seal.h"
#include "audit/tiles_edge.h"
#include "audit/verify.h"
#include "audit/verify_form.h"

/*
 * What the files of verify*.c share.  Every function here answers COFRE_EINTEGRITY for tampering,
 * COFRE_EIO for what cannot be read, and COFRE_ENOMEM; why then names the place.
 */

/* Reads a file that has to be there, of at most max bytes. */
COFRE_CHECKED enum cofre_err verify_file(int dir, const char *path, size_t max, struct buf *out,
                                         struct cofre_why *why);

/* ---- verify_state.c: whether somebody writes to the log ---- */

/* The files that change with every step that a log takes, by name, number, length and time. */
struct verify_state {
    uint8_t sum[HASH_LEN];
    int64_t newest; /* of their times, in seconds */
};

void verify_state_take(int dir, struct verify_state *out);
/* Whether it is another one than before; looks once more after wait_ms, unless all is old. */
bool verify_state_moved(int dir, const struct verify_state *before, unsigned wait_ms);

/* ---- verify_marks.c: roots that the stream is held against when it comes by their sizes ---- */

enum { VERIFY_NAME_MAX = 48 };

struct verify_mark {
    char name[VERIFY_NAME_MAX]; /* the file that says so */
    uint64_t size;
    uint8_t root[HASH_LEN];
    bool kept; /* the caller's: another root is no tampering, but a fork */
    bool same; /* out; stays false when the log is shorter */
};

struct verify_marks {
    struct verify_mark *mark;
    size_t n;
    size_t room;
};

/* Adds one by the name of a printf format's text.  COFRE_ENOMEM. */
COFRE_CHECKED enum cofre_err verify_marks_add(struct verify_marks *m, uint64_t size,
                                              const uint8_t root[static HASH_LEN], const char *fmt,
                                              ...) COFRE_PRINTF(4, 5);
/* After the stream: every mark that was not kept is of the log, and none is beyond it. */
COFRE_CHECKED enum cofre_err verify_marks_check(const struct verify_marks *m,
                                                const struct verify_report *r,
                                                struct cofre_why *why);
void verify_marks_free(struct verify_marks *m);

/* ---- verify_epochs.c: keys/ ---- */

struct verify_key {
    struct note_verifier key;
    uint64_t from;
    uint64_t size; /* of the seal that ended it; UINT64_MAX: none did */
    enum seal_kind kind;
    uint64_t last; /* with SEAL_RECOVER: the size of keys/last.N */
    bool seen;     /* the seal's entry */
};

struct verify_epochs {
    struct verify_key *key; /* of epoch i + 1 */
    size_t n;
    bool pending; /* the last one has a seal, and keys/vkeys no line for the next: a crash */
    struct note_verifier next; /* then */
    bool has_recovery;
    struct note_verifier recovery;
    bool has_pruned;
    struct seal_pruned pruned;
    bool pruned_seen; /* its entry */
};

/* Reads keys/; the roots of seals and of the rest become marks.  out must be freed in any case. */
COFRE_CHECKED enum cofre_err verify_epochs_load(const struct verify_config *config,
                                                struct verify_marks *marks,
                                                struct verify_epochs *out, struct cofre_why *why);
void verify_epochs_free(struct verify_epochs *e);
/* The epoch, from 0, that the entry before size belongs to. */
size_t verify_epochs_of(const struct verify_epochs *e, uint64_t size);

/* A checkpoint that was opened; borrows its bytes. */
struct verify_signed {
    struct note note;
    struct checkpoint c;
    size_t epoch; /* whose key signed, from 0 */
    bool other;   /* with COFRE_EAUTH: signed under the log's name, but by a key that is not that
                     size's, or none of the log's */
};
/*
 * Opens a checkpoint that must be signed by the key of the epoch that its size falls into.
 * COFRE_EFORMAT, COFRE_EAUTH: why says what is wrong with it, and does not name it.  COFRE_ENOMEM.
 */
COFRE_CHECKED enum cofre_err verify_epochs_open(const struct verify_epochs *e, struct bytes text,
                                                struct verify_signed *out, struct cofre_why *why);

/* ---- verify_walk.c: the names in the directory ---- */

/* What lies in time/: a pair of files for each size. */
struct verify_stamp {
    uint64_t size;
    bool seen;                 /* its entry */
    bool missing[2];           /* the one file, where the other is */
    uint8_t hash[2][HASH_LEN]; /* of the checkpoint, of the reply */
    uint64_t seconds;
    char authority[128];
    bool checked; /* against the certificates that were given */
};

struct verify_stamps {
    struct verify_stamp *stamp;
    size_t n;
    size_t room;
    bool unfinished; /* an entry's files are not all there, and may be missing */
};

/*
 * What the names in the directory say of the log's size; the entries must confirm it.  Taken
 * first: a log that is being written to only grows, so what fits now fits later.
 */
struct verify_walk {
    int dir;
    const struct verify_epochs *epochs;
    const struct partials *partials;
    uint64_t signed_size;
    struct cofre_why *why;
    /* Per level (TILES_ENTRIES first): hashes that the tiles by their names hold. */
    uint64_t reach[1 + TILES_LEVELS];
    struct tiles_name farthest[1 + TILES_LEVELS];
    uint64_t files;
    size_t journals;
    uint64_t first_journal; /* the smallest number, when there is any */
    struct verify_stamps stamps;
    bool last_early; /* keys/last.N of the epoch that goes on: a crash came into a recovery */
};

/* Goes through everything below dir: each name must be one that this log can have.  What stands
 * before reach is the caller's to set, the rest is zero; stamps must be freed in any case. */
COFRE_CHECKED enum cofre_err verify_walk_run(struct verify_walk *w);
/* The same for the journal's files alone. */
COFRE_CHECKED enum cofre_err verify_walk_journals(int dir, struct verify_walk *out,
                                                  struct cofre_why *why);
/* Holds what was seen against the number of entries that there are. */
COFRE_CHECKED enum cofre_err verify_walk_fits(const struct verify_walk *w, uint64_t size);
/* Whether neither the checkpoint nor a tile goes beyond size, where a key epoch ended: so a crash may
 * have left the rest of a rotation undone. */
bool verify_walk_ends(const struct verify_walk *w, uint64_t size);

/* ---- verify_stamps.c: time/ ---- */

/* True for the name of a file of time/, of which the pair is noted. */
COFRE_CHECKED enum cofre_err verify_stamps_name(struct verify_stamps *s, const char *path,
                                                bool *is_one);
/* Reads the pairs; their checkpoints become marks. */
COFRE_CHECKED enum cofre_err verify_stamps_load(const struct verify_config *config,
                                                const struct verify_epochs *epochs,
                                                struct verify_stamps *s, struct verify_marks *marks,
                                                struct cofre_why *why);
/* Entry e names a pair, which must be there, unless it may be missing.  dir: to tell one that came
 * since the walk. */
COFRE_CHECKED enum cofre_err verify_stamps_named(struct verify_stamps *s, int dir, bool may_miss,
                                                 const struct entry *e, struct cofre_why *why);
/* After the stream: each pair had its entry; when one is pruned, its pair goes first. */
COFRE_CHECKED enum cofre_err verify_stamps_check(const struct verify_stamps *s,
                                                 struct cofre_why *why);
void verify_stamps_free(struct verify_stamps *s);

/* ---- verify_partials.c ---- */

struct verify_partials_at {
    int dir;
    uint64_t pruned; /* bundles below may be gone */
    uint64_t size;   /* entries in all; for verify_partials_check */
};
/* The partial tile of that name is there, or the full one, or that one was pruned. */
COFRE_CHECKED enum cofre_err verify_partials_exists(const struct verify_partials_at *at,
                                                    const struct tiles_name *name,
                                                    struct cofre_why *why);
/* The checkpoint's size is listed, and none that the log does not reach; each partial tile that a
 * listed size up to signed_size needs is there. */
COFRE_CHECKED enum cofre_err verify_partials_check(const struct verify_partials_at *at,
                                                   const struct partials *p, uint64_t signed_size,
                                                   struct cofre_why *why);
/* Whether this partial tile may be there: listed, of a size beyond, or beside the full one. */
bool verify_partials_allow(int dir, const struct partials *p, const struct tiles_name *name,
                           uint64_t signed_size);

/* ---- verify_events.c: entries that stand for files ---- */

enum { VERIFY_WORDS_MAX = 160 };

struct verify_restored {
    uint64_t seq;
    uint8_t leaf[HASH_LEN];
    uint64_t size;
    uint8_t root[HASH_LEN]; /* at size */
    char words[VERIFY_WORDS_MAX];
    bool accepted;
};

struct verify_events {
    const struct verify_config *config;
    struct verify_epochs *epochs;
    struct verify_walk *walk;
    struct cofre_why *why;
    struct entry_parsed *parsed;
    struct verify_restored *restored;
    size_t n_restored;
    uint64_t ending;  /* 1 + seq of an entry that ends an epoch and has no seal; 0: none */
    bool ending_lost; /* it is an "audit-recover" */
    bool pruning;     /* a crash came into it */
};

/* Whether an entry has to be shown to verify_events_see. */
bool verify_events_wants(uint64_t seq, const struct verify_form *form);
COFRE_CHECKED enum cofre_err verify_events_see(struct verify_events *ev, uint64_t seq,
                                               struct bytes line,
                                               const uint8_t leaf[static HASH_LEN]);
/*
 * The hashes of a full bundle, before its entries are shown.  Restores that keys/pruned lists there are the
 * tree's, and, when the bundle is gone, count like those that are seen.
 */
COFRE_CHECKED enum cofre_err verify_events_bundle(struct verify_events *ev, uint64_t first,
                                                  const uint8_t (*leaf)[HASH_LEN], bool gone);
/* After the stream: every file had its entry.  first: the first entry that was there. */
COFRE_CHECKED enum cofre_err verify_events_check(const struct verify_events *ev, uint64_t first);
void verify_events_free(struct verify_events *ev);

/* ---- verify_stream.c ---- */

struct verify_stream_config {
    const struct verify_config *config;
    uint64_t signed_size;
    uint64_t pruned; /* bundles below may be gone */
    struct verify_marks *marks;
    struct verify_events *events;
};

struct verify_stream;
COFRE_CHECKED enum cofre_err verify_stream_new(const struct verify_stream_config *config,
                                               struct verify_stream **out);
void verify_stream_free(struct verify_stream *s);
/*
 * Reads all entries in order, and holds every tile, partial tile and journal record against them.
 * Fills marks' same, and of report size, first_ts, last_ts, bytes, torn and pruned.
 */
COFRE_CHECKED enum cofre_err verify_stream_run(struct verify_stream *s,
                                               struct verify_report *report, struct cofre_why *why);
/* The first entry that was there, after the run; the log's size when none was. */
uint64_t verify_stream_first(const struct verify_stream *s);
/* Entries that concern the subject, ascending; borrowed. */
const uint64_t *verify_stream_hits(const struct verify_stream *s, size_t *n);

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
    bool is_file; /* the contents were read from the full tile's file */
};
COFRE_CHECKED enum cofre_err verify_tile_check(int dir, const struct verify_tile *t,
                                               struct buf *scratch, struct cofre_why *why);

/* ---- verify_judge.c: what it all amounts to ---- */

struct verify_kept {
    size_t mark;
    bool other;     /* signed by a key that is not that size's, or none of the log's */
    char what[256]; /* then */
};

struct verify_judge {
    const struct verify_config *config;
    const struct verify_epochs *epochs;
    const struct verify_marks *marks;
    const struct verify_stamps *stamps;
    const struct verify_events *events;
    const struct verify_kept *kept; /* config->n_since */
    const struct verify_signed *checkpoint;
    const struct verify_signed *witnessed; /* NULL: there is none */
    const uint64_t *hits;
    size_t n_hits;
    struct cofre_why *why;
};

/* Completeness, freshness and the verdict, of a log that is whole; tells what was found. */
void verify_judge(const struct verify_judge *j, struct verify_report *report);

#endif
