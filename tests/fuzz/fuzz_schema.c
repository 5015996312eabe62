#include <stdlib.h>

#include "vault/records/schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What parses is written so that it parses again, to the same. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cofre_why why = {.text = ""};
    struct buf once = BUF_INIT;
    struct buf twice = BUF_INIT;
    struct schema *s;
    struct schema *again;

    if (schema_parse((struct bytes){data, size}, &s, &why) != COFRE_OK)
        return 0;
    if (schema_merge(NULL, s, NULL) != COFRE_OK)
        abort();
    schema_write(s, &once);
    if (schema_parse(buf_bytes(&once), &again, NULL) != COFRE_OK ||
        schema_merge(s, again, NULL) != COFRE_OK)
        abort();
    schema_write(again, &twice);
    if (!bytes_equal(buf_bytes(&once), buf_bytes(&twice)))
        abort();
    schema_free(s);
    schema_free(again);
    buf_free(&once);
    buf_free(&twice);
    return 0;
}
