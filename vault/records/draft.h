#ifndef VAULT_DRAFT_H
#define VAULT_DRAFT_H

#include "cofre/customers.h"
#include "vault/records/fields.h"
#include "vault/records/person.h"
#include "vault/vault_internal.h"

/*
 * One customer on the way in.  Preparing (normalise, check, seal) happens in the caller's thread;
 * applying (rows only) on the committer's, inside a transaction.
 */
enum { DRAFT_FAULTS_MAX = 4, DRAFT_CONSENTS_MAX = 32 };

struct draft {
    struct fields given;
    size_t n_consents;
    struct store_consent consents[DRAFT_CONSENTS_MAX];
    enum cofre_outcome outcome;
    size_t n_faults;
    struct cofre_fault faults[DRAFT_FAULTS_MAX]; /* pointers within this customer */
    /* sealed, when prepared for a new customer */
    uint8_t id[STORE_ID];
    struct person person;
    uint8_t sealed_bundle[BUNDLE_SEALED];
    uint32_t kek;
    struct buf part[STORE_PARTS];
    /* once applied */
    uint64_t version;
    bool existed;
    bool changed;
};

void draft_init(struct draft *d);
/* Wipes. */
void draft_free(struct draft *d);
bool draft_ok(const struct draft *d);
/* First outcome wins; faults over the maximum are dropped. pointer may be NULL. */
void draft_fail(struct draft *d, enum cofre_outcome outcome, const char *pointer,
                const char *reason);

/* How consents of the input are meant. */
enum draft_consents { DRAFT_CONSENTS_SET, DRAFT_CONSENTS_IF_NONE };

/*
 * Normalises fields and consents of in against c (held by the caller as long as d lives); what is
 * wrong stands in d->outcome and d->faults.  patch: null removes, nothing is required.
 * COFRE_ENOMEM alone is an error.
 */
COFRE_CHECKED enum cofre_err draft_take(struct draft *d, const struct catalog *c,
                                        const struct cofre_customer_in *in, bool patch);
/* Makes id and bundle, and seals, for a new customer.  COFRE_ENOMEM, COFRE_ERANGE. */
COFRE_CHECKED enum cofre_err draft_seal(struct cofre_vault *v, struct draft *d);

/* Inserts a sealed draft: customer, index values, consents, links of every view.  A unique value that is
 * taken sets EXISTS in d, and nothing is written.  Errors are the store's. */
COFRE_CHECKED enum cofre_err draft_insert(struct cofre_vault *v, struct draft *d);
/*
 * Merges d into the customer that is stored; row is borrowed from the writer. Sets version, changed,
 * id and bundle of d.  EXISTS as above.  Nothing is written when nothing changes.
 */
COFRE_CHECKED enum cofre_err draft_merge(struct cofre_vault *v, struct draft *d,
                                         const struct store_customer *row);
/* Inserts, or merges when the external_id is known; consents only where there is none yet. */
COFRE_CHECKED enum cofre_err draft_upsert(struct cofre_vault *v, struct draft *d);

/* Parses one consent. NULL, or the reason; *member names the member at fault. */
const char *draft_consent(const struct catalog *c, const struct cofre_consent_in *in,
                          struct store_consent *out, const char **member);

/* Keyed value of a field, for index tables. */
void draft_index_value(const struct cofre_vault *v, const struct schema_field *field,
                       struct bytes value, uint8_t out[static STORE_KEYED]);

#endif
