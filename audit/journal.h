#ifndef AUDIT_JOURNAL_H
#define AUDIT_JOURNAL_H

#include "cofre/bytes.h"
#include "cofre/err.h"
#include "crypto/hash.h"

/*
 * The journal: the commit point of the log.  Files journal/<20 digits>, the number being the seq
 * of the first entry in it; an entry is part of the log once its record is on disk.
 *
 *     record:   LE32 length | LE32 ~length | entry bytes | first 8 bytes of the entry's leaf hash
 *
 * A write may be torn by a crash: the last record of the last file may be cut by the end of the
 * file, or from some byte on be zeros up to the end of the file (at least 64 of them, or all that
 * is left).  That is what "torn" means below; anything else that is not a record is tampering.
 *
 * A new file is begun when the last one has JOURNAL_FILE_MAX bytes.  Files of which every entry
 * is in a full, durable bundle are removed.
 */
enum {
    JOURNAL_HEADER = 8,
    JOURNAL_TRAILER = 8,
    JOURNAL_FILE_MAX = 4 * 1024 * 1024,
    JOURNAL_NAME_LEN = 20
};

struct journal;

/*
 * Calls fn for each record from the file that holds seq `from` on, in order, skipping entries
 * below from.  An error of fn ends the scan and is returned.
 */
typedef enum cofre_err journal_fn(void *ctx, uint64_t seq, struct bytes entry,
                                  const uint8_t leaf[static HASH_LEN]);

struct journal_end {
    uint64_t size;       /* seq after the last whole record */
    bool torn;           /* bytes of a torn record follow */
    char file[JOURNAL_NAME_LEN + 1]; /* the last file; empty when there is none */
    uint64_t file_bytes; /* bytes of whole records in it */
};

/*
 * Reads the journal below the log's directory dir (memory flat: one record at a time).
 * COFRE_EINTEGRITY  a file that does not belong, a gap, or a record that is neither whole nor torn
 * COFRE_EIO, COFRE_ENOMEM, and what fn returns
 */
COFRE_CHECKED enum cofre_err journal_scan(int dir, uint64_t from, journal_fn *fn, void *ctx,
                                          struct journal_end *end, struct cofre_why *why);

/*
 * Opens for appending at end (from journal_scan): a torn record is cut off first.  dir is
 * borrowed.  *out is NULL on error.  COFRE_EIO, COFRE_ENOSPC, COFRE_ENOMEM.
 */
COFRE_CHECKED enum cofre_err journal_open(int dir, const struct journal_end *end,
                                          struct journal **out, struct cofre_why *why);
void journal_close(struct journal *j);

/* Puts one record's bytes behind what is in batch (memory only).  Check buf_error(batch). */
void journal_record(struct buf *batch, struct bytes entry, const uint8_t leaf[static HASH_LEN]);

/*
 * Makes a batch of whole records durable: one write, one fdatasync; first begins a new file when
 * the present one is full.  next is the seq of the batch's first entry.  Checks that the file is
 * still the one that its name points to.
 *
 * On COFRE_ENOSPC and COFRE_EIO of the write the file is cut back to what it was; when even that
 * fails, or fdatasync failed, journal_dead() is true from then on and every later append returns
 * COFRE_ESTOPPED: what is on disk is then unknown until the next start.
 */
COFRE_CHECKED enum cofre_err journal_append(struct journal *j, uint64_t next, struct bytes batch,
                                            struct cofre_why *why);
bool journal_dead(const struct journal *j);
/* Removes the files whose entries are all below seq.  Safe beside journal_append in another thread. */
COFRE_CHECKED enum cofre_err journal_trim(int dir, uint64_t seq, struct cofre_why *why);

#endif
