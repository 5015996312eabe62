#include <assert.h>

#include "crypto/pad.h"
#include "vault/records/record.h"

enum { COUNT_LEN = 2, ENTRY_LEN = 4 };

static_assert(RECORD_VALUE_MAX <= UINT16_MAX, "a length is 16 bits");

/* The padding counts from where the record begins, whatever lies before it in out. */
static void
pad_from(struct buf *out, size_t start)
{
    struct buf part;

    if (buf_reserve(out, PAD_BLOCK) == NULL)
        return;
    part = (struct buf){out->p + start, out->len - start, out->cap - start, false};
    pad_add(&part);
    assert(part.p == out->p + start && !part.failed);
    out->len = start + part.len;
}

enum cofre_err
record_write(struct buf *out, const struct record_value *values, size_t n)
{
    size_t start = out->len;
    enum cofre_err err;

    assert(n <= RECORD_FIELDS_MAX);
    for (size_t i = 0; i < n; i++) {
        assert(i == 0 || values[i - 1].num < values[i].num);
        if (values[i].value.len > RECORD_VALUE_MAX)
            return COFRE_ERANGE;
    }

    buf_put_le16(out, (uint16_t)n);
    for (size_t i = 0; i < n; i++) {
        buf_put_le16(out, values[i].num);
        buf_put_le16(out, (uint16_t)values[i].value.len);
    }
    for (size_t i = 0; i < n; i++)
        buf_putb(out, values[i].value);
    if (!out->failed)
        pad_from(out, start);
    if ((err = buf_error(out)) != COFRE_OK)
        out->len = start;
    return err;
}

static const uint8_t *
entry(const struct record *r, size_t i)
{
    return r->p + COUNT_LEN + i * ENTRY_LEN;
}

enum cofre_err
record_open(struct bytes padded, struct record *out)
{
    struct record r = {padded.p, 0};
    size_t values = 0;
    size_t len;

    if (pad_remove(padded, &len) != COFRE_OK || len < COUNT_LEN)
        return COFRE_EFORMAT;
    r.count = bytes_get_le16(padded.p);
    if (r.count > RECORD_FIELDS_MAX || len < COUNT_LEN + r.count * ENTRY_LEN)
        return COFRE_EFORMAT;
    for (size_t i = 0; i < r.count; i++) {
        size_t value_len = bytes_get_le16(entry(&r, i) + 2);

        if (value_len > RECORD_VALUE_MAX)
            return COFRE_EFORMAT;
        if (i > 0 && bytes_get_le16(entry(&r, i - 1)) >= bytes_get_le16(entry(&r, i)))
            return COFRE_EFORMAT;
        values += value_len;
    }
    if (len != COUNT_LEN + r.count * ENTRY_LEN + values)
        return COFRE_EFORMAT;
    *out = r;
    return COFRE_OK;
}

struct record_value
record_get(const struct record *r, size_t i)
{
    const uint8_t *value = entry(r, r->count);

    assert(i < r->count);
    for (size_t k = 0; k < i; k++)
        value += bytes_get_le16(entry(r, k) + 2);
    return (struct record_value){bytes_get_le16(entry(r, i)),
                                 {value, bytes_get_le16(entry(r, i) + 2)}};
}

bool
record_find(const struct record *r, uint16_t num, struct bytes *value)
{
    for (size_t i = 0; i < r->count; i++)
        if (bytes_get_le16(entry(r, i)) == num) {
            *value = record_get(r, i).value;
            return true;
        }
    return false;
}
