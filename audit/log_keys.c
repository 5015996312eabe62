#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "audit/checkpoint.h"
#include "audit/files.h"
#include "audit/lines.h"
#include "audit/log_internal.h"

/* keys/ and the checkpoint, as they are found when a log is opened. */

enum { VKEYS_MAX = SEAL_EPOCHS_MAX * (NOTE_VKEY_MAX + 1) };

struct load {
    struct log *l;
    const struct log_config *config;
    struct log_marks *marks;
    struct cofre_why *why;
};

static bool
same_key(const struct note_verifier *a, const struct note_verifier *b)
{
    return memcmp(a->public_key, b->public_key, NOTE_PUBLIC) == 0 && strcmp(a->name, b->name) == 0;
}

static bool
is_by(const struct note_signer *s, const struct note_verifier *v)
{
    return s != NULL && same_key(&s->verifier, v);
}

/* A file that must be there, whole. */
static enum cofre_err
read_needed(const struct load *o, const char *path, size_t max, struct buf *out)
{
    enum cofre_err err = files_read(o->l->dir, path, max, out, o->why);

    return err == COFRE_ENOENT || err == COFRE_EFORMAT ? COFRE_EINTEGRITY : err;
}

/* One that may be missing: COFRE_ENOENT says so, and nothing else. */
static enum cofre_err
read_optional(const struct load *o, const char *path, size_t max, struct buf *out)
{
    struct cofre_why why = {""};
    enum cofre_err err = files_read(o->l->dir, path, max, out, &why);

    if (err == COFRE_OK || err == COFRE_ENOENT)
        return err;
    return cofre_why_set(o->why, err == COFRE_EFORMAT ? COFRE_EINTEGRITY : err, "%s", why.text);
}

/* ---- keys/vkeys, keys/recovery ---- */

static enum cofre_err
add_line(const struct load *o, struct bytes line)
{
    struct log *l = o->l;
    struct note_verifier key;

    if (note_vkey_parse(line, &key) != COFRE_OK || key.algorithm != 1 ||
        (l->n_epochs > 0 && strcmp(key.name, l->epochs[0].key.name) != 0))
        return cofre_why_set(o->why, COFRE_EINTEGRITY, "keys/vkeys: line %zu is not a key of this log",
                             l->n_epochs + 1);
    for (size_t i = 0; i < l->n_epochs; i++)
        if (same_key(&key, &l->epochs[i].key))
            return cofre_why_set(o->why, COFRE_EINTEGRITY, "keys/vkeys: line %zu is that of epoch %zu",
                                 l->n_epochs + 1, i + 1);
    return log_epoch_add(l, &key);
}

static enum cofre_err
load_vkeys(const struct load *o)
{
    struct buf file = BUF_INIT;
    struct bytes left, line;
    enum cofre_err err = read_needed(o, "keys/vkeys", VKEYS_MAX, &file);

    left = buf_bytes(&file);
    while (err == COFRE_OK && lines_take(&left, &line))
        err = add_line(o, line);
    if (err == COFRE_OK && (left.len > 0 || o->l->n_epochs == 0))
        err = cofre_why_set(o->why, COFRE_EINTEGRITY, "keys/vkeys: cut short");
    buf_free(&file);
    return err;
}

static enum cofre_err
load_recovery(const struct load *o)
{
    struct log *l = o->l;
    struct buf file = BUF_INIT;
    struct bytes left, line;
    enum cofre_err err = read_optional(o, LOG_RECOVERY, NOTE_VKEY_MAX + 1, &file);

    left = buf_bytes(&file);
    if (err == COFRE_OK &&
        (!lines_take(&left, &line) || left.len > 0 ||
         note_vkey_parse(line, &l->recovery) != COFRE_OK || l->recovery.algorithm != 1 ||
         strcmp(l->recovery.name, l->epochs[0].key.name) != 0))
        err = cofre_why_set(o->why, COFRE_EINTEGRITY, LOG_RECOVERY ": not a key of this log");
    l->has_recovery = err == COFRE_OK;
    buf_free(&file);
    return err == COFRE_ENOENT ? COFRE_OK : err;
}

/* ---- seals ---- */

static enum cofre_err
add_mark(const struct load *o, const struct log_mark *mark)
{
    struct log_marks *m = o->marks;
    struct log_mark *grown = realloc(m->list, (m->n + 1) * sizeof *grown);

    if (grown == NULL)
        return COFRE_ENOMEM;
    m->list = grown;
    m->list[m->n++] = *mark;
    return COFRE_OK;
}

