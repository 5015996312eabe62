#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "audit/lines.h"
#include "audit/log_internal.h"
#include "audit/log_prune.h"
#include "cofre/encode.h"

/* Restores that are to be pruned: what they declare goes into keys/pruned. */

struct search {
    struct seal_pruned *p;
    struct entry_parsed *parsed;
    struct cofre_why *why;
};

/* The size and the root that a "restore" entry declares. */
static enum cofre_err
read_fields(const struct entry *e, struct seal_restored *r)
{
    struct bytes size = e->n_fields > 2 ? e->fields[1] : BYTES_NONE;
    struct buf root = BUF_INIT;
    enum cofre_err err;

    if (!lines_skip(&size, BYTES_LIT("size-")) || !lines_number(size, &r->size) ||
        e->fields[2].len != 2 * (size_t)HASH_LEN)
        return COFRE_EFORMAT;
    if ((err = encode_hex_decode(&root, e->fields[2])) == COFRE_OK)
        memcpy(r->root, root.p, HASH_LEN);
    buf_free(&root);
    return err;
}

static bool
is_restore(const struct entry *e)
{
    struct bytes first = e->n_fields > 0 ? e->fields[0] : BYTES_NONE;

    return e->ok && bytes_equal(e->act, BYTES_LIT("restore")) &&
           lines_skip(&first, BYTES_LIT("incarnation-"));
}

static enum cofre_err
look_at(void *ctx, uint64_t seq, struct bytes line)
{
    static const char act[] = "\"restore\"";
    struct search *s = ctx;
    struct seal_restored r = {.seq = seq};
    enum cofre_err err;

    /* Nearly all are passed over without being parsed. */
    if (memmem(line.p, line.len, act, sizeof act - 1) == NULL)
        return COFRE_OK;
    if (entry_parse(line, s->parsed) != COFRE_OK)
        return cofre_why_set(s->why, COFRE_EINTEGRITY, "entry %" PRIu64 ": malformed", seq);
    if (!is_restore(&s->parsed->e))
        return COFRE_OK;
    if ((err = read_fields(&s->parsed->e, &r)) == COFRE_EFORMAT)
        return cofre_why_set(s->why, COFRE_EINTEGRITY,
                             "entry %" PRIu64 ": declares a restore, and not of what", seq);
    if (err != COFRE_OK)
        return err;
    if (s->p->n_restored == SEAL_RESTORED_MAX)
        return cofre_why_set(s->why, COFRE_ELIMIT,
                             "no more than %d declared restores can be pruned: stay below entry %" PRIu64,
                             (int)SEAL_RESTORED_MAX, seq);
    tree_leaf(line, r.leaf);
    s->p->restored[s->p->n_restored++] = r;
    return COFRE_OK;
}

/* Those of the note that is there. */
static enum cofre_err
carry_over(const struct log *l, struct seal_pruned *p, struct cofre_why *why)
{
    struct seal_pruned *before = malloc(sizeof *before);
    enum cofre_err err = before != NULL ? log_prune_note(l, before, why) : COFRE_ENOMEM;

    p->n_restored = 0;
    if (err == COFRE_OK) {
        memcpy(p->restored, before->restored, sizeof p->restored);
        p->n_restored = before->n_restored;
    }
    free(before);
    return err == COFRE_ENOENT ? COFRE_OK : err;
}

enum cofre_err
log_restored_collect(struct log *l, struct seal_pruned *p, struct cofre_why *why)
{
    const uint64_t first = log_prune_first(l), end = p->bundles * TILES_WIDTH;
    struct search s = {p, malloc(sizeof *s.parsed), why};
    enum cofre_err err = s.parsed != NULL ? carry_over(l, p, why) : COFRE_ENOMEM;

    if (err == COFRE_OK && end > first)
        err = log_entries(l, first, end - first, look_at, &s, why);
    free(s.parsed);
    return err;
}
