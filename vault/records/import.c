#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cofre/admin.h"
#include "vault/records/draft.h"
#include "vault/records/import.h"
#include "vault/records/person.h"

/*
 * Files into the vault: rows are read and prepared here, in batches of a thousand, while the batch before
 * is being committed.  Every batch is one mutation with its own entry; a file that was cut off is simply
 * imported again: external_id and event_id tell what is there already.
 */

/* What a batch waits on. */
static void
batch_done(struct cofre_call *call)
{
    struct import_batch *b = call->user;

    pthread_mutex_lock(&b->lock);
    b->busy = false;
    pthread_cond_signal(&b->idle);
    pthread_mutex_unlock(&b->lock);
}

static void
batch_wait(struct import_batch *b)
{
    pthread_mutex_lock(&b->lock);
    while (b->busy)
        pthread_cond_wait(&b->idle, &b->lock);
    pthread_mutex_unlock(&b->lock);
}

static enum cofre_err
batch_init(struct import_batch *b, const struct import_kind *kind)
{
    pthread_mutex_init(&b->lock, NULL);
    pthread_cond_init(&b->idle, NULL);
    b->items = calloc(IMPORT_BATCH, kind->item_size);
    b->refused = calloc(IMPORT_BATCH, sizeof *b->refused);
    return b->items != NULL && b->refused != NULL ? COFRE_OK : COFRE_ENOMEM;
}

static void
batch_free(struct import_batch *b)
{
    free(b->items);
    free(b->refused);
    pthread_mutex_destroy(&b->lock);
    pthread_cond_destroy(&b->idle);
}

static void *
item_at(const struct import_batch *b, const struct import_kind *kind, size_t i)
{
    return (char *)b->items + i * kind->item_size;
}

/* ---- rejected lines ---- */

void
import_reject(struct import *im, uint64_t line, const char *field, const char *reason)
{
    struct import_batch *b = im->present;
    struct import_refusal *r = &b->refused[b->n_refused++];

    r->line = line;
    snprintf(r->field, sizeof r->field, "%s", field);
    snprintf(r->reason, sizeof r->reason, "%s", reason);
}

static int
by_line(const void *a, const void *b)
{
    const struct import_refusal *x = a;
    const struct import_refusal *y = b;

    return (x->line > y->line) - (x->line < y->line);
}

/* Rows that could not be read, and those that the database refused, come together here. */
static void
tell_refused(struct import *im, struct import_batch *b)
{
    if (b->n_refused > 1)
        qsort(b->refused, b->n_refused, sizeof *b->refused, by_line);
    im->report->rejected += b->n_refused;
    for (size_t i = 0; i < b->n_refused && im->in->rejected != NULL; i++)
        im->in->rejected(im->in->rejected_ctx, b->refused[i].line, b->refused[i].field,
                         b->refused[i].reason);
    b->n_refused = 0;
}

/* ---- one batch ---- */

static enum cofre_err
apply(struct cofre_vault *v, struct cofre_call *call)
{
    struct import_batch *b = call->op;
    const struct import_kind *kind = b->import->kind;

    for (size_t i = 0; i < b->n; i++) {
        enum cofre_err err = kind->apply(v, b, item_at(b, kind, i));
        if (err != COFRE_OK)
            return err;
    }
    return COFRE_OK;
}

/* Waits for a batch that is under way and takes its results into the report. */
static void
settle_sent(struct import *im, struct import_batch *b)
{
    batch_wait(b);
    b->sent = false;
    if (!cofre_call_ok(&b->call))
        im->failed = b->call.outcome;
    for (size_t i = 0; i < b->n; i++) {
        if (im->failed == COFRE_OUT_OK)
            im->kind->report(im, item_at(b, im->kind, i), b->line[i]);
        im->kind->item_free(item_at(b, im->kind, i));
    }
    b->n = 0;
    cofre_call_free(&b->call);
}

static void
settle(struct import *im, struct import_batch *b)
{
    im->present = b;
    if (b->sent)
        settle_sent(im, b);
    tell_refused(im, b);
}

static void
send_batch(struct import *im, struct import_batch *b)
{
    b->call.actor = im->call->actor;
    b->call.act = COFRE_ACT_IMPORT_BATCH;
    b->call.user = b;
    b->call.done = batch_done;
    b->import = im;
    b->busy = true;
    b->sent = true;
    if (im->kind->fields != NULL)
        im->kind->fields(im, b);
    commit_prepare(&b->call, b, apply, NULL);
    cofre_submit(im->v, &b->call);
}

/* ---- the file ---- */

static void
discard(struct import *im, struct import_batch *b)
{
    for (size_t i = 0; i < b->n; i++) {
        if (im->in->dry_run)
            im->report->unchanged++;
        im->kind->item_free(item_at(b, im->kind, i));
    }
    b->n = 0;
    cofre_call_free(&b->call);
}

static bool
take_row(struct import *im, struct import_batch *b, const struct table_row *row,
         enum cofre_err *err)
{
    void *item = item_at(b, im->kind, b->n);

    im->report->lines++;
    if (row->bad != NULL) {
        import_reject(im, row->line, "", row->bad);
        return false;
    }
    *err = im->kind->prepare(im, row, item);
    if (*err != COFRE_OK || im->kind->report_bad(im, item, row->line)) {
        im->kind->item_free(item);
        return false;
    }
    b->line[b->n++] = row->line;
    return true;
}

static bool
told_to_stop(struct import *im)
{
    const struct cofre_progress *p = im->progress;

    if (p != NULL && p->fn != NULL)
        p->fn(p->ctx, im->report->bytes, im->in->bytes);
    if (p != NULL && p->stop != NULL && p->stop(p->ctx))
        im->report->stopped = true;
    return im->report->stopped;
}

