#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/lines.h"
#include "audit/verify_internal.h"

enum { VKEYS_MAX = (SEAL_EPOCHS_MAX + 1) * (NOTE_VKEY_MAX + 1) };

/* What the loading functions need. */
struct loading {
    const struct verify_config *config;
    struct verify_marks *marks;
    struct verify_epochs *e;
    struct buf text;
    struct cofre_why *why;
};

static enum cofre_err
bad(const struct loading *l, const char *path, const char *what)
{
    return cofre_why_set(l->why, COFRE_EINTEGRITY, "%s: %s", path, what);
}

enum cofre_err
verify_file(int dir, const char *path, size_t max, struct buf *out, struct cofre_why *why)
{
    struct cofre_why found = {""};
    const enum cofre_err err = files_read(dir, path, max, out, &found);

    if (err == COFRE_ENOENT)
        return cofre_why_set(why, COFRE_EINTEGRITY, "%s: missing", path);
    if (err == COFRE_EFORMAT)
        return cofre_why_set(why, COFRE_EINTEGRITY, "%s", found.text);
    return err == COFRE_OK ? err : cofre_why_set(why, err, "%s", found.text);
}

/* For a file that need not be there: *there. */
static enum cofre_err
read_optional(const struct loading *l, const char *path, size_t max, struct buf *out, bool *there)
{
    const enum cofre_err err = files_read(l->config->dir, path, max, out, NULL);

    *there = err != COFRE_ENOENT;
    return *there ? verify_file(l->config->dir, path, max, out, l->why) : COFRE_OK;
}

/* ---- keys/vkeys ---- */

static bool
same_key(const struct note_verifier *a, const struct note_verifier *b)
{
    return strcmp(a->name, b->name) == 0 && a->algorithm == b->algorithm &&
           memcmp(a->public_key, b->public_key, NOTE_PUBLIC) == 0;
}

/* A key that was given up does not come back. */
static enum cofre_err
check_new(const struct loading *l, const struct note_verifier *key, const char *path, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (same_key(&l->e->key[i].key, key))
            return cofre_why_set(l->why, COFRE_EINTEGRITY,
                                 "%s: the key of epoch %zu is that of epoch %zu again", path, n + 1,
                                 i + 1);
    return COFRE_OK;
}

static enum cofre_err
add_key(struct loading *l, struct bytes line)
{
    struct verify_epochs *e = l->e;
    struct verify_key *k = &e->key[e->n];

    if (e->n > SEAL_EPOCHS_MAX || note_vkey_parse(line, &k->key) != COFRE_OK)
        return cofre_why_set(l->why, COFRE_EINTEGRITY, "keys/vkeys: line %zu is no verifier key",
                             e->n + 1);
    k->size = UINT64_MAX;
    e->n++;
    return check_new(l, &k->key, "keys/vkeys", e->n - 1);
}

/* The keys that the caller knows must be the first ones. */
static enum cofre_err
check_known(const struct loading *l)
{
    for (size_t i = 0; i < l->config->n_keys && i < l->e->n; i++) {
        if (!same_key(&l->config->keys[i], &l->e->key[i].key))
            return cofre_why_set(l->why, COFRE_EINTEGRITY,
                                 "keys/vkeys: line %zu is not the key that was given", i + 1);
    }
    return COFRE_OK;
}

static enum cofre_err
load_vkeys(struct loading *l)
{
    enum cofre_err err = verify_file(l->config->dir, "keys/vkeys", VKEYS_MAX, &l->text, l->why);
    struct bytes left = buf_bytes(&l->text), line;
    size_t lines = 0;

    if (err != COFRE_OK)
        return err;
    for (size_t i = 0; i < left.len; i++)
        lines += left.p[i] == '\n';
    l->e->key = calloc(lines + 1, sizeof *l->e->key);
    if (l->e->key == NULL)
        return COFRE_ENOMEM;
    while (left.len > 0 && err == COFRE_OK)
        err = lines_take(&left, &line) ? add_key(l, line)
                                       : bad(l, "keys/vkeys", "its last line has no end");
    if (err == COFRE_OK && l->e->n == 0)
        err = bad(l, "keys/vkeys", "not the key that was given, and nothing else");
    return err == COFRE_OK ? check_known(l) : err;
}

/* ---- keys/recovery ---- */

