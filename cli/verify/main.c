#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "audit/entry.h"
#include "audit/proof.h"
#include "audit/verify.h"
#include "cofre/oplog.h"
#include "cofre/secret.h"

#include "inputs.h"
#include "report.h"

/* cofre-verify: checks a log's directory, or one proof, with nothing but a public key. */

enum { EXIT_USAGE = 64, SINCE_MAX = 64 };

static const char usage_text[] =
    "usage: cofre-verify DIR --vkey FILE [--since CHECKPOINT]... [--json] [--quiet]\n"
    "       cofre-verify --proof FILE --entry FILE --vkey FILE [--json] [--quiet]\n";

static const char help_text[] =
    "\n"
    "Checks that the audit log in the directory DIR is whole and unchanged, with nothing but the\n"
    "log's verifier key. It needs no vault, no secret and no network.\n"
    "\n"
    "  --vkey FILE         the log's verifier key, kept outside DIR\n"
    "  --since CHECKPOINT  a checkpoint of this log that was kept earlier: the log must be a\n"
    "                      continuation of it; may be repeated\n"
    "  --proof FILE        instead of DIR: one proof of inclusion (c2sp.org/tlog-proof)\n"
    "  --entry FILE        the entry that it is about\n"
    "  --json              the report as one line of JSON\n"
    "  --quiet             no report, only the exit status\n"
    "  --help, --version\n"
    "\n"
    "Exit status: 0 good, 1 tampered, 2 rolled back, 3 forked, 64 usage, 66 cannot read.\n";

struct options {
    const char *dir;
    const char *vkey;
    const char *proof;
    const char *entry;
    const char *since[SINCE_MAX];
    size_t n_since;
    bool json;
    bool quiet;
};

static int
usage(const char *what)
{
    fprintf(stderr, "cofre-verify: %s\n%s", what, usage_text);
    return EXIT_USAGE;
}

static int
unreadable(const char *path, const char *what)
{
    fprintf(stderr, "cofre-verify: %s: %s\n", path, what);
    return VERIFY_UNREADABLE;
}

/* -1: go on; else the exit status. */
static int
take_option(int option, struct options *o)
{
    switch (option) {
    case 'v':
        o->vkey = optarg;
        return -1;
    case 's':
        if (o->n_since == SINCE_MAX)
            return usage("too many kept checkpoints");
        o->since[o->n_since++] = optarg;
        return -1;
    case 'p':
        o->proof = optarg;
        return -1;
    case 'e':
        o->entry = optarg;
        return -1;
    case 'j':
        o->json = true;
        return -1;
    case 'q':
        o->quiet = true;
        return -1;
    case 'h':
        return printf("%s%s", usage_text, help_text) < 0 || fflush(stdout) != 0;
    case 'V':
        return printf("cofre-verify " COFRE_VERSION "\n") < 0 || fflush(stdout) != 0;
    default:
        fputs(usage_text, stderr);
        return EXIT_USAGE;
    }
}

static int
take_options(int argc, char **argv, struct options *o)
{
    static const struct option all[] = {{"vkey", required_argument, NULL, 'v'},
                                        {"since", required_argument, NULL, 's'},
                                        {"proof", required_argument, NULL, 'p'},
                                        {"entry", required_argument, NULL, 'e'},
                                        {"json", no_argument, NULL, 'j'},
                                        {"quiet", no_argument, NULL, 'q'},
                                        {"help", no_argument, NULL, 'h'},
                                        {"version", no_argument, NULL, 'V'},
                                        {NULL, 0, NULL, 0}};
    int option, status = -1;

    while (status < 0 && (option = getopt_long(argc, argv, "q", all, NULL)) != -1)
        status = take_option(option, o);
    if (status >= 0)
        return status;
    if (argc - optind > 1)
        return usage("more than one directory");
    o->dir = optind < argc ? argv[optind] : NULL;
    if (o->vkey == NULL)
        return usage("--vkey FILE is needed: the log's verifier key, from outside the directory");
    if ((o->proof == NULL) != (o->entry == NULL))
        return usage("--proof and --entry go together");
    if ((o->proof == NULL) == (o->dir == NULL))
        return usage("either a directory or --proof is needed");
    if (o->proof != NULL && o->n_since > 0)
        return usage("--since is for a directory");
    return -1;
}

