#include "cofre/encode.h"

#include "vault/records/values.h"

void
values_put(struct buf *out, enum schema_type type, struct bytes value)
{
    if (type == SCHEMA_NUMBER || type == SCHEMA_BOOL)
        buf_putb(out, value);
    else
        encode_json_string(out, value);
}

struct bytes
values_status(const struct store_customer *row)
{
    return (row->flags & STORE_HAS_PURCHASE) != 0 ? BYTES_LIT("customer") : BYTES_LIT("prospect");
}
