#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "audit/files.h"
#include "audit/lines.h"
#include "cofre/encode.h"
#include "crypto/kdf.h"

#include "audit/witness_key.h"

enum { COSIGNATURE = 0x04, SEED_RAW = 1 + NOTE_SEED, KEY_MAX = 512, RANDOM_NAME = 16 };

static const char prefix[] = "PRIVATE+KEY+";

static enum cofre_err
put_line(const struct note_signer *s, struct buf *out)
{
    uint8_t raw[SEED_RAW] = {COSIGNATURE};

    memcpy(raw + 1, secret_bytes(s->key).p, NOTE_SEED);
    buf_puts(out, prefix);
    buf_puts(out, s->verifier.name);
    buf_putc(out, '+');
    buf_put_hex(out, BYTES_OF(s->verifier.id));
    buf_putc(out, '+');
    encode_base64(out, BYTES_OF(raw));
    buf_putc(out, '\n');
    secret_wipe(raw, sizeof raw);
    return buf_error(out);
}

static enum cofre_err
random_name(struct buf *out)
{
    struct secret *random = NULL;
    enum cofre_err err = secret_random(RANDOM_NAME, &random);

    if (err != COFRE_OK)
        return err;
    buf_puts(out, "cofre-witness.invalid/");
    buf_put_hex(out, secret_bytes(random));
    buf_putc(out, '\0');
    secret_free(random);
    return buf_error(out);
}

enum cofre_err
witness_key_create(int dir, const char *name, struct note_signer *signer, struct cofre_why *why)
{
    struct secret *seed = NULL;
    struct buf made = BUF_INIT;
    struct buf line = BUF_INIT;
    enum cofre_err err;

    if ((err = secret_random(NOTE_SEED, &seed)) != COFRE_OK)
        return err;
    if (name == NULL && (err = random_name(&made)) == COFRE_OK)
        name = (const char *)made.p;
    if (err == COFRE_OK)
        err = cosign_signer_init(signer, name, secret_bytes(seed).p);
    if (err == COFRE_EINVAL)
        cofre_why_set(why, err, "the name must be without blanks and \"+\"");
    if (err == COFRE_OK && (err = put_line(signer, &line)) == COFRE_OK)
        err = files_put(dir, "key", buf_bytes(&line), why);
    secret_free(seed);
    buf_free(&made);
    buf_free(&line);
    return err;
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

static enum cofre_err
parse(struct bytes file, struct note_signer *signer)
{
    char name[NOTE_NAME_MAX + 1];
    char id[2 * NOTE_KEY_ID + 1];
    uint8_t raw[SEED_RAW];
    struct buf again = BUF_INIT;
    struct bytes line, text;
    enum cofre_err err = COFRE_EFORMAT;
    size_t len = 0;

    text = file;
    if (!lines_skip(&text, bytes_str(prefix)) || !lines_take(&text, &line) || text.len > 0 ||
        !take_field(&line, name, sizeof name) || !take_field(&line, id, sizeof id) ||
        encode_base64_read(raw, sizeof raw, &len, line) != COFRE_OK || len != sizeof raw ||
        raw[0] != COSIGNATURE)
        goto out;
    if ((err = cosign_signer_init(signer, name, raw + 1)) != COFRE_OK ||
        (err = put_line(signer, &again)) != COFRE_OK)
        goto out;
    /* One spelling: so the key id is right, too. */
    err = bytes_equal(file, buf_bytes(&again)) ? COFRE_OK : COFRE_EFORMAT;
out:
    secret_wipe(raw, sizeof raw);
    buf_free(&again);
    return err == COFRE_EINVAL ? COFRE_EFORMAT : err;
}

enum cofre_err
witness_key_read(int dir, struct note_signer *signer, struct cofre_why *why)
{
    struct buf file = BUF_INIT;
    struct stat st;
    enum cofre_err err;

    if (fstatat(dir, "key", &st, AT_SYMLINK_NOFOLLOW) == 0 && (st.st_mode & 077) != 0)
        return cofre_why_set(why, COFRE_EREFUSED, "key: others may use it (chmod 600 it)");
    if ((err = files_read(dir, "key", KEY_MAX, &file, why)) == COFRE_OK)
        err = parse(buf_bytes(&file), signer);
    if (err == COFRE_EFORMAT)
        err = cofre_why_set(why, COFRE_EINTEGRITY, "key: not a witness's private key");
    buf_free(&file);
    return err;
}

void
witness_key_mac(const struct note_signer *signer, struct hmac_key *out)
{
    uint8_t key[KEY_LEN];
    struct hmac_key prk;

    kdf_extract(&prk, BYTES_NONE, (struct bytes){secret_bytes(signer->key).p, NOTE_SEED});
    kdf_derive(&prk, "cofre/v1/witness-mac", NULL, 0, key);
    hmac_key_init(out, BYTES_OF(key));
    secret_wipe(key, sizeof key);
    secret_wipe(&prk, sizeof prk);
}
