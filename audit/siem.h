#ifndef AUDIT_SIEM_H
#define AUDIT_SIEM_H

#include "audit/entry.h"

/*
 * An entry of the log as other people's collectors read it:
 *
 *   jsonl   the entry's line, byte for byte
 *   cef     ArcSight Common Event Format, version 0
 *   ocsf    Open Cybersecurity Schema Framework, class API Activity (6003), profile record_integrity
 *
 * each one line without its end, and any of them within an RFC 5424 message.  FORMAT.md has the fields.
 */
enum siem_format { SIEM_JSONL, SIEM_CEF, SIEM_OCSF, SIEM_FORMATS };

enum {
    SIEM_ORIGIN_MAX = 255,
    SIEM_CEF_MAX = 8 * 1024,
    SIEM_OCSF_MAX = 3 * ENTRY_MAX,
    SIEM_SYSLOG_MAX = 8 * 1024 /* what common collectors take as they come */
};

/* COFRE_ENOENT: no format is called so. */
COFRE_CHECKED enum cofre_err siem_format_parse(struct bytes text, enum siem_format *out);

/* Where entries come from; all borrowed. */
struct siem_source {
    struct bytes origin;  /* the log's, at most SIEM_ORIGIN_MAX bytes of UTF-8 */
    struct bytes version; /* of the program */
    struct bytes host;    /* printable ASCII without blanks, or empty */
};

/* How much attention an entry asks for: by its outcome, and for some acts at least so much. */
enum siem_level { SIEM_INFO, SIEM_NOTICE, SIEM_WARNING, SIEM_ERROR, SIEM_CRITICAL, SIEM_LEVELS };

/* An entry taken apart.  About 18 KB: not for small stacks. */
struct siem_item {
    struct bytes line; /* borrowed */
    uint8_t leaf[HASH_LEN];
    enum siem_level level;
    struct entry_parsed parsed;
};

/* COFRE_EFORMAT: the line is no entry; *out then holds no meaning. */
COFRE_CHECKED enum cofre_err siem_read(struct bytes line, struct siem_item *out);

/* Appends the entry in a format.  Check buf_error(out). */
void siem_write(struct buf *out, enum siem_format format, const struct siem_source *source,
                const struct siem_item *item);
/*
 * Appends an RFC 5424 message (facility 13, log audit) of at most SIEM_SYSLOG_MAX bytes, without
 * framing: structured data that names the entry and its hash, then the entry in the format, or a
 * sentence where that is too long.  Check buf_error(out).
 */
void siem_syslog(struct buf *out, enum siem_format format, const struct siem_source *source,
                 const struct siem_item *item);

#endif