/* The last checkpoint of a lost key: it lies in that key's epoch, before the seal. */
static enum cofre_err
load_last(const struct load *o, const struct seal *s, uint64_t from)
{
    struct log_mark mark = {.what = "keys/last", .epoch = s->epoch};
    struct buf file = BUF_INIT;
    struct checkpoint c;
    char path[LOG_KEYS_PATH];
    enum cofre_err err;

    (void)snprintf(path, sizeof path, "keys/last.%" PRIu32, s->epoch);
    if ((err = read_needed(o, path, CHECKPOINT_MAX, &file)) != COFRE_OK)
        goto out;
    if (checkpoint_open(buf_bytes(&file), &o->l->epochs[s->epoch - 1].key, &c) != COFRE_OK ||
        c.size > s->size || c.size < from) {
        err = cofre_why_set(o->why, COFRE_EINTEGRITY, "%s: not one that epoch %" PRIu32 " signed",
                            path, s->epoch);
        goto out;
    }
    mark.size = c.size;
    memcpy(mark.root, c.root, HASH_LEN);
    err = add_mark(o, &mark);
out:
    buf_free(&file);
    return err;
}

/* Is the key that seal number n names the next one of keys/vkeys, or the one that is about to be? */
static bool
follows(const struct load *o, const struct seal *s)
{
    const struct log *l = o->l;

    if (s->epoch < l->n_epochs)
        return same_key(&s->next, &l->epochs[s->epoch].key);
    return is_by(o->config->next, &s->next);
}

static enum cofre_err
check_seal(const struct load *o, struct bytes note, uint32_t n, struct seal *s)
{
    struct log *l = o->l;
    uint64_t from = n > 1 ? l->epochs[n - 2].end : 0;
    enum cofre_err err = seal_open(note, &l->epochs[n - 1].key,
                                   l->has_recovery ? &l->recovery : NULL, s);

    if (err == COFRE_EFORMAT)
        return cofre_why_set(o->why, COFRE_EINTEGRITY, "keys/seal.%" PRIu32 ": malformed", n);
    if (err == COFRE_EAUTH)
        return cofre_why_set(o->why, COFRE_EINTEGRITY,
                             "keys/seal.%" PRIu32 ": not signed by epoch %" PRIu32
                             " (or the recovery key) and the next",
                             n, n);
    if (err != COFRE_OK)
        return err;
    if (s->epoch != n || s->size <= from)
        return cofre_why_set(o->why, COFRE_EINTEGRITY, "keys/seal.%" PRIu32 ": of another epoch", n);
    if (!follows(o, s))
        return cofre_why_set(o->why, COFRE_EINTEGRITY,
                             "keys/seal.%" PRIu32 ": names another key than line %" PRIu32
                             " of keys/vkeys",
                             n, n + 1);
    return COFRE_OK;
}

static enum cofre_err
load_seal(const struct load *o, uint32_t n, struct bytes note)
{
    struct log *l = o->l;
    struct log_mark mark = {.what = "keys/seal", .epoch = n, .seal = true};
    struct seal s;
    enum cofre_err err;

    if ((err = check_seal(o, note, n, &s)) != COFRE_OK)
        return err;
    if (s.kind == SEAL_RECOVER &&
        (err = load_last(o, &s, n > 1 ? l->epochs[n - 2].end : 0)) != COFRE_OK)
        return err;
    l->epochs[n - 1].end = s.size;
    mark.size = s.size;
    memcpy(mark.root, s.root, HASH_LEN);
    mark.kind = s.kind;
    seal_vkey_hash(&s.next, mark.next);
    return add_mark(o, &mark);
}

/* As many as there are epochs but one; one more when the last line of keys/vkeys is still to come. */
static enum cofre_err
load_seals(const struct load *o)
{
    struct buf file = BUF_INIT;
    char path[LOG_KEYS_PATH];
    enum cofre_err err = COFRE_OK;

    for (uint32_t n = 1; n <= o->l->n_epochs && err == COFRE_OK; n++) {
        (void)snprintf(path, sizeof path, "keys/seal.%" PRIu32, n);
        err = read_optional(o, path, SEAL_MAX, &file);
        if (err == COFRE_ENOENT && n == o->l->n_epochs) {
            err = COFRE_OK;
            break;
        }
        if (err == COFRE_ENOENT)
            err = cofre_why_set(o->why, COFRE_EINTEGRITY, "%s is missing", path);
        else if (err == COFRE_OK)
            err = load_seal(o, n, buf_bytes(&file));
    }
    buf_free(&file);
    return err;
}

/* ---- who signs ---- */

static enum cofre_err
check_recovery_key(const struct load *o)
{
    if (!o->l->has_recovery)
        return cofre_why_set(o->why, COFRE_EREFUSED,
                             "this log was made without a recovery key: its signing key cannot be "
                             "replaced");
    if (!is_by(o->config->certifier, &o->l->recovery))
        return cofre_why_set(o->why, COFRE_EREFUSED,
                             "this is not the recovery key that the log names (" LOG_RECOVERY ")");
    return COFRE_OK;
}

