#ifndef VERIFY_PRINT_H
#define VERIFY_PRINT_H

#include "audit/verify_report.h"

/* Writes out on stdout, whole, and frees it.  False: could not. */
bool report_emit(struct buf *out);

/* What is said of one proof. */
struct report_proof {
    const char *wrong; /* NULL: good */
    const char *signer;
    uint64_t index;      /* meaningful when the proof itself was good */
    uint64_t size;       /* of its checkpoint */
    uint64_t witnesses;  /* that signed it */
    bool reply, receipt; /* were checked, too */
    size_t epochs;       /* that the seals lead through; 0: none were given */
    size_t epoch;        /* whose key signed, from 1 */
    uint64_t from;       /* where that one began */
    size_t entry_epoch;  /* that the entry belongs to */
};
/* False: could not be written. */
bool report_proof(const struct report_proof *p, bool json);

#endif
