#ifndef COFRE_SIEM_H
#define COFRE_SIEM_H

#include "cofre/bytes.h"

/*
 * Entries of the log as collectors read them (FORMAT.md).  Needs no vault: an export runs beside it.
 */
struct cofre_siem;

/*
 * A writer for one format ("jsonl", "cef", "ocsf") and one log; what it is given is copied.  *out is NULL on
 * error.  COFRE_ENOENT: no such format.  COFRE_EINVAL: the origin is not one.  COFRE_ENOMEM.
 */
COFRE_CHECKED enum cofre_err cofre_siem_new(const char *format, const char *origin,
                                            struct cofre_siem **out);
/* NULL is fine. */
void cofre_siem_free(struct cofre_siem *s);
/* COFRE_ENOENT: no format is called so. */
COFRE_CHECKED enum cofre_err cofre_siem_known(const char *format);

struct cofre_siem_entry {
    uint64_t seq;
    uint8_t prev[32]; /* leaf hash of the entry before */
    uint8_t leaf[32];
};
/* Takes an entry's line, which is borrowed until the next; *out says where it stands.  COFRE_EFORMAT. */
COFRE_CHECKED enum cofre_err cofre_siem_read(struct cofre_siem *s, struct bytes line,
                                             struct cofre_siem_entry *out);
/* Appends what was read, without a line end: alone, or as an RFC 5424 message.  Check buf_error(out). */
void cofre_siem_write(struct cofre_siem *s, struct buf *out);
void cofre_siem_syslog(struct cofre_siem *s, struct buf *out);

#endif
