#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "audit/files.h"
#include "crypto/kdf.h"
#include "crypto/note_key.h"

#include "audit/witness_key.h"

enum { RANDOM_NAME = 16 };

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
    if (err == COFRE_OK) {
        note_key_put(&line, signer);
        err = buf_error(&line);
    }
    if (err == COFRE_OK)
        err = files_put(dir, "key", buf_bytes(&line), why);
    secret_free(seed);
    buf_free(&made);
    buf_free(&line);
    return err;
}

enum cofre_err
witness_key_read(int dir, struct note_signer *signer, struct cofre_why *why)
{
    struct buf file = BUF_INIT;
    struct stat st;
    enum cofre_err err;

    if (fstatat(dir, "key", &st, AT_SYMLINK_NOFOLLOW) == 0 && (st.st_mode & 077) != 0)
        return cofre_why_set(why, COFRE_EREFUSED, "key: others may use it (chmod 600 it)");
    if ((err = files_read(dir, "key", NOTE_KEY_MAX, &file, why)) == COFRE_OK &&
        (err = note_key_parse(buf_bytes(&file), signer)) == COFRE_OK &&
        signer->verifier.algorithm != NOTE_COSIGNATURE)
        err = COFRE_EFORMAT;
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
