#ifndef VAULT_SCHEMA_H
#define VAULT_SCHEMA_H

#include "cofre/bytes.h"
#include "cofre/err.h"

/*
 * The schema names the fields of a customer and the kinds and attributes of events (design 5).
 * One JSON document:
 *
 *   { "default_country": "ES",
 *     "fields": { "email": {"type":"email","class":"identifier","unique":true}, ... },
 *     "events": { "kinds": ["purchase", ...], "attributes": { "amount": {"type":"money"}, ... } } }
 *
 * Each field, kind and attribute has a number that is given once and never reused; compact records
 * (record.h) and index values name it.  In the stored document the numbers are written beside the
 * names ("num"); a document that an admin applies does not carry them: schema_merge gives them.
 * "status" is a field that the vault derives (prospect, customer); it cannot be written.
 */
enum {
    SCHEMA_FIELDS_MAX = 64,
    SCHEMA_KINDS_MAX = 64,
    SCHEMA_NAME_MAX = 63,
    SCHEMA_DOC_MAX = 65536 /* bytes of the document */
};

enum schema_type {
    SCHEMA_TEXT,
    SCHEMA_PERSON_NAME,
    SCHEMA_EMAIL,
    SCHEMA_PHONE,
    SCHEMA_POSTAL_ADDRESS,
    SCHEMA_POSTAL_CODE,
    SCHEMA_COUNTRY,
    SCHEMA_DATE,
    SCHEMA_BIRTH_DATE,
    SCHEMA_NUMBER,
    SCHEMA_MONEY,
    SCHEMA_CATEGORY,
    SCHEMA_BOOL,
    SCHEMA_TYPES
};

enum schema_class {
    SCHEMA_IDENTIFIER,
    SCHEMA_QUASI,
    SCHEMA_ATTRIBUTE,
    SCHEMA_SENSITIVE,
    SCHEMA_CLASSES
};

struct schema_field {
    uint16_t num; /* from 1 */
    char name[SCHEMA_NAME_MAX + 1];
    enum schema_type type;
    enum schema_class class;
    bool unique;  /* one customer only; implies lookup */
    bool lookup;  /* can be looked up */
    bool required;
    bool derived; /* the vault sets it */
};

struct schema_kind {
    uint16_t num;
    char name[SCHEMA_NAME_MAX + 1];
};

struct schema {
    char default_country[3]; /* ISO 3166-1 alpha-2; empty: phones need a leading + */
    size_t n_fields;
    struct schema_field fields[SCHEMA_FIELDS_MAX];
    size_t n_kinds;
    struct schema_kind kinds[SCHEMA_KINDS_MAX];
    size_t n_attributes;
    struct schema_field attributes[SCHEMA_FIELDS_MAX];
};

/* The document that cofre init installs (design 5). */
extern const char schema_default[];

/*
 * Parses a document, stored or applied; strict: unknown members, duplicate names, names outside
 * [a-z][a-z0-9_]{0,62}, wrong types are refused with a JSON pointer in why.
 * COFRE_EFORMAT, COFRE_ENOMEM.  *out is NULL on error.
 */
COFRE_CHECKED enum cofre_err schema_parse(struct bytes json, struct schema **out,
                                          struct cofre_why *why);
void schema_free(struct schema *s);
/*
 * Gives numbers to next: those of old where the name was known, fresh ones elsewhere (old may be
 * NULL).  COFRE_EREFUSED: a field of old is missing, or its type, class or uniqueness changed (data
 * are stored under it); why names it.
 */
COFRE_CHECKED enum cofre_err schema_merge(const struct schema *old, struct schema *next,
                                          struct cofre_why *why);
/* Appends the stored form, with numbers: sorted by number, one line. */
void schema_write(const struct schema *s, struct buf *out);

/* NULL: there is none. */
const struct schema_field *schema_field(const struct schema *s, struct bytes name);
const struct schema_field *schema_field_num(const struct schema *s, uint16_t num);
const struct schema_field *schema_attribute(const struct schema *s, struct bytes name);
const struct schema_kind *schema_kind(const struct schema *s, struct bytes name);
const struct schema_kind *schema_kind_num(const struct schema *s, uint16_t num);

const char *schema_type_text(enum schema_type t);
const char *schema_class_text(enum schema_class c);

#endif
