#ifndef AUDIT_LOG_PRUNE_H
#define AUDIT_LOG_PRUNE_H

#include "audit/log.h"

/*
 * Retention: whole bundles of the oldest entries are given up.  An entry "audit-prune" with the field
 * "bundles-<N>" comes first; then the note keys/pruned (seal.h), signed over exactly the entries up to
 * that one; then the bundles go, with the time stamps whose entries they hold.  Hash tiles stay: every
 * entry that is left, and every one that is gone, can still be proved, and every size has its root.
 *
 * What of it is still in the journal goes when the journal's file does: no more is added to that file,
 * and as soon as all that is in it lies in full bundles (256 entries later at most), it is removed.
 *
 * A crash before the note leaves everything there: the same has to be asked for again.  A crash behind
 * it is made up for by the next start.
 */
enum { LOG_PRUNE_KEPT = 1024 /* newest entries of the published checkpoint that always stay */ };

/* The first entry that is there: those below were pruned.  Any thread. */
uint64_t log_prune_first(struct log *l);
/* Entries below this one may go at most.  Any thread. */
uint64_t log_prune_most(struct log *l);
/*
 * How many bundles are to go in all, so that whole ones below entry `below` go.  Any thread.
 * COFRE_EREFUSED: none, or they reach into what stays; *bundles is set all the same.
 */
COFRE_CHECKED enum cofre_err log_prune_check(struct log *l, uint64_t below, uint64_t *bundles,
                                             struct cofre_why *why);
/*
 * Gives up the first `bundles` bundles (in all), which log_prune_check allowed, and which entry seq,
 * durable, announces.  Waits for the builder.  Any thread.
 *
 * COFRE_EBUSY     the signing key changed since that entry: announce it again
 * COFRE_EAGAIN    the tiles do not reach that entry yet
 * COFRE_ESTOPPED  dead, or being closed
 * COFRE_EIO, COFRE_ENOSPC, COFRE_ENOMEM, COFRE_EINTEGRITY (an entry's root cannot be computed)
 *
 * After an error some may be gone; the next start, or the next pruning, removes the rest.
 */
COFRE_CHECKED enum cofre_err log_prune(struct log *l, uint64_t bundles, uint64_t seq,
                                       struct cofre_why *why);
/*
 * What was given up and is still in the journal: the first such entry, and of how many entries the log
 * must be until the last of them goes (0: there are none).  Any thread.  What journal_files_list returns.
 */
struct log_lingering {
    uint64_t from;
    uint64_t until;
};
COFRE_CHECKED enum cofre_err log_prune_lingering(struct log *l, struct log_lingering *out,
                                                 struct cofre_why *why);

#endif
