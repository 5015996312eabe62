#ifndef AUDIT_WITNESS_REQUEST_H
#define AUDIT_WITNESS_REQUEST_H

#include "audit/checkpoint.h"
#include "audit/tree.h"

/*
 * The body of C2SP tlog-witness's add-checkpoint:
 *
 *     "old " SIZE "\n" { base64(hash) "\n" } "\n" signed checkpoint
 */
enum { WITNESS_REQUEST_PROOF_MAX = 63 };

struct witness_request {
    uint64_t old_size;
    struct tree_proof proof;
    struct bytes checkpoint; /* borrows the body; not parsed yet */
};

void witness_request_put(struct buf *out, uint64_t old_size, const struct tree_proof *proof,
                         struct bytes checkpoint);
/* COFRE_EFORMAT: not such a body, or more than WITNESS_REQUEST_PROOF_MAX hashes.  COFRE_ENOMEM. */
COFRE_CHECKED enum cofre_err witness_request_parse(struct bytes body, struct witness_request *out);

#endif
