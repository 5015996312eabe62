#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "audit/files.h"
#include "audit/log_internal.h"

/*
 * The end of an epoch (DESIGN.md).  The caller arms the next key; the committer, staging the entry that
 * names it, notes where the epoch ends; log_commit shows that to the builder together with the new
 * head, so the builder never sees entries behind the end without knowing of it.  Before anything else it
 * then brings the tiles up to exactly the end, and seals.  A step that fails is tried again like any
 * other work of the builder, and until it went well nothing is signed.
 */

static const char *const acts[] = {[SEAL_ROTATE] = "audit-rotate", [SEAL_RECOVER] = "audit-recover"};

enum cofre_err
log_epoch_add(struct log *l, const struct note_verifier *key)
{
    struct log_epoch *grown;

    if (l->n_epochs == SEAL_EPOCHS_MAX)
        return COFRE_ELIMIT;
    if ((grown = realloc(l->epochs, (l->n_epochs + 1) * sizeof *grown)) == NULL)
        return COFRE_ENOMEM;
    l->epochs = grown;
    l->epochs[l->n_epochs++] = (struct log_epoch){.key = *key};
    return COFRE_OK;
}

/* ---- the entry ---- */

bool
log_epoch_act(const struct entry *e)
{
    return e->ok && (bytes_equal(e->act, bytes_str(acts[SEAL_ROTATE])) ||
                     bytes_equal(e->act, bytes_str(acts[SEAL_RECOVER])));
}

bool
log_epoch_names(const struct entry *e, const struct log_mark *seal)
{
    char epoch[32];
    struct buf hash = BUF_INIT;
    bool same;

    (void)snprintf(epoch, sizeof epoch, "epoch-%" PRIu32, seal->epoch + 1);
    buf_put_hex(&hash, BYTES_OF(seal->next));
    same = buf_error(&hash) == COFRE_OK && e->ok &&
           bytes_equal(e->act, bytes_str(acts[seal->kind])) && e->n_fields == 2 &&
           bytes_equal(e->fields[0], bytes_str(epoch)) &&
           bytes_equal(e->fields[1], buf_bytes(&hash));
    buf_free(&hash);
    return same;
}

bool
log_epoch_armed_for(struct log *l, const struct entry *e)
{
    struct log_mark seal = {.seal = true};
    bool armed;

    pthread_mutex_lock(&l->lock);
    armed = l->arm.next != NULL && l->ending.size == 0;
    if (armed) {
        seal.epoch = (uint32_t)l->n_epochs;
        seal.kind = l->arm.kind;
        seal_vkey_hash(&l->arm.next->verifier, seal.next);
    }
    pthread_mutex_unlock(&l->lock);
    return armed && log_epoch_names(e, &seal);
}

/* ---- the files; the builder ---- */

/* Makes a file, which may be there already: then with the same bytes. */
static enum cofre_err
put(struct log *l, const char *path, struct bytes contents, struct cofre_why *why)
{
    struct buf there = BUF_INIT;
    enum cofre_err err = files_put(l->dir, path, contents, why);

    if (err != COFRE_EEXIST)
        return err;
    err = files_read(l->dir, path, CHECKPOINT_MAX, &there, why);
    if (err == COFRE_OK && !bytes_equal(buf_bytes(&there), contents))
        err = cofre_why_set(why, COFRE_EINTEGRITY, "%s: there already, with other contents", path);
    buf_free(&there);
    return err;
}

static enum cofre_err
put_seal(struct log *l, const struct log_head *end, struct cofre_why *why)
{
    struct seal s = {.size = end->size,
                     .epoch = (uint32_t)l->n_epochs,
                     .kind = l->arm.kind,
                     .next = l->arm.next->verifier};
    struct buf note = BUF_INIT;
    char path[LOG_KEYS_PATH];
    enum cofre_err err = COFRE_OK;

    memcpy(s.root, end->root, HASH_LEN);
    if (s.kind == SEAL_RECOVER) {
        (void)snprintf(path, sizeof path, "keys/last.%" PRIu32, s.epoch);
        err = put(l, path, buf_bytes(&l->checkpoint), why);
    }
    (void)snprintf(path, sizeof path, "keys/seal.%" PRIu32, s.epoch);
    if (err == COFRE_OK) {
        seal_make(&note, &s, l->arm.certifier, l->arm.next);
        if ((err = buf_error(&note)) == COFRE_OK)
            err = put(l, path, buf_bytes(&note), why);
    }
    buf_free(&note);
    return err;
}

