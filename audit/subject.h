#ifndef AUDIT_SUBJECT_H
#define AUDIT_SUBJECT_H

#include "audit/entry.h"

/*
 * Finds the entries that concern one person: entry e does when HMAC(K, nonce of e)[0..16) is one of
 * its tags, for the person's key K of some epoch of the log (design 8, FORMAT.md "subject").
 *
 * A key file, made by `cofre customer accesses --subject-key`, is text:
 *
 *     cofre-subject/v1
 *     vault <32 hex>
 *     epoch <N> <64 hex: K of that epoch>         one line or more, N ascending
 */
enum { SUBJECT_FILE_MAX = 128 * 1024, SUBJECT_EPOCHS_MAX = 1024 };

struct subject; /* keys in locked memory */

/* keys: n * HASH_LEN bytes, n from 1 to SUBJECT_EPOCHS_MAX; copied.  COFRE_ENOMEM. */
COFRE_CHECKED enum cofre_err subject_new(const uint8_t *keys, size_t n, struct subject **out);
/* From a key file's text.  COFRE_EFORMAT: why names the line.  COFRE_ENOMEM. */
COFRE_CHECKED enum cofre_err subject_parse(struct bytes text, struct subject **out,
                                           struct cofre_why *why);
/* Wipes and frees; NULL does nothing. */
void subject_free(struct subject *s);
/* The last epoch that the key file names: later entries may concern the person unseen.  0 after
 * subject_new. */
uint32_t subject_last_epoch(const struct subject *s);

/* Append a key file: its head, then a line for each epoch.  Check buf_error; the buffer is secret. */
void subject_put_head(struct buf *out, const uint8_t vault[static 16]);
void subject_put_epoch(struct buf *out, uint32_t epoch, const uint8_t key[static HASH_LEN]);

/*
 * Does this entry carry a tag of the person?  Reads nonce and tags at their places from the entry's
 * end, without parsing the rest: about two SHA-256 blocks a key.  The line must be an entry's (else
 * false).  All keys are tried on each entry: a call that was prepared before an epoch's end may be
 * linked after it.
 */
bool subject_matches(const struct subject *s, struct bytes line);

#endif
