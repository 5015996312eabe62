#ifndef VAULT_IDEM_H
#define VAULT_IDEM_H

#include "cofre/call.h"

/*
 * Idempotency keys: a POST that was answered once is answered alike for a day.  Only keyed digests
 * of key and request are stored, with the reply, which holds ids and problem codes and no values.
 * Both run on the committer's thread, inside the transaction.
 */

/*
 * COFRE_ENOENT: the call has no key, or the key is new: apply it.  COFRE_OK: the call is answered, from
 * the table or with the outcome IDEMPOTENCY (the key came with another request before).
 */
COFRE_CHECKED enum cofre_err idem_replay(struct cofre_vault *v, struct cofre_call *call);
/* Keeps the answer, when the call has a key. */
COFRE_CHECKED enum cofre_err idem_keep(struct cofre_vault *v, struct cofre_call *call);

#endif
