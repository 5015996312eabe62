/* A keyring: the input as the file, and as the plaintext of an authentic one. */
#include <stdlib.h>

#include "crypto/box.h"
#include "crypto/keyring.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static const uint8_t VAULT[KEYRING_ID] = {1}, SEALING[KEY_LEN] = {2};

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    if (secret_setup(true, NULL) != COFRE_OK)
        abort();
    return 0;
}

/* A keyring that was read can be changed, sealed and read again. */
static void
use(struct keyring *k)
{
    struct keyring *again;
    struct buf b = BUF_INIT;
    enum cofre_err err = keyring_add(k, KEYRING_KEK, 0, true, 1, NULL);

    if (err != COFRE_OK && err != COFRE_ELIMIT)
        abort();
    if (keyring_seal(k, BYTES_OF(SEALING), &b) != COFRE_OK ||
        keyring_open(VAULT, BYTES_OF(SEALING), buf_bytes(&b), &again) != COFRE_OK)
        abort();
    keyring_free(again);
    buf_free(&b);
}

static void
try_open(struct bytes sealed)
{
    struct keyring *k;

    if (keyring_open(VAULT, BYTES_OF(SEALING), sealed, &k) != COFRE_OK)
        return;
    use(k);
    keyring_free(k);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct box_key key = {BOX_KEYRING, 1, SEALING};
    struct buf b = BUF_INIT;

    try_open((struct bytes){data, size});
    box_seal(&b, &key, BYTES_OF(VAULT), (struct bytes){data, size});
    if (buf_error(&b) == COFRE_OK)
        try_open(buf_bytes(&b));
    buf_free(&b);
    return 0;
}
