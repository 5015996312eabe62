#include <inttypes.h>

#include "audit/files.h"
#include "audit/log_cosign.h"
#include "cofre/oplog.h"
#include "crypto/cosign.h"

#include "vault/witnesses_internal.h"

enum { BACKOFF_MS = 1000, BACKOFF_MAX = 6 };

/* ---- the checkpoint that is asked for ---- */

static void
target_free(struct witnesses_target *t)
{
    buf_free(&t->note);
    buf_free(&t->own_note);
    t->size = 0;
    t->text = BYTES_NONE;
}

/* The note without the witnesses' lines: what its own key signed. */
static void
put_own(struct buf *out, const struct note *n, struct bytes origin)
{
    buf_putb(out, n->text);
    buf_putc(out, '\n');
    for (size_t i = 0; i < n->count; i++)
        if (bytes_equal(n->signatures[i].name, origin))
            cosign_line_put(out, &n->signatures[i]);
}

/* Takes note over as the new target, and the lines that it has. */
static enum cofre_err
target_set(struct witnesses *w, struct buf *note)
{
    struct witnesses_target *t = &w->target;
    struct checkpoint c;
    struct note n;
    enum cofre_err err;

    target_free(t);
    t->note = *note;
    *note = BUF_INIT; /* moved to t */
    if ((err = note_parse(buf_bytes(&t->note), &n)) != COFRE_OK ||
        (err = checkpoint_parse(n.text, &c)) != COFRE_OK)
        return err;
    t->text = n.text;
    t->size = c.size;
    put_own(&t->own_note, &n, c.origin);
    for (size_t i = 0; i < w->policy.n; i++) {
        w->peer[i].has_line = false;
        if (witnesses_ask_take(&w->peer[i], &n) && w->peer[i].size < c.size)
            w->peer[i].size = c.size;
    }
    return buf_error(&t->own_note);
}

/* Text and own lines are the same; the text alone could be another key's. */
static bool
is_target(const struct witnesses *w, struct bytes note)
{
    const struct buf *own = &w->target.own_note;

    return own->len > 0 && note.len >= own->len && memcmp(note.p, own->p, own->len) == 0;
}

/* The newest checkpoint becomes the target, unless it is; at the end one that covers everything. */
static enum cofre_err
look(struct cofre_vault *v, bool last)
{
    struct witnesses *w = v->witnesses;
    struct cofre_why why = {""};
    struct buf note = BUF_INIT;
    struct log_head head;
    enum cofre_err err;

    log_head(v->log, &head);
    err = log_cosign_newest(v->log, last ? head.size : 0, &note, &why);
    if (err == COFRE_OK && !is_target(w, buf_bytes(&note)))
        err = target_set(w, &note);
    buf_free(&note);
    return err;
}

/* ---- who is asked, and what came of it ---- */

static size_t
count_lines(const struct witnesses *w)
{
    size_t n = 0;

    for (size_t i = 0; i < w->policy.n; i++)
        n += w->peer[i].has_line;
    return n;
}

static int64_t
backoff(unsigned failures)
{
    return failures == 0
               ? 0
               : (int64_t)BACKOFF_MS << (failures < BACKOFF_MAX ? failures - 1 : BACKOFF_MAX);
}

static void
went_well(struct witnesses *w, size_t i)
{
    struct witnesses_peer *p = &w->peer[i];

    if (p->failures > 0)
        oplog_line(OPLOG_INFO, "witness %s: signs again", p->who->name);
    p->failures = 0;
    p->next_try = 0;
    pthread_mutex_lock(&w->lock);
    w->cosignatures++;
    w->shown[i] = (struct witnesses_shown){w->target.size, p->seconds, false};
    pthread_mutex_unlock(&w->lock);
}

/* Told once, and not each time that it is tried again. */
static void
failed(struct witnesses *w, size_t i)
{
    struct witnesses_peer *p = &w->peer[i];

    if (p->failures == 0)
        oplog_line(OPLOG_WARNING, "witness %s: %s", p->who->name,
                   p->trouble != NULL ? p->trouble : "it did not sign");
    p->failures += p->failures < BACKOFF_MAX + 1;
    p->next_try = vault_clock() + backoff(p->failures);
    pthread_mutex_lock(&w->lock);
    w->failures++;
    w->shown[i].failing = true;
    pthread_mutex_unlock(&w->lock);
}

