#ifndef VERIFY_REPORT_H
#define VERIFY_REPORT_H

#include "audit/verify.h"

/* What was found, on stdout; false when it could not be written. */
bool report_text(const struct verify_report *r, const char *signer);
bool report_json(const struct verify_report *r, const char *signer);
bool report_proof(bool good, uint64_t index, const char *signer, bool json);

#endif
