#include <inttypes.h>

#include "audit/files.h"
#include "audit/lines.h"
#include "audit/log_internal.h"
#include "cofre/encode.h"
#include "cofre/secret.h"
#include "crypto/pae.h"

#include "audit/witness_state.h"

enum { MARK_MAX = 256, MAC_LINE = 4 + 2 * HASH_LEN + 1 };

static const char state_head[] = "cofre-witness-state/v1\n";
static const char mark_head[] = "cofre-witness-mark/v1\n";

/* ---- the MAC around both files ---- */

static void
seal(const struct witness_state *s, struct buf *file)
{
    struct bytes all = buf_bytes(file);
    uint8_t tag[HASH_LEN];

    pae_hmac(s->mac, "cofre/v1/witness-state", &all, 1, tag);
    buf_puts(file, "mac ");
    buf_put_hex(file, BYTES_OF(tag));
    buf_putc(file, '\n');
}

/* Takes the last line off when it is the MAC of the rest. */
static bool
unseal(const struct witness_state *s, struct bytes *file)
{
    struct buf want = BUF_INIT;
    struct bytes line;
    bool same;

    if (file->len < MAC_LINE)
        return false;
    line = (struct bytes){file->p + file->len - MAC_LINE, MAC_LINE};
    file->len -= MAC_LINE;
    buf_putb(&want, *file);
    seal(s, &want);
    same = buf_error(&want) == COFRE_OK &&
           secret_equal(line, (struct bytes){want.p + want.len - MAC_LINE, MAC_LINE});
    buf_free(&want);
    return same;
}

static bool
take_head(struct bytes *file, const char *head, uint64_t *generation)
{
    struct bytes line;

    return lines_skip(file, bytes_str(head)) && lines_skip(file, BYTES_LIT("generation ")) &&
           lines_take(file, &line) && lines_number(line, generation);
}

/* ---- one remembered checkpoint ---- */

/* Takes over note, which is BUF_INIT afterwards.  COFRE_EFORMAT: it is no checkpoint. */
static enum cofre_err
seen_set(struct witness_seen *seen, struct buf *note)
{
    struct checkpoint c;
    struct note n;
    enum cofre_err err;

    if ((err = note_parse(buf_bytes(note), &n)) != COFRE_OK ||
        (err = checkpoint_parse(n.text, &c)) != COFRE_OK)
        return err;
    buf_free(&seen->note);
    seen->note = *note;
    *note = BUF_INIT;
    seen->origin = c.origin;
    seen->size = c.size;
    memcpy(seen->root, c.root, HASH_LEN);
    return COFRE_OK;
}

static enum cofre_err
take_seen(struct witness_state *s, struct bytes *file)
{
    struct buf note = BUF_INIT;
    struct bytes line;
    enum cofre_err err;
    uint64_t len;

    if (s->n == WITNESS_STATE_LOGS || !lines_skip(file, BYTES_LIT("checkpoint ")) ||
        !lines_take(file, &line) || !lines_number(line, &len) || len > file->len)
        return COFRE_EFORMAT;
    buf_put(&note, file->p, (size_t)len);
    file->p += len;
    file->len -= (size_t)len;
    if ((err = buf_error(&note)) == COFRE_OK && (err = seen_set(&s->seen[s->n], &note)) == COFRE_OK)
        s->n++;
    buf_free(&note);
    return err;
}

/* ---- reading ---- */

static enum cofre_err
read_file(const struct witness_state *s, const char *path, size_t max, struct buf *out,
          struct cofre_why *why)
{
    enum cofre_err err = files_read(s->dir, path, max, out, why);

    return err == COFRE_ENOENT || err == COFRE_EFORMAT ? COFRE_EINTEGRITY : err;
}

static enum cofre_err
altered(const char *path, struct cofre_why *why)
{
    return cofre_why_set(why, COFRE_EINTEGRITY, "%s was altered, or is another witness's", path);
}

static enum cofre_err
read_mark(const struct witness_state *s, uint64_t *generation, struct cofre_why *why)
{
    struct buf file = BUF_INIT;
    struct bytes text;
    enum cofre_err err = read_file(s, "mark", MARK_MAX, &file, why);

    text = buf_bytes(&file);
    if (err == COFRE_OK &&
        (!unseal(s, &text) || !take_head(&text, mark_head, generation) || text.len > 0))
        err = altered("mark", why);
    buf_free(&file);
    return err;
}

