/* A signed note, and a verifier key. */
#include <stdlib.h>

#include "crypto/note.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What parses as a key is written as it was. */
static void
try_vkey(struct bytes text)
{
    struct note_verifier v;
    struct buf b = BUF_INIT;

    if (note_vkey_parse(text, &v) != COFRE_OK)
        return;
    note_vkey_put(&b, &v);
    if (buf_error(&b) == COFRE_OK && !bytes_equal(buf_bytes(&b), text))
        abort();
    buf_free(&b);
}

static void
try_note(struct bytes bytes, const struct note_verifier *v)
{
    struct note n;

    if (note_parse(bytes, &n) != COFRE_OK)
        return;
    if (n.count == 0 || n.text.len == 0 || n.text.p[n.text.len - 1] != '\n')
        abort();
    for (size_t i = 0; i < n.count; i++)
        if (!note_name_valid(n.signatures[i].name) || n.signatures[i].raw.len == 0)
            abort();
    (void)note_verify(&n, v);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char known[] =
        "vault.example/audit+99f33cb1+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4";
    struct note_verifier v;

    if (note_vkey_parse(bytes_str(known), &v) != COFRE_OK)
        abort();
    try_vkey((struct bytes){data, size});
    try_note((struct bytes){data, size}, &v);
    return 0;
}
