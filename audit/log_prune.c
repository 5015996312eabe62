#include <inttypes.h>
#include <string.h>

#include "audit/files.h"
#include "audit/journal_internal.h"
#include "audit/log_internal.h"

#include "audit/log_prune.h"

/* A pruning on its way to the builder; lives on the stack of log_prune. */
struct log_pruning {
    uint64_t bundles;
    uint64_t seq; /* of the entry that announces it */
    bool done;
    enum cofre_err err;
    struct cofre_why why;
};

/* ---- any thread ---- */

uint64_t
log_prune_first(struct log *l)
{
    uint64_t first;

    pthread_mutex_lock(&l->lock);
    first = l->pruned * TILES_WIDTH;
    pthread_mutex_unlock(&l->lock);
    return first;
}

uint64_t
log_prune_most(struct log *l)
{
    uint64_t published;

    pthread_mutex_lock(&l->lock);
    published = l->signed_size;
    pthread_mutex_unlock(&l->lock);
    return published > LOG_PRUNE_KEPT ? published - LOG_PRUNE_KEPT : 0;
}

enum cofre_err
log_prune_check(struct log *l, uint64_t below, uint64_t *bundles, struct cofre_why *why)
{
    const uint64_t first = log_prune_first(l);

    *bundles = below / TILES_WIDTH;
    if (*bundles <= first / TILES_WIDTH)
        return cofre_why_set(why, COFRE_EREFUSED,
                             "nothing to prune: no whole bundle (%d entries) of them from %" PRIu64
                             " on",
                             (int)TILES_WIDTH, first);
    if (*bundles > log_prune_most(l) / TILES_WIDTH)
        return cofre_why_set(
            why, COFRE_EREFUSED,
            "the newest %d entries of the published checkpoint stay: below %" PRIu64 " at most",
            (int)LOG_PRUNE_KEPT, log_prune_most(l));
    return COFRE_OK;
}

enum cofre_err
log_prune(struct log *l, uint64_t bundles, uint64_t seq, struct cofre_why *why)
{
    struct log_pruning job = {.bundles = bundles, .seq = seq, .err = COFRE_ESTOPPED};

    pthread_mutex_lock(&l->lock);
    while (l->pruning != NULL && !l->dead && !l->closing)
        pthread_cond_wait(&l->done, &l->lock);
    if (!l->dead && !l->closing) {
        l->pruning = &job;
        pthread_cond_signal(&l->work);
        while (!job.done && (l->pruning != &job || (!l->dead && !l->closing)))
            pthread_cond_wait(&l->done, &l->lock);
        if (l->pruning == &job)
            l->pruning = NULL;
    }
    pthread_mutex_unlock(&l->lock);
    if (job.err == COFRE_OK)
        return COFRE_OK;
    return cofre_why_set(why, job.err, "%s",
                         job.why.text[0] != 0 ? job.why.text : cofre_err_text(job.err));
}

/* ---- keys/pruned ---- */

/* Was the entry before size written under the key that signs now? */
static bool
is_of_present_epoch(const struct log *l, uint64_t size)
{
    return l->signer != NULL && (l->n_epochs < 2 || size > l->epochs[l->n_epochs - 2].end);
}

static enum cofre_err
put_note(struct log *l, const struct log_pruning *job, struct cofre_why *why)
{
    struct seal_pruned p = {
        .size = job->seq + 1, .bundles = job->bundles, .has_recovery = l->has_recovery};
    struct buf note = BUF_INIT;
    enum cofre_err err;

    if (!is_of_present_epoch(l, p.size))
        return cofre_why_set(
            why, COFRE_EBUSY,
            "the signing key changed since entry %" PRIu64 " announced it: try again", job->seq);
    if ((err = log_root_at(l, p.size, p.root, why)) != COFRE_OK)
        return err;
    if (l->has_recovery)
        seal_vkey_hash(&l->recovery, p.recovery);
    if ((err = log_restored_collect(l, &p, why)) != COFRE_OK)
        return err;
    seal_pruned_make(&note, &p, l->signer);
    if ((err = buf_error(&note)) == COFRE_OK)
        err = log_files_replace(&(struct log_place){l->dir, l->tmp_dir}, LOG_PRUNED,
                                buf_bytes(&note), why);
    buf_free(&note);
    return err;
}

