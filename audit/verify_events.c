#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/lines.h"
#include "audit/verify_internal.h"

enum { RESTORED_MAX = 1024 };

typedef enum cofre_err event_fn(struct verify_events *ev, uint64_t seq, const struct entry *e);

static enum cofre_err
bad(struct verify_events *ev, uint64_t seq, const char *what)
{
    return cofre_why_set(ev->why, COFRE_EINTEGRITY, "entry %" PRIu64 ": %s", seq, what);
}

/* ---- what fields say ---- */

/* "<word><number>" */
static bool
field_number(const struct entry *e, size_t i, struct bytes word, uint64_t *out)
{
    struct bytes field = i < e->n_fields ? e->fields[i] : BYTES_NONE;

    return lines_skip(&field, word) && lines_number(field, out);
}

static bool
field_hash(const struct entry *e, size_t i, uint8_t out[static HASH_LEN])
{
    static const char digits[] = "0123456789abcdef";
    const struct bytes text = i < e->n_fields ? e->fields[i] : BYTES_NONE;
    const char *high, *low;

    if (text.len != 2 * (size_t)HASH_LEN)
        return false;
    for (size_t at = 0; at < HASH_LEN; at++) {
        high = memchr(digits, text.p[2 * at], 16);
        low = memchr(digits, text.p[2 * at + 1], 16);
        if (high == NULL || low == NULL)
            return false;
        out[at] = (uint8_t)((high - digits) << 4 | (low - digits));
    }
    return true;
}

static bool
field_begins(const struct entry *e, size_t i, struct bytes word)
{
    struct bytes field = i < e->n_fields ? e->fields[i] : BYTES_NONE;

    return lines_skip(&field, word);
}

/* ---- the first entry ---- */

static bool
same_recovery(bool a, const uint8_t *a_hash, bool b, const uint8_t *b_hash)
{
    return a == b && (!a || memcmp(a_hash, b_hash, HASH_LEN) == 0);
}

static enum cofre_err
on_genesis(struct verify_events *ev, uint64_t seq, const struct entry *e)
{
    const struct verify_epochs *k = ev->epochs;
    const bool named = bytes_equal(e->act, BYTES_LIT("init")) && e->n_fields == 2 &&
                       bytes_equal(e->fields[0], BYTES_LIT("recovery"));
    uint8_t hash[HASH_LEN] = {0}, present[HASH_LEN] = {0};

    if (named && !field_hash(e, 1, hash))
        return bad(ev, seq, "names no recovery key, and says so");
    if (k->has_recovery)
        seal_vkey_hash(&k->recovery, present);
    if (!same_recovery(named, hash, k->has_recovery, present))
        return cofre_why_set(ev->why, COFRE_EINTEGRITY, "keys/recovery: %s",
                             !named             ? "the first entry names none"
                             : !k->has_recovery ? "missing, and named by the first entry"
                                                : "not the one that the first entry names");
    if (k->has_pruned && !same_recovery(named, hash, k->pruned.has_recovery, k->pruned.recovery))
        return cofre_why_set(ev->why, COFRE_EINTEGRITY,
                             "keys/pruned: names another recovery key than the first entry");
    return COFRE_OK;
}

/* The first entry is gone: keys/pruned says what it said. */
static enum cofre_err
check_genesis_gone(const struct verify_events *ev)
{
    const struct verify_epochs *k = ev->epochs;
    uint8_t present[HASH_LEN] = {0};

    if (k->has_recovery)
        seal_vkey_hash(&k->recovery, present);
    if (same_recovery(k->pruned.has_recovery, k->pruned.recovery, k->has_recovery, present))
        return COFRE_OK;
    return cofre_why_set(ev->why, COFRE_EINTEGRITY,
                         "keys/recovery: not what keys/pruned says of the first entry");
}

/* ---- an epoch's end ---- */

/* The next key, as a seal or (after a crash) nothing names it. */
static const struct note_verifier *
next_key(const struct verify_epochs *k, size_t i)
{
    return i + 1 < k->n ? &k->key[i + 1].key : &k->next;
}

/*
 * The key that it names was lost before it signed anything, and the recovery key ended the epoch further on.
 * From the entry on the former key signed nothing, either.
 */
