#ifndef VAULT_WITNESSES_ASK_H
#define VAULT_WITNESSES_ASK_H

#include "audit/checkpoint.h"
#include "vault/witnesses_policy.h"

/*
 * Asking witnesses for their line under one checkpoint (C2SP tlog-witness), all at once, with a timeout.
 * One thread.
 */

/* One witness, and what is known of it. */
struct witnesses_peer {
    const struct witnesses_policy_one *who; /* borrowed */
    void *http;                             /* the library's; keeps the connection */
    uint64_t size;                          /* what it cosigned last, as far as known */
    unsigned failures;                      /* in a row */
    int64_t next_try;                       /* on vault_clock */
    bool ahead;                             /* it has cosigned more than there is */
    /* for the present checkpoint */
    bool has_line;
    struct buf line;
    uint64_t seconds;
    /* of a request */
    struct buf request;
    struct buf reply;
    bool asked;
    bool behind;         /* it said another size than we thought: ask again */
    const char *trouble; /* NULL: it went well */
};

/* The checkpoint that is asked for. */
struct witnesses_target {
    struct buf note;   /* with the lines that it came with */
    struct bytes text; /* the signed text in note */
    struct bytes own;  /* text, empty line and the log's own lines: what a witness is sent */
    struct buf own_note;
    uint64_t size;
};

struct witnesses_asking {
    int audit; /* the log's directory, for proofs */
    const char *ca;
    unsigned timeout_ms;
    const struct witnesses_target *target;
};

COFRE_CHECKED enum cofre_err witnesses_ask_setup(struct cofre_why *why);
/* Frees what a peer holds. */
void witnesses_ask_free(struct witnesses_peer *p);
/*
 * Asks those peers that have asked set and no line; at most twice the timeout.  Sets line and seconds
 * of those whose cosignature verified, and trouble of the others.
 */
void witnesses_ask(const struct witnesses_asking *a, struct witnesses_peer *peers, size_t n);
/* Takes over p's line from a parsed note, if it has a valid one. */
bool witnesses_ask_take(struct witnesses_peer *p, const struct note *n);

#endif
