#include <assert.h>

#include <sodium.h>

#include "cofre/encode.h"
#include "crypto/hash.h"

#include "crypto/note.h"

enum { VKEY_RAW = 1 + NOTE_PUBLIC };

/* How a signature line begins: an em dash (U+2014) and a blank. */
static const char DASH[] = "\xe2\x80\x94 ";

static_assert(NOTE_SEED == crypto_sign_SEEDBYTES, "");
static_assert(NOTE_PUBLIC == crypto_sign_PUBLICKEYBYTES, "");
static_assert(NOTE_SIGNATURE == crypto_sign_BYTES, "");

/* Unicode's White_Space at the start of s, which is valid UTF-8; s has at least one byte. */
static bool
starts_with_space(struct bytes s)
{
    static const char *const spaces[] = {" ",
                                         "\xc2\x85",
                                         "\xc2\xa0",
                                         "\xe1\x9a\x80",
                                         "\xe2\x80\xa8",
                                         "\xe2\x80\xa9",
                                         "\xe2\x80\xaf",
                                         "\xe2\x81\x9f",
                                         "\xe3\x80\x80"};

    for (size_t i = 0; i < sizeof spaces / sizeof spaces[0]; i++) {
        struct bytes space = bytes_str(spaces[i]);

        if (s.len >= space.len && memcmp(s.p, space.p, space.len) == 0)
            return true;
    }
    /* U+2000 to U+200A */
    return s.len >= 3 && memcmp(s.p, "\xe2\x80", 2) == 0 && s.p[2] >= 0x80 && s.p[2] <= 0x8a;
}

bool
note_name_valid(struct bytes name)
{
    if (name.len == 0 || name.len > NOTE_NAME_MAX || !encode_utf8_valid(name))
        return false;
    for (; name.len > 0; name.p++, name.len--)
        if (name.p[0] < 0x20 || name.p[0] == '+' || starts_with_space(name))
            return false;
    return true;
}

static void
key_id(struct bytes name, const uint8_t raw[static VKEY_RAW], uint8_t id[static NOTE_KEY_ID])
{
    uint8_t digest[HASH_LEN];
    struct hash h;

    hash_init(&h);
    hash_update(&h, name);
    hash_update(&h, BYTES_LIT("\n"));
    hash_update(&h, (struct bytes){raw, VKEY_RAW});
    hash_final(&h, digest);
    memcpy(id, digest, NOTE_KEY_ID);
}

/* name has been found valid. */
static void
verifier_set(struct note_verifier *v, struct bytes name, const uint8_t raw[static VKEY_RAW])
{
    memset(v, 0, sizeof *v);
    memcpy(v->name, name.p, name.len);
    key_id(name, raw, v->id);
    v->algorithm = raw[0];
    memcpy(v->public_key, raw + 1, NOTE_PUBLIC);
}

/* Cuts what stands before c off text; false when there is no c. */
static bool
cut(struct bytes *text, char c, struct bytes *before)
{
    const uint8_t *at = text->len > 0 ? memchr(text->p, c, text->len) : NULL;

    if (at == NULL)
        return false;
    before->p = text->p;
    before->len = (size_t)(at - text->p);
    text->p = at + 1;
    text->len -= before->len + 1;
    return true;
}

enum cofre_err
note_vkey_parse(struct bytes text, struct note_verifier *out)
{
    char id_text[2 * NOTE_KEY_ID + 1];
    uint8_t raw[VKEY_RAW];
    struct note_verifier v;
    struct bytes name, id;
    size_t len = 0;

    if (!cut(&text, '+', &name) || !cut(&text, '+', &id) || !note_name_valid(name))
        return COFRE_EFORMAT;
    if (encode_base64_read(raw, sizeof raw, &len, text) != COFRE_OK || len != VKEY_RAW)
        return COFRE_EFORMAT;
    if (raw[0] != NOTE_ED25519 && raw[0] != NOTE_COSIGNATURE)
        return COFRE_EFORMAT;

    verifier_set(&v, name, raw);
    sodium_bin2hex(id_text, sizeof id_text, v.id, sizeof v.id);
    if (!bytes_equal(id, bytes_str(id_text)))
        return COFRE_EFORMAT;
    *out = v;
    return COFRE_OK;
}

void
note_vkey_put(struct buf *out, const struct note_verifier *v)
{
    uint8_t raw[VKEY_RAW];

    raw[0] = v->algorithm;
    memcpy(raw + 1, v->public_key, NOTE_PUBLIC);
    buf_puts(out, v->name);
    buf_putc(out, '+');
    buf_put_hex(out, BYTES_OF(v->id));
    buf_putc(out, '+');
    encode_base64(out, BYTES_OF(raw));
}

