#ifndef VAULT_SCHEMA_INTERNAL_H
#define VAULT_SCHEMA_INTERNAL_H

#include <jansson.h>

#include "vault/records/schema.h"

/* What the files of the schema's parser share. */

/* [a-z][a-z0-9_]{0,62}: what passes may be named in messages and written without escapes. */
bool schema_fields_name(const char *s);
/* A number from 1 to 65535 into *num; returns NULL or what is wrong. */
const char *schema_fields_num(const json_t *value, uint16_t *num);

struct schema_fields_in {
    json_t *object;  /* name -> field; borrowed */
    bool attributes; /* of events, which have a type and a number only */
};

/*
 * Parses the fields of a customer or the attributes of an event into fields (room for
 * SCHEMA_FIELDS_MAX, zeroed), their number in *n.  COFRE_EFORMAT: why has the JSON pointer.
 */
COFRE_CHECKED enum cofre_err schema_fields_parse(struct schema_fields_in in,
                                                 struct schema_field *fields, size_t *n,
                                                 struct cofre_why *why);

#endif
