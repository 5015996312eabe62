/* A token's text: whatever parses must be the text of what it parses to. */
#include <stdlib.h>

#include "crypto/token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t secret[TOKEN_SECRET];
    char text[TOKEN_MAX];

    if (token_parse((struct bytes){data, size}, secret) != COFRE_OK)
        return 0;
    token_text(secret, text);
    if (size != TOKEN_CHARS || memcmp(text, data, size) != 0)
        abort();
    return 0;
}
