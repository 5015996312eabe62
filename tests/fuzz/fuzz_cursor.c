/*
 * Cursors: no text of a client's opens; a cursor of ours opens as it is, and changed in one place it
 * does not.  The input is the text, and also position (32 bytes), place and change (a byte each).
 */
#include <stdlib.h>

#include "vault/views/cursor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t key[KEY_LEN] = "a key that no fuzzer comes upon";

static void
change_one(const struct cursor_bind *bind, const uint8_t *data)
{
    uint8_t got[CURSOR_POSITION];
    struct buf text = BUF_INIT;
    size_t place = data[CURSOR_POSITION] % CURSOR_TEXT;
    uint8_t change = data[CURSOR_POSITION + 1];

    cursor_put(&text, bind, data);
    if (text.len != CURSOR_TEXT || cursor_open(buf_bytes(&text), bind, got) != COFRE_OK ||
        memcmp(got, data, sizeof got) != 0)
        abort();
    text.p[place] ^= change;
    if (change != 0 && cursor_open(buf_bytes(&text), bind, got) != COFRE_EAUTH)
        abort();
    buf_free(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t zeros[CURSOR_POSITION];
    struct cursor_bind bind = {.key = key,
                               .key_version = 1,
                               .vault = BYTES_LIT("vault"),
                               .actor = BYTES_LIT("token"),
                               .view = BYTES_LIT("loyalty"),
                               .epoch = 1,
                               .list = BYTES_LIT("records")};
    uint8_t got[CURSOR_POSITION];

    if (cursor_open((struct bytes){data, size}, &bind, got) != COFRE_EAUTH ||
        memcmp(got, zeros, sizeof got) != 0)
        abort();
    if (size >= CURSOR_POSITION + 2)
        change_one(&bind, data);
    return 0;
}