/* ---- one proof ---- */

static int
verify_proof(const struct options *o, const struct note_verifier *v)
{
    struct buf proof = BUF_INIT, entry = BUF_INIT;
    struct bytes line;
    uint64_t index = 0;
    enum cofre_err err;
    int status = VERIFY_UNREADABLE;

    if (!inputs_read(o->proof, PROOF_MAX, &proof) || !inputs_read(o->entry, ENTRY_MAX + 1, &entry))
        goto out;
    line = buf_bytes(&entry);
    if (line.len > 0 && line.p[line.len - 1] == '\n')
        line.len--;
    err = proof_verify(buf_bytes(&proof), line, v, &index);
    if (err == COFRE_ENOMEM) {
        status = unreadable(o->proof, cofre_err_text(err));
        goto out;
    }
    status = err == COFRE_OK ? VERIFY_GOOD : VERIFY_TAMPERED;
    if (!o->quiet && !report_proof(err == COFRE_OK, index, v->name, o->json))
        status = unreadable("standard output", strerror(errno));
out:
    buf_free(&proof);
    buf_free(&entry);
    return status;
}

/* ---- a directory ---- */

static void
progress(void *ctx, uint64_t done, uint64_t total)
{
    uint64_t *next = ctx;

    if (done < *next)
        return;
    *next = done + 65536;
    fprintf(stderr, "\r%" PRIu64 " of %" PRIu64 " entries ", done, total);
}

static int
verify_log_at(const struct options *o, const struct inputs_keys *keys, int dir,
              const struct bytes *since)
{
    const bool watched = !o->quiet && !o->json && isatty(STDERR_FILENO);
    uint64_t next_progress = 65536;
    const struct verify_config config = {.dir = dir,
                                         .keys = keys->key,
                                         .n_keys = keys->n,
                                         .since = since,
                                         .n_since = o->n_since,
                                         .progress = watched ? progress : NULL,
                                         .ctx = &next_progress};
    struct verify_report report;
    const enum cofre_err err = verify_log(&config, &report);
    bool told = true;

    if (next_progress > 65536)
        fputs("\r                                                \r", stderr);
    if (err != COFRE_OK)
        return unreadable(o->dir, cofre_err_text(err));
    if (!o->quiet)
        told = o->json ? report_json(&report, keys->key[0].name)
                       : report_text(&report, keys->key[0].name);
    return told ? (int)report.verdict : unreadable("standard output", strerror(errno));
}

static int
verify_directory(const struct options *o, const struct inputs_keys *keys, int dir)
{
    struct buf kept[SINCE_MAX] = {{NULL, 0, 0, false}};
    struct bytes since[SINCE_MAX];
    bool ok = true;
    int status;

    for (size_t i = 0; i < o->n_since && ok; i++) {
        ok = inputs_read(o->since[i], CHECKPOINT_MAX, &kept[i]);
        since[i] = buf_bytes(&kept[i]);
    }
    status = ok ? verify_log_at(o, keys, dir, since) : VERIFY_UNREADABLE;
    for (size_t i = 0; i < o->n_since; i++)
        buf_free(&kept[i]);
    return status;
}

static int
run(const struct options *o)
{
    struct inputs_keys keys;
    int dir = -1, status;

    if (o->dir != NULL) {
        dir = open(o->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (dir < 0)
            return unreadable(o->dir, strerror(errno));
        if (inputs_inside(o->vkey, dir)) {
            close(dir);
            return usage("the verifier key must come from outside the directory: "
                         "whoever changes a log can change the key in it");
        }
    }
    if (!inputs_keys(o->vkey, &keys))
        status = VERIFY_UNREADABLE;
    else if (o->dir != NULL)
        status = verify_directory(o, &keys, dir);
    else
        status = verify_proof(o, &keys.key[0]);
    if (dir >= 0)
        close(dir);
    return status;
}

int
main(int argc, char **argv)
{
    struct options o = {0};
    struct cofre_why why = {""};
    int status = take_options(argc, argv, &o);

    if (status >= 0)
        return status;
    /* There is no secret here; but what is below wants to be set up. */
    oplog_level_set(OPLOG_ERROR);
    if (secret_setup(true, &why) != COFRE_OK)
        return unreadable("start", why.text);
    return run(&o);
}
