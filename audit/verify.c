#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/verify_internal.h"

/* A live log may change under us; after so many times we say what we see. */
enum { TRIES = 12, SAME_MAX = 3 };

struct tries {
    int n;
    int same; /* so many of the last ones told the same: it is not passing by */
    char reason[sizeof((struct verify_report *)0)->reason];
};

struct attempt {
    const struct verify_config *config;
    struct verify_report *report;
    struct buf checkpoint; /* as it was at the beginning */
    struct buf witnessed;
    bool has_witnessed;
    struct partials partials;
    struct verify_signed signed_by;
    struct verify_signed witnessed_by;
    struct verify_epochs epochs;
    struct verify_marks marks;
    struct verify_kept *kept;
    struct verify_walk walk;
    struct verify_events events;
    struct verify_stream *stream;
    struct cofre_why why;
};

/* ---- what is read before the entries ---- */

/* In this order: while the log grows, what is read later is of the same size or a larger one. */
static enum cofre_err
read_heads(struct attempt *a)
{
    const int dir = a->config->dir;
    struct buf text = BUF_INIT;
    enum cofre_err err = files_read(dir, "witnessed", CHECKPOINT_MAX, &a->witnessed, NULL);

    a->has_witnessed = err != COFRE_ENOENT;
    if (a->has_witnessed && err != COFRE_OK)
        err = verify_file(dir, "witnessed", CHECKPOINT_MAX, &a->witnessed, &a->why);
    else
        err = verify_file(dir, "checkpoint", CHECKPOINT_MAX, &a->checkpoint, &a->why);
    if (err == COFRE_OK)
        err = verify_file(dir, "partials", PARTIALS_MAX, &text, &a->why);
    if (err == COFRE_OK && (partials_parse(buf_bytes(&text), &a->partials) != COFRE_OK ||
                            !partials_is_least(&a->partials)))
        err = cofre_why_set(&a->why, COFRE_EINTEGRITY, "partials: not a list of sizes");
    buf_free(&text);
    return err;
}

static enum cofre_err
open_head(struct attempt *a, struct bytes text, const char *path, struct verify_signed *out)
{
    struct cofre_why found = {""};
    const enum cofre_err err = verify_epochs_open(&a->epochs, text, out, &found);

    if (err == COFRE_ENOMEM)
        return err;
    if (err != COFRE_OK)
        return cofre_why_set(&a->why, COFRE_EINTEGRITY, "%s: %s", path, found.text);
    return verify_marks_add(&a->marks, out->c.size, out->c.root, "%s", path);
}

/* Keys of the log have its name. */
static bool
has_witness(const struct verify_signed *s)
{
    for (size_t i = 0; i < s->note.count; i++) {
        if (!bytes_equal(s->note.signatures[i].name, s->c.origin))
            return true;
    }
    return false;
}

static enum cofre_err
open_heads(struct attempt *a)
{
    enum cofre_err err = open_head(a, buf_bytes(&a->checkpoint), "checkpoint", &a->signed_by);

    if (err == COFRE_OK && a->has_witnessed)
        err = open_head(a, buf_bytes(&a->witnessed), "witnessed", &a->witnessed_by);
    if (err == COFRE_OK && a->has_witnessed && !has_witness(&a->witnessed_by))
        err = cofre_why_set(&a->why, COFRE_EINTEGRITY, "witnessed: no witness signed it");
    a->report->signed_size = a->signed_by.c.size;
    a->report->complete_size = a->signed_by.c.size;
    memcpy(a->report->root, a->signed_by.c.root, HASH_LEN);
    return err;
}

/* Nothing is known of a log by what is no checkpoint of it: that is not tampering. */
static enum cofre_err
open_kept(struct attempt *a, size_t i)
{
    struct verify_kept *k = &a->kept[i];
    struct cofre_why found = {""};
    struct verify_signed s;
    enum cofre_err err = verify_epochs_open(&a->epochs, a->config->since[i], &s, &found);

    if (err == COFRE_ENOMEM)
        return err;
    if (err != COFRE_OK && !(err == COFRE_EAUTH && s.other))
        return cofre_why_set(&a->why, COFRE_EIO, "kept checkpoint %zu: %s", i + 1, found.text);
    k->other = err != COFRE_OK;
    (void)snprintf(k->what, sizeof k->what, "%s", found.text);
    k->mark = a->marks.n;
    err = verify_marks_add(&a->marks, s.c.size, s.c.root, "kept checkpoint %zu", i + 1);
    if (err == COFRE_OK)
        a->marks.mark[k->mark].kept = true;
    return err;
}

static enum cofre_err
load_all(struct attempt *a)
{
    enum cofre_err err = read_heads(a);

    if (err == COFRE_OK)
        err = verify_epochs_load(a->config, &a->marks, &a->epochs, &a->why);
    for (size_t i = 0; i < a->config->n_since && err == COFRE_OK; i++)
        err = open_kept(a, i);
    if (err == COFRE_OK)
        err = open_heads(a);
    if (err != COFRE_OK)
        return err;
    a->walk = (struct verify_walk){.dir = a->config->dir,
                                   .epochs = &a->epochs,
                                   .partials = &a->partials,
                                   .signed_size = a->report->signed_size,
                                   .why = &a->why};
    err = verify_walk_run(&a->walk);
    if (err == COFRE_OK)
        err = verify_stamps_load(a->config, &a->epochs, &a->walk.stamps, &a->marks, &a->why);
    return err;
}

