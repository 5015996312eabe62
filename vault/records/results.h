#ifndef VAULT_RESULTS_H
#define VAULT_RESULTS_H

#include "cofre/call.h"

/* The "results" of batches: {"index","status", and "id" or "problem"}. */

/* Appends one element, with a comma in front unless it is the first.  extra: more members, with their
 * leading comma, or NULL. */
void results_ok(struct buf *out, size_t index, enum cofre_outcome outcome, const char *id,
                const char *extra);
void results_problem(struct buf *out, size_t index, enum cofre_outcome outcome,
                     const struct cofre_fault *faults, size_t n);

#endif
