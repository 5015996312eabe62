#include <inttypes.h>

#include "audit/tree.h"

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

static enum cofre_err
check_entries(struct verify_bundle *b, uint64_t first)
{
    const uint8_t *prev = NULL;
    enum cofre_err err = COFRE_OK;
    struct verify_form form;
    struct bytes line;

    b->bytes = 0;
    for (size_t i = 0; i < TILES_WIDTH && err == COFRE_OK; i++) {
        line.p = b->file.p + b->ends[i] + 2;
        line.len = b->ends[i + 1] - b->ends[i] - 2;
        err = verify_bundle_entry(line, first + i, prev, &form, &b->why);
        tree_leaf(line, b->leaf[i]);
        prev = b->leaf[i];
        b->bytes += line.len;
        if (i > 0)
            continue;
        memcpy(b->prev, form.prev, HASH_LEN);
        b->first_ts = form.ts;
    }
    b->last_ts = form.ts;
    return err;
}

enum cofre_err
verify_bundle_load(int dir, uint64_t index, struct verify_bundle *b)
{
    const struct tiles_name name = {TILES_ENTRIES, index, TILES_WIDTH};
    char path[TILES_PATH_MAX];

    tiles_path(&name, path);
    b->why.text[0] = '\0';
    b->err = tiles_read(dir, &name, &b->file, &b->why);
    if (b->err == COFRE_EFORMAT)
        b->err = COFRE_EINTEGRITY;
    if (b->err != COFRE_OK)
        return b->err;
    b->err = cut(b, index * TILES_WIDTH);
    if (b->err == COFRE_OK)
        b->err = check_entries(b, index * TILES_WIDTH);
    if (b->err != COFRE_OK)
        (void)cofre_why_add(&b->why, b->err, "%s", path);
    return b->err;
}

void
verify_bundle_free(struct verify_bundle *b)
{
    buf_free(&b->file);
}
