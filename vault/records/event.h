#ifndef VAULT_EVENT_H
#define VAULT_EVENT_H

#include "cofre/customers.h"
#include "vault/records/fields.h"
#include "vault/records/seen.h"
#include "vault/vault_internal.h"

/*
 * Events on the way in: prepared in the caller's thread (normalised, the customer found, sealed),
 * applied on the committer's.
 */
enum { EVENT_ID_NUM = 0xffff, EVENT_ID_MAX = 128 /* bytes of an event_id */ };

enum event_result { EVENT_ADDED, EVENT_KNOWN, EVENT_BAD };

struct event {
    struct store_event row; /* sealed points into sealed */
    struct buf sealed;
    uint8_t customer_id[STORE_ID];
    uint8_t tag[COFRE_TAG];
    uint32_t customer_flags;
    bool purchase;
    enum event_result result;
    enum cofre_outcome outcome;
    char pointer[COFRE_POINTER_MAX]; /* of the one fault */
    const char *reason;              /* constant text */
};

void event_init(struct event *e);
void event_free(struct event *e);
bool event_ok(const struct event *e);

/* What preparing needs: one snapshot and one day for all events of a request. */
struct event_context {
    struct cofre_vault *v;
    const struct catalog *catalog;
    struct store_conn *conn;
    const uint8_t *nonce;       /* of the entry, for the tags */
    const uint8_t *customer_id; /* of all; or NULL: each names its own */
    struct fields_context fields;
};
/* Begins a snapshot; event_context_end ends it. */
COFRE_CHECKED enum cofre_err event_context_begin(struct event_context *ctx, struct cofre_vault *v,
                                                 const struct catalog *c,
                                                 const uint8_t *nonce);
void event_context_end(struct event_context *ctx);

/* What is wrong with the input stands in e.  Errors are the store's and COFRE_ENOMEM, COFRE_EAUTH. */
COFRE_CHECKED enum cofre_err event_prepare(struct event_context *ctx,
                                           const struct cofre_event_in *in, struct event *e);
/* Inserts; sets result and outcome. */
COFRE_CHECKED enum cofre_err event_apply(struct cofre_vault *v, struct event *e);
/* Adds the person's tag and counts the person, unless an event before was the same person's. */
void event_tag_once(struct cofre_call *call, struct seen *people, const struct event *e);

#endif
