#ifndef AUDIT_LOG_INTERNAL_H
#define AUDIT_LOG_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "audit/journal.h"
#include "audit/log.h"
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
 */
enum {
    LOG_QUEUE_WAKE = 2048,       /* entries that are worth a round of the builder before its time */
    LOG_QUEUE_MAX = 1024 * 1024, /* entries that it may be behind: 32 MiB of hashes */
    LOG_CHECKPOINT_MS = 1000
};

struct log {
    /* fixed after log_open */
    int dir;
    int tmp_dir;
    const struct note_signer *signer;
    unsigned checkpoint_ms;
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

    /* the builder's */
    struct journal_reader *reader; /* NULL until the first round, and after an error */
    struct tiles_builder *tiles;
    uint64_t built;      /* entries in tiles */
    uint64_t opened;     /* size at log_open, when the chain was checked: not in queue */
    struct buf expected; /* the committer's hashes of entries from max(built, opened) on */
    size_t expected_at;  /* bytes of it that are done with */
    uint64_t trimmed;    /* bundled when the journal was last trimmed */
    uint64_t next_sign;  /* ms, monotonic */
    uint64_t next_try;   /* ms, monotonic; 0 when the last round went well */

    pthread_rwlock_t files;
    atomic_bool dead;

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
};

/* ---- log_files.c: keys/vkeys and checkpoint ---- */

/* Writes keys/vkeys.  COFRE_EEXIST, COFRE_EIO, COFRE_ENOSPC, COFRE_ENOMEM. */
COFRE_CHECKED enum cofre_err log_files_put_vkey(int dir, const struct note_signer *s,
                                                struct cofre_why *why);
/* COFRE_EINTEGRITY: keys/vkeys does not end with the signer's key. */
COFRE_CHECKED enum cofre_err log_files_check_vkey(int dir, const struct note_signer *s,
                                                  struct cofre_why *why);
/* Replaces the checkpoint: written and synced in tmp_dir, renamed, the directory synced. */
COFRE_CHECKED enum cofre_err log_files_publish(int dir, int tmp_dir, struct bytes checkpoint,
                                               struct cofre_why *why);
/* Reads it into text and takes it apart.  COFRE_EINTEGRITY: none, or not of the signer. */
COFRE_CHECKED enum cofre_err log_files_checkpoint(int dir, const struct note_signer *s,
                                                  struct buf *text, struct log_head *out,
                                                  struct cofre_why *why);
/* ---- log_tiles.c: full tiles ---- */

/* Entries of which bundle and every tile that they complete are there: a multiple of 256. */
COFRE_CHECKED enum cofre_err log_tiles_bundled(int dir, uint64_t *out, struct cofre_why *why);
/*
 * The tree's edge at a size of which all but the last size % 256 leaves are in full tiles; these
 * are taken from the full tile that follows.  last gets the leaf hash before size (of nothing, for
 * size 0).  COFRE_EINTEGRITY: a tile is missing or malformed.  COFRE_EIO, COFRE_ENOMEM.
 */
COFRE_CHECKED enum cofre_err log_tiles_edge(int dir, uint64_t size, struct tree_edge *out,
                                            uint8_t last[static HASH_LEN], struct cofre_why *why);
/* Removes the partial tiles beside the full ones that entry number size completed. */
COFRE_CHECKED enum cofre_err log_tiles_drop_partial(int dir, uint64_t size, struct cofre_why *why);

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