static bool
is_superseded(const struct verify_key *k, uint64_t seq)
{
    return k->size != UINT64_MAX && k->kind == SEAL_RECOVER && seq + 1 < k->size &&
           k->last <= seq + 1;
}

static enum cofre_err
on_end(struct verify_events *ev, uint64_t seq, const struct entry *e)
{
    const enum seal_kind kind = e->act.p[7] == 'e' ? SEAL_RECOVER : SEAL_ROTATE;
    const size_t i = verify_epochs_of(ev->epochs, seq + 1);
    struct verify_key *k = &ev->epochs->key[i];
    uint8_t named[HASH_LEN], next[HASH_LEN];
    uint64_t epoch;

    if (!field_begins(e, 0, BYTES_LIT("epoch-")))
        return COFRE_OK; /* what was asked for and not done */
    if (!field_number(e, 0, BYTES_LIT("epoch-"), &epoch) || !field_hash(e, 1, named) ||
        e->n_fields != 2 || epoch != i + 2)
        return bad(ev, seq, "ends a key epoch, but not the one that it is in");
    if (is_superseded(k, seq))
        return COFRE_OK;
    /* A second one recovers from the first, whose key is lost: behind that nothing was signed. */
    if (k->size == UINT64_MAX &&
        (ev->ending == 0 || (kind == SEAL_RECOVER && ev->walk->signed_size <= ev->ending))) {
        ev->ending = seq + 1;
        ev->ending_lost = kind == SEAL_RECOVER;
        return COFRE_OK;
    }
    if (k->size != seq + 1 || k->kind != kind)
        return cofre_why_set(ev->why, COFRE_EINTEGRITY,
                             "keys/seal.%zu: not the one that entry %" PRIu64 " announces", i + 1,
                             seq);
    seal_vkey_hash(next_key(ev->epochs, i), next);
    if (memcmp(named, next, HASH_LEN) != 0)
        return cofre_why_set(ev->why, COFRE_EINTEGRITY,
                             "keys/seal.%zu: names another key than entry %" PRIu64, i + 1, seq);
    k->seen = true;
    return COFRE_OK;
}

/* ---- pruning, time stamps, restores ---- */

/* Only the last of them has a note. */
static enum cofre_err
on_prune(struct verify_events *ev, uint64_t seq, const struct entry *e)
{
    struct verify_epochs *k = ev->epochs;
    uint64_t bundles;

    if (!field_begins(e, 0, BYTES_LIT("bundles-")))
        return COFRE_OK;
    if (!field_number(e, 0, BYTES_LIT("bundles-"), &bundles) || e->n_fields != 1)
        return bad(ev, seq, "announces pruning, and not of what");
    if (k->has_pruned && k->pruned.size == seq + 1) {
        if (bundles != k->pruned.bundles)
            return cofre_why_set(ev->why, COFRE_EINTEGRITY,
                                 "keys/pruned: gives up other bundles than entry %" PRIu64, seq);
        k->pruned_seen = true;
    }
    if (seq >= ev->walk->signed_size && (!k->has_pruned || k->pruned.bundles < bundles))
        ev->pruning = true;
    return COFRE_OK;
}

static enum cofre_err
on_stamp(struct verify_events *ev, uint64_t seq, const struct entry *e)
{
    bool gone;

    if (!field_begins(e, 0, BYTES_LIT("size-")))
        return COFRE_OK;
    /* In a bundle that is given up the pair goes first; and it comes before the next checkpoint. */
    gone = ev->epochs->has_pruned && seq / TILES_WIDTH < ev->epochs->pruned.bundles;
    return verify_stamps_named(&ev->walk->stamps, ev->config->dir,
                               gone || seq >= ev->walk->signed_size, e, ev->why);
}

static void
put_words(char out[static VERIFY_WORDS_MAX], const struct entry *e, size_t from)
{
    size_t len = 0;

    out[0] = '\0';
    for (size_t i = from; i < e->n_fields; i++) {
        const struct bytes w = e->fields[i];

        if (len + 1 + w.len >= VERIFY_WORDS_MAX)
            return;
        if (len > 0)
            out[len++] = ' ';
        memcpy(out + len, w.p, w.len);
        len += w.len;
        out[len] = '\0';
    }
}

