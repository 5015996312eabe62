#ifndef VERIFY_SUBJECT_H
#define VERIFY_SUBJECT_H

#include "audit/subject.h"
#include "audit/verify.h"
#include "cofre/bytes.h"

/* The entries that concern one person, after the log they are in was verified. */
struct subject_list {
    struct subject *subject;
    struct buf epochs; /* "1 2 5": those that the key file opens */
    struct buf seqs;   /* uint64_t each, ascending */
    size_t n;
};

/* Reads the key file.  False: told on stderr. */
bool subject_list_open(const char *path, struct subject_list *l);
void subject_list_free(struct subject_list *l);
/* An entry was found.  Check buf_error(&l->seqs). */
void subject_list_add(struct subject_list *l, uint64_t seq);

struct subject_source {
    int dir;
    uint64_t signed_size;
    struct bytes checkpoint; /* the one that was verified */
    const struct verify_report *report;
};
/* Writes the table to stdout.  False: told. */
bool subject_list_text(const struct subject_list *l, const struct subject_source *s);
/* Writes `,"subject":{…},"accesses":[…]` to stdout, with a proof of each that the checkpoint covers. */
bool subject_list_json(const struct subject_list *l, const struct subject_source *s);

#endif
