#ifndef VAULT_WITNESSES_POLICY_H
#define VAULT_WITNESSES_POLICY_H

#include "crypto/note.h"

/*
 * Which witnesses are asked, and how many must have signed: a text file in the manner of C2SP
 * tlog-policy, words with blanks or tabs between them.  Empty lines, and lines that begin with "#",
 * mean nothing.
 *
 *     witness NAME VKEY URL     VKEY of a cosigner; URL: what "/add-checkpoint" is put behind
 *     quorum K                  exactly once; K of them, or "none", "any", "all"
 *
 * `log` lines are passed over; groups are not understood, and refused.
 */
enum {
    WITNESSES_POLICY_MAX = NOTE_SIGNATURES_MAX - 1, /* a note holds their lines, and the log's */
    WITNESSES_POLICY_NAME = 64,
    WITNESSES_POLICY_URL = 512,
    WITNESSES_POLICY_FILE = 32768
};

struct witnesses_policy_one {
    char name[WITNESSES_POLICY_NAME];
    char url[WITNESSES_POLICY_URL];
    struct note_verifier key;
};

struct witnesses_policy {
    struct witnesses_policy_one one[WITNESSES_POLICY_MAX];
    size_t n;
    size_t quorum;
};

/* COFRE_EINVAL: why says which line, and what is wrong with it. */
COFRE_CHECKED enum cofre_err witnesses_policy_parse(struct bytes text, struct witnesses_policy *out,
                                                    struct cofre_why *why);

#endif
