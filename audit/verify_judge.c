#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "crypto/cosign.h"

#include "audit/verify_internal.h"

/* ---- telling ---- */

static void
tell(const struct verify_judge *j, const struct verify_finding *f)
{
    if (j->config->found != NULL)
        j->config->found(j->config->found_ctx, f);
}

static void
tell_epochs(const struct verify_judge *j)
{
    struct verify_finding f = {.kind = VERIFY_EPOCH};

    for (size_t i = 0; i < j->epochs->n; i++) {
        const struct verify_key *k = &j->epochs->key[i];
        const bool ended = k->size != UINT64_MAX;

        f.epoch = (struct verify_epoch){.number = (uint32_t)i + 1,
                                        .from = k->from,
                                        .size = k->size,
                                        .recovered = ended && k->kind == SEAL_RECOVER,
                                        .last = k->last};
        memcpy(f.epoch.id, k->key.id, NOTE_KEY_ID);
        tell(j, &f);
    }
}

static void
tell_restores(const struct verify_judge *j)
{
    struct verify_finding f = {.kind = VERIFY_RESTORE};

    for (size_t i = 0; i < j->events->n_restored; i++) {
        const struct verify_restored *r = &j->events->restored[i];

        f.restore = (struct verify_restore){
            .seq = r->seq, .size = r->size, .found = r->words, .accepted = r->accepted};
        memcpy(f.restore.leaf, r->leaf, HASH_LEN);
        tell(j, &f);
    }
}

/* ---- who vouches, up to where, and when last ---- */

static void
vouch(const struct verify_judge *j, struct verify_report *r, const struct verify_voucher *v)
{
    struct verify_finding f = {.kind = VERIFY_VOUCHER, .voucher = *v};

    if (v->outside && v->size > r->outside_size)
        r->outside_size = v->size;
    if (v->outside && v->seconds > r->seconds) {
        r->seconds = v->seconds;
        (void)snprintf(r->newest, sizeof r->newest, "%s", v->name);
    }
    tell(j, &f);
}

/* The newest checkpoint that this witness signed. */
static bool
witness_vouches(const struct verify_judge *j, const struct note_verifier *w,
                struct verify_voucher *out)
{
    const struct verify_signed *const both[] = {j->checkpoint, j->witnessed};
    uint64_t seconds;

    for (size_t i = 0; i < 2; i++) {
        if (both[i] == NULL || !cosign_verify(&both[i]->note, w, &seconds))
            continue;
        *out = (struct verify_voucher){.who = VERIFY_BY_WITNESS,
                                       .name = w->name,
                                       .size = both[i]->c.size,
                                       .seconds = seconds,
                                       .outside = true};
        return true;
    }
    return false;
}

static void
vouch_witnesses(const struct verify_judge *j, struct verify_report *r)
{
    struct verify_voucher v;

    for (size_t i = 0; i < j->config->n_witnesses; i++) {
        if (witness_vouches(j, &j->config->witnesses[i], &v))
            vouch(j, r, &v);
    }
}

static void
vouch_kept(const struct verify_judge *j, struct verify_report *r)
{
    struct verify_voucher v = {.who = VERIFY_BY_KEPT, .outside = true};

    for (size_t i = 0; i < j->config->n_since; i++) {
        const struct verify_mark *m = &j->marks->mark[j->kept[i].mark];

        if (j->kept[i].other || !m->same || m->size > r->signed_size)
            continue;
        v.name = m->name;
        v.size = m->size;
        vouch(j, r, &v);
    }
}

static void
vouch_stamps(const struct verify_judge *j, struct verify_report *r)
{
    struct verify_voucher v = {.who = VERIFY_BY_TIME};

    for (size_t i = 0; i < j->stamps->n; i++) {
        const struct verify_stamp *t = &j->stamps->stamp[i];

        if (t->missing[0] || t->missing[1])
            continue;
        v.name = t->authority;
        v.size = t->size;
        v.seconds = t->seconds;
        v.outside = t->checked;
        vouch(j, r, &v);
    }
}

/* The log's own word, by its own clock, counts where nobody else was to be asked. */
static void
vouch_all(const struct verify_judge *j, struct verify_report *r)
{
    const bool others = j->config->n_witnesses > 0 || j->config->tsa_ca.len > 0;
    const struct note_verifier *key = &j->epochs->key[j->checkpoint->epoch].key;
    const uint64_t now = j->config->now != 0 ? j->config->now : (uint64_t)time(NULL);
    const struct verify_voucher own = {.who = VERIFY_BY_LOG,
                                       .name = key->name,
                                       .size = r->signed_size,
                                       .seconds = r->signed_ts / 1000};

    vouch(j, r, &own);
    vouch_witnesses(j, r);
    vouch_kept(j, r);
    vouch_stamps(j, r);
    if (r->seconds == 0 && !others) {
        r->seconds = own.seconds;
        (void)snprintf(r->newest, sizeof r->newest, "%s", own.name);
    }
    r->age = r->seconds < now ? now - r->seconds : 0;
}

/* ---- verdicts ---- */

static uint64_t
count_witnesses(const struct verify_judge *j, const struct verify_signed *s)
{
    uint64_t n = 0, seconds;

    for (size_t i = 0; i < j->config->n_witnesses; i++)
        n += cosign_verify(&s->note, &j->config->witnesses[i], &seconds);
    return n;
}

/* A line by a witness that was given, and that is none of its. */
static bool
is_forged(const struct note *n, const struct note_verifier *w)
{
    uint64_t seconds;

    for (size_t i = 0; i < n->count; i++) {
        if (bytes_equal(n->signatures[i].name, bytes_str(w->name)) &&
            memcmp(n->signatures[i].id, w->id, NOTE_KEY_ID) == 0)
            return !cosign_verify(n, w, &seconds);
    }
    return false;
}