static enum cofre_err
choose_signer(const struct load *o)
{
    struct log *l = o->l;
    const struct log_config *c = o->config;
    const struct note_verifier *last = &l->epochs[l->n_epochs - 1].key;
    enum cofre_err err;

    if (c->certifier != NULL && (err = check_recovery_key(o)) != COFRE_OK)
        return err;
    if (is_by(c->next, last)) {
        l->signer = c->next;
        return COFRE_OK;
    }
    l->arm = (struct log_arm){.next = c->next, .certifier = c->signer, .kind = SEAL_ROTATE};
    if (is_by(c->signer, last)) {
        l->signer = c->signer;
        return COFRE_OK;
    }
    if (c->certifier == NULL)
        return cofre_why_set(o->why, COFRE_EINTEGRITY,
                             "the signing key is not that of the last line of keys/vkeys: put the "
                             "right file signing back, or run cofre audit recover");
    l->arm.certifier = c->certifier;
    l->arm.kind = SEAL_RECOVER;
    return COFRE_OK;
}

/* ---- the checkpoint ---- */

static enum cofre_err
take_checkpoint(const struct load *o, const struct checkpoint *c, bool by_last)
{
    struct log_mark mark = {.what = "checkpoint", .size = c->size};
    struct log *l = o->l;

    memcpy(mark.root, c->root, HASH_LEN);
    l->signed_size = c->size;
    l->resign = !by_last;
    return add_mark(o, &mark);
}

static enum cofre_err
revoked(const struct load *o, size_t epoch)
{
    return cofre_why_set(o->why, COFRE_EINTEGRITY,
                         "checkpoint: signed by a revoked key (epoch %zu ended at %" PRIu64 ")",
                         epoch, o->l->epochs[epoch - 1].end);
}

/* By the newest key; by the one before when an epoch's end was cut off behind its seal. */
static enum cofre_err
load_checkpoint(const struct load *o)
{
    struct log *l = o->l;
    size_t n = l->n_epochs;
    struct checkpoint c;
    enum cofre_err err = read_needed(o, "checkpoint", CHECKPOINT_MAX, &l->checkpoint);

    if (err != COFRE_OK)
        return err;
    err = checkpoint_open(buf_bytes(&l->checkpoint), &l->epochs[n - 1].key, &c);
    if (err == COFRE_ENOMEM)
        return err;
    if (err == COFRE_OK && n > 1 && c.size < l->epochs[n - 2].end)
        return cofre_why_set(o->why, COFRE_EINTEGRITY,
                             "checkpoint: epoch %zu did not begin before %" PRIu64 " entries", n,
                             l->epochs[n - 2].end);
    if (err == COFRE_OK && l->epochs[n - 1].end > 0 && c.size > l->epochs[n - 1].end)
        return revoked(o, n);
    if (err == COFRE_OK)
        return take_checkpoint(o, &c, true);
    for (size_t e = n - 1; e-- > 0;) {
        if (checkpoint_open(buf_bytes(&l->checkpoint), &l->epochs[e].key, &c) != COFRE_OK)
            continue;
        if (e + 2 == n && l->signer == o->config->next && c.size <= l->epochs[e].end)
            return take_checkpoint(o, &c, false);
        return revoked(o, e + 1);
    }
    return cofre_why_set(o->why, COFRE_EINTEGRITY, "checkpoint: not one that this key signed");
}

/* How many bundles may be gone. */
static enum cofre_err
load_pruned(const struct load *o)
{
    struct log_mark mark;
    enum cofre_err err = log_prune_load(o->l, &mark, o->why);

    o->marks->pruned = o->l->pruned;
    return err == COFRE_OK && mark.size > 0 ? add_mark(o, &mark) : err;
}

static int
by_size(const void *a, const void *b)
{
    const struct log_mark *x = a;
    const struct log_mark *y = b;

    return (x->size > y->size) - (x->size < y->size);
}

enum cofre_err
log_keys_load(struct log *l, const struct log_config *config, struct log_marks *marks,
              struct cofre_why *why)
{
    const struct load o = {l, config, marks, why};
    enum cofre_err err;

    if ((err = load_vkeys(&o)) != COFRE_OK || (err = load_recovery(&o)) != COFRE_OK ||
        (err = choose_signer(&o)) != COFRE_OK || (err = load_seals(&o)) != COFRE_OK ||
        (err = load_pruned(&o)) != COFRE_OK || (err = load_checkpoint(&o)) != COFRE_OK)
        return err;
    marks->recovering = config->certifier != NULL;
    if (marks->n > 1)
        qsort(marks->list, marks->n, sizeof *marks->list, by_size);
    return COFRE_OK;
}
