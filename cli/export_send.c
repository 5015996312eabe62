#include <inttypes.h>
#include <string.h>

#include "export_internal.h"

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
        return export_fail(x, EXIT_FAILED, "entries are missing from the server's answer");
    if (x->known && memcmp(hash, now->leaf, sizeof now->leaf) != 0)
        return export_fail(
            x, EXIT_INTEGRITY,
            "the log is another one than that of which the cursor's entry was exported (a fork)");
    return EXIT_DONE;
}

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
            exit_code = export_fail(x, EXIT_INTEGRITY, "a line of the server's answer is no entry");
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

int
export_send_lost(struct export *x, enum cofre_err err)
{
    struct say say = say_for(x->cmd);

    if (export_stop_asked(NULL))
        return EXIT_AGAIN;
    if (x->out.socket == NULL || err == COFRE_EAGAIN)
        return export_fail(x, EXIT_AGAIN,
                           err == COFRE_EAGAIN
                               ? "the collector does not read"
                               : "the collector is gone, or the output cannot be written");
    say_warning(&say, "%s: the collector is gone; what it may not have read is sent again",
                x->out.socket);
    export_out_close(&x->out);
    return EXIT_DONE;
}

/* Connects, and tries again until it is there. */
static int
reach(struct export *x)
{
    struct say say = say_for(x->cmd);
    int64_t since = export_clock();
    int wait = EXPORT_BACKOFF_MS;
    bool told = false;

    for (;;) {
        struct cofre_why why = {""};

        if (export_out_open(&x->out, &why) == COFRE_OK)
            break;
        if (!told)
            say_warning(&say, "%s: no collector; trying again", why.text);
        told = true;
        export_sleep(wait);
        wait = wait * 2 < EXPORT_BACKOFF_MAX_MS ? wait * 2 : EXPORT_BACKOFF_MAX_MS;
        if (export_stop_asked(NULL))
            return EXIT_AGAIN;
        if (!x->fetch.follow && export_clock() - since > EXPORT_STALL_MS)
            return export_fail(x, EXIT_AGAIN, "no collector");
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

int
export_send_batch(struct export *x, struct bytes *lines)
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
        if ((exit_code = export_send_lost(x, sent)) != EXIT_DONE)
            return exit_code;
    }
}
