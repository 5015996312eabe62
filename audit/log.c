#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "audit/checkpoint.h"
#include "audit/log_internal.h"

/* ---- the life of a log ---- */

static enum cofre_err
put_first_checkpoint(const struct log_config *config, struct cofre_why *why)
{
    struct buf text = BUF_INIT;
    uint8_t root[HASH_LEN];
    enum cofre_err err;

    tree_empty(root);
    checkpoint_sign(&text, config->signer, 0, root);
    if ((err = buf_error(&text)) == COFRE_OK)
        err = log_files_publish(config->dir, config->tmp_dir, buf_bytes(&text), why);
    buf_free(&text);
    return err;
}

enum cofre_err
log_create(const struct log_config *config, struct cofre_why *why)
{
    enum cofre_err err;

    if (mkdirat(config->dir, "journal", 0700) != 0)
        return cofre_why_os(why,
                            errno == EEXIST                      ? COFRE_EEXIST
                            : errno == ENOSPC || errno == EDQUOT ? COFRE_ENOSPC
                                                                 : COFRE_EIO,
                            errno, "journal");
    if ((err = log_files_put_vkey(config->dir, config->signer, why)) != COFRE_OK ||
        (config->recovery != NULL &&
         (err = log_files_put_recovery(config->dir, config->recovery, why)) != COFRE_OK) ||
        (err = log_partials_create(config, why)) != COFRE_OK)
        return err;
    /* Last: a log that has a checkpoint is whole.  Publishing syncs the directory. */
    return put_first_checkpoint(config, why);
}

void
log_free(struct log *l)
{
    journal_close(l->journal);
    journal_reader_free(l->reader);
    tiles_builder_free(l->tiles);
    buf_free(&l->line);
    buf_free(&l->batch);
    buf_free(&l->leaves);
    buf_free(&l->expected);
    buf_free(&l->queue);
    buf_free(&l->checkpoint);
    buf_free(&l->held);
    free(l->epochs);
    (void)pthread_cond_destroy(&l->done);
    (void)pthread_cond_destroy(&l->work);
    (void)pthread_mutex_destroy(&l->lock);
    (void)pthread_rwlock_destroy(&l->files);
    free(l);
}

enum cofre_err
log_close(struct log *l, struct cofre_why *why)
{
    enum cofre_err err = COFRE_OK;

    if (l == NULL)
        return COFRE_OK;
    if (l->started)
        err = log_builder_stop(l, why);
    log_free(l);
    return err;
}

enum cofre_err
log_die(struct log *l, enum cofre_err err, const struct cofre_why *why)
{
    pthread_mutex_lock(&l->lock);
    if (!l->dead) {
        l->trouble = *why;
        l->trouble_err = err;
        l->dead = true;
    }
    pthread_cond_broadcast(&l->done);
    pthread_cond_signal(&l->work);
    pthread_mutex_unlock(&l->lock);
    return err;
}

/* ---- the committer ---- */

