#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit/checkpoint.h"
#include "cofre/oplog.h"
#include "cofre/secret.h"

#include "inputs.h"
#include "options.h"
#include "proof.h"
#include "report.h"
#include "subject.h"

/* cofre-verify: checks a log's directory, or one proof, with nothing but a public key. */

enum { TSA_FILE_MAX = 1024 * 1024, PROGRESS_STEP = 65536, WAIT_MS = 300 };

/* All that was given for a directory, read. */
struct given {
    struct verify_keys keys;
    struct verify_keys witnesses;
    struct buf kept[OPTIONS_MANY];
    struct bytes since[OPTIONS_MANY];
    uint8_t accepted[OPTIONS_MANY][HASH_LEN];
    struct buf tsa_ca;
    struct subject_list subject;
    struct verify_findings findings;
    struct buf checkpoint; /* the log's */
    uint64_t next_progress;
};

static int
unreadable(const char *path, const char *what)
{
    (void)inputs_told(path, what);
    return VERIFY_UNREADABLE;
}

/* ---- what the options name ---- */

/* -1: they are fine; else an exit status, and it is told why. */
static int
read_witnesses(const struct options *o, struct verify_keys *out)
{
    int status = -1;

    for (size_t i = 0; i < o->witness.n && status < 0; i++)
        status = inputs_witness(o->witness.text[i], out);
    if (status < 0 && o->quorum > out->n)
        return options_wrong("--quorum is more than there are witnesses");
    return status;
}

static bool
read_files(const struct options *o, struct given *g)
{
    for (size_t i = 0; i < o->since.n; i++) {
        if (!inputs_read(o->since.text[i], CHECKPOINT_MAX, &g->kept[i]))
            return false;
        g->since[i] = buf_bytes(&g->kept[i]);
    }
    for (size_t i = 0; i < o->accept.n; i++) {
        if (verify_keys_hash(bytes_str(o->accept.text[i]), g->accepted[i]) != COFRE_OK)
            return inputs_told("--accept-incarnation", "not 64 hexadecimal digits");
    }
    if (o->tsa_ca != NULL && !inputs_read(o->tsa_ca, TSA_FILE_MAX, &g->tsa_ca))
        return false;
    return o->subject == NULL || subject_list_open(o->subject, &g->subject);
}

static void
forget(struct given *g)
{
    for (size_t i = 0; i < OPTIONS_MANY; i++)
        buf_free(&g->kept[i]);
    buf_free(&g->tsa_ca);
    buf_free(&g->checkpoint);
    subject_list_free(&g->subject);
    verify_report_free(&g->findings);
    free(g);
}

/* ---- a directory ---- */

static void
progress(void *ctx, uint64_t done, uint64_t total)
{
    struct given *g = ctx;

    if (done < g->next_progress)
        return;
    g->next_progress = done + PROGRESS_STEP;
    fprintf(stderr, "\r%" PRIu64 " of %" PRIu64 " entries ", done, total);
}

static void
found(void *ctx, const struct verify_finding *f)
{
    struct given *g = ctx;

    if (f->kind == VERIFY_HIT)
        subject_list_add(&g->subject, f->hit);
    else
        verify_report_found(&g->findings, f);
}

static bool
print(const struct options *o, const struct given *g, const struct verify_report *r, int dir)
{
    const struct subject_source source = {dir, r->signed_size, buf_bytes(&g->checkpoint), r};
    const bool list = o->subject != NULL && r->whole;
    struct buf out = BUF_INIT;
    bool ok;

    if (!o->json) {
        verify_report_text(&out, r, &g->findings, g->keys.key[0].name);
        return report_emit(&out) && (!list || subject_list_text(&g->subject, &source));
    }
    verify_report_json(&out, r, &g->findings, g->keys.key[0].name);
    if (out.len > 0)
        out.len--; /* its closing brace: there may be more to come */
    ok = report_emit(&out) && (!list || subject_list_json(&g->subject, &source));
    return ok && puts("}") >= 0 && fflush(stdout) == 0;
}

static int
verify_directory(const struct options *o, struct given *g, int dir)
{
    const bool watched = !o->quiet && !o->json && isatty(STDERR_FILENO);
    const struct verify_config config = {.dir = dir,
                                         .keys = g->keys.key,
                                         .n_keys = g->keys.n,
                                         .since = g->since,
                                         .n_since = o->since.n,
                                         .witnesses = g->witnesses.key,
                                         .n_witnesses = g->witnesses.n,
                                         .quorum = o->quorum,
                                         .tsa_ca = buf_bytes(&g->tsa_ca),
                                         .accepted = (const uint8_t(*)[HASH_LEN])g->accepted,
                                         .n_accepted = o->accept.n,
                                         .max_age = o->max_age,
                                         .subject = g->subject.subject,
                                         .wait_ms = WAIT_MS,
                                         .threads = o->threads,
                                         .progress = watched ? progress : NULL,
                                         .ctx = g,
                                         .found = found,
                                         .found_ctx = g,
                                         .checkpoint = &g->checkpoint};
    struct verify_report report;
    enum cofre_err err;

    g->next_progress = PROGRESS_STEP;
    err = verify_log(&config, &report);
    if (g->next_progress > PROGRESS_STEP)
        fputs("\r                                                \r", stderr);
    if (err == COFRE_OK)
        err = buf_error(&g->checkpoint);
    if (err != COFRE_OK)
        return unreadable(o->dir, cofre_err_text(err));
    if (!o->quiet && !print(o, g, &report, dir))
        return unreadable("standard output", strerror(errno));
    return (int)report.verdict;
}

static int
run_directory(const struct options *o, struct given *g)
{
    const int dir = open(o->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int status = VERIFY_UNREADABLE;

    if (dir < 0)
        return unreadable(o->dir, strerror(errno));
    if (inputs_inside(o->vkey, dir))
        status = options_wrong("the verifier key must come from outside the directory: "
                               "whoever changes a log can change the key in it");
    else if (inputs_keys(o->vkey, &g->keys) && (status = read_witnesses(o, &g->witnesses)) < 0)
        status = read_files(o, g) ? verify_directory(o, g, dir) : VERIFY_UNREADABLE;
    close(dir);
    return status;
}

static int
run_proof(const struct options *o, struct given *g)
{
    int status;

    if (!inputs_keys(o->vkey, &g->keys))
        return VERIFY_UNREADABLE;
    if ((status = read_witnesses(o, &g->witnesses)) >= 0)
        return status;
    return proof_run(o, &g->keys, &g->witnesses);
}

int
main(int argc, char **argv)
{
    struct options o = {0};
    struct cofre_why why = {""};
    struct given *g;
    int status = options_take(argc, argv, &o);

    if (status >= 0)
        return status;
    /* Nothing but a subject's key is secret here; but what is below wants to be set up. */
    oplog_level_set(OPLOG_ERROR);
    if (secret_setup(true, &why) != COFRE_OK)
        return unreadable("start", why.text);
    if ((g = calloc(1, sizeof *g)) == NULL)
        return unreadable("start", strerror(errno));
    status = o.dir != NULL ? run_directory(&o, g) : run_proof(&o, g);
    forget(g);
    return status;
}
