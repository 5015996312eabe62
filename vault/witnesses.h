#ifndef VAULT_WITNESSES_H
#define VAULT_WITNESSES_H

#include "vault/vault_internal.h"

/*
 * Asks the configured witnesses (witnesses_policy.h) to cosign the newest checkpoint, in a thread of its
 * own and never on a request's way; what comes back goes into `checkpoint`, while that is still the one,
 * and into `witnessed`.  Where they are required, a checkpoint is published with a quorum only, and
 * when none was reached for long with news pending nothing is served.
 */

/* Reads the policy; without one v->witnesses stays NULL and the rest does nothing.  COFRE_EINVAL. */
COFRE_CHECKED enum cofre_err witnesses_open(struct cofre_vault *v,
                                            const struct cofre_vault_config *config,
                                            struct cofre_why *why);
COFRE_CHECKED enum cofre_err witnesses_start(struct cofre_vault *v, struct cofre_why *why);
/* Has the last checkpoint cosigned, waiting for the timeout at most, and joins. */
void witnesses_stop(struct cofre_vault *v);
void witnesses_free(struct cofre_vault *v);

/* Is a checkpoint to be published with a quorum only? */
bool witnesses_required(const struct cofre_vault *v);
/* The vault is being stopped: from now on nothing is refused for want of a quorum. */
void witnesses_leave(struct cofre_vault *v);
/* They are required, and none was published for too long; why then says who did not sign. */
bool witnesses_overdue(struct cofre_vault *v, struct cofre_why *why);
void witnesses_stats(struct cofre_vault *v, struct cofre_vault_stats *out);
/* Appends `,"witnesses":[{"name","size","time"}...]`; nothing without any. */
void witnesses_status(struct cofre_vault *v, struct buf *out);

#endif
