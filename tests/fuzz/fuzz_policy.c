/* The file that names the witnesses. */
#include <stdlib.h>

#include "vault/witnesses_policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct witnesses_policy p;
    struct cofre_why why = {""};

    if (witnesses_policy_parse((struct bytes){data, size}, &p, &why) != COFRE_OK) {
        if (why.text[0] == '\0')
            abort();
        return 0;
    }
    if (p.n == 0 || p.n > WITNESSES_POLICY_MAX || p.quorum > p.n)
        abort();
    for (size_t i = 0; i < p.n; i++)
        if (strncmp(p.one[i].url, "http", 4) != 0 || p.one[i].key.algorithm != 4)
            abort();
    return 0;
}
