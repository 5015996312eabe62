#ifndef VAULT_ROTATE_AUDIT_H
#define VAULT_ROTATE_AUDIT_H

#include "vault/vault_internal.h"

/*
 * Ends the epoch of the log's signing key, while the vault serves: a new key, the entry that names it, the seal
 * by both keys, then the former key is wiped (DESIGN.md).  Runs its own entry: call is not submitted.
 * {"class","from","to","vkey","entry","size"}, with dry_run {"class","from","to","dry_run"}.
 * BUSY: a rotation is under way, or one was begun that the log could not finish yet.
 */
void rotate_audit(struct cofre_vault *v, struct cofre_call *call, bool dry_run);

#endif