/* l->epochs changes with lock held and on the builder's thread alone, which reads it without. */
static enum cofre_err
put_vkeys(struct log *l, struct cofre_why *why)
{
    const struct log_place place = {l->dir, l->tmp_dir};
    struct buf text = BUF_INIT;
    enum cofre_err err;

    for (size_t i = 0; i < l->n_epochs; i++) {
        note_vkey_put(&text, &l->epochs[i].key);
        buf_putc(&text, '\n');
    }
    note_vkey_put(&text, &l->arm.next->verifier);
    buf_putc(&text, '\n');
    if ((err = buf_error(&text)) == COFRE_OK)
        err = log_files_replace(&place, "keys/vkeys", buf_bytes(&text), why);
    buf_free(&text);
    return err;
}

enum cofre_err
log_epoch_end(struct log *l, const struct log_head *end, struct cofre_why *why)
{
    enum cofre_err err;

    assert(l->arm.next != NULL && l->built == end->size);
    if ((err = put_seal(l, end, why)) != COFRE_OK || (err = put_vkeys(l, why)) != COFRE_OK)
        return err;
    pthread_mutex_lock(&l->lock);
    if ((err = log_epoch_add(l, &l->arm.next->verifier)) == COFRE_OK) {
        l->epochs[l->n_epochs - 2].end = end->size;
        l->signer = l->arm.next;
        l->arm = (struct log_arm){.next = NULL};
        l->ending.size = 0;
        l->resign = true;
    }
    pthread_mutex_unlock(&l->lock);
    return err;
}

/* ---- any thread ---- */

enum cofre_err
log_epoch_arm(struct log *l, const struct note_signer *next, struct cofre_why *why)
{
    enum cofre_err err = COFRE_OK;

    pthread_mutex_lock(&l->lock);
    if (l->signer == NULL || l->arm.next != NULL || l->ending.size > 0)
        err = cofre_why_set(why, COFRE_EBUSY, "the end of an epoch is under way");
    else if (l->n_epochs == SEAL_EPOCHS_MAX)
        err = cofre_why_set(why, COFRE_ELIMIT, "a log has at most %d epochs", SEAL_EPOCHS_MAX);
    else
        l->arm = (struct log_arm){.next = next, .certifier = l->signer, .kind = SEAL_ROTATE};
    pthread_mutex_unlock(&l->lock);
    return err;
}

bool
log_epoch_disarm(struct log *l)
{
    bool free;

    pthread_mutex_lock(&l->lock);
    free = l->ending.size == 0;
    if (free)
        l->arm = (struct log_arm){.next = NULL};
    pthread_mutex_unlock(&l->lock);
    return free;
}

enum cofre_err
log_epoch_wait(struct log *l, struct cofre_why *why)
{
    enum cofre_err err = COFRE_OK;
    uint64_t failures;

    pthread_mutex_lock(&l->lock);
    failures = l->failures;
    while ((l->ending.size > 0 || l->resign) && !l->dead && !l->closing &&
           l->failures == failures) {
        pthread_cond_signal(&l->work);
        pthread_cond_wait(&l->done, &l->lock);
    }
    if (l->ending.size > 0 || l->resign)
        err = cofre_why_set(why, l->dead || l->closing ? COFRE_ESTOPPED : l->trouble_err, "%s",
                            l->closing ? "the log is being closed" : l->trouble.text);
    pthread_mutex_unlock(&l->lock);
    return err;
}

bool
log_epoch_pending(struct log *l)
{
    bool pending;

    pthread_mutex_lock(&l->lock);
    pending = l->ending.size > 0 || l->resign;
    pthread_mutex_unlock(&l->lock);
    return pending;
}

uint64_t
log_signed(struct log *l)
{
    uint64_t size;

    pthread_mutex_lock(&l->lock);
    size = l->signed_size;
    pthread_mutex_unlock(&l->lock);
    return size;
}

const struct note_signer *
log_signer(struct log *l)
{
    const struct note_signer *s;

    pthread_mutex_lock(&l->lock);
    s = l->signer;
    pthread_mutex_unlock(&l->lock);
    return s;
}

uint32_t
log_epochs(struct log *l)
{
    uint32_t n;

    pthread_mutex_lock(&l->lock);
    n = (uint32_t)l->n_epochs;
    pthread_mutex_unlock(&l->lock);
    return n;
}

bool
log_epoch(struct log *l, uint32_t epoch, struct note_verifier *key, uint64_t *end)
{
    bool found;

    pthread_mutex_lock(&l->lock);
    found = epoch >= 1 && epoch <= l->n_epochs;
    if (found && key != NULL)
        *key = l->epochs[epoch - 1].key;
    if (found && end != NULL)
        *end = l->epochs[epoch - 1].end;
    pthread_mutex_unlock(&l->lock);
    return found;
}

enum cofre_err
log_vkeys(struct log *l, struct buf *out)
{
    pthread_mutex_lock(&l->lock);
    for (size_t i = 0; i < l->n_epochs; i++) {
        note_vkey_put(out, &l->epochs[i].key);
        buf_putc(out, '\n');
    }
    pthread_mutex_unlock(&l->lock);
    return buf_error(out);
}
