#ifndef AUDIT_SIEM_INTERNAL_H
#define AUDIT_SIEM_INTERNAL_H

#include "audit/siem.h"

/* What the files of siem*.c share. */

void siem_cef_write(struct buf *out, const struct siem_source *source,
                    const struct siem_item *item);
void siem_ocsf_write(struct buf *out, const struct siem_source *source,
                     const struct siem_item *item);

/* The names of the entry's fields with commas between; ",+N" stands for those that max has no room for. */
void siem_put_fields(struct buf *out, const struct entry *e, size_t max);
/* "view-record" as "view record". */
void siem_put_words(struct buf *out, struct bytes name);
/* The code is an HTTP status, and not an exit code. */
bool siem_is_http(const struct entry *e);

#endif
