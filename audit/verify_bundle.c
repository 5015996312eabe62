#include <inttypes.h>

#include "audit/tree.h"
#include "audit/verify_internal.h"

#include "audit/verify_bundle.h"

static enum cofre_err
bad_entry(struct cofre_why *why, uint64_t seq, const char *what)
{
    return cofre_why_set(why, COFRE_EINTEGRITY, "entry %" PRIu64 ": %s", seq, what);
}

enum cofre_err
verify_bundle_entry(struct bytes line, uint64_t seq, const uint8_t *prev, struct verify_form *form,
                    struct cofre_why *why)
{
    if (!verify_form_check(line, form))
        return bad_entry(why, seq, "not in an entry's form");
    if (form->seq != seq)
        return bad_entry(why, seq, "has another seq");
    if (prev != NULL && memcmp(form->prev, prev, HASH_LEN) != 0)
        return bad_entry(why, seq, "its prev is not the hash of the entry before");
    return COFRE_OK;
}

/* Finds where each entry ends: 256 of them, and nothing more. */
static enum cofre_err
cut(struct verify_bundle *b, uint64_t first)
{
    const struct bytes all = buf_bytes(&b->file);
    size_t at = 0;

    for (size_t i = 0; i < TILES_WIDTH; i++) {
        b->ends[i] = at;
        if (all.len - at < 2)
            return bad_entry(&b->why, first + i, "its bundle is cut short");
        at += 2 + (size_t)bytes_get_be16(all.p + at);
        if (at > all.len)
            return bad_entry(&b->why, first + i, "its bundle is cut short");
    }
    b->ends[TILES_WIDTH] = at;
    if (at < all.len)
        return bad_entry(&b->why, first + TILES_WIDTH - 1, "more bytes follow it in its bundle");
    return COFRE_OK;
}

static void
set_bit(uint64_t set[static VERIFY_BUNDLE_SET], size_t i)
{
    set[i / 64] |= UINT64_C(1) << i % 64;
}

struct bytes
verify_bundle_line(const struct verify_bundle *b, size_t i)
{
    return (struct bytes){b->file.p + b->ends[i] + 2, b->ends[i + 1] - b->ends[i] - 2};
}

static enum cofre_err
check_entries(const struct verify_bundle_source *s, struct verify_bundle *b, uint64_t first)
{
    const uint8_t *prev = NULL;
    enum cofre_err err = COFRE_OK;
    struct verify_form form;
    struct bytes line;

    for (size_t i = 0; i < TILES_WIDTH && err == COFRE_OK; i++) {
        line = verify_bundle_line(b, i);
        err = verify_bundle_entry(line, first + i, prev, &form, &b->why);
        tree_leaf(line, b->leaf[i]);
        prev = b->leaf[i];
        b->bytes += line.len;
        b->ts[i] = form.ts;
        if (i == 0)
            memcpy(b->prev, form.prev, HASH_LEN);
        if (verify_events_wants(first + i, &form))
            set_bit(b->events, i);
        if (s->subject != NULL && subject_matches(s->subject, line))
            set_bit(b->hits, i);
    }
    return err;
}

/* Its entries are given up: their hashes are left. */
static enum cofre_err
load_hashes(const struct verify_bundle_source *s, uint64_t index, struct verify_bundle *b)
{
    const struct tiles_name name = {0, index, TILES_WIDTH};
    enum cofre_err err = tiles_read(s->dir, &name, &b->file, &b->why);

    if (err == COFRE_OK)
        memcpy(b->leaf, b->file.p, sizeof b->leaf);
    b->gone = true;
    return err == COFRE_ENOENT ? COFRE_EINTEGRITY : err;
}

static enum cofre_err
load(const struct verify_bundle_source *s, uint64_t index, struct verify_bundle *b)
{
    const struct tiles_name name = {TILES_ENTRIES, index, TILES_WIDTH};
    struct cofre_why why = {""};
    char path[TILES_PATH_MAX];
    enum cofre_err err = tiles_read(s->dir, &name, &b->file, &why);

    if (err == COFRE_ENOENT && index < s->pruned)
        return load_hashes(s, index, b);
    if (err != COFRE_OK)
        return cofre_why_set(&b->why, err, "%s", why.text);
    err = cut(b, index * TILES_WIDTH);
    if (err == COFRE_OK)
        err = check_entries(s, b, index * TILES_WIDTH);
    tiles_path(&name, path);
    return err == COFRE_OK ? err : cofre_why_add(&b->why, err, "%s", path);
}

enum cofre_err
verify_bundle_load(const struct verify_bundle_source *s, uint64_t index, struct verify_bundle *b)
{
    b->why.text[0] = '\0';
    b->gone = false;
    b->bytes = 0;
    memset(b->events, 0, sizeof b->events);
    memset(b->hits, 0, sizeof b->hits);
    b->err = load(s, index, b);
    if (b->err == COFRE_EFORMAT)
        b->err = COFRE_EINTEGRITY;
    return b->err;
}

void
verify_bundle_free(struct verify_bundle *b)
{
    buf_free(&b->file);
}
