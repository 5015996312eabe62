#ifndef JSON_IN_H
#define JSON_IN_H

#include <jansson.h>

#include "cofre/customers.h"

/*
 * A strict reader of request bodies.
 *
 * Refused: what is not UTF-8, a depth over 16, too many values, a member that occurs twice, U+0000, an unknown
 * member, a wrong type, too few or too many items.  Every fault goes into the call, with the
 * outcome INVALID and a JSON pointer; none holds anything of a value.  A member's name that is not
 * ours is in a pointer only when it looks like one of ours, [a-z][a-z0-9_-]{0,63}.
 *
 * What is read borrows from the reader, and is wiped by json_in_free.
 */
struct json_in {
    struct cofre_call *call;
    json_t *root;
    struct json_in_block *blocks;
};

/* A place: the member name (or, without one, the item index) of up; the root has no up. */
struct json_at {
    const struct json_at *up;
    const char *name;
    size_t index;
};

/* What an object may hold: exactly one of text (a string) and value (of type) says where it goes. */
struct json_member {
    const char *name;
    bool required;
    struct bytes *text;
    json_t **value;
    json_type type;
};

enum { JSON_IN_DEPTH = 16, JSON_IN_VALUES = 262144, JSON_IN_FIELDS = 256 };

/* Makes freed JSON values be wiped; once, at start.  Harmless to values allocated before. */
void json_in_setup(void);

/* Reads body into in->root.  False: the fault is in the call.  json_in_free in any case. */
bool json_in_parse(struct json_in *in, struct cofre_call *call, struct bytes body);
void json_in_free(struct json_in *in);

/* A fault at a place. */
void json_in_fault(struct json_in *in, const struct json_at *at, const char *reason);

/* A fault at a member of at; at itself, when the name does not look like one of ours. */
void json_in_fault_member(struct json_in *in, const struct json_at *at, const char *name,
                          const char *reason);

/* ---- json_in_value.c ---- */

/* Reads the members of value, an object; what is absent stays as it was.  False after a fault. */
bool json_in_object(struct json_in *in, const struct json_at *at, const json_t *value,
                    const struct json_member *members, size_t n);
/* The size of an array that must hold min..max items; 0 after a fault. */
size_t json_in_array(struct json_in *in, const struct json_at *at, const json_t *value, size_t min,
                     size_t max);
/* An array of min..max strings.  False after a fault. */
bool json_in_strings(struct json_in *in, const struct json_at *at, const json_t *value, size_t min,
                     size_t max, struct bytes **out, size_t *n);
/* Field values, typed, in their order.  False after a fault. */
bool json_in_fields(struct json_in *in, const struct json_at *at, const json_t *value,
                    struct cofre_field **out, size_t *n);
/* One field value; false when out of memory. */
bool json_in_field(struct json_in *in, const char *name, const json_t *value,
                   struct cofre_field *out);
/* Zeroed memory that lives as long as in; NULL after a fault. */
void *json_in_alloc(struct json_in *in, size_t count, size_t size);

#endif