static bool
is_accepted(const struct verify_config *config, const uint8_t leaf[static HASH_LEN])
{
    for (size_t i = 0; i < config->n_accepted; i++) {
        if (memcmp(config->accepted[i], leaf, HASH_LEN) == 0)
            return true;
    }
    return false;
}

/* Room for one more, zeroed and not counted yet. */
static enum cofre_err
restored_room(struct verify_events *ev, uint64_t seq, struct verify_restored **out)
{
    struct verify_restored *grown;

    if (ev->n_restored == RESTORED_MAX)
        return bad(ev, seq, "one restore too many");
    if ((grown = realloc(ev->restored, (ev->n_restored + 1) * sizeof *grown)) == NULL)
        return COFRE_ENOMEM;
    ev->restored = grown;
    *out = memset(&grown[ev->n_restored], 0, sizeof **out);
    (*out)->seq = seq;
    return COFRE_OK;
}

/* Of a bundle that was given up, and is still there: a note that is silent about it would hide it. */
static bool
is_listed(const struct verify_epochs *k, const struct verify_restored *r)
{
    const struct seal_pruned *p = &k->pruned;

    if (!k->has_pruned || r->seq / TILES_WIDTH >= p->bundles)
        return true;
    for (size_t i = 0; i < p->n_restored; i++) {
        if (p->restored[i].seq == r->seq)
            return p->restored[i].size == r->size &&
                   memcmp(p->restored[i].root, r->root, HASH_LEN) == 0;
    }
    return false;
}

static enum cofre_err
on_restore(struct verify_events *ev, uint64_t seq, const struct entry *e)
{
    struct verify_restored *r;
    uint64_t k, generation;
    enum cofre_err err;

    if (!field_begins(e, 0, BYTES_LIT("incarnation-")))
        return COFRE_OK;
    if ((err = restored_room(ev, seq, &r)) != COFRE_OK)
        return err;
    if (!field_number(e, 0, BYTES_LIT("incarnation-"), &k) ||
        !field_number(e, 1, BYTES_LIT("size-"), &r->size) || !field_hash(e, 2, r->root) ||
        !field_number(e, 3, BYTES_LIT("generation-"), &generation))
        return bad(ev, seq, "declares a restore, and not of what");
    put_words(r->words, e, 4);
    if (!is_listed(ev->epochs, r))
        return cofre_why_set(ev->why, COFRE_EINTEGRITY,
                             "keys/pruned: not what the restore of entry %" PRIu64 " declares", seq);
    ev->n_restored++;
    return COFRE_OK;
}

/* ---- all of them ---- */

static const struct {
    struct bytes act;
    event_fn *see;
} events[] = {
    {{(const uint8_t *)"restore", 7}, on_restore},
    {{(const uint8_t *)"audit-prune", 11}, on_prune},
    {{(const uint8_t *)"audit-rotate", 12}, on_end},
    {{(const uint8_t *)"audit-recover", 13}, on_end},
    {{(const uint8_t *)"audit-timestamp", 15}, on_stamp},
};

/* Each has a length of its own, and nearly no other act has an "e" or a "u" there. */
bool
verify_events_wants(uint64_t seq, const struct verify_form *form)
{
    if (seq == 0)
        return true;
    if (!form->ok || form->act.len < 7 || (form->act.p[1] != 'u' && form->act.p[1] != 'e'))
        return false;
    for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
        if (bytes_equal(form->act, events[i].act))
            return true;
    }
    return false;
}

enum cofre_err
verify_events_see(struct verify_events *ev, uint64_t seq, struct bytes line,
                  const uint8_t leaf[static HASH_LEN])
{
    const size_t n_before = ev->n_restored;
    const struct entry *e;
    enum cofre_err err = COFRE_OK;

    if (ev->parsed == NULL && (ev->parsed = malloc(sizeof *ev->parsed)) == NULL)
        return COFRE_ENOMEM;
    if (entry_parse(line, ev->parsed) != COFRE_OK)
        return bad(ev, seq, "not in an entry's form");
    e = &ev->parsed->e;
    if (seq == 0)
        err = on_genesis(ev, seq, e);
    for (size_t i = 0; i < sizeof events / sizeof *events && e->ok && err == COFRE_OK; i++) {
        if (bytes_equal(e->act, events[i].act))
            err = events[i].see(ev, seq, e);
    }
    if (err == COFRE_OK && ev->n_restored > n_before) {
        memcpy(ev->restored[n_before].leaf, leaf, HASH_LEN);
        ev->restored[n_before].accepted = is_accepted(ev->config, leaf);
    }
    return err;
}

