#ifndef VAULT_READY_H
#define VAULT_READY_H

#include "vault/vault_internal.h"

/* Tells the operator, once per change, that the vault is not ready and why, or is again.  The keeper's. */
void ready_watch(struct cofre_vault *v);

#endif
