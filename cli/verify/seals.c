#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/checkpoint.h"
#include "audit/files.h"

#include "seals.h"

static bool
same_key(const struct note_verifier *a, const struct note_verifier *b)
{
    return strcmp(a->name, b->name) == 0 && a->algorithm == b->algorithm &&
           memcmp(a->public_key, b->public_key, NOTE_PUBLIC) == 0;
}

static enum cofre_err
add_epoch(struct seals *s, const struct note_verifier *key, uint64_t from)
{
    struct seals_epoch *grown = realloc(s->epoch, (s->n + 1) * sizeof *grown);

    if (grown == NULL)
        return COFRE_ENOMEM;
    s->epoch = grown;
    s->epoch[s->n++] = (struct seals_epoch){.key = *key, .from = from, .size = UINT64_MAX};
    return COFRE_OK;
}

static enum cofre_err
open_seal(const struct seals *s, struct bytes text, const struct note_verifier *recovery,
          struct seal *out, char *wrong)
{
    const struct seals_epoch *last = &s->epoch[s->n - 1];
    const enum cofre_err err = seal_open(text, &last->key, recovery, out);

    if (err == COFRE_ENOMEM)
        return err;
    if (err == COFRE_OK && out->epoch == s->n && out->size > last->from)
        return COFRE_OK;
    (void)snprintf(wrong, SEALS_WRONG_MAX,
                   err == COFRE_EAUTH
                       ? "seal.%zu is not signed by the key of its epoch (or that of --recovery), "
                         "and by the next one"
                       : "seal.%zu is not the seal of its epoch",
                   s->n);
    return COFRE_EAUTH;
}

/* One more epoch.  COFRE_ENOENT: no seal ended the last one. */
static enum cofre_err
take_seal(struct seals *s, int dir, const struct verify_keys *known,
          const struct note_verifier *recovery, char *wrong)
{
    struct buf text = BUF_INIT;
    struct seal seal;
    char path[32];
    enum cofre_err err;

    (void)snprintf(path, sizeof path, "seal.%zu", s->n);
    err = files_read(dir, path, SEAL_MAX, &text, NULL);
    if (err == COFRE_EIO || err == COFRE_EFORMAT)
        (void)snprintf(wrong, SEALS_WRONG_MAX,
                       err == COFRE_EIO ? "%s cannot be read" : "%s is no seal", path);
    if (err == COFRE_EFORMAT)
        err = COFRE_EAUTH;
    if (err == COFRE_OK)
        err = open_seal(s, buf_bytes(&text), recovery, &seal, wrong);
    buf_free(&text);
    if (err != COFRE_OK)
        return err;
    s->epoch[s->n - 1].size = seal.size;
    memcpy(s->epoch[s->n - 1].root, seal.root, HASH_LEN);
    if (s->n >= known->n || same_key(&known->key[s->n], &seal.next))
        return add_epoch(s, &seal.next, seal.size);
    (void)snprintf(wrong, SEALS_WRONG_MAX, "%s does not lead to the key on line %zu of --vkey",
                   path, s->n + 1);
    return COFRE_EAUTH;
}

enum cofre_err
seals_load(int dir, const struct verify_keys *known, const struct note_verifier *recovery,
           struct seals *out, char wrong[static SEALS_WRONG_MAX])
{
    enum cofre_err err;

    *out = (struct seals){0};
    err = add_epoch(out, &known->key[0], 0);
    while (err == COFRE_OK && dir >= 0 && out->n <= SEAL_EPOCHS_MAX)
        err = take_seal(out, dir, known, recovery, wrong);
    if (err == COFRE_ENOENT && out->n < known->n) {
        (void)snprintf(wrong, SEALS_WRONG_MAX,
                       "seal.%zu is missing: --vkey has keys that no seal leads to", out->n);
        return COFRE_EAUTH;
    }
    return err == COFRE_ENOENT ? COFRE_OK : err;
}

void
seals_free(struct seals *s)
{
    free(s->epoch);
    *s = (struct seals){0};
}

size_t
seals_of(const struct seals *s, uint64_t seq)
{
    size_t i = 0;

    while (i + 1 < s->n && seq >= s->epoch[i].size)
        i++;
    return i;
}

/* Where the checkpoint is of a seal's size it must be of its tree. */
static bool
other_tree(const struct seals *s, size_t i, const struct checkpoint *c)
{
    const struct seals_epoch *e = &s->epoch[i];

    if (c->size == e->size && memcmp(c->root, e->root, HASH_LEN) != 0)
        return true;
    return i > 0 && c->size == e->from && memcmp(c->root, e[-1].root, HASH_LEN) != 0;
}

static enum cofre_err
judge(const struct seals *s, size_t i, const struct checkpoint *c, char *wrong)
{
    const struct seals_epoch *e = &s->epoch[i];

    if (c->size > e->size)
        (void)snprintf(wrong, SEALS_WRONG_MAX,
                       "its checkpoint of %" PRIu64 " entries is signed by a revoked key "
                       "(epoch %zu ended at %" PRIu64 ")",
                       c->size, i + 1, e->size);
    else if (c->size < e->from)
        (void)snprintf(wrong, SEALS_WRONG_MAX,
                       "its checkpoint of %" PRIu64 " entries is signed by the key of another "
                       "epoch (%zu, which began only at %" PRIu64 ")",
                       c->size, i + 1, e->from);
    else if (other_tree(s, i, c))
        (void)snprintf(wrong, SEALS_WRONG_MAX,
                       "its checkpoint is of another log than the seal of that size");
    else
        return COFRE_OK;
    return COFRE_EAUTH;
}

enum cofre_err
seals_signer(const struct seals *s, struct bytes checkpoint, size_t *epoch,
             char wrong[static SEALS_WRONG_MAX])
{
    struct checkpoint c;
    enum cofre_err err, found = COFRE_EAUTH;

    (void)snprintf(wrong, SEALS_WRONG_MAX,
                   "its checkpoint is not signed by the key that was given, nor by one that the "
                   "seals lead to");
    /* A seal's note has two signatures of ours: either may be that of its size. */
    for (size_t i = s->n; i-- > 0 && found != COFRE_OK;) {
        err = checkpoint_open(checkpoint, &s->epoch[i].key, &c);
        if (err == COFRE_ENOMEM)
            return err;
        if (err == COFRE_OK && (found = judge(s, i, &c, wrong)) == COFRE_OK)
            *epoch = i;
    }
    return found;
}
