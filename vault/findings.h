#ifndef VAULT_FINDINGS_H
#define VAULT_FINDINGS_H

#include "crypto/hash.h"
#include "vault/store/store.h"

/*
 * What is found at a start when log, database, keyring and anchor are held against each other.  A start is
 * refused at the first one; `cofre restore --declare` collects them, and puts their words into the log.
 */

/* clang-format off */
#define FINDINGS_LIST(X)                                                                           \
    X(OLDER_LOG,      "older-log")                                                                 \
    X(OLDER_DATABASE, "older-database")                                                            \
    X(FORKED,         "forked")                                                                    \
    X(NO_ANCHOR,      "no-anchor")                                                                 \
    X(BAD_ANCHOR,     "bad-anchor")                                                                \
    X(OLDER_KEYRING,  "older-keyring")                                                             \
    X(ROWS,           "rows")
/* clang-format on */

enum finding {
#define FINDINGS_ENUM(name, word) FOUND_##name,
    FINDINGS_LIST(FINDINGS_ENUM)
#undef FINDINGS_ENUM
        FINDINGS
};

struct findings {
    bool collect; /* else the first one is an error */
    bool found[FINDINGS];
    struct cofre_why text[FINDINGS];
    /* the highest that anything here knows of */
    uint64_t log_size;
    uint8_t log_root[HASH_LEN]; /* at log_size */
    uint64_t generation;
    uint32_t incarnation;
};

/* The end of every message: what is left when nothing newer can be put back. */
#define FINDINGS_LAST_WAY "; or, as the last way: cofre restore --declare"

/* Notes it: COFRE_OK when findings are collected, else COFRE_EINTEGRITY with the text in why. */
COFRE_CHECKED enum cofre_err findings_add(struct findings *f, enum finding what,
                                          struct cofre_why *why, const char *fmt, ...)
    COFRE_PRINTF(4, 5);
bool findings_any(const struct findings *f);
const char *findings_word(enum finding what);
/* A head of the log that somebody here remembers; of equal sizes the later call's. */
void findings_log(struct findings *f, uint64_t size, const uint8_t root[static HASH_LEN]);
void findings_database(struct findings *f, uint64_t generation, uint32_t incarnation);

#endif
