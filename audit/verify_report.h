#ifndef AUDIT_VERIFY_REPORT_H
#define AUDIT_VERIFY_REPORT_H

#include "audit/verify.h"

/*
 * A report for people and for programs.  What verify_log tells on the way is gathered as text: give
 * verify_report_found as its found, and one of these, zero at first, as found_ctx.
 */
struct verify_findings {
    struct buf text[3]; /* by enum verify_finding_kind: epochs, vouchers, restores */
    struct buf json[3];
    unsigned n[3];
};

void verify_report_found(void *ctx, const struct verify_finding *finding);
/* f may be used again. */
void verify_report_free(struct verify_findings *f);

/* Appends lines for people; signer is the log's name.  Check buf_error. */
void verify_report_text(struct buf *out, const struct verify_report *r,
                        const struct verify_findings *f, const char *signer);
/* Appends one JSON object, without a line end.  Check buf_error. */
void verify_report_json(struct buf *out, const struct verify_report *r,
                        const struct verify_findings *f, const char *signer);
/* RFC 3339, UTC, from milliseconds; without them when they are 0. */
void verify_report_time(struct buf *out, uint64_t ms);
/* Appends a JSON string; one that was cut may end inside a character. */
void verify_report_string(struct buf *out, const char *text);
/* Appends text for a terminal: whoever wrote a file that was read may have chosen it. */
void verify_report_shown(struct buf *out, const char *text);

#endif