static enum cofre_err
read_state(struct witness_state *s, struct cofre_why *why)
{
    struct buf file = BUF_INIT;
    struct bytes text;
    enum cofre_err err = read_file(s, "state", WITNESS_STATE_MAX, &file, why);

    text = buf_bytes(&file);
    if (err == COFRE_OK && (!unseal(s, &text) || !take_head(&text, state_head, &s->generation)))
        err = altered("state", why);
    while (err == COFRE_OK && text.len > 0)
        if ((err = take_seen(s, &text)) == COFRE_EFORMAT)
            err = altered("state", why);
    buf_free(&file);
    return err;
}

enum cofre_err
witness_state_read(struct witness_state *s, struct cofre_why *why)
{
    uint64_t mark = 0;
    enum cofre_err err;

    if ((err = read_state(s, why)) != COFRE_OK || (err = read_mark(s, &mark, why)) != COFRE_OK)
        return err;
    if (s->generation == mark || s->generation == mark + 1)
        return COFRE_OK;
    return cofre_why_set(
        why, COFRE_EINTEGRITY,
        "%s (generation %" PRIu64 ") is older than %s (%" PRIu64 "); put the newer one back",
        s->generation < mark ? "state" : "mark", s->generation < mark ? s->generation : mark,
        s->generation < mark ? "mark" : "state", s->generation < mark ? mark : s->generation);
}

void
witness_state_free(struct witness_state *s)
{
    for (size_t i = 0; i < s->n; i++)
        buf_free(&s->seen[i].note);
    s->n = 0;
}

/* ---- writing ---- */

static void
put_seen(struct buf *out, struct bytes note)
{
    buf_puts(out, "checkpoint ");
    buf_put_u64_dec(out, note.len);
    buf_putc(out, '\n');
    buf_putb(out, note);
}

static enum cofre_err
replace(const struct witness_state *s, const char *path, struct buf *file, struct cofre_why *why)
{
    const struct log_place place = {s->dir, s->dir};
    enum cofre_err err;

    seal(s, file);
    err = buf_error(file);
    return err == COFRE_OK ? log_files_replace(&place, path, buf_bytes(file), why) : err;
}

/* Both files with note in the place of number `at`. */
static enum cofre_err
write_files(const struct witness_state *s, uint64_t generation, size_t at, struct bytes note,
            struct cofre_why *why)
{
    struct buf file = BUF_INIT;
    enum cofre_err err;

    buf_putf(&file, "%sgeneration %" PRIu64 "\n", state_head, generation);
    for (size_t i = 0; i < s->n; i++)
        put_seen(&file, i == at ? note : buf_bytes(&s->seen[i].note));
    if (note.len > 0 && at == s->n)
        put_seen(&file, note);
    err = replace(s, "state", &file, why);
    if (err == COFRE_OK) {
        buf_reset(&file);
        buf_putf(&file, "%sgeneration %" PRIu64 "\n", mark_head, generation);
        err = replace(s, "mark", &file, why);
    }
    buf_free(&file);
    return err;
}

enum cofre_err
witness_state_create(struct witness_state *s, struct cofre_why *why)
{
    return write_files(s, 0, 0, BYTES_NONE, why);
}

const struct witness_seen *
witness_state_find(const struct witness_state *s, struct bytes origin)
{
    for (size_t i = 0; i < s->n; i++)
        if (bytes_equal(s->seen[i].origin, origin))
            return &s->seen[i];
    return NULL;
}

enum cofre_err
witness_state_put(struct witness_state *s, struct bytes note, struct cofre_why *why)
{
    struct witness_seen next = {.note = BUF_INIT};
    const struct witness_seen *old;
    struct buf copy = BUF_INIT;
    enum cofre_err err;
    size_t at;

    buf_putb(&copy, note);
    if ((err = buf_error(&copy)) != COFRE_OK || (err = seen_set(&next, &copy)) != COFRE_OK)
        goto out;
    old = witness_state_find(s, next.origin);
    at = old != NULL ? (size_t)(old - s->seen) : s->n;
    if (at == WITNESS_STATE_LOGS) {
        err = cofre_why_set(why, COFRE_ELIMIT, "too many logs");
        goto out;
    }
    if ((err = write_files(s, s->generation + 1, at, note, why)) != COFRE_OK)
        goto out;
    s->generation++;
    s->n += at == s->n;
    buf_free(&s->seen[at].note);
    s->seen[at] = next;
    next.note = BUF_INIT; /* moved to s */
out:
    buf_free(&copy);
    buf_free(&next.note);
    return err;
}
