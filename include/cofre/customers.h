#ifndef COFRE_CUSTOMERS_H
#define COFRE_CUSTOMERS_H

#include "cofre/call.h"

/*
 * What the shop and the support desk do.  Every operation checks call->actor against call->act first (outcome
 * FORBIDDEN), borrows its arguments only during the call, and leaves outcome, faults and body in
 * call; the caller then submits the call, whatever the outcome.  Fault pointers are those of the HTTP
 * API's bodies.
 */

/* How a value came (see design 4): files give text, JSON tells kinds apart. */
enum cofre_form {
    COFRE_FORM_FILE,
    COFRE_FORM_STRING,
    COFRE_FORM_INTEGER,
    COFRE_FORM_NUMBER, /* a JSON number with point or exponent: refused by every type */
    COFRE_FORM_BOOL,
    COFRE_FORM_NULL,   /* merge patch: remove */
    COFRE_FORM_OTHER   /* an array or object: refused by every type */
};

struct cofre_field {
    struct bytes name;
    struct bytes text;
    enum cofre_form form;
};

struct cofre_consent_in {
    struct bytes purpose;
    struct bytes status; /* "granted" or "withdrawn" */
    struct bytes source; /* [a-z0-9_-]{1,64} */
    struct bytes time;   /* empty: now */
};

enum { COFRE_BATCH_MAX = 1000 };

struct cofre_customer_in {
    struct bytes external_id;
    const struct cofre_field *fields;
    size_t n_fields;
    const struct cofre_consent_in *consents;
    size_t n_consents;
};

struct cofre_event_in {
    struct bytes event_id;
    struct bytes kind;
    struct bytes time;
    struct bytes customer;    /* "cus_..."; empty: by external_id */
    struct bytes external_id;
    const struct cofre_field *attributes;
    size_t n_attributes;
};

/* 201 {"id","version"}; EXISTS with the pointer of the unique field that is taken. */
void cofre_customer_create(struct cofre_vault *vault, struct cofre_call *call,
                           const struct cofre_customer_in *in);
/* 200 {"results":[{"index","status","id","version"} or {"index","status","problem":{...}}]} */
void cofre_customer_batch(struct cofre_vault *vault, struct cofre_call *call,
                          const struct cofre_customer_in *in, size_t n);
/* 200 {"id","version"}; if_match 0: any version. NOT_FOUND, PRECONDITION, EXISTS. */
void cofre_customer_patch(struct cofre_vault *vault, struct cofre_call *call, struct bytes cus,
                          const struct cofre_field *fields, size_t n, uint64_t if_match);
/*
 * 200 {"results":[{"index","status","id"...}]}; events of one customer (cus not empty; NOT_FOUND), or each
 * by its own customer or external_id.  The same event_id with the same content is 200 again, with other
 * content a problem "conflict".
 */
void cofre_event_append(struct cofre_vault *vault, struct cofre_call *call, struct bytes cus,
                        const struct cofre_event_in *in, size_t n);
/* 200 {"purpose","status","time"}. NOT_FOUND for customer or purpose. */
void cofre_consent_put(struct cofre_vault *vault, struct cofre_call *call, struct bytes cus,
                       const struct cofre_consent_in *in);
/* 200 {"id"}; NOT_FOUND. */
void cofre_customer_lookup(struct cofre_vault *vault, struct cofre_call *call, struct bytes index,
                           const struct cofre_field *value);

struct cofre_reveal_in {
    const struct bytes *fields;
    size_t n_fields;
    struct bytes purpose;
    struct bytes reason; /* stored sealed with the customer's key; 1..1000 bytes of UTF-8 */
};
/* 200 {"fields":{...}}; NOT_FOUND; REFUSED when the token lacks the purpose. */
void cofre_customer_reveal(struct cofre_vault *vault, struct cofre_call *call, struct bytes cus,
                           const struct cofre_reveal_in *in);

/* ---- who saw this customer? ---- */

/* Which entries of the log: from <= seq < to, as far as there are any. */
struct cofre_accesses_in {
    uint64_t from;
    uint64_t to;    /* UINT64_MAX: to the end as it is now */
    uint64_t limit; /* at most so many accesses, from 1 */
    bool whole;     /* look through any number of entries, which takes its time; else some 10,000s */
};
/*
 * 200 {"accesses":[{"seq","time","act","ok","code","actor","role","view","purpose","fields","n",
 * "entry","proof"}],"from":SEQ,"to":SEQ,"next":SEQ or null}, about 4 MiB at most; entry is the line as it was
 * hashed, proof a C2SP tlog-proof of it, from where the search began (what was pruned is gone).  All
 * entries that carry the customer's tag, in any epoch of the log; with the same `to`, from next on until it
 * is null, none is left out.  NOT_FOUND.
 */
void cofre_customer_accesses(struct cofre_vault *vault, struct cofre_call *call, struct bytes cus,
                             const struct cofre_accesses_in *in);
/*
 * 200, and key gets the text of a key file (audit/subject.h) with which cofre-verify finds the customer's
 * accesses in the log epochs that are closed, and with current in this one, too.  The caller may give
 * it away only after the call is recorded.  NOT_FOUND; REFUSED: no epoch is closed.
 */
void cofre_customer_subject_key(struct cofre_vault *vault, struct cofre_call *call,
                                struct bytes cus, bool current, struct buf *key);

#endif
