#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "export.h"

/*
 *   fetch a piece -> hold it against what went before -> write a batch -> wait until it was read
 *                                                           -> replace the cursor -> next batch
 *
 * Whatever is cut off anywhere is sent again from the cursor on: each entry arrives at least once, in order.
 */
enum { PIECE_ENTRIES = 10000, BACKOFF_MS = 100, BACKOFF_MAX_MS = 5000 };

struct export {
    struct cmd *cmd;
    struct export_fetch fetch;
    struct export_out out;
    struct cofre_siem *siem;
    const char *format;
    const char *path; /* of the cursor; NULL: none */
    struct export_cursor at;
    bool known;     /* at.leaf is that of entry at.next - 1 */
    bool held;      /* and this log was seen to hold that */
    bool begun;     /* a piece was had */
    uint64_t until; /* where to end, unless it follows */
    uint64_t left;  /* entries that may still be exported */
    int wait_ms;    /* before it is tried again */
};

static bool
stop_asked(void *ctx)
{
    sigset_t waiting;

    (void)ctx;
    return sigpending(&waiting) == 0 &&
           (sigismember(&waiting, SIGINT) == 1 || sigismember(&waiting, SIGTERM) == 1);
}

static int
fail(struct export *x, int exit_code, const char *text)
{
    struct say say = say_for(x->cmd);

    return say_failed(&say, exit_code, text);
}

/* ---- what is held against what ---- */

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
        return fail(x, EXIT_FAILED, text);
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
    json_t *head = end == NULL ? NULL
                               : json_loadb((const char *)piece.p, (size_t)(end - piece.p), 0, NULL);
    const char *origin = json_string_value(json_object_get(head, "origin"));
    uint64_t first = (uint64_t)json_integer_value(json_object_get(head, "first"));
    int exit_code = EXIT_DONE;

    *size = (uint64_t)json_integer_value(json_object_get(head, "size"));
    if (origin == NULL || strlen(origin) > EXPORT_ORIGIN_MAX)
        exit_code = fail(x, EXIT_FAILED, "the server's answer is not understood");
    else if (x->siem == NULL && x->at.origin[0] != 0 && strcmp(origin, x->at.origin) != 0)
        exit_code = fail(x, EXIT_INTEGRITY, "the cursor is of another log");
    else if (x->siem == NULL && cofre_siem_new(x->format, origin, &x->siem) != COFRE_OK)
        exit_code = fail(x, EXIT_FAILED, "out of memory");
    else if (*size < x->at.next)
        exit_code = fail(x, EXIT_INTEGRITY,
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

static bool
take_line(struct bytes *lines, struct bytes *line)
{
    const uint8_t *end = lines->len > 0 ? memchr(lines->p, '\n', lines->len) : NULL;

    if (end == NULL)
        return false;
    *line = (struct bytes){lines->p, (size_t)(end - lines->p)};
    *lines = (struct bytes){end + 1, lines->len - line->len - 1};
    return true;
}

/* Does the entry follow the one before?  The one that the cursor names comes again first, and is it. */
static int
hold(struct export *x, const struct cofre_siem_entry *e, const struct export_cursor *now)
{
    bool again = x->known && !x->held && e->seq + 1 == now->next;
    const uint8_t *hash = again ? e->leaf : e->prev;

    if (!again && e->seq != now->next)
        return fail(x, EXIT_FAILED, "entries are missing from the server's answer");
    if (x->known && memcmp(hash, now->leaf, sizeof now->leaf) != 0)
        return fail(x, EXIT_INTEGRITY,
                    "the log is another one than that of which the cursor's entry was exported (a fork)");
    return EXIT_DONE;
}

/* ---- sending ---- */

/* A line, or a message; a stream of messages needs an end for each. */
static enum cofre_err
send_entry(struct export *x, struct buf *text)
{
    enum cofre_err err;

    if (x->out.socket == NULL) {
        cofre_siem_write(x->siem, text);
        buf_putc(text, '\n');
        return buf_error(text);
    }
    cofre_siem_syslog(x->siem, text);
    if (x->out.stream)
        buf_putc(text, '\n');
    if ((err = buf_error(text)) == COFRE_OK)
        err = export_out_put(&x->out, buf_bytes(text));
    buf_reset(text);
    return err;
}

/* Sends up to a batch of lines; *now is where that leads to. */
static int
send_lines(struct export *x, struct bytes *lines, struct export_cursor *now, enum cofre_err *sent)
{
    struct buf text = BUF_INIT;
    struct cofre_siem_entry e;
    struct bytes line;
    int exit_code = EXIT_DONE;

    *sent = COFRE_OK;
    for (int n = 0; n < EXPORT_BATCH && *sent == COFRE_OK && take_line(lines, &line); n++) {
        if (cofre_siem_read(x->siem, line, &e) != COFRE_OK) {
            exit_code = fail(x, EXIT_INTEGRITY, "a line of the server's answer is no entry");
            break;
        }
        if ((exit_code = hold(x, &e, now)) != EXIT_DONE)
            break;
        x->held = true;
        if (e.seq + 1 == now->next)
            continue;
        *sent = send_entry(x, &text);
        now->next = e.seq + 1;
        memcpy(now->leaf, e.leaf, sizeof now->leaf);
        x->known = true;
    }
    if (exit_code == EXIT_DONE && *sent == COFRE_OK && text.len > 0)
        *sent = export_out_put(&x->out, buf_bytes(&text));
    buf_free(&text);
    return exit_code;
}

/* The collector is gone, or does not read. */
static int
lost(struct export *x, enum cofre_err err)
{
    struct say say = say_for(x->cmd);

    if (stop_asked(NULL))
        return EXIT_AGAIN;
    if (x->out.socket == NULL || err == COFRE_EAGAIN)
        return fail(x, EXIT_AGAIN,
                    err == COFRE_EAGAIN ? "the collector does not read"
                                        : "the collector is gone, or the output cannot be written");
    say_warning(&say, "%s: the collector is gone; what it may not have read is sent again", x->out.socket);
    export_out_close(&x->out);
    return EXIT_DONE;
}

/* Connects, and tries again until it is there. */
static int
reach(struct export *x)
{
    struct say say = say_for(x->cmd);
    int64_t since = export_clock();
    int wait = BACKOFF_MS;
    bool told = false;

    for (;;) {
        struct cofre_why why = {""};

        if (export_out_open(&x->out, &why) == COFRE_OK)
            break;
        if (!told)
            say_warning(&say, "%s: no collector; trying again", why.text);
        told = true;
        export_sleep(wait);
        wait = wait * 2 < BACKOFF_MAX_MS ? wait * 2 : BACKOFF_MAX_MS;
        if (stop_asked(NULL))
            return EXIT_AGAIN;
        if (!x->fetch.follow && export_clock() - since > EXPORT_STALL_MS)
            return fail(x, EXIT_AGAIN, "no collector");
    }
    if (told)
        say_warning(&say, "%s: the collector is there", x->out.socket);
    return EXIT_DONE;
}

static int
keep_cursor(struct export *x, const struct export_cursor *now)
{
    struct say say = say_for(x->cmd);
    struct cofre_why why = {""};
    enum cofre_err err;

    if (now->next == x->at.next)
        return EXIT_DONE;
    x->left -= now->next - x->at.next < x->left ? now->next - x->at.next : x->left;
    x->at = *now;
    if (x->path == NULL || (err = export_cursor_write(x->path, now, &why)) == COFRE_OK)
        return EXIT_DONE;
    return say_why(&say, err, &why);
}

/* One batch, again and again until it was read. */
static int
deliver(struct export *x, struct bytes *lines)
{
    for (;;) {
        struct export_cursor now = x->at;
        struct bytes rest = *lines;
        bool known = x->known;
        bool held = x->held;
        enum cofre_err sent;
        int exit_code;

        if ((exit_code = reach(x)) != EXIT_DONE ||
            (exit_code = send_lines(x, &rest, &now, &sent)) != EXIT_DONE)
            return exit_code;
        if (sent == COFRE_OK && now.next > x->at.next)
            sent = export_out_settle(&x->out);
        if (sent == COFRE_OK) {
            *lines = rest;
            return keep_cursor(x, &now);
        }
        x->known = known;
        x->held = held;
        if ((exit_code = lost(x, sent)) != EXIT_DONE)
            return exit_code;
    }
}

/* ---- pieces ---- */

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
        exit_code = stop_asked(NULL) ? EXIT_AGAIN : deliver(x, &lines);
    *news = x->at.next > before;
    return exit_code;
}