/* Asks those whose turn it is; false: nobody's. */
static bool
ask(struct cofre_vault *v, bool last)
{
    struct witnesses *w = v->witnesses;
    const struct witnesses_asking asking = {
        .audit = v->audit_fd, .ca = w->ca, .timeout_ms = w->timeout_ms, .target = &w->target};
    bool asked[WITNESSES_POLICY_MAX];
    bool any = false;

    for (size_t i = 0; i < w->policy.n; i++) {
        asked[i] = !w->peer[i].has_line && (last || vault_clock() >= w->peer[i].next_try);
        w->peer[i].asked = asked[i];
        any = any || asked[i];
    }
    if (!any)
        return false;
    witnesses_ask(&asking, w->peer, w->policy.n);
    for (size_t i = 0; i < w->policy.n; i++) {
        if (asked[i] && w->peer[i].has_line)
            went_well(w, i);
        else if (asked[i])
            failed(w, i);
    }
    return true;
}

/* ---- bringing it to the log ---- */

static enum cofre_err
put_note(const struct witnesses *w, struct buf *out)
{
    buf_putb(out, buf_bytes(&w->target.own_note));
    for (size_t i = 0; i < w->policy.n; i++)
        if (w->peer[i].has_line)
            buf_putb(out, buf_bytes(&w->peer[i].line));
    return buf_error(out);
}

static void
bring(struct cofre_vault *v)
{
    struct witnesses *w = v->witnesses;
    size_t lines = count_lines(w);
    bool quorum = lines >= w->policy.quorum;
    struct log_cosigned c = {.publish = w->required && quorum,
                             .witnessed = lines > 0 && (quorum || !w->witnessed_quorum)};
    struct cofre_why why = {""};
    struct buf note = BUF_INIT;
    enum cofre_err err;

    if (!quorum)
        log_cosign_missed(v->log);
    if (w->required && !quorum && w->target.size > log_cosign_published(v->log))
        return;
    err = put_note(w, &note);
    c.note = buf_bytes(&note);
    if (err == COFRE_OK)
        err = log_cosign(v->log, &c, &why);
    buf_free(&note);
    if (err == COFRE_OK)
        w->witnessed_quorum = w->witnessed_quorum || (c.witnessed && quorum);
    else if (err != COFRE_EAUTH && err != COFRE_ESTOPPED)
        oplog_line(OPLOG_ERROR, "cosigned checkpoint: %s: %s", cofre_err_text(err), why.text);
}

/* ---- is it overdue? ---- */

static void
watch(struct cofre_vault *v)
{
    struct witnesses *w = v->witnesses;
    struct log_head head;

    if (log_cosign_published(v->log) < w->waiting_size)
        return;
    log_head(v->log, &head);
    w->waiting_size = head.size;
    pthread_mutex_lock(&w->lock);
    w->waiting_since = vault_clock();
    pthread_mutex_unlock(&w->lock);
}

void
witnesses_round_run(struct cofre_vault *v, bool last)
{
    struct witnesses *w = v->witnesses;

    watch(v);
    if (look(v, last) != COFRE_OK)
        return;
    if (ask(v, last))
        bring(v);
    else if (w->required && w->target.size > log_cosign_published(v->log) &&
             count_lines(w) >= w->policy.quorum)
        bring(v);
    watch(v);
}

/* ---- at the start ---- */

void
witnesses_round_recall(struct cofre_vault *v)
{
    struct witnesses *w = v->witnesses;
    struct buf file = BUF_INIT;
    struct checkpoint c;
    struct note n;

    if (files_read(v->audit_fd, "witnessed", CHECKPOINT_MAX, &file, NULL) == COFRE_OK &&
        note_parse(buf_bytes(&file), &n) == COFRE_OK && checkpoint_parse(n.text, &c) == COFRE_OK) {
        for (size_t i = 0; i < w->policy.n; i++)
            if (witnesses_ask_take(&w->peer[i], &n)) {
                w->peer[i].size = c.size;
                w->shown[i] = (struct witnesses_shown){c.size, w->peer[i].seconds, false};
            }
        w->witnessed_quorum = count_lines(w) >= w->policy.quorum;
    }
    buf_free(&file);
    for (size_t i = 0; i < w->policy.n; i++)
        w->peer[i].has_line = false;
}
