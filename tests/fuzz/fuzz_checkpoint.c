#include <stdlib.h>

#include "audit/checkpoint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A checkpoint's text has one spelling: what is taken apart is what would be written, before the
 * extension lines. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct note_verifier verifier = {.name = "vault.example/audit", .algorithm = 1};
    const struct bytes bytes = {data, size};
    struct checkpoint c;

    if (secret_setup(true, NULL) != COFRE_OK)
        abort();
    if (checkpoint_open(bytes, &verifier, &c) == COFRE_OK)
        abort(); /* nobody can sign for an all-zero key */
    if (checkpoint_parse(bytes, &c) == COFRE_OK && (c.origin.len == 0 || c.origin.p != data))
        abort();
    return 0;
}