static enum cofre_err
read_all(struct import *im, struct table *t, struct cofre_why *why)
{
    struct import_batch *b = &im->batch[0];
    const struct table_row *row;
    enum cofre_err err = COFRE_OK;
    unsigned turn = 0;

    while (err == COFRE_OK && im->failed == COFRE_OUT_OK && !im->report->stopped) {
        size_t read = 0;

        settle(im, b);
        if (im->failed != COFRE_OUT_OK)
            break;
        seen_init(&b->people);
        cofre_call_init(&b->call); /* now: tags are made with its nonce */
        if (im->kind->begin != NULL)
            err = im->kind->begin(im, b);
        while (err == COFRE_OK && b->n < IMPORT_BATCH && read++ < IMPORT_BATCH &&
               (err = table_next(t, &row, why)) == COFRE_OK) {
            (void)take_row(im, b, row, &err);
            if (err != COFRE_OK)
                break;
        }
        if (im->kind->end != NULL)
            im->kind->end(im);
        im->report->bytes = table_offset(t);
        if (b->n > 0 && !im->in->dry_run && (err == COFRE_OK || err == COFRE_ENOENT))
            send_batch(im, b);
        else
            discard(im, b);
        (void)told_to_stop(im);
        b = &im->batch[++turn % IMPORT_IN_FLIGHT];
    }
    for (unsigned i = 0; i < IMPORT_IN_FLIGHT; i++)
        settle(im, &im->batch[(turn + i) % IMPORT_IN_FLIGHT]);
    return err == COFRE_ENOENT ? COFRE_OK : err;
}

/* A file with a column that nobody knows is refused whole: nothing of it was written yet. */
static bool
check_columns(struct import *im, struct table *t)
{
    struct bytes name;

    for (size_t i = 0; (name = table_column(t, i)).p != NULL; i++) {
        if (im->kind->knows_column(im, name))
            continue;
        char pointer[COFRE_POINTER_MAX] = "column ";
        struct buf text = BUF_INIT;

        buf_put_u64_dec(&text, i + 1);
        if (text.len < 20 && text.p != NULL)
            memcpy(pointer + 7, text.p, text.len);
        buf_free(&text);
        cofre_call_fail(im->call, COFRE_OUT_INVALID, pointer, "is not in the schema");
    }
    return cofre_call_ok(im->call);
}

/* Start and end are entries of their own. */
static bool
mark(struct import *im, enum cofre_act act, uint64_t n)
{
    struct cofre_call call;
    bool recorded;

    cofre_call_init(&call);
    call.actor = im->call->actor;
    call.act = act;
    call.n = n;
    call.outcome = im->call->outcome;
    cofre_call_field(&call, bytes_str(im->in->events ? "events" : "customers"));
    if (im->in->dry_run)
        cofre_call_field(&call, BYTES_LIT("dry-run"));
    cofre_submit_wait(im->v, &call);
    recorded = call.recorded;
    cofre_call_free(&call);
    if (!recorded)
        cofre_call_fail(im->call, COFRE_OUT_AUDIT, NULL, NULL);
    return recorded;
}

static void
run(struct import *im, struct table *t)
{
    struct cofre_why why = {{0}};
    enum cofre_err err = COFRE_OK;

    if (!check_columns(im, t)) {
        (void)mark(im, COFRE_ACT_IMPORT_START, 0);
        return;
    }
    if (!mark(im, COFRE_ACT_IMPORT_START, 0))
        return;
    for (unsigned i = 0; i < IMPORT_IN_FLIGHT && err == COFRE_OK; i++)
        err = batch_init(&im->batch[i], im->kind);
    if (err == COFRE_OK)
        err = read_all(im, t, &why);
    if (err != COFRE_OK)
        policy_error(im->call, err, &why);
    else if (im->failed != COFRE_OUT_OK)
        cofre_call_fail(im->call, im->failed, NULL, NULL);
    (void)mark(im, COFRE_ACT_IMPORT_END, im->report->added + im->report->changed);
    for (unsigned i = 0; i < IMPORT_IN_FLIGHT; i++)
        batch_free(&im->batch[i]);
}

void
cofre_import(struct cofre_vault *v, struct cofre_call *call, const struct cofre_import_in *in,
             const struct cofre_progress *progress, struct cofre_import_report *report)
{
    struct import *im = calloc(1, sizeof *im);
    struct cofre_why why = {{0}};
    struct table *t = NULL;
    enum cofre_err err;

    *report = (struct cofre_import_report){0};
    call->act = COFRE_ACT_IMPORT_START;
    if (!policy_role(call) || im == NULL) {
        if (im == NULL)
            policy_error(call, COFRE_ENOMEM, NULL);
        free(im);
        return;
    }
    im->v = v;
    im->call = call;
    im->in = in;
    im->progress = progress;
    im->report = report;
    im->kind = in->events ? &import_events : &import_customers;
    im->catalog = catalog_hold(v);
    vault_today(im->today);
    if ((err = table_open(in->fd, in->jsonl ? TABLE_JSONL : TABLE_CSV, &t, &why)) == COFRE_OK) {
        run(im, t);
    } else {
        cofre_call_fail(call, err == COFRE_EFORMAT ? COFRE_OUT_INVALID : COFRE_OUT_INTERNAL, "file",
                        why.text);
        (void)mark(im, COFRE_ACT_IMPORT_START, 0);
    }
    table_close(t);
    catalog_release(im->catalog);
    free(im);
}