static bool
none_forged(const struct verify_judge *j)
{
    for (size_t i = 0; i < j->config->n_witnesses; i++) {
        const struct note_verifier *w = &j->config->witnesses[i];
        const bool first = is_forged(&j->checkpoint->note, w);

        if (!first && (j->witnessed == NULL || !is_forged(&j->witnessed->note, w)))
            continue;
        (void)cofre_why_set(j->why, COFRE_OK, "%s: the signature of witness %s does not verify",
                            first ? "checkpoint" : "witnessed", w->name);
        return false;
    }
    return true;
}

/* A quorum on the checkpoint, or else on the one that was witnessed. */
static bool
quorum_met(const struct verify_judge *j, struct verify_report *r)
{
    const struct verify_signed *const s[] = {j->checkpoint, j->witnessed};
    const uint64_t wanted = j->config->quorum > 0 ? j->config->quorum : j->config->n_witnesses;
    uint64_t n, best = 0, best_size = r->signed_size;

    if (j->config->n_witnesses == 0)
        return true;
    for (size_t i = 0; i < 2 && s[i] != NULL; i++) {
        if ((n = count_witnesses(j, s[i])) >= wanted) {
            r->complete_size = s[i]->c.size;
            return true;
        }
        if (n > best) {
            best = n;
            best_size = s[i]->c.size;
        }
    }
    (void)cofre_why_set(j->why, COFRE_OK,
                        "quorum: %" PRIu64 " of %" PRIu64 " witnesses signed the checkpoint of "
                        "%" PRIu64 " entries, and %" PRIu64 " must",
                        best, (uint64_t)j->config->n_witnesses, best_size, wanted);
    return false;
}

/* A kept checkpoint of what a restore says was lost. */
static bool
is_lost(const struct verify_judge *j, const struct verify_mark *m)
{
    for (size_t i = 0; i < j->events->n_restored; i++) {
        const struct verify_restored *r = &j->events->restored[i];

        if (m->size > r->seq &&
            (m->size < r->size || (m->size == r->size && memcmp(m->root, r->root, HASH_LEN) == 0)))
            return true;
    }
    return false;
}

static bool
is_forked(const struct verify_judge *j, const struct verify_report *r)
{
    for (size_t i = 0; i < j->config->n_since; i++) {
        const struct verify_mark *m = &j->marks->mark[j->kept[i].mark];

        if (is_lost(j, m))
            continue;
        if (j->kept[i].other) {
            (void)cofre_why_set(j->why, COFRE_OK, "%s: %s", m->name, j->kept[i].what);
            return true;
        }
        if (m->size > r->size || m->same)
            continue;
        (void)cofre_why_set(j->why, COFRE_OK,
                            "the log is another one than that of %s: its first %" PRIu64
                            " entries differ",
                            m->name, m->size);
        return true;
    }
    return false;
}

static bool
is_shorter(const struct verify_judge *j, const struct verify_report *r)
{
    for (size_t i = 0; i < j->config->n_since; i++) {
        const struct verify_mark *m = &j->marks->mark[j->kept[i].mark];

        if (m->size <= r->signed_size || is_lost(j, m))
            continue;
        (void)cofre_why_set(j->why, COFRE_OK,
                            "%s covers %" PRIu64 " entries, the log's own checkpoint %" PRIu64,
                            m->name, m->size, r->signed_size);
        return true;
    }
    if (j->config->n_keys <= j->epochs->n)
        return false;
    (void)cofre_why_set(j->why, COFRE_OK,
                        "keys/vkeys: ends with epoch %zu, and the key of a later one was given",
                        j->epochs->n);
    return true;
}

static bool
is_declared(const struct verify_judge *j)
{
    for (size_t i = 0; i < j->events->n_restored; i++) {
        const struct verify_restored *r = &j->events->restored[i];

        if (r->accepted)
            continue;
        (void)cofre_why_set(j->why, COFRE_OK,
                            "entry %" PRIu64 " declares a restore (%s): %" PRIu64
                            " entries were known; if that is right, accept its hash",
                            r->seq, r->words[0] != '\0' ? r->words : "nothing older was found",
                            r->size);
        return true;
    }
    return false;
}

static bool
is_stale(const struct verify_judge *j, const struct verify_report *r)
{
    if (j->config->max_age == 0 || (r->seconds > 0 && r->age <= j->config->max_age))
        return false;
    if (r->seconds == 0)
        (void)cofre_why_set(j->why, COFRE_OK, "stale: nobody who was to be asked vouches for it");
    else
        (void)cofre_why_set(j->why, COFRE_OK,
                            "stale: the newest vouching, by %s, is %" PRIu64 " seconds old",
                            r->newest, r->age);
    return true;
}

void
verify_judge(const struct verify_judge *j, struct verify_report *r)
{
    struct verify_finding hit = {.kind = VERIFY_HIT};
    const bool enough = none_forged(j) && quorum_met(j, r);

    tell_epochs(j);
    vouch_all(j, r);
    tell_restores(j);
    for (size_t i = 0; i < j->n_hits; i++) {
        hit.hit = j->hits[i];
        tell(j, &hit);
    }
    if (!enough)
        r->verdict = VERIFY_TAMPERED;
    else if (is_forked(j, r))
        r->verdict = VERIFY_FORKED;
    else if (is_shorter(j, r) || is_declared(j) || is_stale(j, r))
        r->verdict = VERIFY_ROLLED_BACK;
    else
        r->verdict = VERIFY_GOOD;
}
