#include <stdlib.h>

#include "audit/tiles.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Each name has one path: what parses is written again as it was. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct bytes path = {data, size};
    struct tiles_name name;
    char again[TILES_PATH_MAX];

    if (tiles_path_parse(path, &name) != COFRE_OK)
        return 0;
    tiles_path(&name, again);
    if (!bytes_equal(path, bytes_str(again)))
        abort();
    return 0;
}
