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
};
/* False: could not be written. */
bool report_proof(const struct report_proof *p, bool json);

#endif