enum cofre_err
note_signer_init(struct note_signer *s, const char *name, const uint8_t seed[static NOTE_SEED])
{
    uint8_t raw[VKEY_RAW] = {NOTE_ED25519};
    enum cofre_err err;

    memset(s, 0, sizeof *s);
    if (!note_name_valid(bytes_str(name)))
        return COFRE_EINVAL;
    if ((err = secret_new(crypto_sign_SECRETKEYBYTES, &s->key)) != COFRE_OK)
        return err;
    crypto_sign_seed_keypair(raw + 1, secret_data(s->key), seed);
    verifier_set(&s->verifier, bytes_str(name), raw);
    return COFRE_OK;
}

void
note_signer_free(struct note_signer *s)
{
    if (s == NULL)
        return;
    secret_free(s->key);
    s->key = NULL;
}

void
note_sign_add(struct buf *out, const struct note_signer *s, struct bytes text)
{
    uint8_t raw[NOTE_KEY_ID + NOTE_SIGNATURE];

    assert(text.len > 0 && text.p[text.len - 1] == '\n');
    memcpy(raw, s->verifier.id, NOTE_KEY_ID);
    crypto_sign_detached(raw + NOTE_KEY_ID, NULL, text.p, text.len, secret_bytes(s->key).p);
    buf_puts(out, DASH);
    buf_puts(out, s->verifier.name);
    buf_putc(out, ' ');
    encode_base64(out, BYTES_OF(raw));
    buf_putc(out, '\n');
}

void
note_sign(struct buf *out, const struct note_signer *s, struct bytes text)
{
    buf_putb(out, text);
    buf_putc(out, '\n');
    note_sign_add(out, s, text);
}

static bool
only_text(struct bytes b)
{
    if (b.len == 0 || b.len > NOTE_MAX || !encode_utf8_valid(b))
        return false;
    for (size_t i = 0; i < b.len; i++)
        if (b.p[i] < 0x20 && b.p[i] != '\n')
            return false;
    return true;
}

/* The text ends where the last empty line begins. */
static bool
split(struct bytes b, struct bytes *text, struct bytes *lines)
{
    for (size_t i = b.len; i-- > 1;)
        if (b.p[i] == '\n' && b.p[i - 1] == '\n') {
            *text = (struct bytes){b.p, i};
            *lines = (struct bytes){b.p + i + 1, b.len - i - 1};
            return true;
        }
    return false;
}

/* line is without its end; *used counts the bytes of n->storage that are taken. */
static bool
parse_line(struct bytes line, struct note *n, size_t *used)
{
    const struct bytes dash = BYTES_LIT(DASH);
    struct note_signature *s;
    size_t len = 0;
    uint8_t *to = n->storage + *used;

    if (n->count == NOTE_SIGNATURES_MAX || line.len < dash.len ||
        memcmp(line.p, dash.p, dash.len) != 0)
        return false;
    line.p += dash.len;
    line.len -= dash.len;

    s = &n->signatures[n->count];
    if (!cut(&line, ' ', &s->name) || !note_name_valid(s->name))
        return false;
    if (encode_base64_read(to, sizeof n->storage - *used, &len, line) != COFRE_OK ||
        len <= NOTE_KEY_ID)
        return false;
    memcpy(s->id, to, NOTE_KEY_ID);
    s->raw = (struct bytes){to + NOTE_KEY_ID, len - NOTE_KEY_ID};
    *used += len;
    n->count++;
    return true;
}

enum cofre_err
note_parse(struct bytes bytes, struct note *out)
{
    struct bytes lines, line;
    size_t used = 0;

    out->count = 0;
    if (!only_text(bytes) || !split(bytes, &out->text, &lines))
        return COFRE_EFORMAT;
    while (lines.len > 0)
        if (!cut(&lines, '\n', &line) || !parse_line(line, out, &used))
            goto malformed;
    if (out->count > 0)
        return COFRE_OK;
malformed:
    out->count = 0;
    return COFRE_EFORMAT;
}

static bool
signature_valid(const struct note *n, const struct note_signature *s, const struct note_verifier *v)
{
    return v->algorithm == NOTE_ED25519 && s->raw.len == NOTE_SIGNATURE &&
           crypto_sign_verify_detached(s->raw.p, n->text.p, n->text.len, v->public_key) == 0;
}

bool
note_verify(const struct note *n, const struct note_verifier *v)
{
    bool found = false;

    for (size_t i = 0; i < n->count; i++) {
        const struct note_signature *s = &n->signatures[i];

        if (!bytes_equal(s->name, bytes_str(v->name)) || memcmp(s->id, v->id, NOTE_KEY_ID) != 0)
            continue;
        if (!signature_valid(n, s, v))
            return false;
        found = true;
    }
    return found;
}
