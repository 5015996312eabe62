#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "audit/files.h"
#include "audit/seal.h"
#include "cofre/encode.h"
#include "cofre/oplog.h"
#include "crypto/pae.h"
#include "vault/disk.h"

#include "vault/signing.h"

enum { FILE_MAX = 1024, FORMAT_ONE_SEED = 1, FORMAT_SEEDS = 2, SEEDS_MAX = 2 };

static const char file_name[] = "signing";
static const char remedy[] = "put the right one back, or, if it is lost, run cofre audit recover "
                             "--recovery-key FILE";

/* ---- keys ---- */

static enum cofre_err
from_seed(const char *origin, const uint8_t seed[static NOTE_SEED], struct note_signer **out)
{
    struct note_signer *s = calloc(1, sizeof *s);
    enum cofre_err err;

    if (s == NULL)
        return COFRE_ENOMEM;
    if ((err = note_signer_init(s, origin, seed)) != COFRE_OK) {
        signing_free(s);
        return err;
    }
    *out = s;
    return COFRE_OK;
}

enum cofre_err
signing_new(const char *origin, struct note_signer **out)
{
    uint8_t seed[NOTE_SEED];
    enum cofre_err err;

    randombytes_buf(seed, sizeof seed);
    err = from_seed(origin, seed, out);
    secret_wipe(seed, sizeof seed);
    return err;
}

void
signing_free(struct note_signer *s)
{
    note_signer_free(s);
    free(s);
}

/* ---- the file ---- */

static enum cofre_err
seal(const struct cofre_vault *v, struct bytes plain, struct buf *out)
{
    const struct box_key box = {
        .kind = BOX_SIGNING, .version = FORMAT_SEEDS, .key = v->keys->signing_sealing};
    const struct bytes vault = BYTES_OF(v->id);
    struct buf ad = BUF_INIT;
    enum cofre_err err;

    pae_put(&ad, "cofre/v1/signing-file", &vault, 1);
    if ((err = buf_error(&ad)) == COFRE_OK) {
        box_seal(out, &box, buf_bytes(&ad), plain);
        err = buf_error(out);
    }
    buf_free(&ad);
    return err;
}

enum cofre_err
signing_save(struct cofre_vault *v, struct cofre_why *why)
{
    const struct note_signer *const keys[] = {v->signer, v->next};
    const char *origin = NULL;
    struct buf plain = BUF_INIT;
    struct buf sealed = BUF_INIT;
    enum cofre_err err;

    buf_putc(&plain, (char)((v->signer != NULL) + (v->next != NULL)));
    for (size_t i = 0; i < SEEDS_MAX; i++)
        if (keys[i] != NULL) {
            buf_put(&plain, secret_bytes(keys[i]->key).p, NOTE_SEED);
            origin = keys[i]->verifier.name;
        }
    buf_puts(&plain, origin);
    if ((err = buf_error(&plain)) == COFRE_OK &&
        (err = seal(v, buf_bytes(&plain), &sealed)) == COFRE_OK)
        err = disk_replace_shred(v->dir_fd, file_name, buf_bytes(&sealed), why);
    buf_free(&plain);
    buf_free(&sealed);
    return err;
}

/* Takes what was sealed apart: in format 1 a seed and the origin, in format 2 their number before. */
static enum cofre_err
take_apart(struct cofre_vault *v, struct bytes plain, uint32_t format)
{
    struct note_signer **const to[SEEDS_MAX] = {&v->signer, &v->next};
    char origin[NOTE_NAME_MAX + 1] = {0};
    struct reader r = reader_of(plain);
    size_t n = format == FORMAT_SEEDS ? reader_u8(&r) : 1;
    const uint8_t *seeds = r.left.p;
    enum cofre_err err = COFRE_OK;

    if (n < 1 || n > SEEDS_MAX)
        return COFRE_EFORMAT;
    (void)reader_take(&r, n * NOTE_SEED);
    if (r.failed || r.left.len == 0 || r.left.len > NOTE_NAME_MAX)
        return COFRE_EFORMAT;
    memcpy(origin, r.left.p, r.left.len);
    for (size_t i = 0; i < n && err == COFRE_OK; i++)
        err = from_seed(origin, seeds + i * NOTE_SEED, to[i]);
    return err == COFRE_EINVAL ? COFRE_EFORMAT : err;
}

static enum cofre_err
open_box(struct cofre_vault *v, struct bytes sealed)
{
    struct box_key box = {.kind = BOX_SIGNING, .key = v->keys->signing_sealing};
    const struct bytes vault = BYTES_OF(v->id);
    uint8_t plain[FILE_MAX];
    struct buf ad = BUF_INIT;
    size_t len = 0;
    enum cofre_err err;

    if (sealed.len < BOX_OVERHEAD || sealed.len - BOX_OVERHEAD > sizeof plain ||
        box_version(sealed, BOX_SIGNING, &box.version) != COFRE_OK ||
        (box.version != FORMAT_ONE_SEED && box.version != FORMAT_SEEDS))
        return COFRE_EFORMAT;
    pae_put(&ad, "cofre/v1/signing-file", &vault, 1);
    if ((err = buf_error(&ad)) == COFRE_OK &&
        (err = box_open(plain, &len, &box, buf_bytes(&ad), sealed)) == COFRE_OK)
        err = take_apart(v, (struct bytes){plain, len}, box.version);
    secret_wipe(plain, sizeof plain);
    buf_free(&ad);
    return err;
}

