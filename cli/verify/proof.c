#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit/entry.h"
#include "audit/lines.h"
#include "audit/proof.h"
#include "cofre/encode.h"
#include "crypto/cosign.h"

#include "report.h"
#include "seals.h"

#include "proof.h"

enum { RECEIPT_MAX = 1024, REPLY_MAX = 64 * 1024 * 1024 };

struct walk {
    const struct options *o;
    const struct verify_keys *keys;
    const struct verify_keys *witnesses;
    struct seals seals;
    struct buf proof;
    struct buf entry;
    struct buf reply;
    struct bytes line; /* the entry */
    struct report_proof found;
    char wrong[SEALS_WRONG_MAX];
};

static enum cofre_err
wrong(struct walk *w, const char *what)
{
    (void)snprintf(w->wrong, sizeof w->wrong, "%s", what);
    w->found.wrong = w->wrong;
    return COFRE_EAUTH;
}

static bool
read_all(struct walk *w)
{
    if (!inputs_read(w->o->proof, PROOF_MAX, &w->proof) ||
        (w->o->entry != NULL && !inputs_read(w->o->entry, ENTRY_MAX + 1, &w->entry)) ||
        (w->o->reply != NULL && !inputs_read(w->o->reply, REPLY_MAX, &w->reply)))
        return false;
    w->line = buf_bytes(&w->entry);
    if (w->line.len > 0 && w->line.p[w->line.len - 1] == '\n')
        w->line.len--;
    return true;
}

/* The entry is a file of its own, or in the proof. */
static enum cofre_err
find_entry(struct walk *w)
{
    enum cofre_err err;

    if (w->o->entry != NULL)
        return COFRE_OK;
    err = proof_extra(buf_bytes(&w->proof), &w->entry);
    w->line = buf_bytes(&w->entry);
    if (err == COFRE_ENOENT)
        return wrong(w, "there is no entry in the proof: it needs --entry FILE");
    return err == COFRE_EFORMAT ? wrong(w, "not a proof") : err;
}

/* ---- whose key signed ---- */

/* The key that may seal in a lost one's place, as --recovery names it. */
static bool
read_recovery(const struct options *o, struct verify_keys *out)
{
    if (o->recovery == NULL)
        return true;
    return inputs_keys(o->recovery, out) &&
           (out->n == 1 || inputs_told(o->recovery, "more than one verifier key"));
}

static enum cofre_err
load_seals(struct walk *w, int dir, const struct note_verifier *recovery)
{
    const enum cofre_err err = seals_load(dir, w->keys, recovery, &w->seals, w->wrong);

    if (err == COFRE_EAUTH)
        w->found.wrong = w->wrong;
    w->found.epochs = dir >= 0 ? w->seals.n : 0;
    return err;
}

