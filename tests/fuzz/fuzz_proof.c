#include <stdlib.h>

#include "audit/proof.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char vkey[] =
        "vault.example/audit+99f33cb1+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4";
    struct note_verifier verifier;
    uint64_t index;

    if (secret_setup(true, NULL) != COFRE_OK ||
        note_vkey_parse(bytes_str(vkey), &verifier) != COFRE_OK)
        abort();
    /* This is not the entry that any signed tree holds. */
    if (proof_verify((struct bytes){data, size}, BYTES_LIT("no entry"), &verifier, &index) ==
        COFRE_OK)
        abort();
    return 0;
}