static uint64_t
now_ms(void)
{
    struct timespec t;

    if (clock_gettime(CLOCK_REALTIME, &t) != 0 || t.tv_sec < 0)
        return 0;
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* Puts what is in line behind what is staged. */
static enum cofre_err
stage(struct log *l, uint8_t leaf[static HASH_LEN], struct bytes *line)
{
    uint8_t hash[HASH_LEN];

    tree_leaf(buf_bytes(&l->line), hash);
    if (buf_reserve(&l->leaves, HASH_LEN) == NULL) {
        l->leaves.failed = false;
        return COFRE_ENOMEM;
    }
    journal_record(&l->batch, buf_bytes(&l->line), hash);
    if (buf_error(&l->batch) != COFRE_OK) {
        l->batch.failed = false;
        return COFRE_ENOMEM;
    }
    buf_put(&l->leaves, hash, HASH_LEN);
    tree_edge_append(&l->edge, hash);
    memcpy(l->prev, hash, HASH_LEN);
    memcpy(leaf, hash, HASH_LEN);
    *line = buf_bytes(&l->line);
    return COFRE_OK;
}

enum cofre_err
log_stage(struct log *l, struct entry *e, uint8_t leaf[static HASH_LEN], struct bytes *line)
{
    const bool ends = log_epoch_act(e);
    enum cofre_err err;

    memcpy(e->prev, l->prev, HASH_LEN);
    e->seq = l->edge.size;
    e->ts = now_ms();
    if (ends && (l->staged_end.size > 0 || !log_epoch_armed_for(l, e)))
        return COFRE_EINVAL;
    buf_reset(&l->line);
    if ((err = entry_write(&l->line, e)) != COFRE_OK ||
        (err = stage(l, leaf, line)) != COFRE_OK)
        return err;
    if (ends)
        log_staged_head(l, &l->staged_end);
    return COFRE_OK;
}

enum cofre_err
log_stage_line(struct log *l, struct bytes line)
{
    struct entry_parsed parsed;
    uint8_t leaf[HASH_LEN];
    struct bytes staged;

    if (entry_parse(line, &parsed) != COFRE_OK || parsed.e.seq != l->edge.size ||
        memcmp(parsed.e.prev, l->prev, HASH_LEN) != 0)
        return COFRE_EINTEGRITY;
    buf_reset(&l->line);
    buf_putb(&l->line, line);
    if (buf_error(&l->line) != COFRE_OK)
        return COFRE_ENOMEM;
    return stage(l, leaf, &staged);
}

void
log_staged_head(const struct log *l, struct log_head *out)
{
    out->size = l->edge.size;
    tree_edge_root(&l->edge, out->root);
}

void
log_unstage(struct log *l)
{
    buf_reset(&l->batch);
    buf_reset(&l->leaves);
    l->staged_end.size = 0;
    l->edge = l->durable;
    memcpy(l->prev, l->durable_prev, HASH_LEN);
}

/* Room for the hashes is made before anything is durable: afterwards it is too late to fail. */
static enum cofre_err
reserve_queue(struct log *l, struct cofre_why *why)
{
    enum cofre_err err = COFRE_OK;

    pthread_mutex_lock(&l->lock);
    if (l->queue.len + l->leaves.len > (size_t)LOG_QUEUE_MAX * HASH_LEN)
        err = cofre_why_set(why, COFRE_ELIMIT, "the tiles are too far behind the journal%s%s",
                            l->trouble.text[0] != 0 ? ": " : "", l->trouble.text);
    else if (buf_reserve(&l->queue, l->leaves.len) == NULL)
        err = COFRE_ENOMEM;
    l->queue.failed = false;
    pthread_mutex_unlock(&l->lock);
    return err;
}

/* What is durable now becomes visible.  The builder is woken only if that changes its plans. */
static void
advance(struct log *l)
{
    struct log_head head;
    size_t before;
    size_t after;

    log_staged_head(l, &head);
    pthread_mutex_lock(&l->lock);
    before = l->queue.len / HASH_LEN;
    buf_putb(&l->queue, buf_bytes(&l->leaves));
    after = l->queue.len / HASH_LEN;
    assert(l->queue.len == before * HASH_LEN + l->leaves.len);
    l->head = head;
    if (l->staged_end.size > 0)
        l->ending = l->staged_end;
    l->staged_end.size = 0;
    if (before == 0 || l->ending.size > 0 || (before < LOG_QUEUE_WAKE && after >= LOG_QUEUE_WAKE))
        pthread_cond_signal(&l->work);
    pthread_mutex_unlock(&l->lock);
}

enum cofre_err
log_commit(struct log *l, struct cofre_why *why)
{
    struct cofre_why cause = {""};
    enum cofre_err err;

    assert(l->started);
    if (l->batch.len == 0)
        return COFRE_OK;
    if (l->dead) {
        log_trouble(l, &cause);
        return cofre_why_set(why, COFRE_ESTOPPED, "%s", cause.text);
    }
    if ((err = reserve_queue(l, why)) != COFRE_OK)
        return err;
    if (atomic_exchange(&l->roll, false))
        journal_roll(l->journal);
    err = journal_append(l->journal, l->durable.size, buf_bytes(&l->batch), &cause);
    if (err != COFRE_OK) {
        if (journal_dead(l->journal))
            (void)log_die(l, err, &cause);
        return cofre_why_set(why, err, "%s", cause.text);
    }
    advance(l);
    l->durable = l->edge;
    memcpy(l->durable_prev, l->prev, HASH_LEN);
    buf_reset(&l->batch);
    buf_reset(&l->leaves);
    return COFRE_OK;
}

/* ---- any thread ---- */

bool
log_dead(const struct log *l)
{
    return l->dead;
}

void
log_trouble(struct log *l, struct cofre_why *out)
{
    pthread_mutex_lock(&l->lock);
    *out = l->trouble;
    pthread_mutex_unlock(&l->lock);
}

void
log_head(struct log *l, struct log_head *out)
{
    pthread_mutex_lock(&l->lock);
    *out = l->head;
    pthread_mutex_unlock(&l->lock);
}
