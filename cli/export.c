#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "export_internal.h"

/*
 *   fetch a piece -> hold it against what went before -> write a batch -> wait until it was read
 *                                                           -> replace the cursor -> next batch
 *
 * Whatever is cut off anywhere is sent again from the cursor on: each entry arrives at least once, in order.
 */
enum { PIECE_ENTRIES = 10000 };

bool
export_stop_asked(void *ctx)
{
    sigset_t waiting;

    (void)ctx;
    return sigpending(&waiting) == 0 &&
           (sigismember(&waiting, SIGINT) == 1 || sigismember(&waiting, SIGTERM) == 1);
}

int
export_fail(struct export *x, int exit_code, const char *text)
{
    struct say say = say_for(x->cmd);

    return say_failed(&say, exit_code, text);
}

/* ---- pieces ---- */

/* What is asked for is not there any more: it is where nothing was asked for that a beginning is meant. */
static int
pruned(struct export *x, uint64_t first)
{
    struct say say = say_for(x->cmd);
    char text[160];

    if (x->begun || x->known || options_has(x->cmd->options, OPT_FROM)) {
        snprintf(text, sizeof text,
                 "entries %" PRIu64 " to %" PRIu64 " were pruned; go on with --from %" PRIu64
                 " and another cursor",
                 x->at.next, first - 1, first);
        return export_fail(x, EXIT_FAILED, text);
    }
    say_warning(&say, "entries below %" PRIu64 " were pruned", first);
    x->at.next = first;
    return EXIT_DONE;
}

/* The head of a piece: origin and size.  Its lines are left in *lines. */
static int
read_head(struct export *x, struct bytes *lines, uint64_t *size)
{
    struct bytes piece = buf_bytes(&x->fetch.piece);
    const uint8_t *end = piece.len > 0 ? memchr(piece.p, '\n', piece.len) : NULL;
    json_t *head =
        end == NULL ? NULL : json_loadb((const char *)piece.p, (size_t)(end - piece.p), 0, NULL);
    const char *origin = json_string_value(json_object_get(head, "origin"));
    uint64_t first = (uint64_t)json_integer_value(json_object_get(head, "first"));
    int exit_code = EXIT_DONE;

    *size = (uint64_t)json_integer_value(json_object_get(head, "size"));
    if (origin == NULL || strlen(origin) > EXPORT_ORIGIN_MAX)
        exit_code = export_fail(x, EXIT_FAILED, "the server's answer is not understood");
    else if (x->siem == NULL && x->at.origin[0] != 0 && strcmp(origin, x->at.origin) != 0)
        exit_code = export_fail(x, EXIT_INTEGRITY, "the cursor is of another log");
    else if (x->siem == NULL && cofre_siem_new(x->format, origin, &x->siem) != COFRE_OK)
        exit_code = export_fail(x, EXIT_FAILED, "out of memory");
    else if (*size < x->at.next)
        exit_code =
            export_fail(x, EXIT_INTEGRITY,
                        "the log is older than the cursor: it ends before the last entry that was "
                        "exported; put the newer audit/ back");
    else if (first > x->at.next)
        exit_code = pruned(x, first);
    if (exit_code == EXIT_DONE)
        strcpy(x->at.origin, origin);
    json_decref(head);
    if (exit_code == EXIT_DONE)
        *lines = (struct bytes){end + 1, piece.len - (size_t)(end + 1 - piece.p)};
    return exit_code;
}

static uint64_t
at_most(uint64_t n, uint64_t most)
{
    return n < most ? n : most;
}

/* How many entries to ask for. */
static uint64_t
wanted(const struct export *x)
{
    uint64_t n = at_most(x->left, PIECE_ENTRIES);

    return x->fetch.follow || !x->begun ? n : at_most(n, x->until - x->at.next);
}

static int
take_piece(struct export *x, bool *news)
{
    uint64_t before = x->at.next;
    struct bytes lines;
    uint64_t size;
    int exit_code;

    if ((exit_code = read_head(x, &lines, &size)) != EXIT_DONE)
        return exit_code;
    if (!x->begun)
        x->until = size;
    x->begun = true;
    while (exit_code == EXIT_DONE && lines.len > 0)
        exit_code = export_stop_asked(NULL) ? EXIT_AGAIN : export_send_batch(x, &lines);
    *news = x->at.next > before;
    return exit_code;
}

