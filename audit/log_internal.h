#ifndef AUDIT_LOG_INTERNAL_H
#define AUDIT_LOG_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "audit/journal.h"
#include "audit/log.h"
#include "audit/partials.h"
#include "audit/seal.h"
#include "audit/tiles.h"

/*
 * What the files of log*.c share.
 *
 *  1. `lock` guards what stands below it.  It is held for a copy, never over a read, a write, a
 *     signature or a callback.
 *  2. `files` is held for reading by who reads journal files, for writing while some are removed.
 *     It is taken before `lock`, never the other way round; the builder only tries it.
 *  3. The committer's members belong to the thread that calls log_stage and log_commit, the
 *     builder's to its thread from log_builder_start to the join in log_builder_stop.
 *  4. head is durable; it moves only in log_commit, after journal_append.  queue holds the leaf
 *     hashes of its last queue.len / HASH_LEN entries, which the builder has not taken yet.
 *  5. bundled is a multiple of 256 and grows only: below it every full tile is durable.  Journal
 *     files are removed only when all their entries are below it.
 *  6. checkpoint is the file's contents, covers signed_size <= head.size, and all tiles that it
 *     needs were durable before it was published.
 *  7. dead goes from false to true only, together with trouble, which then stays.
 *  8. signer, epochs and resign change on the builder's thread only, with lock held: it reads them
 *     without.  arm is the caller's of log_epoch_arm as long as ending.size is 0, and then the
 *     builder's.  While ending.size is not 0, built does not pass it and nothing but the seal is
 *     signed.
 */
enum {
    LOG_QUEUE_WAKE = 2048,       /* entries that are worth a round of the builder before its time */
    LOG_QUEUE_MAX = 1024 * 1024, /* entries that it may be behind: 32 MiB of hashes */
    LOG_CHECKPOINT_MS = 1000,
    LOG_COSIGN_WAIT_MS = 1000 /* that somebody waits for a checkpoint that is on hold */
};

#define LOG_RECOVERY "keys/recovery"
#define LOG_PRUNED "keys/pruned"
enum { LOG_KEYS_PATH = 32 }; /* room for "keys/seal.N" */

struct log_epoch {
    struct note_verifier key;
    uint64_t end; /* its seal's size; 0: it goes on */
};

/* What the next end of an epoch needs. */
struct log_arm {
    const struct note_signer *next; /* NULL: not armed */
    const struct note_signer *certifier;
    enum seal_kind kind;
};

struct log {
    /* fixed after log_open */
    int dir;
    int tmp_dir;
    bool has_recovery;
    struct note_verifier recovery;
    unsigned checkpoint_ms;
    bool hold;
    pthread_t builder;
    struct journal_end end; /* as it was found, for log_start */
    bool started;           /* the builder runs */

    /* the committer's */
    struct journal *journal;
    struct tree_edge edge;    /* with what is staged */
    struct tree_edge durable; /* without */
    uint8_t prev[HASH_LEN];   /* leaf hash of the last entry, with what is staged */
    uint8_t durable_prev[HASH_LEN];
    struct buf line;   /* the entry that was staged last */
    struct buf batch;  /* journal records of what is staged */
    struct buf leaves; /* leaf hashes of what is staged */
    struct log_head staged_end; /* an epoch's, among what is staged; size 0: none */

    /* the builder's */
    struct journal_reader *reader; /* NULL until the first round, and after an error */
    struct tiles_builder *tiles;
    struct partials partials;
    bool partials_there; /* the file was, when the log was opened */
    bool partials_stray; /* there may be partial tiles that are not listed */
    uint64_t built;      /* entries in tiles */
    uint64_t opened;     /* size at log_open, when the chain was checked: not in queue */
    struct buf expected; /* the committer's hashes of entries from max(built, opened) on */
    size_t expected_at;  /* bytes of it that are done with */
    uint64_t trimmed;    /* bundled when the journal was last trimmed */
    uint64_t next_sign;  /* ms, monotonic */
    uint64_t next_try;   /* ms, monotonic; 0 when the last round went well */

    pthread_rwlock_t files;
    atomic_bool dead;
    atomic_bool roll; /* the committer is to begin a new journal file */

    pthread_mutex_t lock;
    pthread_cond_t work; /* for the builder; on the monotonic clock */
    pthread_cond_t done; /* a round of the builder is over */
    struct log_head head;
    struct buf queue;
    uint64_t bundled;
    uint64_t wanted;   /* somebody waits for a checkpoint of at least this size */
    uint64_t failures; /* rounds that failed */
    enum cofre_err trouble_err;
    struct cofre_why trouble;
    bool closing;
    bool in_round;   /* between begin_round and end_round */
    unsigned paused; /* who wants no round to begin (log_pause) */
    struct buf checkpoint;
    uint64_t signed_size;
    struct buf held; /* of a log on hold: signed, not published; covers held_size */
    uint64_t held_size;
    bool missed; /* the last try to have it cosigned brought no quorum */
    struct log_cosigning *cosigning; /* waits for the builder */
    const struct note_signer *signer; /* NULL: lost, and not replaced yet */
    struct log_epoch *epochs;
    size_t n_epochs;
    struct log_arm arm;
    struct log_head ending; /* where an epoch ends that has no seal yet; size 0: none */
    bool resign;            /* the checkpoint is the former key's */
    uint64_t pruned;            /* bundles that may be gone */
    struct log_pruning *pruning; /* waits for the builder */
};

