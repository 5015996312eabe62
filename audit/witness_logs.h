#ifndef AUDIT_WITNESS_LOGS_H
#define AUDIT_WITNESS_LOGS_H

#include "audit/witness_state.h"

/* The logs that a witness trusts: verifier keys, of which several may be of one origin. */
struct witness_logs {
    struct note_verifier keys[WITNESS_STATE_LOGS];
    size_t n;
};

/*
 * Reads the file `logs`, adds the keys in texts (one a line each), and writes it again when one is new.
 * COFRE_EINVAL: a text is no key of a log's.  COFRE_EINTEGRITY: the file is malformed.  COFRE_ELIMIT.
 */
COFRE_CHECKED enum cofre_err witness_logs_open(int dir, const struct bytes *texts, size_t n,
                                               struct witness_logs *out, struct cofre_why *why);

/*
 * Takes the keys in text (one a line) out again, and writes the file.  COFRE_ENOENT: one of them is not
 * trusted; COFRE_EINVAL: a line is no key.  Then nothing is written.
 */
COFRE_CHECKED enum cofre_err witness_logs_forget(int dir, struct witness_logs *logs,
                                                 struct bytes text, struct cofre_why *why);

enum witness_logs_verdict {
    WITNESS_LOGS_UNKNOWN,  /* no key is of this origin */
    WITNESS_LOGS_UNSIGNED, /* none of those has signed, or a line of one does not verify */
    WITNESS_LOGS_SIGNED
};
enum witness_logs_verdict witness_logs_judge(const struct witness_logs *logs, const struct note *n,
                                             struct bytes origin);
/* Appends the note with the lines of trusted keys alone. */
void witness_logs_put(const struct witness_logs *logs, const struct note *n, struct buf *out);

#endif
