#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/verify_internal.h"

/* A live log may change under us; after so many times we say what we see. */
enum { TRIES = 5 };

struct attempt {
    const struct verify_config *config;
    struct verify_report *report;
    struct buf checkpoint;     /* as it was at the beginning */
    struct verify_marks marks; /* the checkpoint's, then one for each that was kept */
    struct cofre_why why;
};

static enum cofre_err
load_kept(struct attempt *a)
{
    const struct verify_config *config = a->config;
    struct checkpoint c;
    enum cofre_err err;

    for (size_t i = 0; i < config->n_since; i++) {
        err = checkpoint_open(config->since[i], &config->keys[0], &c);
        if (err == COFRE_ENOMEM)
            return err;
        /* Nothing is known then about the log: it is not tampering. */
        if (err != COFRE_OK)
            return cofre_why_set(&a->why, COFRE_EIO, "kept checkpoint %zu: not a checkpoint of %s",
                                 i + 1, config->keys[0].name);
        a->marks.mark[1 + i] = (struct verify_mark){c.size, {0}, false};
        memcpy(a->marks.mark[1 + i].root, c.root, HASH_LEN);
    }
    return COFRE_OK;
}

/* A file that has to be there, and of a form. */
static enum cofre_err
load_file(struct attempt *a, const char *path, struct buf *out)
{
    struct cofre_why why = {""};
    const enum cofre_err err = files_read(a->config->dir, path, CHECKPOINT_MAX, out, &why);

    if (err == COFRE_ENOENT || err == COFRE_EFORMAT)
        return cofre_why_set(&a->why, COFRE_EINTEGRITY, "%s", why.text);
    return err == COFRE_OK ? err : cofre_why_set(&a->why, err, "%s", why.text);
}

static enum cofre_err
load_checkpoint(struct attempt *a)
{
    struct checkpoint c;
    enum cofre_err err = load_file(a, "checkpoint", &a->checkpoint);

    if (err != COFRE_OK)
        return err;
    err = checkpoint_open(buf_bytes(&a->checkpoint), &a->config->keys[0], &c);
    if (err == COFRE_ENOMEM)
        return err;
    if (err != COFRE_OK)
        return cofre_why_set(&a->why, COFRE_EINTEGRITY, "checkpoint: %s",
                             err == COFRE_EAUTH ? "not signed by the key that was given"
                                                : "malformed");
    a->report->signed_size = c.size;
    memcpy(a->report->root, c.root, HASH_LEN);
    a->marks.mark[0] = (struct verify_mark){c.size, {0}, false};
    memcpy(a->marks.mark[0].root, c.root, HASH_LEN);
    return COFRE_OK;
}

/* keys/vkeys holds the first epoch's key, which is the only one there is so far. */
static enum cofre_err
check_keys(struct attempt *a)
{
    struct buf expected = BUF_INIT;
    struct buf present = BUF_INIT;
    enum cofre_err err;

    note_vkey_put(&expected, &a->config->keys[0]);
    buf_putc(&expected, '\n');
    err = buf_error(&expected);
    if (err == COFRE_OK)
        err = load_file(a, "keys/vkeys", &present);
    if (err == COFRE_OK && !bytes_equal(buf_bytes(&expected), buf_bytes(&present)))
        err = cofre_why_set(&a->why, COFRE_EINTEGRITY,
                            "keys/vkeys: not the key that was given, and nothing else");
    buf_free(&expected);
    buf_free(&present);
    return err;
}

static enum cofre_err
check_entries(struct attempt *a)
{
    struct verify_walk walk;
    struct verify_stream *stream = NULL;
    enum cofre_err err = verify_walk_run(a->config->dir, &walk, &a->why);

    if (err == COFRE_OK)
        err = verify_stream_new(a->config, a->report->signed_size, &stream);
    if (err == COFRE_OK)
        err = verify_stream_run(stream, a->marks, a->report, &a->why);
    if (err == COFRE_OK)
        err = verify_walk_fits(&walk, a->report->size, &a->why);
    verify_stream_free(stream);
    if (err == COFRE_OK && !a->marks.mark[0].same)
        err = cofre_why_set(&a->why, COFRE_EINTEGRITY,
                            "checkpoint: its root is not that of the entries");
    return err;
}

/* The entries are what the checkpoint says: what do the kept ones say? */
static enum verify_verdict
judge_kept(struct attempt *a)
{
    const uint64_t size = a->report->signed_size;
    const struct verify_mark *m = a->marks.mark;

    for (size_t i = 1; i < a->marks.n; i++) {
        if (m[i].size > a->report->size || m[i].same)
            continue;
        (void)cofre_why_set(&a->why, COFRE_OK,
                            "the log is another one than that of kept checkpoint %zu: "
                            "its first %" PRIu64 " entries differ",
                            i, m[i].size);
        return VERIFY_FORKED;
    }
    for (size_t i = 1; i < a->marks.n; i++) {
        if (m[i].size <= size)
            continue;
        (void)cofre_why_set(&a->why, COFRE_OK,
                            "kept checkpoint %zu covers %" PRIu64
                            " entries, the log's own %" PRIu64,
                            i, m[i].size, size);
        return VERIFY_ROLLED_BACK;
    }
    return VERIFY_GOOD;
}

static enum cofre_err
try_once(struct attempt *a)
{
    enum cofre_err err = load_kept(a);

    memset(a->report, 0, sizeof *a->report);
    if (err == COFRE_OK)
        err = load_checkpoint(a);
    if (err == COFRE_OK)
        err = check_keys(a);
    if (err == COFRE_OK)
        err = check_entries(a);
    if (err == COFRE_ENOMEM)
        return err;
    if (err == COFRE_OK)
        a->report->verdict = judge_kept(a);
    else
        a->report->verdict = err == COFRE_EINTEGRITY ? VERIFY_TAMPERED : VERIFY_UNREADABLE;
    (void)snprintf(a->report->reason, sizeof a->report->reason, "%s", a->why.text);
    return COFRE_OK;
}

/* True when the log got a new checkpoint since the attempt began. */
static bool
moved_on(const struct attempt *a)
{
    struct buf now = BUF_INIT;
    const enum cofre_err err = files_read(a->config->dir, "checkpoint", CHECKPOINT_MAX, &now, NULL);
    const bool moved = err == COFRE_OK && !bytes_equal(buf_bytes(&now), buf_bytes(&a->checkpoint));

    buf_free(&now);
    return moved;
}

enum cofre_err
verify_log(const struct verify_config *config, struct verify_report *report)
{
    struct attempt a = {config, report, BUF_INIT, {NULL, 1 + config->n_since}, {""}};
    enum cofre_err err;

    memset(report, 0, sizeof *report);
    a.marks.mark = calloc(a.marks.n, sizeof *a.marks.mark);
    if (a.marks.mark == NULL)
        return COFRE_ENOMEM;
    for (int i = 0; i < TRIES; i++) {
        a.why.text[0] = '\0';
        err = try_once(&a);
        if (err != COFRE_OK || report->verdict == VERIFY_GOOD || !moved_on(&a))
            break;
    }
    free(a.marks.mark);
    buf_free(&a.checkpoint);
    return err;
}
