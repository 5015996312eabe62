/* Reads any bytes as an authority's reply; what reads has printable text, and an untrusted CA refuses it. */
#include <stdlib.h>
#include <string.h>

#include "crypto/tsa.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct bytes reply = {data, size};
    struct tsa_token token;

    if (tsa_read(reply, &token, NULL) != COFRE_OK)
        return 0;
    if (memchr(token.authority, 0, sizeof token.authority) == NULL)
        abort();
    for (const char *p = token.authority; *p != 0; p++)
        if (*p < ' ' || *p > '~')
            abort();
    if (tsa_verify(reply, token.digest, BYTES_LIT("no certificate\n"), NULL) == COFRE_OK)
        abort();
    return 0;
}