/* Nothing new: the collector may go meanwhile. */
static int
idle(struct export *x)
{
    if (!export_out_gone(&x->out, x->wait_ms))
        return EXIT_DONE;
    return lost(x, COFRE_EIO);
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
        x->wait_ms = (int)at_most((uint64_t)x->wait_ms * 2, BACKOFF_MAX_MS);
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

    while (exit_code == EXIT_DONE && !finished(x) && !stop_asked(NULL))
        exit_code = step(x);
    /* Whoever follows ends only so. */
    if (stop_asked(NULL))
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
        return fail(x, EXIT_USAGE, "the cursor says where to go on: leave --from out");
    x->known = true;
    return EXIT_DONE;
}

int
export_drive(struct cmd *cmd)
{
    const struct options *o = cmd->options;
    struct export x = {.cmd = cmd,
                       .fetch = {.cmd = cmd, .follow = options_has(o, OPT_FOLLOW)},
                       .out = {.fd = STDOUT_FILENO, .stop = stop_asked},
                       .format = options_has(o, OPT_FORMAT) ? options_text(o, OPT_FORMAT) : "jsonl",
                       .path = options_text(o, OPT_CURSOR),
                       .left = options_number(o, OPT_LIMIT, UINT64_MAX),
                       .wait_ms = EXPORT_WAIT_MS};
    int exit_code;
    int ended;

    if (cofre_siem_known(x.format) != COFRE_OK)
        return fail(&x, EXIT_USAGE, "--format is jsonl, cef or ocsf");
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
