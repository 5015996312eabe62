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
 * NOT_FOUND.  with_entry: the entry's bytes stand in the "extra" line. */
void cofre_audit_proof(struct cofre_vault *vault, struct cofre_call *call, uint64_t seq,
                       bool with_entry);

/*
 * A piece of the log for a collector.  body: a line {"origin","first","size"} (those below first were
 * pruned), then entries [from, from + limit), or from first on, each a line as it stands, about 4 MiB at most.
 *
 * False: it follows (it goes on from a piece before), and there is nothing new but what exports that
 * follow left themselves; body is the first line alone, and the call is not to be submitted.
 */
struct cofre_export {
    uint64_t from;
    uint64_t limit;
    bool follow;
};
bool cofre_audit_export(struct cofre_vault *vault, struct cofre_call *call,
                        const struct cofre_export *piece);

/* ---- time stamps of an outside authority (RFC 3161) ---- */

/* A reply to keep; ca: certificates (PEM) to check it with first, NULL bytes for not. */
struct cofre_timestamp_in {
    struct bytes checkpoint; /* what was asked about; NULL bytes: the newest */
    struct bytes reply;
    struct bytes ca;
};
/*
 * The newest checkpoint as body, as cofre_audit_checkpoint (whose act this is), and a query (DER) for
 * SHA-256 of its bytes in query, which may go out once the call is recorded.
 */
void cofre_timestamp_query(struct cofre_vault *vault, struct cofre_call *call, struct buf *query);
/*
 * Keeps a reply in audit/time/, with its checkpoint and an entry; runs its own entry: not submitted by
 * the caller.  {"size","time","authority"}.  INVALID: no reply, or about other bytes.  REFUSED: the
 * checkpoint is none of this log, or the reply does not verify.  EXISTS.
 */
void cofre_timestamp_keep(struct cofre_vault *vault, struct cofre_call *call,
                          const struct cofre_timestamp_in *in);
/* Asks the authority at url about the newest checkpoint, and keeps its reply.  OUTSIDE: it did not answer. */
void cofre_timestamp_ask(struct cofre_vault *vault, struct cofre_call *call, const char *url,
                         struct bytes ca);

/*
 * Gives up entries below `below`, or all that are older than keep_s seconds: whole bundles of 256, never
 * the newest 1,024 entries.  This call runs its own entries: it is not submitted.
 * {"first": the first entry that is left,"bundles","entries": that went}.  REFUSED: nothing to prune, or too
 * new.  BUSY: a key rotation came in between; the same again.
 */
struct cofre_prune_in {
    uint64_t below;
    bool by_age; /* then keep_s counts, else below */
    uint64_t keep_s;
    bool dry_run;
};
void cofre_audit_prune(struct cofre_vault *vault, struct cofre_call *call,
                       const struct cofre_prune_in *in);

/* The log's directory and vkeys, for a verification by the caller; vkey as text. */
COFRE_CHECKED enum cofre_err cofre_audit_vkeys(struct cofre_vault *vault, struct buf *out);

/* What a verification is held against, as cofre-verify's options; all of it may be zero. */
struct cofre_verify_in {
    const struct bytes *since; /* kept checkpoints */
    size_t n_since;
    const struct bytes *witnesses; /* keys, one or more lines each */
    size_t n_witnesses;
    uint64_t quorum;
    struct bytes tsa_ca;
    const char *const *accepted; /* hashes of restores, hexadecimal */
    size_t n_accepted;
    uint64_t max_age; /* seconds */
    bool text;        /* the body gets a member "text", for people */
};
/*
 * Verifies the vault's own log from its first vkey, up to what was durable when the call began.  body: the
 * report as JSON.  *verdict is 0 good, 1 tampered, 2 rolled back, 3 forked, 66 unreadable.  INVALID: a
 * witness's key, a quorum or a hash that is none.
 */
void cofre_audit_verify(struct cofre_vault *vault, struct cofre_call *call,
                        const struct cofre_verify_in *in, unsigned *verdict);

#endif
