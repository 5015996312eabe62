#ifndef VAULT_VALUES_H
#define VAULT_VALUES_H

#include "vault/records/schema.h"
#include "vault/store/store.h"

/* Appends a canonical value as typed JSON: numbers and booleans bare, the rest a string. */
void values_put(struct buf *out, enum schema_type type, struct bytes value);
/* Appends a time as a JSON string, RFC 3339 in UTC, to the second. */
void values_put_time(struct buf *out, int64_t ms);
/* The derived field "status": "customer" once there is a purchase, else "prospect". */
struct bytes values_status(const struct store_customer *row);

#endif
