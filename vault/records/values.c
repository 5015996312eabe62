#include "cofre/encode.h"
#include "vault/records/normalise.h"

#include "vault/records/values.h"

void
values_put(struct buf *out, enum schema_type type, struct bytes value)
{
    if (type == SCHEMA_NUMBER || type == SCHEMA_BOOL)
        buf_putb(out, value);
    else
        encode_json_string(out, value);
}

void
values_put_time(struct buf *out, int64_t ms)
{
    struct normalise_date d = normalise_date_of(ms);
    unsigned s = (unsigned)((ms - normalise_date_ms(&d)) / 1000);

    buf_putf(out, "\"%04d-%02d-%02dT%02u:%02u:%02uZ\"", d.year, d.month, d.day, s / 3600,
             s / 60 % 60, s % 60);
}

struct bytes
values_status(const struct store_customer *row)
{
    return (row->flags & STORE_HAS_PURCHASE) != 0 ? BYTES_LIT("customer") : BYTES_LIT("prospect");
}
