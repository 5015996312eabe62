#ifndef COFRE_AUDIT_H
#define COFRE_AUDIT_H

#include "cofre/call.h"

/*
 * The log, read through the vault: each of these is itself an access with an entry.
 * The contract of arguments and results is that of customers.h.
 */

/* The signed checkpoint, text/plain; signed anew when entries came since. */
void cofre_audit_checkpoint(struct cofre_vault *vault, struct cofre_call *call);
/* A file below audit/tile/, by its path after "tile/"; application/octet-stream. NOT_FOUND. */
void cofre_audit_tile(struct cofre_vault *vault, struct cofre_call *call, struct bytes path);
/* {"entries":["<entry>",...],"next":seq or null}: each entry as a JSON string, byte for byte; at most limit
 * entries and about 4 MiB. */
void cofre_audit_entries(struct cofre_vault *vault, struct cofre_call *call, uint64_t from,
                         uint64_t limit);
/* A C2SP tlog-proof, text/plain. An actor that is not compliance or admin: only for its own entries, else
 * NOT_FOUND. */
void cofre_audit_proof(struct cofre_vault *vault, struct cofre_call *call, uint64_t seq);

/* The log's directory and vkeys, for a verification by the caller; vkey as text. */
COFRE_CHECKED enum cofre_err cofre_audit_vkeys(struct cofre_vault *vault, struct buf *out);

/*
 * Verifies the vault's own log from its first vkey, up to what was durable when the call began.  body: the
 * report as JSON.  *verdict is 0 good, 1 tampered, 2 rolled back, 3 forked, 66 unreadable.  since:
 * kept checkpoints.
 */
void cofre_audit_verify(struct cofre_vault *vault, struct cofre_call *call,
                        const struct bytes *since, size_t n_since, unsigned *verdict);

#endif
