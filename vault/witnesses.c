#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "audit/files.h"
#include "audit/log_cosign.h"
#include "cofre/encode.h"
#include "cofre/oplog.h"
#include "vault/records/values.h"

#include "vault/witnesses_internal.h"

enum { TICK_MS = 100, TIMEOUT_MS = 2000, GRACE_S = 60 };

/* ---- opening ---- */

static enum cofre_err
read_policy(const char *path, struct witnesses_policy *out, struct cofre_why *why)
{
    struct buf file = BUF_INIT;
    struct stat st;
    enum cofre_err err;

    /* Who may change it may take the witnesses away. */
    if (stat(path, &st) == 0 && (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return cofre_why_set(why, COFRE_EREFUSED,
                             "the witnesses' policy can be changed by others (chmod 600 it)");
    err = files_read(AT_FDCWD, path, WITNESSES_POLICY_FILE, &file, why);
    if (err == COFRE_OK)
        err = witnesses_policy_parse(buf_bytes(&file), out, why);
    buf_free(&file);
    if (err == COFRE_ENOENT || err == COFRE_EFORMAT)
        err = COFRE_EINVAL;
    return err == COFRE_OK ? err : cofre_why_add(why, err, "the witnesses' policy");
}

static enum cofre_err
witnesses_new(const struct cofre_witnesses_config *config, struct witnesses **out)
{
    struct witnesses *w = calloc(1, sizeof *w);
    pthread_condattr_t monotonic;

    *out = w;
    if (w == NULL)
        return COFRE_ENOMEM;
    (void)pthread_mutex_init(&w->lock, NULL);
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&w->wake, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    w->required = config->required;
    w->timeout_ms = config->timeout_ms > 0 ? config->timeout_ms : TIMEOUT_MS;
    w->grace_ms = 1000 * (int64_t)(config->grace_s > 0 ? config->grace_s : GRACE_S);
    if (config->ca != NULL && (w->ca = strdup(config->ca)) == NULL)
        return COFRE_ENOMEM;
    return COFRE_OK;
}

enum cofre_err
witnesses_open(struct cofre_vault *v, const struct cofre_vault_config *config,
               struct cofre_why *why)
{
    const struct cofre_witnesses_config *c = &config->witnesses;
    enum cofre_err err;

    if (c->policy == NULL)
        return c->required ? cofre_why_set(why, COFRE_EINVAL,
                                           "witnesses are required, but no policy names any")
                           : COFRE_OK;
    if ((err = witnesses_new(c, &v->witnesses)) != COFRE_OK ||
        (err = read_policy(c->policy, &v->witnesses->policy, why)) != COFRE_OK)
        return err;
    for (size_t i = 0; i < v->witnesses->policy.n; i++)
        v->witnesses->peer[i].who = &v->witnesses->policy.one[i];
    return COFRE_OK;
}

void
witnesses_free(struct cofre_vault *v)
{
    struct witnesses *w = v->witnesses;

    if (w == NULL)
        return;
    for (size_t i = 0; i < w->policy.n; i++)
        witnesses_ask_free(&w->peer[i]);
    buf_free(&w->target.note);
    buf_free(&w->target.own_note);
    (void)pthread_cond_destroy(&w->wake);
    (void)pthread_mutex_destroy(&w->lock);
    free(w->ca);
    free(w);
    v->witnesses = NULL;
}

/* ---- the thread ---- */

/* Waits a little; false: it is to stop. */
static bool
wait_a_little(struct witnesses *w)
{
    struct timespec until = vault_until(TICK_MS);
    bool stop;

    pthread_mutex_lock(&w->lock);
    if (!w->stopping)
        (void)pthread_cond_timedwait(&w->wake, &w->lock, &until);
    stop = w->stopping;
    pthread_mutex_unlock(&w->lock);
    return !stop;
}

static void *
run(void *arg)
{
    struct cofre_vault *v = arg;

    witnesses_round_recall(v);
    while (wait_a_little(v->witnesses))
        witnesses_round_run(v, false);
    witnesses_round_run(v, true);
    return NULL;
}

enum cofre_err
witnesses_start(struct cofre_vault *v, struct cofre_why *why)
{
    struct witnesses *w = v->witnesses;
    enum cofre_err err;
    sigset_t all;
    sigset_t before;
    int failed;

    if (w == NULL)
        return COFRE_OK;
    if ((err = witnesses_ask_setup(why)) != COFRE_OK)
        return err;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    failed = pthread_create(&w->thread, NULL, run, v);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed != 0)
        return cofre_why_os(why, COFRE_ENOMEM, failed, "cannot start the witnesses' thread");
    /* The committer and the keeper are at work already, and ask. */
    pthread_mutex_lock(&w->lock);
    w->waiting_since = vault_clock();
    w->running = true;
    pthread_mutex_unlock(&w->lock);
    return COFRE_OK;
}

/* What the witnesses did not sign stays durable, and is signed when they are back. */
static void
say_unsigned(struct cofre_vault *v)
{
    const uint64_t published = log_cosign_published(v->log);
    struct log_head head;

    log_head(v->log, &head);
    if (v->witnesses->required && !log_dead(v->log) && head.size > published)
        oplog_line(OPLOG_WARNING,
                   "witnesses: no quorum signed the last %" PRIu64
                   " entries: they are durable, and published when a quorum is back",
                   head.size - published);
}

void
witnesses_leave(struct cofre_vault *v)
{
    struct witnesses *w = v->witnesses;

    if (w == NULL)
        return;
    pthread_mutex_lock(&w->lock);
    w->leaving = true;
    pthread_mutex_unlock(&w->lock);
}

void
witnesses_stop(struct cofre_vault *v)
{
    struct witnesses *w = v->witnesses;

    if (w == NULL || !w->running)
        return;
    pthread_mutex_lock(&w->lock);
    w->stopping = true;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
    (void)pthread_join(w->thread, NULL);
    w->running = false;
    say_unsigned(v);
}

/* ---- what others ask ---- */

bool
witnesses_required(const struct cofre_vault *v)
{
    return v->witnesses != NULL && v->witnesses->required;
}

static void
say_who(const struct witnesses *w, struct cofre_why *why)
{
    struct buf names = BUF_INIT;

    for (size_t i = 0; i < w->policy.n; i++)
        if (w->shown[i].failing)
            buf_putf(&names, "%s%s", names.len > 0 ? ", " : "", w->policy.one[i].name);
    buf_putc(&names, '\0');
    cofre_why_set(why, COFRE_ESTOPPED,
                  "no quorum of the witnesses for %lld seconds; not signing: %s",
                  (long long)(vault_clock() - w->waiting_since) / 1000,
                  buf_error(&names) == COFRE_OK ? (const char *)names.p : "");
    buf_free(&names);
}

bool
witnesses_overdue(struct cofre_vault *v, struct cofre_why *why)
{
    struct witnesses *w = v->witnesses;
    bool overdue;

    if (w == NULL || !w->required)
        return false;
    pthread_mutex_lock(&w->lock);
    overdue = w->running && !w->leaving && vault_clock() - w->waiting_since > w->grace_ms;
    if (overdue)
        say_who(w, why);
    pthread_mutex_unlock(&w->lock);
    return overdue;
}

void
witnesses_stats(struct cofre_vault *v, struct cofre_vault_stats *out)
{
    struct witnesses *w = v->witnesses;

    out->witnesses = 0;
    if (w == NULL)
        return;
    pthread_mutex_lock(&w->lock);
    out->witnesses = w->policy.n;
    out->cosignatures = w->cosignatures;
    out->witness_failures = w->failures;
    for (size_t i = 0; i < w->policy.n; i++)
        if (w->shown[i].seconds > out->cosigned_time)
            out->cosigned_time = w->shown[i].seconds;
    pthread_mutex_unlock(&w->lock);
}

void
witnesses_status(struct cofre_vault *v, struct buf *out)
{
    struct witnesses *w = v->witnesses;

    if (w == NULL)
        return;
    buf_puts(out, ",\"witnesses\":[");
    pthread_mutex_lock(&w->lock);
    for (size_t i = 0; i < w->policy.n; i++) {
        const struct witnesses_shown *s = &w->shown[i];

        buf_puts(out, i > 0 ? ",{\"name\":" : "{\"name\":");
        encode_json_string(out, bytes_str(w->policy.one[i].name));
        buf_putf(out, ",\"size\":%llu,\"time\":", (unsigned long long)s->size);
        if (s->seconds > 0)
            values_put_time(out, (int64_t)s->seconds * 1000);
        else
            buf_puts(out, "null");
        buf_putf(out, ",\"failing\":%s}", s->failing ? "true" : "false");
    }
    pthread_mutex_unlock(&w->lock);
    buf_putc(out, ']');
}
