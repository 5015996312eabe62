/* What parses as an entry is written again to the very same bytes. */
#include <stdlib.h>

#include "audit/entry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct entry_parsed parsed;
    struct bytes line = {data, size};
    struct buf again = BUF_INIT;
    uint8_t prev[HASH_LEN];

    if (entry_parse(line, &parsed) == COFRE_OK) {
        if (entry_write(&again, &parsed.e) != COFRE_OK || !bytes_equal(buf_bytes(&again), line))
            abort();
        if (entry_prev(line, prev) != COFRE_OK || memcmp(prev, parsed.e.prev, HASH_LEN) != 0)
            abort();
    }
    buf_free(&again);
    return 0;
}
