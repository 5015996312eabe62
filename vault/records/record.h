#ifndef VAULT_RECORD_H
#define VAULT_RECORD_H

#include "cofre/bytes.h"
#include "cofre/err.h"

/*
 * Compact records: what is inside a compartment or an event, read in place without building
 * anything.
 *
 *     LE16 count | count * { LE16 field number, LE16 length } ascending by number | the values
 *
 * followed by padding (crypto/pad.h) when it is sealed.  Values are canonical text.
 */
enum { RECORD_VALUE_MAX = 8192, RECORD_FIELDS_MAX = 64 };

struct record_value {
    uint16_t num;
    struct bytes value; /* borrowed; may be empty, which is not the same as absent */
};

/*
 * Appends the record and its padding.  values are ascending by number (assert), at most
 * RECORD_FIELDS_MAX.  COFRE_ERANGE: a value over RECORD_VALUE_MAX.  COFRE_ENOMEM.
 */
COFRE_CHECKED enum cofre_err record_write(struct buf *out, const struct record_value *values,
                                          size_t n);
/*
 * Checks a padded record once, and finds its end; the other calls then trust it.
 * COFRE_EFORMAT: not a record.
 */
struct record {
    const uint8_t *p;
    size_t count;
};
COFRE_CHECKED enum cofre_err record_open(struct bytes padded, struct record *out);
/* The value of a field, borrowed; false: absent. */
bool record_find(const struct record *r, uint16_t num, struct bytes *value);
/* The i-th value, i < count. */
struct record_value record_get(const struct record *r, size_t i);

#endif
