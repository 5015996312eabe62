#ifndef VAULT_TIMESTAMPS_H
#define VAULT_TIMESTAMPS_H

#include "audit/checkpoint.h"
#include "crypto/tsa.h"
#include "vault/vault_internal.h"

/*
 * Time stamps of the log: pairs audit/time/SIZE.checkpoint and SIZE.tsr, each named by an entry.
 *
 * Neither may be in audit/ without the other, nor a pair without its entry, nor for long an entry
 * without its pair.  So both files are made durable in the vault's directory first; then the entry;
 * then they get their names in audit/time/, the reply first.  What a crash leaves is settled by the
 * next start: with the entry the files get their names, without it they go.  No checkpoint that
 * covers the entry is signed before the pair is there.
 */

/* A pair of which everything was checked. */
struct timestamps_pair {
    uint64_t size;
    struct bytes checkpoint;
    struct bytes reply;
    uint8_t checkpoint_hash[HASH_LEN];
    uint8_t reply_hash[HASH_LEN];
};

/* ---- timestamps_pair.c; with stamp_lock held, or before anything runs ---- */

/* Is there a pair of this size? */
bool timestamps_there(struct cofre_vault *v, uint64_t size);
/* Makes both files durable beside audit/.  COFRE_ENOSPC, COFRE_EIO: nothing is left. */
COFRE_CHECKED enum cofre_err
timestamps_stage(struct cofre_vault *v, const struct timestamps_pair *pair, struct cofre_why *why);
/*
 * Gives what is staged its names if the log has the entry, and removes it if not; nothing staged is
 * fine.  COFRE_EIO, COFRE_ENOSPC: it stays staged.  COFRE_EINTEGRITY: it is not what the entry names.
 */
COFRE_CHECKED enum cofre_err timestamps_settle(struct cofre_vault *v, struct cofre_why *why);

#endif
