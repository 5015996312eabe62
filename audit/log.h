#ifndef AUDIT_LOG_H
#define AUDIT_LOG_H

#include "audit/entry.h"
#include "audit/tree.h"
#include "cofre/err.h"
#include "crypto/note.h"

/*
 * The log as its one writer sees it.  Two threads touch it:
 *
 *   the committer (one thread, the caller's) stages entries and makes each batch durable;
 *   the builder (a thread of the log's own) follows behind: it reads what was committed back from
 *   the journal, hashes it again, holds it against the hashes that the committer computed, writes
 *   bundles and tiles, signs a checkpoint at most once a second while there is news, and removes
 *   journal files that it no longer needs.  Nothing of that is on the committer's way.
 *
 * Layout below dir: checkpoint, tile/, journal/, keys/vkeys (FORMAT.md).
 */
struct log;

struct log_config {
    int dir;                          /* the audit/ directory; borrowed, open until log_close */
    int tmp_dir;                      /* where a checkpoint is prepared before it is renamed; same
                                         file system, outside audit/ */
    const struct note_signer *signer; /* borrowed until log_close */
    unsigned checkpoint_ms;           /* least time between checkpoints; 0 means 1000 */
    bool hold; /* a checkpoint is prepared only; log_cosign publishes it */
    /*
     * The next key, while an epoch's end may be half done: log_open finds out whether the key is the
     * signer by now, or will be, or was never named.  NULL: none.  Borrowed until log_close.
     */
    const struct note_signer *next;
    /* For log_create: the recovery key, which the first entry must name ("recovery" and the hash). */
    const struct note_verifier *recovery;
    /* Its signer, when the signing key is lost: signer is NULL then, and next the new one. */
    const struct note_signer *certifier;
};

/*
 * Makes an empty log: journal/, keys/vkeys with the signer's vkey, and a checkpoint of size 0, so
 * that a log without a checkpoint is always one that lost it.  EEXIST, EIO, ENOSPC, ENOMEM.
 */
COFRE_CHECKED enum cofre_err log_create(const struct log_config *config, struct cofre_why *why);

/*
 * Opens for writing: recovers what a crash left (a torn record is cut off, tiles that are behind
 * are completed), checks the chain from the last full bundle on and that the signed checkpoint
 * is a prefix, and starts the builder.  *out is NULL on error.
 *
 * COFRE_EINTEGRITY  the files contradict each other, the checkpoint, the seals, or the signer's key
 * COFRE_EIO, COFRE_ENOSPC, COFRE_ENOMEM
 */
COFRE_CHECKED enum cofre_err log_open(const struct log_config *config, struct log **out,
                                      struct cofre_why *why);
/*
 * The same in two steps, for a caller that has more to check first: log_open_held checks and writes
 * nothing, log_start cuts off what is torn, opens the journal for writing and starts the builder.  In
 * between everything may be called but log_commit, log_checkpoint and log_prove; log_close then
 * leaves every file as it was.
 */
COFRE_CHECKED enum cofre_err log_open_held(const struct log_config *config, struct log **out,
                                           struct cofre_why *why);
COFRE_CHECKED enum cofre_err log_start(struct log *l, struct cofre_why *why);
/*
 * Signs a last checkpoint over everything that is durable, and closes; NULL does nothing.  l is
 * gone also on error: what log_trouble() would have said, or what the last round failed at.
 */
COFRE_CHECKED enum cofre_err log_close(struct log *l, struct cofre_why *why);

struct log_head {
    uint64_t size;
    uint8_t root[HASH_LEN];
};

/* ---- the committer's side; one thread ---- */

/*
 * Links an entry behind what is durable or staged: fills prev, seq and ts of e, encodes it, and
 * keeps the bytes for log_commit.  leaf gets its leaf hash.  *line borrows the entry's bytes until
 * the next log_* call of the committer.
 *
 * COFRE_EINVAL, COFRE_ERANGE, COFRE_ENOMEM: nothing was staged.  EINVAL, too, for an entry that ends an
 * epoch which was not prepared for, or beside one that is staged or being carried out already.
 */
COFRE_CHECKED enum cofre_err log_stage(struct log *l, struct entry *e,
                                       uint8_t leaf[static HASH_LEN], struct bytes *line);
/* The same for the bytes of an entry that is already linked (an outbox after a crash): its prev and
 * seq must be the next ones.  COFRE_EINTEGRITY: they are not. */