/* Nothing new: the collector may go meanwhile. */
static int
idle(struct export *x)
{
    if (!export_out_gone(&x->out, x->wait_ms))
        return EXIT_DONE;
    return export_send_lost(x, COFRE_EIO);
}

static bool
again_later(const struct export *x, int exit_code)
{
    return x->fetch.follow && (exit_code == EXIT_AGAIN || exit_code == EXIT_BUSY);
}

/* A piece, or a wait. */
static int
step(struct export *x)
{
    uint64_t re_read = x->known && !x->held;
    bool news = false;
    int exit_code;

    exit_code = export_fetch_piece(&x->fetch, x->at.next - re_read, wanted(x) + re_read, x->begun);
    if (again_later(x, exit_code)) {
        x->wait_ms = (int)at_most((uint64_t)x->wait_ms * 2, EXPORT_BACKOFF_MAX_MS);
        return idle(x);
    }
    x->wait_ms = EXPORT_WAIT_MS;
    if (exit_code == EXIT_DONE)
        exit_code = take_piece(x, &news);
    return exit_code == EXIT_DONE && x->fetch.follow && !news ? idle(x) : exit_code;
}

static bool
finished(const struct export *x)
{
    return x->left == 0 || (!x->fetch.follow && x->begun && x->at.next >= x->until);
}

static int
run(struct export *x)
{
    int exit_code = EXIT_DONE;

    while (exit_code == EXIT_DONE && !finished(x) && !export_stop_asked(NULL))
        exit_code = step(x);
    /* Whoever follows ends only so. */
    if (export_stop_asked(NULL))
        return x->fetch.follow ? EXIT_DONE : EXIT_AGAIN;
    return exit_code;
}

/* ---- the command ---- */

static int
read_cursor(struct export *x)
{
    const struct options *o = x->cmd->options;
    struct say say = say_for(x->cmd);
    struct cofre_why why = {""};
    enum cofre_err err;

    if (x->path == NULL || (err = export_cursor_read(x->path, &x->at, &why)) == COFRE_ENOENT) {
        x->at = (struct export_cursor){.next = options_number(o, OPT_FROM, 0)};
        return EXIT_DONE;
    }
    if (err != COFRE_OK)
        return say_why(&say, err, &why);
    if (options_has(o, OPT_FROM))
        return export_fail(x, EXIT_USAGE, "the cursor says where to go on: leave --from out");
    x->known = true;
    return EXIT_DONE;
}

int
export_drive(struct cmd *cmd)
{
    const struct options *o = cmd->options;
    struct export x = {.cmd = cmd,
                       .fetch = {.cmd = cmd, .follow = options_has(o, OPT_FOLLOW)},
                       .out = {.fd = STDOUT_FILENO, .stop = export_stop_asked},
                       .format = options_has(o, OPT_FORMAT) ? options_text(o, OPT_FORMAT) : "jsonl",
                       .path = options_text(o, OPT_CURSOR),
                       .left = options_number(o, OPT_LIMIT, UINT64_MAX),
                       .wait_ms = EXPORT_WAIT_MS};
    int exit_code;
    int ended;

    if (cofre_siem_known(x.format) != COFRE_OK)
        return export_fail(&x, EXIT_USAGE, "--format is jsonl, cef or ocsf");
    if (options_has(o, OPT_SYSLOG)) {
        x.out.socket = options_text(o, OPT_SYSLOG);
        x.out.fd = -1;
    }
    /* Whoever waits for a slow collector must not hold a vault that was opened here for ever. */
    x.out.stall_ms = x.fetch.follow ? 0 : EXPORT_STALL_MS;
    if ((exit_code = read_cursor(&x)) == EXIT_DONE)
        exit_code = run(&x);
    export_out_close(&x.out);
    cofre_siem_free(x.siem);
    ended = export_fetch_end(&x.fetch);
    return exit_code != EXIT_DONE ? exit_code : ended;
}
