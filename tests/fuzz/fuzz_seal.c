/* The notes of keys/: seals and what was pruned. */
#include <stdlib.h>

#include "audit/seal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t seeds[2][NOTE_SEED] = {{1}, {2}};

/* What opens is, made again, the same bytes. */
static void
try_seal(struct bytes bytes, const struct note_signer keys[static 2])
{
    struct buf again = BUF_INIT;
    struct seal s;

    if (seal_open(bytes, &keys[0].verifier, NULL, &s) != COFRE_OK)
        return;
    if (memcmp(s.next.public_key, keys[1].verifier.public_key, NOTE_PUBLIC) != 0)
        abort(); /* nobody else could sign */
    seal_make(&again, &s, &keys[0], &keys[1]);
    if (buf_error(&again) == COFRE_OK && !bytes_equal(buf_bytes(&again), bytes))
        abort();
    buf_free(&again);
}

/* The text alone, signed here, so that the search is not stopped by signatures. */
static void
try_texts(struct bytes bytes, const struct note_signer keys[static 2])
{
    struct buf note = BUF_INIT;
    struct buf again = BUF_INIT;
    struct seal_pruned p;

    if (bytes.len == 0 || bytes.p[bytes.len - 1] != '\n')
        return;
    note_sign(&note, &keys[0], bytes);
    if (buf_error(&note) == COFRE_OK &&
        seal_pruned_open(buf_bytes(&note), &keys[0].verifier, &p) == COFRE_OK) {
        seal_pruned_make(&again, &p, &keys[0]);
        if (buf_error(&again) == COFRE_OK && !bytes_equal(buf_bytes(&again), buf_bytes(&note)))
            abort();
    }
    note_sign_add(&note, &keys[1], bytes);
    if (buf_error(&note) == COFRE_OK)
        try_seal(buf_bytes(&note), keys);
    buf_free(&note);
    buf_free(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct note_signer keys[2];
    const struct bytes bytes = {data, size};
    struct seal_pruned p;

    if (keys[0].key == NULL)
        for (int i = 0; i < 2; i++)
            if (secret_setup(true, NULL) != COFRE_OK ||
                note_signer_init(&keys[i], "log.example/a", seeds[i]) != COFRE_OK)
                abort();
    try_seal(bytes, keys);
    if (seal_pruned_peek(bytes, &p) == COFRE_OK && (p.bundles == 0 || p.bundles >= p.size))
        abort();
    try_texts(bytes, keys);
    return 0;
}
