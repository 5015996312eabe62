#ifndef BODY_H
#define BODY_H

#include "json_in.h"

/*
 * The bodies of requests, from JSON to what the vault takes (docs/api.md draws them).  Each takes a
 * parsed document, and answers false after putting its faults into the call.  Results live as
 * long as in.
 */
struct body_customers {
    struct cofre_customer_in *list;
    size_t n;
};

struct body_events {
    struct cofre_event_in *list;
    size_t n;
};

struct body_fields {
    struct cofre_field *list;
    size_t n;
};

struct body_names {
    struct bytes *list;
    size_t n;
};

bool body_customer(struct json_in *in, struct cofre_customer_in *out);
bool body_customers(struct json_in *in, struct body_customers *out);
bool body_patch(struct json_in *in, struct body_fields *out);
/* of_one: the path names the customer, and no event may. */
bool body_events(struct json_in *in, bool of_one, struct body_events *out);
bool body_consent(struct json_in *in, struct cofre_consent_in *out);
bool body_lookup(struct json_in *in, struct bytes *index, struct cofre_field *value);
bool body_reveal(struct json_in *in, struct cofre_reveal_in *out);
bool body_pseudonyms(struct json_in *in, struct body_names *out);

#endif
