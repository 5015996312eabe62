#ifndef AUDIT_VERIFY_AHEAD_H
#define AUDIT_VERIFY_AHEAD_H

#include "audit/verify_bundle.h"

/*
 * Loads full bundles ahead of the one thread that takes them in order, and never more than a few,
 * so that memory stays flat.  With no threads (none asked for, or none to be had) each bundle is
 * loaded when it is taken.
 */
struct verify_ahead;

/* Begins with bundle `first`.  What the source names is borrowed.  COFRE_ENOMEM: *out is NULL. */
COFRE_CHECKED enum cofre_err verify_ahead_new(const struct verify_bundle_source *source,
                                              uint64_t first, unsigned threads,
                                              struct verify_ahead **out);
void verify_ahead_free(struct verify_ahead *a);
/*
 * The next bundle, whatever its err is; borrowed until the next call.  After one whose err is not
 * COFRE_OK nothing more may be taken.
 */
const struct verify_bundle *verify_ahead_take(struct verify_ahead *a);

#endif
