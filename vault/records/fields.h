#ifndef VAULT_FIELDS_H
#define VAULT_FIELDS_H

#include "cofre/customers.h"
#include "vault/records/record.h"
#include "vault/records/schema.h"

/*
 * Values that came in for one record, normalised: each named at most once, removals marked.
 */
struct fields_item {
    const struct schema_field *field; /* borrows the schema */
    bool remove;                      /* merge patch: null */
    size_t at;                        /* in text */
    size_t len;
};

struct fields {
    size_t n;
    struct fields_item item[SCHEMA_FIELDS_MAX];
    struct buf text;
};

struct fields_context {
    const struct schema *schema;
    bool attributes;  /* of events; else fields of customers */
    bool may_remove;  /* null removes; else null is refused */
    char today[11];
};

void fields_init(struct fields *f);
/* Wipes. */
void fields_free(struct fields *f);

/*
 * Adds one value.  COFRE_EINVAL: *reason says why, without the value; f is unchanged.  COFRE_ENOMEM.
 */
COFRE_CHECKED enum cofre_err fields_add(struct fields *f, const struct fields_context *ctx,
                                        const struct cofre_field *in, const char **reason);
/* Puts the items in ascending order of field number; borrowed values are final then. */
void fields_sort(struct fields *f);
struct bytes fields_value(const struct fields *f, size_t i);
/* NULL: not given. */
const struct fields_item *fields_find(const struct fields *f, uint16_t num);

/* The compartment that a field lives in. */
unsigned fields_part(const struct schema_field *field);

#endif
