#ifndef VAULT_PERSON_H
#define VAULT_PERSON_H

#include "vault/records/record.h"
#include "vault/vault_internal.h"

/*
 * One person's secrets and sealed rows: bundle, compartments, events, log tags.
 *
 * Additional data that bind a box to its place:
 *   compartment  PAE("cofre/v1/compartment", vault, customer id, LE32 part, LE64 record version)
 *   event        PAE("cofre/v1/event", vault, customer id, event key)
 *   reason       PAE("cofre/v1/reason", vault, customer id, nonce of the entry)
 * All three are sealed under the person's DEK, key version 1.
 */
enum { PERSON_DEK_VERSION = 1 };

/* A person's secrets as they are used: the bundle, and the key of the log's tags, derived from it. */
struct person {
    struct bundle bundle;
    uint8_t tag_key[KEY_LEN];
    uint32_t tag_epoch; /* of the log, that tag_key is for */
};

/* A new person: random secrets. */
void person_new(struct cofre_vault *v, struct person *p);
/* The person's secrets, from the cache (cache.h) or unwrapped.  The caller wipes p.  COFRE_ENOKEY: its KEK epoch is not held.  COFRE_EAUTH. p is zero on error. */
COFRE_CHECKED enum cofre_err person_open(struct cofre_vault *v, const struct store_customer *row,
                                         struct person *p);
/* Seals a bundle under the active KEK epoch. */
void person_seal(struct cofre_vault *v, const uint8_t id[static STORE_ID], const struct person *p,
                 uint8_t out[static BUNDLE_SEALED], uint32_t *kek);

/* Appends the box of a compartment of this record version. COFRE_ERANGE, COFRE_ENOMEM. */
struct person_part {
    const uint8_t *id; /* customer id */
    enum store_part part;
    uint64_t version;
};
COFRE_CHECKED enum cofre_err person_seal_part(const struct cofre_vault *v, const struct person *p,
                                              const struct person_part *place,
                                              const struct record_value *values, size_t n,
                                              struct buf *out);
/*
 * Opens a compartment; plain gets the padded record, *r reads it in place (an empty record when the
 * compartment is empty).  COFRE_EAUTH.
 */
COFRE_CHECKED enum cofre_err person_open_part(const struct cofre_vault *v, const struct person *p,
                                              const struct store_customer *row,
                                              enum store_part part, struct buf *plain,
                                              struct record *r);

COFRE_CHECKED enum cofre_err person_seal_event(const struct cofre_vault *v, const struct person *p,
                                               const uint8_t id[static STORE_ID],
                                               const uint8_t key[static STORE_KEYED],
                                               struct bytes padded, struct buf *out);
COFRE_CHECKED enum cofre_err person_open_event(const struct cofre_vault *v, const struct person *p,
                                               const uint8_t id[static STORE_ID],
                                               const struct store_event *row, struct buf *plain,
                                               struct record *r);
COFRE_CHECKED enum cofre_err person_seal_reason(const struct cofre_vault *v,
                                                const struct person *p,
                                                const uint8_t id[static STORE_ID],
                                                const uint8_t nonce[static 16], struct bytes text,
                                                struct buf *out);

/* Adds the person's tag to the call's entry; beyond COFRE_SUBJECTS_MAX nothing is added. */
void person_tag(const struct person *p, struct cofre_call *call);
/* Adds a tag that is nobody's. */
void person_tag_nobody(struct cofre_call *call);

#endif
