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
 * follows the last whole record).  What was written of it must be able to begin a record.  That is
 * what "torn" means below; anything else that is not a record is tampering.
 *
 * A new file is begun when the last one has JOURNAL_FILE_MAX bytes.  Files of which every entry
 * is in a full, durable bundle are removed, but never the last file: its end is
 * the end of the log.
 */
enum {
    JOURNAL_HEADER = 8,
    JOURNAL_TRAILER = 8,
    JOURNAL_FILE_MAX = 4 * 1024 * 1024,
    JOURNAL_NAME_LEN = 20
};

struct journal;

/*
 * Called for each record from `from` on, in order.  An error ends the scan and is returned.
 */
typedef enum cofre_err journal_fn(void *ctx, uint64_t seq, struct bytes entry,
                                  const uint8_t leaf[static HASH_LEN]);

struct journal_end {
    uint64_t size;                   /* seq after the last whole record */
    bool torn;                       /* bytes of a torn record follow */
    char file[JOURNAL_NAME_LEN + 1]; /* the last file; empty when there is none */
    uint64_t file_bytes;             /* bytes of whole records in it */
};

/*
 * Reads the journal below the log's directory dir (memory flat: one record at a time), from the
 * beginning of the file that holds `from`; all of its records are checked, fn sees those from
 * `from` on.  The journal may end before `from`: that is for the caller to judge.
 *
 * COFRE_EINTEGRITY  a file that does not belong, a gap or an overlap of files, a record that is neither whole nor torn,
 *                   or no file that could hold `from` (with from 0, no file at all is fine)
 * COFRE_EIO, COFRE_ENOMEM, and what fn returns
 */
COFRE_CHECKED enum cofre_err journal_scan(int dir, uint64_t from, journal_fn *fn, void *ctx,
                                          struct journal_end *end, struct cofre_why *why);

/*
 * Opens for appending at end (from journal_scan): a torn record is cut off first, and what is
 * there is made durable (a killed process may have left it in memory only).  dir is borrowed.
 * *out is NULL on error.  COFRE_EIO, COFRE_ENOSPC, COFRE_ENOMEM.
 */
COFRE_CHECKED enum cofre_err journal_open(int dir, const struct journal_end *end,
                                          struct journal **out, struct cofre_why *why);
void journal_close(struct journal *j);

/* Puts one record's bytes behind what is in batch (memory only).  Check buf_error(batch). */
void journal_record(struct buf *batch, struct bytes entry, const uint8_t leaf[static HASH_LEN]);

/*
 * Makes a batch of whole records durable: one write, one fdatasync; first begins a new file when
 * the present one is full.  next is the seq of the batch's first entry.  Checks that the file is
 * still the one that its name points to, and as long as it was left.
 *
 * On COFRE_ENOSPC and COFRE_EIO of the write the file is cut back to what it was.  When even that
 * fails, an fdatasync failed or the file is not the one that was left, journal_dead() is true from
 * then on and this and every later append return COFRE_ESTOPPED: what is on disk is then unknown
 * until the next start.  A failed fdatasync is never tried again: the kernel may have dropped the
 * pages and would report success.
 */
COFRE_CHECKED enum cofre_err journal_append(struct journal *j, uint64_t next, struct bytes batch,
                                            struct cofre_why *why);
bool journal_dead(const struct journal *j);
/* Has the next append begin a new file, so that this one can go once nobody needs it.  As for
 * journal_append: one thread. */
void journal_roll(struct journal *j);
/*
 * Removes the files, but for the last, whose entries are all below seq.  Safe beside journal_append
 * in another thread.
 */
COFRE_CHECKED enum cofre_err journal_trim(int dir, uint64_t seq, struct cofre_why *why);

/*
 * Reads records that are durable while others are being appended.  Reading does not go on to
 * records from limit on, nor keep what it happened to read of them.
 */
struct journal_reader;
struct journal_item {
    uint64_t seq;
    struct bytes entry; /* until the next call */
    uint8_t leaf[HASH_LEN];
};

/*
 * Begins at seq from (of which the record must be there unless from is the end of the journal).
 * COFRE_ENOENT     no file holds it: the journal was trimmed, or ends before
 * COFRE_EINTEGRITY, COFRE_EIO, COFRE_ENOMEM; *out is NULL on error
 */
COFRE_CHECKED enum cofre_err journal_reader_new(int dir, uint64_t from, uint64_t limit,
                                                struct journal_reader **out, struct cofre_why *why);
void journal_reader_free(struct journal_reader *r);
/* Moves the limit up. */
void journal_reader_extend(struct journal_reader *r, uint64_t limit);
/*
 * The next record.  On error the reader stays where it is.
 * COFRE_ENOENT      at the limit, or at the end of the journal
 * COFRE_EINTEGRITY  what follows is not a whole record
 * COFRE_EIO
 */
COFRE_CHECKED enum cofre_err journal_reader_next(struct journal_reader *r, struct journal_item *out,
                                                 struct cofre_why *why);

#endif
