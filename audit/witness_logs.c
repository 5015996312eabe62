#include "audit/files.h"
#include "audit/lines.h"
#include "audit/log_internal.h"
#include "crypto/cosign.h"

#include "audit/witness_logs.h"

enum { LOGS_MAX = WITNESS_STATE_LOGS * (NOTE_VKEY_MAX + 1) };

static bool
same(const struct note_verifier *a, const struct note_verifier *b)
{
    return strcmp(a->name, b->name) == 0 && memcmp(a->id, b->id, NOTE_KEY_ID) == 0;
}

static enum cofre_err
add(struct witness_logs *logs, struct bytes text, struct cofre_why *why)
{
    struct note_verifier v;

    if (note_vkey_parse(text, &v) != COFRE_OK || v.algorithm != NOTE_ED25519)
        return cofre_why_set(why, COFRE_EINVAL, "a line is no verifier key of a log");
    for (size_t i = 0; i < logs->n; i++)
        if (same(&logs->keys[i], &v))
            return COFRE_OK;
    if (logs->n == WITNESS_STATE_LOGS)
        return cofre_why_set(why, COFRE_ELIMIT, "more than %d keys of logs", WITNESS_STATE_LOGS);
    logs->keys[logs->n++] = v;
    return COFRE_OK;
}

/* Keys, one a line; the last line's end may be missing. */
static enum cofre_err
add_lines(struct witness_logs *logs, struct bytes text, struct cofre_why *why)
{
    struct bytes line;
    enum cofre_err err = COFRE_OK;

    while (err == COFRE_OK && text.len > 0) {
        if (!lines_take(&text, &line)) {
            line = text;
            text = BYTES_NONE;
        }
        err = add(logs, line, why);
    }
    return err;
}

static enum cofre_err
read_logs(int dir, struct witness_logs *logs, struct cofre_why *why)
{
    struct buf file = BUF_INIT;
    enum cofre_err err = files_read(dir, "logs", LOGS_MAX, &file, NULL);

    if (err == COFRE_OK)
        err = add_lines(logs, buf_bytes(&file), why);
    else if (err == COFRE_ENOENT)
        err = COFRE_OK;
    buf_free(&file);
    if (err == COFRE_EINVAL || err == COFRE_EFORMAT)
        err = COFRE_EINTEGRITY;
    return err == COFRE_OK ? err : cofre_why_add(why, err, "logs");
}

static enum cofre_err
write_logs(int dir, const struct witness_logs *logs, struct cofre_why *why)
{
    struct buf file = BUF_INIT;
    enum cofre_err err;

    for (size_t i = 0; i < logs->n; i++) {
        note_vkey_put(&file, &logs->keys[i]);
        buf_putc(&file, '\n');
    }
    if ((err = buf_error(&file)) == COFRE_OK)
        err = log_files_replace(&(struct log_place){dir, dir}, "logs", buf_bytes(&file), why);
    buf_free(&file);
    return err;
}

enum cofre_err
witness_logs_open(int dir, const struct bytes *texts, size_t n, struct witness_logs *out,
                  struct cofre_why *why)
{
    enum cofre_err err;
    size_t before;

    out->n = 0;
    if ((err = read_logs(dir, out, why)) != COFRE_OK)
        return err;
    before = out->n;
    for (size_t i = 0; i < n; i++)
        if ((err = add_lines(out, texts[i], why)) != COFRE_OK)
            return err;
    return out->n > before ? write_logs(dir, out, why) : COFRE_OK;
}

static enum cofre_err
forget(struct witness_logs *logs, struct bytes line, struct cofre_why *why)
{
    struct note_verifier v;

    if (note_vkey_parse(line, &v) != COFRE_OK)
        return cofre_why_set(why, COFRE_EINVAL, "a line is no verifier key of a log");
    for (size_t i = 0; i < logs->n; i++) {
        if (!same(&logs->keys[i], &v))
            continue;
        logs->n--;
        memmove(&logs->keys[i], &logs->keys[i + 1], (logs->n - i) * sizeof *logs->keys);
        return COFRE_OK;
    }
    return cofre_why_set(why, COFRE_ENOENT, "this witness does not trust that key");
}

enum cofre_err
witness_logs_forget(int dir, struct witness_logs *logs, struct bytes text, struct cofre_why *why)
{
    const size_t before = logs->n;
    struct bytes line;
    enum cofre_err err = COFRE_OK;

    while (err == COFRE_OK && text.len > 0) {
        if (!lines_take(&text, &line)) {
            line = text;
            text = BYTES_NONE;
        }
        err = forget(logs, line, why);
    }
    if (err == COFRE_OK && logs->n == before)
        err = cofre_why_set(why, COFRE_EINVAL, "no key was named");
    return err == COFRE_OK ? write_logs(dir, logs, why) : err;
}

static bool
is_line_of(const struct note_signature *s, const struct note_verifier *v)
{
    return bytes_equal(s->name, bytes_str(v->name)) && memcmp(s->id, v->id, NOTE_KEY_ID) == 0;
}

static bool
has_line_of(const struct note *n, const struct note_verifier *v)
{
    for (size_t i = 0; i < n->count; i++)
        if (is_line_of(&n->signatures[i], v))
            return true;
    return false;
}

enum witness_logs_verdict
witness_logs_judge(const struct witness_logs *logs, const struct note *n, struct bytes origin)
{
    enum witness_logs_verdict verdict = WITNESS_LOGS_UNKNOWN;

    for (size_t i = 0; i < logs->n; i++) {
        const struct note_verifier *v = &logs->keys[i];

        if (!bytes_equal(bytes_str(v->name), origin))
            continue;
        if (verdict == WITNESS_LOGS_UNKNOWN)
            verdict = WITNESS_LOGS_UNSIGNED;
        if (!has_line_of(n, v))
            continue;
        /* A line that does not verify makes the note a malformed one, whatever others say. */
        if (!note_verify(n, v))
            return WITNESS_LOGS_UNSIGNED;
        verdict = WITNESS_LOGS_SIGNED;
    }
    return verdict;
}

void
witness_logs_put(const struct witness_logs *logs, const struct note *n, struct buf *out)
{
    buf_putb(out, n->text);
    buf_putc(out, '\n');
    for (size_t i = 0; i < n->count; i++)
        for (size_t k = 0; k < logs->n; k++)
            if (is_line_of(&n->signatures[i], &logs->keys[k])) {
                cosign_line_put(out, &n->signatures[i]);
                break;
            }
}