/* ---- log_files.c: keys/vkeys and checkpoint ---- */

/* Writes keys/vkeys.  COFRE_EEXIST, COFRE_EIO, COFRE_ENOSPC, COFRE_ENOMEM. */
COFRE_CHECKED enum cofre_err log_files_put_vkey(int dir, const struct note_signer *s,
                                                struct cofre_why *why);
/* Writes keys/recovery.  The same. */
COFRE_CHECKED enum cofre_err log_files_put_recovery(int dir, const struct note_verifier *v,
                                                    struct cofre_why *why);
/*
 * Replaces a file of the log: written and synced in tmp_dir as <its last name>.new, renamed, the
 * directory synced.  On error the old one may be there, or the new one.  COFRE_EIO, COFRE_ENOSPC.
 */
struct log_place {
    int dir;
    int tmp_dir;
};
COFRE_CHECKED enum cofre_err log_files_replace(const struct log_place *place, const char *path,
                                               struct bytes contents, struct cofre_why *why);
/* The same for `checkpoint`. */
COFRE_CHECKED enum cofre_err log_files_publish(int dir, int tmp_dir, struct bytes checkpoint,
                                               struct cofre_why *why);

/* ---- log_keys.c: keys/ and the checkpoint, as they are found ---- */

/* A size of which something signed says what the root is. */
struct log_mark {
    const char *what;
    uint32_t epoch; /* of a seal, and of a lost key's last checkpoint; else 0 */
    uint64_t size;
    uint8_t root[HASH_LEN];
    bool seal; /* then entry size - 1 names the next key: */
    enum seal_kind kind;
    uint8_t next[HASH_LEN];
};

struct log_marks {
    struct log_mark *list; /* by size */
    size_t n;
    size_t at;       /* so many are checked */
    uint64_t sealed; /* the largest seal's size */
    uint64_t pruned; /* bundles that may be gone */
    bool recovering; /* the signing key is lost */
    struct buf bundle;
    struct entry_parsed *parsed;
};

/*
 * Reads keys/ and the checkpoint: fills epochs, recovery, signer, arm, checkpoint, signed_size and
 * resign of l, and the marks that are to be held against the tree.  COFRE_EINTEGRITY, COFRE_EREFUSED
 * (the recovery key is not the log's), COFRE_EIO, COFRE_ENOMEM.
 */
COFRE_CHECKED enum cofre_err log_keys_load(struct log *l, const struct log_config *config,
                                           struct log_marks *marks, struct cofre_why *why);

/* ---- log_marks.c ---- */

void log_marks_free(struct log_marks *m);
/* Those up to l->bundled, with l->edge and l->prev at that size.  COFRE_EINTEGRITY. */
COFRE_CHECKED enum cofre_err log_marks_in_tiles(struct log *l, struct log_marks *m,
                                                struct cofre_why *why);
/* Those at l->edge.size, of which e is the last entry.  The same. */
COFRE_CHECKED enum cofre_err log_marks_entry(struct log *l, struct log_marks *m,
                                             const struct entry *e, struct cofre_why *why);
/* All were checked; sets l->ending for a seal that keys/vkeys does not know yet. */
COFRE_CHECKED enum cofre_err log_marks_end(struct log *l, const struct log_marks *m,
                                           struct cofre_why *why);

/* ---- log_epoch.c ---- */

/* Adds a key behind the others; with lock held, or before there are threads.  COFRE_ENOMEM, COFRE_ELIMIT. */
COFRE_CHECKED enum cofre_err log_epoch_add(struct log *l, const struct note_verifier *key);
/* Is it an entry that ends an epoch? */
bool log_epoch_act(const struct entry *e);
/* Does it end that epoch, in favour of that key? */
bool log_epoch_names(const struct entry *e, const struct log_mark *seal);
/* Does it end the present epoch, in favour of the armed key? */
bool log_epoch_armed_for(struct log *l, const struct entry *e);
/* The files of an epoch's end, once the tiles were built to exactly that size.  On the builder's thread. */
COFRE_CHECKED enum cofre_err log_epoch_end(struct log *l, const struct log_head *end,
                                           struct cofre_why *why);

/* ---- log_tiles.c: full tiles ---- */

/* Entries of which bundle (from number pruned on) and every tile that they complete are there: a
 * multiple of 256. */
COFRE_CHECKED enum cofre_err log_tiles_bundled(int dir, uint64_t pruned, uint64_t *out,
                                               struct cofre_why *why);
/*
 * The tree's edge at a size of which all but the last size % 256 leaves are in full tiles; these
 * are taken from the full tile that follows.  last gets the leaf hash before size (of nothing, for
 * size 0).  COFRE_EINTEGRITY: a tile is missing or malformed.  COFRE_EIO, COFRE_ENOMEM.
 */