enum cofre_err
signing_open(struct cofre_vault *v, struct cofre_why *why)
{
    struct buf sealed = BUF_INIT;
    struct cofre_why cause = {""};
    enum cofre_err err;

    err = disk_read(v->dir_fd, file_name, FILE_MAX, &sealed, &cause);
    if (err == COFRE_OK)
        err = open_box(v, buf_bytes(&sealed));
    buf_free(&sealed);
    switch (err) {
    case COFRE_OK:
    case COFRE_ENOMEM:
        return err;
    case COFRE_ENOENT:
        return cofre_why_set(why, COFRE_EINTEGRITY,
                             "the file signing, with the log's signing key, is missing: %s", remedy);
    case COFRE_EAUTH:
    case COFRE_EFORMAT:
    case COFRE_ERANGE:
        return cofre_why_set(why, COFRE_EINTEGRITY,
                             "the file signing was altered, or is another vault's: %s", remedy);
    default:
        return cofre_why_set(why, err, "%s", cause.text);
    }
}

/* ---- an epoch's end ---- */

enum cofre_err
signing_finish(struct cofre_vault *v, struct cofre_why *why)
{
    struct note_signer *former = v->signer;

    v->signer = v->next;
    v->next = NULL;
    signing_free(former);
    return signing_save(v, why);
}

enum cofre_err
signing_drop(struct cofre_vault *v, struct cofre_why *why)
{
    struct note_signer *unused = v->next;

    v->next = NULL;
    signing_free(unused);
    return signing_save(v, why);
}

enum cofre_err
signing_settle(struct cofre_vault *v, struct cofre_why *why)
{
    enum cofre_err err;

    disk_shred_leftovers(v->dir_fd, file_name);
    if (v->next == NULL || v->certifier != NULL)
        return COFRE_OK;
    if ((err = log_epoch_wait(v->log, why)) != COFRE_OK)
        return cofre_why_add(why, err, "audit/: a rotation of the signing key could not be finished");
    if (log_signer(v->log) == v->next) {
        oplog_line(OPLOG_WARNING, "audit log: a rotation of the signing key was cut off; it is done now");
        return signing_finish(v, why);
    }
    if (!log_epoch_disarm(v->log))
        return cofre_why_set(why, COFRE_EBUSY, "the end of an epoch is under way");
    return signing_drop(v, why);
}

void
signing_put_vkey(struct buf *out, const struct note_verifier *key)
{
    struct buf text = BUF_INIT;

    note_vkey_put(&text, key);
    encode_json_string(out, buf_bytes(&text));
    out->failed = out->failed || text.failed;
    buf_free(&text);
}

void
signing_put_fields(struct cofre_vault *v, struct cofre_call *call)
{
    uint8_t hash[HASH_LEN];
    struct buf hex = BUF_INIT;
    char epoch[32];

    snprintf(epoch, sizeof epoch, "epoch-%u", log_epochs(v->log) + 1);
    seal_vkey_hash(&v->next->verifier, hash);
    buf_put_hex(&hex, BYTES_OF(hash));
    cofre_call_field(call, bytes_str(epoch));
    cofre_call_field(call, buf_bytes(&hex));
    call->fields.failed = call->fields.failed || hex.failed;
    buf_free(&hex);
}

/* ---- when it is lost ---- */

/* Is it the key of some line of keys/vkeys?  last: of the last one. */
static bool
is_in(struct bytes vkeys, const struct note_signer *s, bool *last)
{
    struct buf line = BUF_INIT;
    bool found = false;

    note_vkey_put(&line, &s->verifier);
    buf_putc(&line, '\n');
    *last = false;
    for (size_t at = 0; at + line.len <= vkeys.len && line.len > 0; at++) {
        if (memcmp(vkeys.p + at, line.p, line.len) != 0)
            continue;
        found = true;
        *last = at + line.len == vkeys.len;
    }
    buf_free(&line);
    return found;
}

/* Of a key that the file held: v->next when the log may have been promised it, else forgotten. */
static void
consider(struct cofre_vault *v, struct bytes vkeys, struct note_signer *s)
{
    bool last;

    if (s != NULL && v->next == NULL && (!is_in(vkeys, s, &last) || last))
        v->next = s;
    else
        signing_free(s);
}

enum cofre_err
signing_lost(struct cofre_vault *v, struct cofre_why *why)
{
    struct note_signer *held[SEEDS_MAX];
    struct note_verifier first;
    struct buf vkeys = BUF_INIT;
    struct cofre_why found = {""};
    const uint8_t *end;
    enum cofre_err err;

    err = signing_open(v, &found);
    if (err == COFRE_ENOMEM)
        return err;
    /* Only what is missing or does not authenticate is lost: anything else may hide a good key. */
    if (err != COFRE_OK && err != COFRE_EINTEGRITY)
        return cofre_why_set(why, err, "%s: the signing key may be good, and is not replaced",
                             found.text);
    held[0] = v->next; /* the newer first */
    held[1] = v->signer;
    v->signer = v->next = NULL;
    err = files_read(v->audit_fd, "keys/vkeys", SEAL_EPOCHS_MAX * (NOTE_VKEY_MAX + 1), &vkeys, why);
    for (size_t i = 0; i < SEEDS_MAX; i++)
        consider(v, buf_bytes(&vkeys), held[i]);
    if (err == COFRE_OK && v->next == NULL) {
        end = vkeys.len > 0 ? memchr(vkeys.p, '\n', vkeys.len) : NULL;
        if (end == NULL ||
            note_vkey_parse((struct bytes){vkeys.p, (size_t)(end - vkeys.p)}, &first) != COFRE_OK)
            err = cofre_why_set(why, COFRE_EINTEGRITY, "audit/keys/vkeys: malformed");
        else
            err = signing_new(first.name, &v->next);
    }
    buf_free(&vkeys);
    return err == COFRE_ENOENT || err == COFRE_EFORMAT ? COFRE_EINTEGRITY : err;
}