/* What bears the seals out must not lie beside them. */
static int
open_seals(struct walk *w, enum cofre_err *err)
{
    const struct options *o = w->o;
    const int dir = o->seals != NULL ? open(o->seals, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    struct verify_keys *recovery = calloc(1, sizeof *recovery);
    int status = -1;

    if (recovery == NULL || (o->seals != NULL && dir < 0)) {
        (void)inputs_told(recovery == NULL ? "start" : o->seals, strerror(errno));
        status = VERIFY_UNREADABLE;
    } else if (dir >= 0 && (inputs_inside(o->vkey, dir) ||
                            (o->recovery != NULL && inputs_inside(o->recovery, dir)))) {
        status = options_wrong("the verifier key must come from outside the directory of --seals");
    } else if (!read_recovery(o, recovery)) {
        status = VERIFY_UNREADABLE;
    } else {
        *err = load_seals(w, dir, recovery->n > 0 ? &recovery->key[0] : NULL);
        if (*err == COFRE_EIO)
            (void)inputs_told(o->seals, w->wrong);
        status = *err == COFRE_EIO ? VERIFY_UNREADABLE : -1;
    }
    if (dir >= 0)
        close(dir);
    free(recovery);
    return status;
}

/* Without seals the first key alone proves: a later one's thief could sign any former entry. */
static void
say_line(struct walk *w, struct bytes checkpoint)
{
    struct checkpoint c;

    if (w->o->seals != NULL)
        return;
    for (size_t i = 1; i < w->keys->n; i++) {
        if (checkpoint_open(checkpoint, &w->keys->key[i], &c) != COFRE_OK)
            continue;
        (void)snprintf(w->wrong, sizeof w->wrong,
                       "signed by the key on line %zu: for which entries that one may vouch, only "
                       "the log's seals say, which --seals DIR takes",
                       i + 1);
        return;
    }
}

static enum cofre_err
check_proof(struct walk *w)
{
    struct bytes checkpoint;
    size_t i = 0;
    enum cofre_err err = proof_checkpoint(buf_bytes(&w->proof), &checkpoint);

    if (err == COFRE_OK &&
        (err = seals_signer(&w->seals, checkpoint, &i, w->wrong)) == COFRE_EAUTH) {
        say_line(w, checkpoint);
        w->found.wrong = w->wrong;
        return err;
    }
    if (err == COFRE_OK)
        err = proof_verify(buf_bytes(&w->proof), w->line, &w->seals.epoch[i].key, &w->found.index);
    w->found.epoch = i + 1;
    w->found.from = w->seals.epoch[i].from;
    if (err == COFRE_OK)
        w->found.entry_epoch = seals_of(&w->seals, w->found.index) + 1;
    if (err == COFRE_OK || err == COFRE_ENOMEM)
        return err;
    return wrong(w, err == COFRE_EFORMAT
                        ? "not a proof"
                        : "the proof does not show this entry in the log of its checkpoint");
}

static enum cofre_err
check_witnesses(struct walk *w)
{
    const uint64_t wanted = w->o->quorum > 0 ? w->o->quorum : w->witnesses->n;
    struct bytes text;
    struct note note;
    struct checkpoint c;
    uint64_t seconds;
    enum cofre_err err = proof_checkpoint(buf_bytes(&w->proof), &text);

    if (err == COFRE_OK)
        err = note_parse(text, &note);
    if (err == COFRE_OK)
        err = checkpoint_parse(note.text, &c);
    if (err != COFRE_OK)
        return err;
    w->found.size = c.size;
    for (size_t i = 0; i < w->witnesses->n; i++)
        w->found.witnesses += cosign_verify(&note, &w->witnesses->key[i], &seconds);
    if (w->found.witnesses >= wanted)
        return COFRE_OK;
    err = wrong(w, "");
    (void)snprintf(w->wrong, sizeof w->wrong,
                   "quorum: %" PRIu64
                   " of %zu witnesses signed the proof's checkpoint, and %" PRIu64 " must",
                   w->found.witnesses, w->witnesses->n, wanted);
    return err;
}

/* ---- reply and receipt ---- */

/* What stands before the next blank. */
static struct bytes
take_word(struct bytes *left)
{
    const uint8_t *blank = left->len > 0 ? memchr(left->p, ' ', left->len) : NULL;
    const struct bytes word = {left->p, blank != NULL ? (size_t)(blank - left->p) : left->len};
    const size_t taken = word.len + (blank != NULL);

    *left = (struct bytes){left->p + taken, left->len - taken};
    return word;
}

/* "SEQ LEAF SALT", with the header's name before it or not. */
static bool
read_receipt(const char *text, uint64_t *seq, uint8_t leaf[static HASH_LEN], struct buf *salt)
{
    struct bytes left = bytes_str(text);
    struct bytes word;

    if (left.len > RECEIPT_MAX)
        return false;
    (void)lines_skip(&left, BYTES_LIT("Cofre-Audit: "));
    while (left.len > 0 && (left.p[left.len - 1] == '\n' || left.p[left.len - 1] == '\r'))
        left.len--;
    word = take_word(&left);
    if (!lines_number(word, seq))
        return false;
    word = take_word(&left);
    if (lines_hash(word, leaf) != COFRE_OK)
        return false;
    return left.len > 0 && encode_base64_decode(salt, left) == COFRE_OK;
}

static enum cofre_err
check_reply(struct walk *w, struct bytes salt)
{
    struct entry_parsed *parsed = malloc(sizeof *parsed);
    struct hmac_key key;
    uint8_t tag[HASH_LEN];
    bool same;

    if (parsed == NULL)
        return COFRE_ENOMEM;
    hmac_key_init(&key, salt);
    hmac_of(&key, buf_bytes(&w->reply), tag);
    same = entry_parse(w->line, parsed) == COFRE_OK && parsed->e.has_reply &&
           memcmp(parsed->e.reply, tag, HASH_LEN) == 0;
    free(parsed);
    w->found.reply = same;
    return same ? COFRE_OK : wrong(w, "the entry does not commit to this reply");
}

static enum cofre_err
check_receipt(struct walk *w)
{
    struct buf salt = BUF_INIT;
    uint8_t leaf[HASH_LEN], own[HASH_LEN];
    uint64_t seq = 0;
    enum cofre_err err = COFRE_OK;

    if (w->o->receipt == NULL)
        return COFRE_OK;
    tree_leaf(w->line, own);
    if (!read_receipt(w->o->receipt, &seq, leaf, &salt))
        err = wrong(w, "the receipt is not what Cofre-Audit says: SEQ LEAF SALT");
    else if (seq != w->found.index || memcmp(leaf, own, HASH_LEN) != 0)
        err = wrong(w, "the receipt is of another entry");
    w->found.receipt = err == COFRE_OK;
    if (err == COFRE_OK && w->o->reply != NULL)
        err = check_reply(w, buf_bytes(&salt));
    buf_free(&salt);
    return err;
}

int
proof_run(const struct options *o, const struct verify_keys *keys,
          const struct verify_keys *witnesses)
{
    struct walk w = {.o = o, .keys = keys, .witnesses = witnesses};
    int status = VERIFY_UNREADABLE;
    enum cofre_err err = COFRE_OK;
    int refused;

    if (!read_all(&w))
        goto out;
    w.found.signer = keys->key[0].name;
    if ((refused = open_seals(&w, &err)) >= 0) {
        status = refused;
        goto out;
    }
    if (err == COFRE_OK && (err = find_entry(&w)) == COFRE_OK &&
        (err = check_proof(&w)) == COFRE_OK && (err = check_witnesses(&w)) == COFRE_OK)
        err = check_receipt(&w);
    if (err != COFRE_OK && w.found.wrong == NULL) {
        inputs_told(o->proof, cofre_err_text(err));
        goto out;
    }
    status = err == COFRE_OK ? VERIFY_GOOD : VERIFY_TAMPERED;
    if (!o->quiet && !report_proof(&w.found, o->json)) {
        inputs_told("standard output", strerror(errno));
        status = VERIFY_UNREADABLE;
    }
out:
    seals_free(&w.seals);
    buf_free(&w.proof);
    buf_free(&w.entry);
    buf_free(&w.reply);
    return status;
}