COFRE_CHECKED enum cofre_err log_tiles_edge(int dir, uint64_t size, struct tree_edge *out,
                                            uint8_t last[static HASH_LEN], struct cofre_why *why);
/* Removes the partial tiles beside the full ones that entry number size completed. */
COFRE_CHECKED enum cofre_err log_tiles_drop_partial(int dir, uint64_t size, struct cofre_why *why);

/* ---- log_partials.c: the file `partials`, and the partial tiles that it lists ---- */

/* An empty one.  COFRE_EIO, COFRE_ENOSPC. */
COFRE_CHECKED enum cofre_err log_partials_create(const struct log_config *config,
                                                 struct cofre_why *why);
/* Reads it, when head and signed_size are known.  COFRE_EINTEGRITY: a tile that it lists is missing. */
COFRE_CHECKED enum cofre_err log_partials_read(struct log *l, struct cofre_why *why);
/* Makes it, in a log that is older than this file, from the partial tiles that are there. */
COFRE_CHECKED enum cofre_err log_partials_start(struct log *l, struct cofre_why *why);
/* Writes the partial tiles of the present size, then lists it: what a checkpoint needs. */
COFRE_CHECKED enum cofre_err log_partials_flush(struct log *l, uint64_t size,
                                                struct cofre_why *why);

/* ---- log_cosign.c: cosigned checkpoints (the face is in audit/log_cosign.h) ---- */

struct log_cosigning;
/* With lock held: entries under the newest signature, be it published or held back. */
uint64_t log_cosign_reach(const struct log *l);
/* Keeps a signed text back, as newest; takes it over.  The builder's. */
void log_cosign_hold(struct log *l, struct buf *text, uint64_t size);
/* With lock held: may what is signed be published before `until`?  A log that is not on hold: yes. */
bool log_cosign_expected(const struct log *l, uint64_t until);
/* With lock held: waits for a round to be over; on hold, until `until` at the latest. */
void log_cosign_wait(struct log *l, uint64_t until);
/* Publishes what log_cosign brought; between two rounds, on the builder's thread. */
void log_cosign_run(struct log *l, struct log_cosigning *job);

/* ---- log_prune.c (the face is in audit/log_prune.h) ---- */

struct log_pruning;
struct seal_pruned;
/* Reads keys/pruned, when epochs and recovery are known: l->pruned, and what it says of the tree (size 0:
 * there is no note).  COFRE_EINTEGRITY, COFRE_EIO, COFRE_ENOMEM. */
COFRE_CHECKED enum cofre_err log_prune_load(struct log *l, struct log_mark *mark,
                                            struct cofre_why *why);
/* Removes what is left of bundles that were given up. */
COFRE_CHECKED enum cofre_err log_prune_start(struct log *l, struct cofre_why *why);
/* log_sweep.c: removes every bundle below l->pruned that is still there, and the time stamps that its
 * entries name.  COFRE_EIO, COFRE_ENOMEM. */
COFRE_CHECKED enum cofre_err log_sweep_run(struct log *l, struct cofre_why *why);
/* Carries it out, at the end of a round. */
/* Opens and checks the note as it is now.  COFRE_ENOENT: there is none. */
COFRE_CHECKED enum cofre_err log_prune_note(const struct log *l, struct seal_pruned *p,
                                            struct cofre_why *why);
void log_prune_run(struct log *l, struct log_pruning *job);

/* ---- log_restored.c ---- */

/*
 * Sets p's restores: those that the note before lists, and the "restore" entries from the first one that is
 * there up to p's bundles.  On the builder.  COFRE_ELIMIT: too many; COFRE_EINTEGRITY, COFRE_EIO, COFRE_ENOMEM.
 */
COFRE_CHECKED enum cofre_err log_restored_collect(struct log *l, struct seal_pruned *p,
                                                  struct cofre_why *why);

/* ---- log.c ---- */

/* What log_close and a failed log_open free; the builder does not run. */
void log_free(struct log *l);
/* Stops everything for good; the first reason stays.  Not with lock held.  Returns err. */
enum cofre_err log_die(struct log *l, enum cofre_err err, const struct cofre_why *why);

/* ---- log_round.c: one round of the builder ---- */

/* What a round is for, as it was when the round began. */
struct log_round {
    struct log_head head;
    uint64_t signed_size;
    uint64_t wanted;
    bool closing;
    struct log_head ending;
    struct log_cosigning *cosigning;
    struct log_pruning *pruning;
};

/* Adds what is new to the tiles, signs if that is due, and removes journal files. */
COFRE_CHECKED enum cofre_err log_round_run(struct log *l, const struct log_round *round,
                                           struct cofre_why *why);
/* ms on the monotonic clock. */
uint64_t log_round_now(void);

/* ---- log_builder.c: when the rounds are, and the thread ---- */

COFRE_CHECKED enum cofre_err log_builder_start(struct log *l, struct cofre_why *why);
/* Lets it sign what is durable, and joins it.  The error of that last round. */
COFRE_CHECKED enum cofre_err log_builder_stop(struct log *l, struct cofre_why *why);

#endif
