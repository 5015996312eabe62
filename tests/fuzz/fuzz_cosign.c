/* A note as a checkpoint of another's log with cosignatures, or whatever a witness sends. */
#include <stdlib.h>

#include "crypto/cosign.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char known[] =
        "witness.example/w1+20324abe+BCmsuuFBvMrwsi4alNNNC8c2HlJtC/4SyJeUvJMilm3X";
    struct note_verifier v;
    struct note n;
    uint64_t seconds = UINT64_MAX;

    if (note_vkey_parse(bytes_str(known), &v) != COFRE_OK)
        abort();
    if (note_parse((struct bytes){data, size}, &n) != COFRE_OK)
        return 0;
    /* A time comes with a valid line, and with nothing else. */
    if (cosign_verify(&n, &v, &seconds) != (seconds != UINT64_MAX) || note_verify(&n, &v))
        abort();
    return 0;
}
