#ifndef AUDIT_JOURNAL_INTERNAL_H
#define AUDIT_JOURNAL_INTERNAL_H

#include "audit/entry.h"
#include "audit/journal.h"

/* What the files of journal*.c share. */

enum { JOURNAL_RECORD_MAX = JOURNAL_HEADER + ENTRY_MAX + JOURNAL_TRAILER };

/* The journal's directory, opened, and the numbers of its files in order. */
struct journal_files {
    int fd;
    uint64_t *first;
    size_t n;
};

/*
 * COFRE_EINTEGRITY  no journal directory, or something in it that is not a journal file
 * COFRE_EIO, COFRE_ENOMEM; there is nothing to close on error
 */
COFRE_CHECKED enum cofre_err journal_files_list(int dir, struct journal_files *out,
                                                struct cofre_why *why);
void journal_files_close(struct journal_files *files);
/* The index of the file that holds seq, which is the last one that begins at or before it; or n. */
size_t journal_files_find(const struct journal_files *files, uint64_t seq);
void journal_files_name(uint64_t first, char out[static JOURNAL_NAME_LEN + 1]);
/* A descriptor of a regular file, or -1 with errno. */
int journal_files_openat(int fd, uint64_t first, int flags);
/* COFRE_ENOSPC or COFRE_EIO. */
enum cofre_err journal_files_error(int os_error);

/* True when p is a header; *len is then the length of the entry. */
bool journal_reader_header(const uint8_t p[static JOURNAL_HEADER], size_t *len);

struct journal_reader {
    int dir;         /* of the journal's files; owned */
    int fd;          /* of the present file; owned */
    uint64_t first;  /* number of the present file */
    uint64_t seq;    /* of the next record */
    uint64_t offset; /* of the next record in the file */
    uint64_t limit;
    size_t at; /* block[at, have) are the file's bytes from offset on */
    size_t have;
    uint8_t block[4 * JOURNAL_RECORD_MAX];
};

#endif
