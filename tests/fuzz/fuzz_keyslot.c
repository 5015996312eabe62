/*
 * A keyslots file.  What is read must be written again as it was, but for the MAC; key files may be
 * tried on it (passphrases would take half a second each).
 */
#include <stdlib.h>

#include "crypto/keyslot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static const uint8_t KEY_FILE[KEYSLOT_FILE_LEN] = {1};

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    if (secret_setup(true, NULL) != COFRE_OK)
        abort();
    return 0;
}

static void
write_again(const struct keyslot_table *t, struct bytes file)
{
    struct buf b = BUF_INIT;

    keyslot_write(t, BYTES_OF(KEY_FILE), &b);
    if (buf_error(&b) == COFRE_OK &&
        (b.len != file.len || memcmp(b.p, file.p, file.len - HASH_LEN) != 0))
        abort();
    buf_free(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct keyslot_secret with = {KEYSLOT_KEYFILE, BYTES_OF(KEY_FILE)};
    struct keyslot_table *t;
    struct secret *root;

    if (keyslot_read((struct bytes){data, size}, &t) != COFRE_OK)
        return 0;
    if (size > KEYSLOT_TABLE_MAX)
        abort();
    write_again(t, (struct bytes){data, size});
    if (keyslot_unlock(t, &with, &root) == COFRE_OK)
        secret_free(root);
    keyslot_free(t);
    return 0;
}
