#include <assert.h>

#include <sodium.h>

#include "cofre/encode.h"
#include "crypto/hash.h"

#include "crypto/cosign.h"

enum { LINE_RAW = NOTE_KEY_ID + COSIGN_RAW };

/* SHA-256(name "\n" 0x04 public key), cut: another id than the same key has for signing notes. */
static void
set_id(struct note_verifier *v)
{
    uint8_t digest[HASH_LEN];
    struct hash h;

    hash_init(&h);
    hash_update(&h, bytes_str(v->name));
    hash_update(&h, BYTES_LIT("\n"));
    hash_update(&h, (struct bytes){&v->algorithm, 1});
    hash_update(&h, BYTES_OF(v->public_key));
    hash_final(&h, digest);
    memcpy(v->id, digest, NOTE_KEY_ID);
}

enum cofre_err
cosign_signer_init(struct note_signer *s, const char *name, const uint8_t seed[static NOTE_SEED])
{
    enum cofre_err err = note_signer_init(s, name, seed);

    if (err != COFRE_OK)
        return err;
    s->verifier.algorithm = NOTE_COSIGNATURE;
    set_id(&s->verifier);
    return COFRE_OK;
}

static void
message_put(struct buf *out, struct bytes text, uint64_t seconds)
{
    buf_puts(out, "cosignature/v1\ntime ");
    buf_put_u64_dec(out, seconds);
    buf_putc(out, '\n');
    buf_putb(out, text);
}

static void
line_put(struct buf *out, struct bytes name, struct bytes raw)
{
    buf_puts(out, "\xe2\x80\x94 ");
    buf_putb(out, name);
    buf_putc(out, ' ');
    encode_base64(out, raw);
    buf_putc(out, '\n');
}

void
cosign_line_put(struct buf *out, const struct note_signature *line)
{
    /* The key id stands before it in the note's storage. */
    line_put(out, line->name,
             (struct bytes){line->raw.p - NOTE_KEY_ID, NOTE_KEY_ID + line->raw.len});
}

void
cosign_put(struct buf *out, const struct note_signer *s, struct bytes text, uint64_t seconds)
{
    struct buf message = BUF_INIT;
    uint8_t raw[LINE_RAW];

    assert(s->verifier.algorithm == NOTE_COSIGNATURE && seconds <= INT64_MAX);
    assert(text.len > 0 && text.p[text.len - 1] == '\n');
    message_put(&message, text, seconds);
    if (buf_error(&message) != COFRE_OK) {
        out->failed = true;
        goto out;
    }
    memcpy(raw, s->verifier.id, NOTE_KEY_ID);
    bytes_set_be64(raw + NOTE_KEY_ID, seconds);
    crypto_sign_detached(raw + NOTE_KEY_ID + 8, NULL, message.p, message.len,
                         secret_bytes(s->key).p);
    line_put(out, bytes_str(s->verifier.name), BYTES_OF(raw));
out:
    buf_free(&message);
}

static bool
signature_valid(struct bytes text, struct bytes raw, const struct note_verifier *v,
                uint64_t *seconds)
{
    struct buf message = BUF_INIT;
    bool valid;

    if (v->algorithm != NOTE_COSIGNATURE || raw.len != COSIGN_RAW)
        return false;
    *seconds = bytes_get_be64(raw.p);
    if (*seconds > INT64_MAX)
        return false;
    message_put(&message, text, *seconds);
    valid = buf_error(&message) == COFRE_OK &&
            crypto_sign_verify_detached(raw.p + 8, message.p, message.len, v->public_key) == 0;
    buf_free(&message);
    return valid;
}

bool
cosign_verify(const struct note *n, const struct note_verifier *v, uint64_t *seconds)
{
    uint64_t newest = 0;
    uint64_t time;
    bool found = false;

    for (size_t i = 0; i < n->count; i++) {
        const struct note_signature *s = &n->signatures[i];

        if (!bytes_equal(s->name, bytes_str(v->name)) || memcmp(s->id, v->id, NOTE_KEY_ID) != 0)
            continue;
        if (!signature_valid(n->text, s->raw, v, &time))
            return false;
        newest = time > newest ? time : newest;
        found = true;
    }
    if (found)
        *seconds = newest;
    return found;
}