/* ---- the entries, and what they say of the rest ---- */

static enum cofre_err
stream(struct attempt *a)
{
    const struct verify_stream_config config = {
        .config = a->config,
        .signed_size = a->report->signed_size,
        .pruned = a->epochs.has_pruned ? a->epochs.pruned.bundles : 0,
        .marks = &a->marks,
        .events = &a->events};
    enum cofre_err err = verify_stream_new(&config, &a->stream);

    if (err == COFRE_OK)
        err = verify_stream_run(a->stream, a->report, &a->why);
    if (err == COFRE_OK)
        err = verify_walk_fits(&a->walk, a->report->size);
    return err;
}

/*
 * The newest key signs the checkpoint; after a crash that came into a rotation, the one before may
 * still have done so.
 */
static enum cofre_err
check_signer(struct attempt *a)
{
    const struct verify_epochs *e = &a->epochs;
    const size_t newest = e->n - 1;

    a->report->unfinished = e->pending || a->events.ending != 0 || a->signed_by.epoch != newest ||
                            a->events.pruning || a->walk.stamps.unfinished;
    /* It covers no more than that epoch: tiles of the next one may come before its first checkpoint. */
    if (a->signed_by.epoch + 1 >= newest)
        return COFRE_OK;
    return cofre_why_set(
        &a->why, COFRE_EINTEGRITY, "checkpoint: signed by a revoked key (epoch %zu ended at %llu)",
        a->signed_by.epoch + 1, (unsigned long long)e->key[a->signed_by.epoch].size);
}

static enum cofre_err
check_all(struct attempt *a)
{
    struct verify_partials_at at = {a->config->dir, 0, 0};
    enum cofre_err err;

    a->events.config = a->config;
    a->events.epochs = &a->epochs;
    a->events.walk = &a->walk;
    a->events.why = &a->why;
    if ((err = stream(a)) != COFRE_OK ||
        (err = verify_marks_check(&a->marks, a->report, &a->why)) != COFRE_OK ||
        (err = verify_events_check(&a->events, verify_stream_first(a->stream))) != COFRE_OK ||
        (err = check_signer(a)) != COFRE_OK)
        return err;
    at.pruned = a->epochs.has_pruned ? a->epochs.pruned.bundles : 0;
    at.size = a->report->size;
    return verify_partials_check(&at, &a->partials, a->report->signed_size, &a->why);
}

/* ---- the verdict ---- */

static void
judge(struct attempt *a)
{
    struct verify_judge j = {.config = a->config,
                             .epochs = &a->epochs,
                             .marks = &a->marks,
                             .stamps = &a->walk.stamps,
                             .events = &a->events,
                             .kept = a->kept,
                             .checkpoint = &a->signed_by,
                             .witnessed = a->has_witnessed ? &a->witnessed_by : NULL,
                             .why = &a->why};

    j.hits = verify_stream_hits(a->stream, &j.n_hits);
    a->report->whole = true;
    verify_judge(&j, a->report);
    if (a->config->checkpoint != NULL)
        buf_putb(a->config->checkpoint, buf_bytes(&a->checkpoint));
}

static void
forget(struct attempt *a)
{
    verify_stream_free(a->stream);
    verify_events_free(&a->events);
    verify_stamps_free(&a->walk.stamps);
    verify_epochs_free(&a->epochs);
    verify_marks_free(&a->marks);
    buf_free(&a->checkpoint);
    buf_free(&a->witnessed);
}

static bool
is_last(struct tries *t, const char *reason)
{
    t->same = strcmp(t->reason, reason) == 0 ? t->same + 1 : 1;
    (void)snprintf(t->reason, sizeof t->reason, "%s", reason);
    return ++t->n == TRIES || t->same == SAME_MAX;
}

/* *again: it failed, on a log that has changed meanwhile. */
static enum cofre_err
try_once(struct attempt *a, struct tries *t, bool *again)
{
    struct verify_report *r = a->report;
    struct verify_state before;
    enum cofre_err err;

    memset(r, 0, sizeof *r);
    verify_state_take(a->config->dir, &before);
    err = load_all(a);
    if (err == COFRE_OK)
        err = check_all(a);
    *again = err != COFRE_ENOMEM && err != COFRE_OK && !is_last(t, a->why.text) &&
             verify_state_moved(a->config->dir, &before, a->config->wait_ms);
    if (err == COFRE_ENOMEM || *again)
        return err == COFRE_ENOMEM ? err : COFRE_OK;
    if (err == COFRE_OK)
        judge(a);
    else
        r->verdict = err == COFRE_EINTEGRITY ? VERIFY_TAMPERED : VERIFY_UNREADABLE;
    (void)snprintf(r->reason, sizeof r->reason, "%s", a->why.text);
    return COFRE_OK;
}

enum cofre_err
verify_log(const struct verify_config *config, struct verify_report *report)
{
    struct verify_kept *kept = calloc(config->n_since + 1, sizeof *kept);
    struct attempt *a = malloc(sizeof *a);
    enum cofre_err err = COFRE_ENOMEM;
    struct tries tries = {.n = 0};
    bool again = true;

    memset(report, 0, sizeof *report);
    while (again && a != NULL && kept != NULL) {
        memset(a, 0, sizeof *a);
        a->config = config;
        a->report = report;
        a->kept = kept;
        err = try_once(a, &tries, &again);
        again = again && err == COFRE_OK;
        forget(a);
    }
    free(a);
    free(kept);
    return err;
}