static enum cofre_err
add_listed(struct verify_events *ev, const struct seal_restored *listed)
{
    struct verify_restored *r;
    const enum cofre_err err = restored_room(ev, listed->seq, &r);

    if (err != COFRE_OK)
        return err;
    memcpy(r->leaf, listed->leaf, HASH_LEN);
    r->size = listed->size;
    memcpy(r->root, listed->root, HASH_LEN);
    (void)snprintf(r->words, sizeof r->words, "pruned since");
    r->accepted = is_accepted(ev->config, r->leaf);
    ev->n_restored++;
    return COFRE_OK;
}

enum cofre_err
verify_events_bundle(struct verify_events *ev, uint64_t first, const uint8_t (*leaf)[HASH_LEN],
                     bool gone)
{
    const struct seal_pruned *p = &ev->epochs->pruned;
    enum cofre_err err = COFRE_OK;

    if (ev->epochs->has_pruned && !gone && first / TILES_WIDTH < p->bundles)
        ev->pruning = true;
    for (size_t i = 0; ev->epochs->has_pruned && i < p->n_restored && err == COFRE_OK; i++) {
        const struct seal_restored *r = &p->restored[i];

        if (r->seq < first || r->seq - first >= TILES_WIDTH)
            continue;
        if (memcmp(leaf[r->seq - first], r->leaf, HASH_LEN) != 0)
            return cofre_why_set(ev->why, COFRE_EINTEGRITY,
                                 "keys/pruned: the hash of entry %" PRIu64 " is another", r->seq);
        if (gone)
            err = add_listed(ev, r);
    }
    return err;
}

/* ---- every file had its entry ---- */

static enum cofre_err
check_seals(const struct verify_events *ev, uint64_t first)
{
    const struct verify_epochs *k = ev->epochs;

    for (size_t i = 0; i < k->n; i++) {
        if (k->key[i].size != UINT64_MAX && !k->key[i].seen && k->key[i].size > first)
            return cofre_why_set(ev->why, COFRE_EINTEGRITY,
                                 "keys/seal.%zu: entry %" PRIu64 " does not announce it", i + 1,
                                 k->key[i].size - 1);
    }
    /* What a crash leaves: nothing was signed or built behind it. */
    if (k->pending && !verify_walk_ends(ev->walk, k->key[k->n - 1].size))
        return cofre_why_set(ev->why, COFRE_EINTEGRITY, "keys/vkeys: line %zu is missing",
                             k->n + 1);
    if (ev->walk->last_early && !ev->ending_lost)
        return cofre_why_set(ev->why, COFRE_EINTEGRITY,
                             "keys/last.%zu: no entry announces a recovery", k->n);
    if (ev->ending != 0 && !verify_walk_ends(ev->walk, ev->ending))
        return cofre_why_set(ev->why, COFRE_EINTEGRITY,
                             "keys/seal.%zu: missing, and announced by entry %" PRIu64, k->n,
                             ev->ending - 1);
    return COFRE_OK;
}

enum cofre_err
verify_events_check(const struct verify_events *ev, uint64_t first)
{
    const struct verify_epochs *k = ev->epochs;
    enum cofre_err err = check_seals(ev, first);

    if (err == COFRE_OK && k->has_pruned && !k->pruned_seen)
        err = cofre_why_set(ev->why, COFRE_EINTEGRITY,
                            "keys/pruned: entry %" PRIu64 " does not announce it",
                            k->pruned.size - 1);
    if (err == COFRE_OK && first > 0)
        err = check_genesis_gone(ev);
    return err == COFRE_OK ? verify_stamps_check(&ev->walk->stamps, ev->why) : err;
}

void
verify_events_free(struct verify_events *ev)
{
    free(ev->parsed);
    free(ev->restored);
    ev->parsed = NULL;
    ev->restored = NULL;
}