static enum cofre_err
check_note(const struct log *l, struct bytes note, struct seal_pruned *p, struct cofre_why *why)
{
    enum cofre_err err = seal_pruned_peek(note, p);
    uint8_t recovery[HASH_LEN];
    size_t n = 0;

    if (err == COFRE_OK) {
        while (n + 1 < l->n_epochs && l->epochs[n].end > 0 && p->size > l->epochs[n].end)
            n++;
        err = seal_pruned_open(note, &l->epochs[n].key, p);
    }
    if (err == COFRE_EFORMAT)
        return cofre_why_set(why, COFRE_EINTEGRITY, LOG_PRUNED ": malformed");
    if (err == COFRE_EAUTH)
        return cofre_why_set(why, COFRE_EINTEGRITY, LOG_PRUNED ": not signed by epoch %zu", n + 1);
    if (err != COFRE_OK)
        return err;
    if (l->has_recovery)
        seal_vkey_hash(&l->recovery, recovery);
    if (p->has_recovery != l->has_recovery ||
        (p->has_recovery && memcmp(p->recovery, recovery, HASH_LEN) != 0))
        return cofre_why_set(why, COFRE_EINTEGRITY,
                             LOG_RECOVERY ": not what " LOG_PRUNED " says of the first entry");
    return COFRE_OK;
}

enum cofre_err
log_prune_note(const struct log *l, struct seal_pruned *p, struct cofre_why *why)
{
    struct cofre_why found = {""};
    struct buf note = BUF_INIT;
    enum cofre_err err = files_read(l->dir, LOG_PRUNED, SEAL_PRUNED_MAX, &note, &found);

    if (err == COFRE_OK)
        err = check_note(l, buf_bytes(&note), p, why);
    else if (err != COFRE_ENOENT)
        err = cofre_why_set(why, err == COFRE_EFORMAT ? COFRE_EINTEGRITY : err, "%s", found.text);
    buf_free(&note);
    return err;
}

enum cofre_err
log_prune_load(struct log *l, struct log_mark *mark, struct cofre_why *why)
{
    struct seal_pruned p;
    enum cofre_err err = log_prune_note(l, &p, why);

    *mark = (struct log_mark){.what = LOG_PRUNED};
    if (err == COFRE_ENOENT)
        return COFRE_OK;
    if (err != COFRE_OK)
        return err;
    l->pruned = p.bundles;
    mark->size = p.size;
    memcpy(mark->root, p.root, HASH_LEN);
    return COFRE_OK;
}

/* ---- what goes ---- */

/*
 * What is given up may still be in the journal.  Its file goes when all that is in it is in full
 * bundles; so that this comes to pass, no more is added to it.
 */
static enum cofre_err
close_journal_file(struct log *l, struct cofre_why *why)
{
    struct journal_files files;
    enum cofre_err err;

    if ((err = journal_files_list(l->dir, &files, why)) != COFRE_OK)
        return err;
    if (files.n > 0 && files.first[0] < l->pruned * TILES_WIDTH)
        l->roll = true;
    journal_files_close(&files);
    return COFRE_OK;
}

enum cofre_err
log_prune_lingering(struct log *l, struct log_lingering *out, struct cofre_why *why)
{
    struct journal_files files;
    struct log_head head;
    enum cofre_err err;

    *out = (struct log_lingering){0, 0};
    log_head(l, &head);
    pthread_rwlock_rdlock(&l->files);
    err = journal_files_list(l->dir, &files, why);
    pthread_rwlock_unlock(&l->files);
    if (err != COFRE_OK)
        return err;
    /* The file ends where the log does, or did: the next entry goes into another one. */
    if (files.n > 0 && files.first[0] < log_prune_first(l))
        *out = (struct log_lingering){
            files.first[0], (head.size + TILES_WIDTH - 1) / TILES_WIDTH * TILES_WIDTH};
    journal_files_close(&files);
    return COFRE_OK;
}

enum cofre_err
log_prune_start(struct log *l, struct cofre_why *why)
{
    enum cofre_err err;

    if (l->pruned == 0)
        return COFRE_OK;
    err = log_sweep_run(l, why);
    return err == COFRE_OK ? close_journal_file(l, why) : err;
}

/* ---- the builder ---- */

static enum cofre_err
prune(struct log *l, const struct log_pruning *job, struct cofre_why *why)
{
    enum cofre_err err;

    if (job->seq >= l->built)
        return cofre_why_set(why, COFRE_EAGAIN, "the tiles are behind the journal");
    if ((err = put_note(l, job, why)) != COFRE_OK)
        return err;
    pthread_mutex_lock(&l->lock);
    l->pruned = job->bundles;
    pthread_mutex_unlock(&l->lock);
    return log_prune_start(l, why);
}

void
log_prune_run(struct log *l, struct log_pruning *job)
{
    enum cofre_err err = prune(l, job, &job->why);

    pthread_mutex_lock(&l->lock);
    job->err = err;
    job->done = true;
    pthread_cond_broadcast(&l->done);
    pthread_mutex_unlock(&l->lock);
}