static enum cofre_err
load_recovery(struct loading *l)
{
    struct bytes text, line;
    enum cofre_err err =
        read_optional(l, "keys/recovery", NOTE_VKEY_MAX + 1, &l->text, &l->e->has_recovery);

    if (err != COFRE_OK || !l->e->has_recovery)
        return err;
    text = buf_bytes(&l->text);
    if (!lines_take(&text, &line) || text.len > 0 ||
        note_vkey_parse(line, &l->e->recovery) != COFRE_OK)
        return bad(l, "keys/recovery", "not one verifier key");
    if (strcmp(l->e->recovery.name, l->e->key[0].key.name) != 0)
        return bad(l, "keys/recovery", "has another name than the log");
    return COFRE_OK;
}

/* ---- keys/seal.N, keys/last.N ---- */

static enum cofre_err
open_seal(const struct loading *l, size_t i, const char *path, struct seal *out)
{
    const struct verify_epochs *e = l->e;
    const enum cofre_err err =
        seal_open(buf_bytes(&l->text), &e->key[i].key, e->has_recovery ? &e->recovery : NULL, out);

    if (err == COFRE_ENOMEM)
        return err;
    if (err == COFRE_EFORMAT)
        return bad(l, path, "not a seal");
    if (err != COFRE_OK)
        return cofre_why_set(l->why, COFRE_EINTEGRITY,
                             "%s: not signed by the key of epoch %zu (or the recovery key), and "
                             "by the next one",
                             path, i + 1);
    if (out->epoch != i + 1)
        return cofre_why_set(l->why, COFRE_EINTEGRITY, "%s: is that of epoch %" PRIu32, path,
                             out->epoch);
    if (out->size <= e->key[i].from)
        return bad(l, path, "ends an epoch before it began");
    return verify_marks_add(l->marks, out->size, out->root, "%s", path);
}

/* The last checkpoint that the lost key of epoch i + 1 signed. */
static enum cofre_err
load_last(struct loading *l, size_t i)
{
    struct verify_key *k = &l->e->key[i];
    struct checkpoint c;
    char path[FILES_PATH_MAX];
    enum cofre_err err;

    (void)snprintf(path, sizeof path, "keys/last.%zu", i + 1);
    err = verify_file(l->config->dir, path, CHECKPOINT_MAX, &l->text, l->why);
    if (err != COFRE_OK)
        return err;
    err = checkpoint_open(buf_bytes(&l->text), &k->key, &c);
    if (err == COFRE_ENOMEM)
        return err;
    if (err != COFRE_OK || c.extended)
        return cofre_why_set(l->why, COFRE_EINTEGRITY,
                             "%s: not a checkpoint signed by the key of epoch %zu", path, i + 1);
    if (c.size < k->from || c.size > k->size)
        return bad(l, path, "of a size that is not in its epoch");
    k->last = c.size;
    return verify_marks_add(l->marks, c.size, c.root, "%s", path);
}

static enum cofre_err
load_seal(struct loading *l, size_t i)
{
    struct verify_key *k = &l->e->key[i];
    char path[FILES_PATH_MAX];
    struct seal seal;
    bool there = true;
    enum cofre_err err;

    (void)snprintf(path, sizeof path, "keys/seal.%zu", i + 1);
    if (i + 1 < l->e->n)
        err = verify_file(l->config->dir, path, SEAL_MAX, &l->text, l->why);
    else
        err = read_optional(l, path, SEAL_MAX, &l->text, &there);
    if (err != COFRE_OK || !there || (err = open_seal(l, i, path, &seal)) != COFRE_OK)
        return err;
    k->size = seal.size;
    k->kind = seal.kind;
    l->e->pending = i + 1 == l->e->n;
    l->e->next = seal.next;
    if (l->e->pending && (err = check_new(l, &seal.next, path, l->e->n)) != COFRE_OK)
        return err;
    if (!l->e->pending && !same_key(&seal.next, &k[1].key))
        return cofre_why_set(l->why, COFRE_EINTEGRITY,
                             "keys/vkeys: line %zu is not the key that %s names", i + 2, path);
    if (!l->e->pending)
        k[1].from = seal.size;
    return seal.kind == SEAL_RECOVER ? load_last(l, i) : COFRE_OK;
}

/* ---- keys/pruned ---- */

