#include "cofre/encode.h"
#include "crypto/cosign.h"

#include "crypto/note_key.h"

enum { RAW = 1 + NOTE_SEED };

static const char prefix[] = "PRIVATE+KEY+";

void
note_key_put(struct buf *out, const struct note_signer *s)
{
    uint8_t raw[RAW] = {s->verifier.algorithm};

    memcpy(raw + 1, secret_bytes(s->key).p, NOTE_SEED);
    buf_puts(out, prefix);
    buf_puts(out, s->verifier.name);
    buf_putc(out, '+');
    buf_put_hex(out, BYTES_OF(s->verifier.id));
    buf_putc(out, '+');
    encode_base64(out, BYTES_OF(raw));
    buf_putc(out, '\n');
    secret_wipe(raw, sizeof raw);
}

/* Cuts what stands before the next "+" off, as a string. */
static bool
take_field(struct bytes *text, char *out, size_t room)
{
    const uint8_t *plus = text->len > 0 ? memchr(text->p, '+', text->len) : NULL;
    size_t len;

    if (plus == NULL || (len = (size_t)(plus - text->p)) >= room)
        return false;
    memcpy(out, text->p, len);
    out[len] = '\0';
    text->p += len + 1;
    text->len -= len + 1;
    return true;
}

/* Written again it must be the same bytes: so the key id is right, too. */
static enum cofre_err
check_spelling(struct bytes text, const struct note_signer *s)
{
    struct buf again = BUF_INIT;
    enum cofre_err err;

    note_key_put(&again, s);
    if ((err = buf_error(&again)) == COFRE_OK &&
        !bytes_equal(text, (struct bytes){again.p, again.len - 1}))
        err = COFRE_EFORMAT;
    buf_free(&again);
    return err;
}

static enum cofre_err
init(struct note_signer *s, const char *name, const uint8_t raw[static RAW])
{
    if (raw[0] == NOTE_ED25519)
        return note_signer_init(s, name, raw + 1);
    return raw[0] == NOTE_COSIGNATURE ? cosign_signer_init(s, name, raw + 1) : COFRE_EFORMAT;
}

enum cofre_err
note_key_parse(struct bytes text, struct note_signer *s)
{
    const size_t skip = sizeof prefix - 1;
    char name[NOTE_NAME_MAX + 1];
    char id[2 * NOTE_KEY_ID + 1];
    uint8_t raw[RAW];
    struct bytes left;
    size_t len = 0;
    enum cofre_err err = COFRE_EFORMAT;

    *s = (struct note_signer){.key = NULL};
    if (text.len > 0 && text.p[text.len - 1] == '\n')
        text.len--;
    if (text.len < skip || memcmp(text.p, prefix, skip) != 0)
        return COFRE_EFORMAT;
    left = (struct bytes){text.p + skip, text.len - skip};
    if (take_field(&left, name, sizeof name) && take_field(&left, id, sizeof id) &&
        strlen(name) > 0 && encode_base64_read(raw, sizeof raw, &len, left) == COFRE_OK &&
        len == sizeof raw)
        err = init(s, name, raw);
    secret_wipe(raw, sizeof raw);
    if (err == COFRE_OK)
        err = check_spelling(text, s);
    if (err != COFRE_OK)
        note_signer_free(s);
    return err == COFRE_EINVAL ? COFRE_EFORMAT : err;
}
