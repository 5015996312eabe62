#ifndef VAULT_VIEW_H
#define VAULT_VIEW_H

#include "vault/records/schema.h"
#include "vault/views/transform.h"

/*
 * A view, parsed from its JSON document (design 5) and made ready against a schema.  Strict:
 * unknown members, fields, kinds or transforms are refused with a JSON pointer in why.
 */
enum { VIEW_NAME_MAX = 63, VIEW_DOC_MAX = 65536, VIEW_WRITE_BACK_MAX = 8 };

struct view_field {
    uint16_t num; /* of the schema's field or attribute */
    enum schema_type type;
    bool identifier; /* lives in the compartment of identifiers */
    bool sensitive;  /* lives in the sensitive one */
    bool derived;    /* "status" */
    struct transform as;
    char name[SCHEMA_NAME_MAX + 1];
    struct bytes json_name; /* "name": with quotes and colon, as it goes into a record; owned */
};

struct view {
    char name[VIEW_NAME_MAX + 1];    /* [a-z][a-z0-9_-]{0,62} */
    char purpose[VIEW_NAME_MAX + 1];
    size_t n_fields;
    struct view_field fields[SCHEMA_FIELDS_MAX]; /* in the document's order */
    bool needs_identifiers;
    bool needs_sensitive;
    bool has_events;
    uint64_t kinds; /* bit k: kinds[k] of the schema's array is shown */
    enum transform_time time;
    size_t n_attributes;
    struct view_field attributes[SCHEMA_FIELDS_MAX];
    size_t n_write_back;
    char write_back[VIEW_WRITE_BACK_MAX][SCHEMA_NAME_MAX + 1]; /* tier, points, flags */
    unsigned min_k; /* default 5 */
};

/*
 * COFRE_EFORMAT   not a view document; why has the JSON pointer and the reason
 * COFRE_EREFUSED  it would show what a view may not; why names field and transform
 * COFRE_ENOMEM    *out is NULL on any error
 */
COFRE_CHECKED enum cofre_err view_parse(struct bytes json, const struct schema *schema,
                                        struct view **out, struct cofre_why *why);
void view_free(struct view *v);
/* Appends the canonical document (fixed member order, no white space): what is stored and hashed. */
void view_write(const struct view *v, const struct schema *schema, struct buf *out);

#endif
