#include <stdlib.h>
#include <string.h>

#include "audit/verify_form.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The verifier's quick check of an entry's form says what the parser says. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct entry_parsed parsed;
    const struct bytes line = {data, size};
    struct verify_form form;
    const bool slow = entry_parse(line, &parsed) == COFRE_OK;

    if (verify_form_check(line, &form) != slow)
        abort();
    if (slow && (form.seq != parsed.e.seq || form.ts != parsed.e.ts || form.ok != parsed.e.ok ||
                 !bytes_equal(form.act, parsed.e.act) ||
                 memcmp(form.prev, parsed.e.prev, HASH_LEN) != 0))
        abort();
    return 0;
}
