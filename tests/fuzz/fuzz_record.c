#include <stdlib.h>

#include "vault/records/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What opens is what would be written. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct record_value values[RECORD_FIELDS_MAX];
    struct buf out = BUF_INIT;
    struct record r;

    if (record_open((struct bytes){data, size}, &r) != COFRE_OK)
        return 0;
    for (size_t i = 0; i < r.count; i++) {
        struct bytes found;

        values[i] = record_get(&r, i);
        if (!record_find(&r, values[i].num, &found) || !bytes_equal(found, values[i].value))
            abort();
    }
    if (record_write(&out, values, r.count) != COFRE_OK ||
        !bytes_equal(buf_bytes(&out), (struct bytes){data, size}))
        abort();
    buf_free(&out);
    return 0;
}
