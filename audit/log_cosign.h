#ifndef AUDIT_LOG_COSIGN_H
#define AUDIT_LOG_COSIGN_H

#include "audit/log.h"

/*
 * Checkpoints and the lines of witnesses.  Who asks the witnesses takes the newest signed checkpoint,
 * and brings it back with their lines.  In a log on hold (log_config) that is what publishes it.
 */

/*
 * Appends the newest signed checkpoint of at least min_size entries, signing first when there is none;
 * in a log on hold it may be one that is not published yet.  Lines of witnesses that it carries come
 * with it.  Any thread.  Errors are those of log_checkpoint.
 */
COFRE_CHECKED enum cofre_err log_cosign_newest(struct log *l, uint64_t min_size, struct buf *out,
                                               struct cofre_why *why);

struct log_cosigned {
    struct bytes note; /* as log_cosign_newest gave it, with lines added; at most CHECKPOINT_MAX */
    bool
        publish; /* on hold: replace `checkpoint` by it.  Else it is replaced while it is that one */
    bool witnessed; /* replace `witnessed` by it */
};
/*
 * Waits until the builder has done it (not while the log is paused).
 *
 * COFRE_EAUTH    it is not signed by the key in force: one of an epoch that has ended meanwhile
 * COFRE_EINVAL   it covers more than what is published, and is not to be published
 * COFRE_ESTOPPED the log is dead, or being closed
 * COFRE_EIO, COFRE_ENOSPC, COFRE_ENOMEM
 */
COFRE_CHECKED enum cofre_err log_cosign(struct log *l, const struct log_cosigned *c,
                                        struct cofre_why *why);
/* The witnesses were asked, and there is no quorum: nobody needs to wait for the checkpoint. */
void log_cosign_missed(struct log *l);
/* Entries under the published checkpoint. */
uint64_t log_cosign_published(struct log *l);

#endif
