#include <stdlib.h>
#include <string.h>

#include "audit/partials.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A list of sizes has one spelling, ascends, and stays one when a size is added. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct partials p;
    struct buf again = BUF_INIT;
    uint64_t last;

    if (partials_parse((struct bytes){data, size}, &p) != COFRE_OK) {
        if (p.n != 0)
            abort();
        return 0;
    }
    partials_put(&again, &p);
    if (buf_error(&again) != COFRE_OK ||
        !bytes_equal(buf_bytes(&again), (struct bytes){data, size}))
        abort();
    last = p.n > 0 ? p.size[p.n - 1] : 0;
    if (last < UINT64_MAX) {
        partials_add(&p, last + 1);
        if (p.n == 0 || p.size[p.n - 1] != last + 1)
            abort();
        for (size_t i = 1; i < p.n; i++) {
            if (p.size[i] <= p.size[i - 1])
                abort();
        }
    }
    buf_free(&again);
    return 0;
}
