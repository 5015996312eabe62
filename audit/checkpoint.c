#include <string.h>

#include "cofre/encode.h"

#include "audit/lines.h"

#include "audit/checkpoint.h"

void
checkpoint_sign(struct buf *out, const struct note_signer *s, uint64_t size,
                const uint8_t root[static HASH_LEN])
{
    struct buf text = BUF_INIT;

    buf_puts(&text, s->verifier.name);
    buf_putc(&text, '\n');
    buf_put_u64_dec(&text, size);
    buf_putc(&text, '\n');
    encode_base64(&text, (struct bytes){root, HASH_LEN});
    buf_putc(&text, '\n');
    if (buf_error(&text) == COFRE_OK)
        note_sign(out, s, buf_bytes(&text));
    else
        out->failed = true;
    buf_free(&text);
}

enum cofre_err
checkpoint_parse(struct bytes text, struct checkpoint *out)
{
    struct bytes size, root, extension;

    if (!lines_take(&text, &out->origin) || out->origin.len == 0 || !lines_take(&text, &size) ||
        !lines_number(size, &out->size) || !lines_take(&text, &root))
        return COFRE_EFORMAT;
    out->extended = text.len > 0;
    while (text.len > 0) {
        if (!lines_take(&text, &extension) || extension.len == 0)
            return COFRE_EFORMAT;
    }
    return lines_hash(root, out->root);
}

enum cofre_err
checkpoint_open(struct bytes bytes, const struct note_verifier *v, struct checkpoint *out)
{
    struct note note;
    enum cofre_err err;

    if (bytes.len > CHECKPOINT_MAX)
        return COFRE_EFORMAT;
    err = note_parse(bytes, &note);
    if (err != COFRE_OK)
        return err;
    if (!note_verify(&note, v))
        return COFRE_EAUTH;
    err = checkpoint_parse(note.text, out);
    if (err == COFRE_OK && !bytes_equal(out->origin, bytes_str(v->name)))
        err = COFRE_EAUTH;
    return err;
}