static enum cofre_err
load_pruned(struct loading *l)
{
    struct verify_epochs *e = l->e;
    struct seal_pruned *p = &e->pruned;
    enum cofre_err err = read_optional(l, "keys/pruned", SEAL_PRUNED_MAX, &l->text, &e->has_pruned);

    if (err != COFRE_OK || !e->has_pruned)
        return err;
    err = seal_pruned_peek(buf_bytes(&l->text), p);
    if (err == COFRE_OK)
        err = seal_pruned_open(buf_bytes(&l->text), &e->key[verify_epochs_of(e, p->size)].key, p);
    if (err == COFRE_ENOMEM)
        return err;
    if (err != COFRE_OK)
        return bad(l, "keys/pruned",
                   err == COFRE_EAUTH ? "not signed by the key of its epoch" : "malformed");
    return verify_marks_add(l->marks, p->size, p->root, "keys/pruned");
}

enum cofre_err
verify_epochs_load(const struct verify_config *config, struct verify_marks *marks,
                   struct verify_epochs *out, struct cofre_why *why)
{
    struct loading l = {config, marks, out, BUF_INIT, why};
    enum cofre_err err = load_vkeys(&l);

    if (err == COFRE_OK)
        err = load_recovery(&l);
    for (size_t i = 0; i < out->n && err == COFRE_OK; i++)
        err = load_seal(&l, i);
    if (err == COFRE_OK)
        err = load_pruned(&l);
    buf_free(&l.text);
    return err;
}

void
verify_epochs_free(struct verify_epochs *e)
{
    free(e->key);
    memset(e, 0, sizeof *e);
}

size_t
verify_epochs_of(const struct verify_epochs *e, uint64_t size)
{
    size_t i = 0;

    while (i + 1 < e->n && size > e->key[i].size)
        i++;
    return i;
}

/* ---- a checkpoint's signer ---- */

static bool
has_line(const struct note *n, const struct note_verifier *v, bool any_id)
{
    for (size_t i = 0; i < n->count; i++) {
        if (bytes_equal(n->signatures[i].name, bytes_str(v->name)) &&
            (any_id || memcmp(n->signatures[i].id, v->id, NOTE_KEY_ID) == 0))
            return true;
    }
    return false;
}

/* A key of the log signed, but not one of its size. */
static enum cofre_err
wrong_epoch(const struct verify_key *k, size_t epoch, uint64_t size, struct cofre_why *why)
{
    if (size > k->size)
        return cofre_why_set(why, COFRE_EAUTH,
                             "signed by a revoked key (epoch %zu ended at %" PRIu64 ")", epoch + 1,
                             k->size);
    return cofre_why_set(why, COFRE_EAUTH,
                         "signed by the key of epoch %zu, which began only at %" PRIu64, epoch + 1,
                         k->from);
}

static enum cofre_err
find_signer(const struct verify_epochs *e, struct verify_signed *s, struct cofre_why *why)
{
    const struct verify_key *k;
    size_t wrong = e->n;

    for (size_t i = e->n; i-- > 0;) {
        k = &e->key[i];
        if (!has_line(&s->note, &k->key, false))
            continue;
        if (!note_verify(&s->note, &k->key))
            return cofre_why_set(why, COFRE_EAUTH, "its signature does not verify");
        s->epoch = i;
        if (s->c.size >= k->from && s->c.size <= k->size)
            return COFRE_OK;
        wrong = i;
    }
    s->other = wrong < e->n || has_line(&s->note, &e->key[0].key, true);
    if (wrong < e->n)
        return wrong_epoch(&e->key[wrong], wrong, s->c.size, why);
    return cofre_why_set(why, COFRE_EAUTH,
                         s->other
                             ? "not signed by the key that was given, nor by one that it leads to"
                             : "not signed by the log");
}

enum cofre_err
verify_epochs_open(const struct verify_epochs *e, struct bytes text, struct verify_signed *out,
                   struct cofre_why *why)
{
    enum cofre_err err = text.len <= CHECKPOINT_MAX ? note_parse(text, &out->note) : COFRE_EFORMAT;

    out->epoch = 0;
    out->other = false;
    if (err == COFRE_OK)
        err = checkpoint_parse(out->note.text, &out->c);
    if (err == COFRE_ENOMEM)
        return err;
    if (err != COFRE_OK)
        return cofre_why_set(why, err, "malformed");
    if (out->c.extended)
        return cofre_why_set(why, COFRE_EFORMAT, "has lines that no checkpoint of a log has");
    if (!bytes_equal(out->c.origin, bytes_str(e->key[0].key.name)))
        return cofre_why_set(why, COFRE_EAUTH, "not a checkpoint of %s", e->key[0].key.name);
    return find_signer(e, out, why);
}