COFRE_CHECKED enum cofre_err log_stage_line(struct log *l, struct bytes line);
/* Head with everything staged. */
void log_staged_head(const struct log *l, struct log_head *out);
/* Forgets what was staged since the last commit. */
void log_unstage(struct log *l);
/*
 * Makes what was staged durable (journal_append) and tells the builder.  On error nothing of it is
 * part of the log, unless log_dead(); it stays staged, to be tried again or unstaged.
 *
 * COFRE_ENOSPC, COFRE_EIO, COFRE_ENOMEM
 * COFRE_ESTOPPED  the log is dead
 * COFRE_ELIMIT    the builder is a million entries behind.  The committer never waits for it; all
 *                 that is kept for it are the leaf hashes, 32 bytes an entry.
 */
COFRE_CHECKED enum cofre_err log_commit(struct log *l, struct cofre_why *why);

/* ---- any thread ---- */

/* True once nothing more may be written: a failed fdatasync, a stored bit that flipped. */
bool log_dead(const struct log *l);
/* Why it is dead, or what the builder last failed at; empty text when all is well. */
void log_trouble(struct log *l, struct cofre_why *out);
/* Durable head. */
void log_head(struct log *l, struct log_head *out);
/* Root at an earlier size, to compare with a remembered head.  EINVAL: size is beyond the end. */
COFRE_CHECKED enum cofre_err log_root_at(struct log *l, uint64_t size,
                                         uint8_t root[static HASH_LEN], struct cofre_why *why);
/*
 * Calls fn for durable entries [from, from + limit), from bundles and the journal.  An error of fn
 * ends it and is returned.  COFRE_ENOENT: the next one was pruned (log_prune.h).
 */
typedef enum cofre_err log_entry_fn(void *ctx, uint64_t seq, struct bytes line);
COFRE_CHECKED enum cofre_err log_entries(struct log *l, uint64_t from, uint64_t limit,
                                         log_entry_fn *fn, void *ctx, struct cofre_why *why);
/*
 * Appends the newest signed checkpoint; signs first when it covers fewer than min_size entries.
 * COFRE_EINVAL: min_size is beyond the end.  COFRE_ESTOPPED: dead, or being closed.  Else what the
 * builder failed at; it goes on trying.
 */
COFRE_CHECKED enum cofre_err log_checkpoint(struct log *l, uint64_t min_size, struct buf *out,
                                            struct cofre_why *why);
/*
 * Appends a C2SP tlog-proof of entry seq against a checkpoint that covers it (signing first when
 * none does).  COFRE_ENOENT: there is no such entry.
 */
COFRE_CHECKED enum cofre_err log_prove(struct log *l, uint64_t seq, struct buf *out,
                                       struct cofre_why *why);

/*
 * Keeps tiles, checkpoint and the set of journal files as they are (after the builder's present
 * round) until log_resume, so that the directory can be read as a whole; entries go on into the
 * journal.  May be nested.  Checkpoints that are asked for meanwhile wait.
 */
void log_pause(struct log *l);
void log_resume(struct log *l);

/* ---- epochs of the signing key (log_epoch.c) ---- */

/*
 * From now on the entry "audit-rotate" (or "audit-recover") that names next ends the epoch: once it
 * is durable the builder seals, and next is the signer.  next is borrowed until log_close.
 * COFRE_EBUSY: one is under way.  COFRE_ELIMIT: there are too many epochs.
 */
COFRE_CHECKED enum cofre_err log_epoch_arm(struct log *l, const struct note_signer *next,
                                           struct cofre_why *why);
/* Takes that back; false: the entry is in the log, and the epoch will end. */
bool log_epoch_disarm(struct log *l);
/* Waits until no epoch's end is under way and the checkpoint is the newest key's.  What the builder
 * failed at; it goes on trying.  COFRE_ESTOPPED. */
COFRE_CHECKED enum cofre_err log_epoch_wait(struct log *l, struct cofre_why *why);
/* Is there an end that is not finished, or a checkpoint that is still the former key's? */
bool log_epoch_pending(struct log *l);
/* Entries under the published checkpoint. */
uint64_t log_signed(struct log *l);
/* Who signs now: the config's signer or next, or what was armed; NULL while it is lost. */
const struct note_signer *log_signer(struct log *l);
/* How many epochs there are; the last one goes on. */
uint32_t log_epochs(struct log *l);
/* Epoch number epoch, from 1: its key, and the size at which it ended (0: it goes on); either may be NULL.
 * False: there is no such epoch. */
bool log_epoch(struct log *l, uint32_t epoch, struct note_verifier *key, uint64_t *end);
/* Appends keys/vkeys: one line an epoch. */
COFRE_CHECKED enum cofre_err log_vkeys(struct log *l, struct buf *out);

#endif
