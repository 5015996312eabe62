#include <inttypes.h>
#include <stdlib.h>

#include "audit/log_internal.h"

/* What seals and checkpoints say of a size, held against the tree; and what entries say of keys. */

void
log_marks_free(struct log_marks *m)
{
    free(m->list);
    free(m->parsed);
    buf_free(&m->bundle);
    *m = (struct log_marks){.list = NULL};
}

static enum cofre_err
bad(const struct log_mark *m, const char *what, struct cofre_why *why)
{
    if (m->epoch == 0)
        return cofre_why_set(why, COFRE_EINTEGRITY, "the %s of %" PRIu64 " entries %s", m->what,
                             m->size, what);
    return cofre_why_set(why, COFRE_EINTEGRITY, "%s.%" PRIu32 ", of %" PRIu64 " entries, %s",
                         m->what, m->epoch, m->size, what);
}

static enum cofre_err
check_root(const struct log_mark *m, const struct tree_edge *edge, struct cofre_why *why)
{
    uint8_t root[HASH_LEN];

    tree_edge_root(edge, root);
    return memcmp(root, m->root, HASH_LEN) == 0 ? COFRE_OK : bad(m, "is of another log", why);
}

/* ---- what an entry says ---- */

static enum cofre_err
check_genesis(const struct log *l, const struct entry *e, struct cofre_why *why)
{
    uint8_t hash[HASH_LEN];
    struct buf hex = BUF_INIT;
    bool names = bytes_equal(e->act, BYTES_LIT("init")) && e->n_fields > 0;
    bool same = names == l->has_recovery;

    if (names && same) {
        seal_vkey_hash(&l->recovery, hash);
        buf_put_hex(&hex, BYTES_OF(hash));
        same = e->n_fields == 2 && bytes_equal(e->fields[0], BYTES_LIT("recovery")) &&
               bytes_equal(e->fields[1], buf_bytes(&hex));
        buf_free(&hex);
    }
    if (same)
        return COFRE_OK;
    return cofre_why_set(why, COFRE_EINTEGRITY, LOG_RECOVERY ": not the key that the first entry names");
}

/* An epoch's end without a seal: one that a crash cut off. */
static enum cofre_err
check_end(struct log *l, const struct log_marks *m, const struct entry *e, struct cofre_why *why)
{
    if (e->seq + 1 <= m->sealed || !log_epoch_act(e))
        return COFRE_OK;
    if (log_epoch_armed_for(l, e)) {
        l->ending.size = e->seq + 1;
        tree_edge_root(&l->edge, l->ending.root);
        return COFRE_OK;
    }
    if (m->recovering)
        return COFRE_OK; /* its next key is lost, too */
    return cofre_why_set(why, COFRE_EINTEGRITY,
                         "entry %" PRIu64 ": ends the epoch for a key that the file signing does not "
                         "hold; cofre audit recover goes on",
                         e->seq);
}

/* ---- in tiles ---- */

/* The entry's bundle may be gone: then keys/pruned says so, and is checked elsewhere. */
static bool
is_pruned(const struct log_marks *m, uint64_t seq)
{
    return seq / TILES_WIDTH < m->pruned;
}

/* An entry of a full bundle; its leaf hash must be the tree's. */
static enum cofre_err
read_entry(struct log *l, struct log_marks *m, uint64_t seq, const uint8_t leaf[static HASH_LEN],
           struct cofre_why *why)
{
    const struct tiles_name name = {TILES_ENTRIES, seq / TILES_WIDTH, TILES_WIDTH};
    uint8_t hash[HASH_LEN];
    struct bytes line;
    enum cofre_err err = tiles_read(l->dir, &name, &m->bundle, why);

    if (err == COFRE_OK)
        err = tiles_bundle_entry(buf_bytes(&m->bundle), (size_t)(seq % TILES_WIDTH), &line);
    if (err == COFRE_OK) {
        tree_leaf(line, hash);
        if (memcmp(hash, leaf, HASH_LEN) != 0 || entry_parse(line, m->parsed) != COFRE_OK)
            err = COFRE_EFORMAT;
    }
    if (err == COFRE_ENOENT || err == COFRE_EFORMAT)
        err = cofre_why_set(why, COFRE_EINTEGRITY,
                            "entry %" PRIu64 ": its bundle is missing, or not the tree's", seq);
    return err;
}

static enum cofre_err
check_in_tiles(struct log *l, struct log_marks *m, const struct log_mark *mark,
               struct cofre_why *why)
{
    uint8_t last[HASH_LEN];
    struct tree_edge edge;
    enum cofre_err err;

    if ((err = log_tiles_edge(l->dir, mark->size, &edge, last, why)) != COFRE_OK ||
        (err = check_root(mark, &edge, why)) != COFRE_OK)
        return err;
    if (!mark->seal || is_pruned(m, mark->size - 1))
        return COFRE_OK;
    if ((err = read_entry(l, m, mark->size - 1, last, why)) != COFRE_OK)
        return err;
    return log_epoch_names(&m->parsed->e, mark) ? COFRE_OK : bad(mark, "is not what its entry says", why);
}

static enum cofre_err
check_first(struct log *l, struct log_marks *m, struct cofre_why *why)
{
    uint8_t leaf[HASH_LEN];
    struct tree_edge edge;
    enum cofre_err err;

    if (is_pruned(m, 0))
        return COFRE_OK;
    if ((err = log_tiles_edge(l->dir, 1, &edge, leaf, why)) != COFRE_OK ||
        (err = read_entry(l, m, 0, leaf, why)) != COFRE_OK)
        return err;
    return check_genesis(l, &m->parsed->e, why);
}

enum cofre_err
log_marks_in_tiles(struct log *l, struct log_marks *m, struct cofre_why *why)
{
    enum cofre_err err = COFRE_OK;

    for (size_t i = 0; i < m->n; i++)
        if (m->list[i].seal && m->list[i].size > m->sealed)
            m->sealed = m->list[i].size;
    for (; err == COFRE_OK && m->at < m->n && m->list[m->at].size <= l->bundled; m->at++)
        err = check_in_tiles(l, m, &m->list[m->at], why);
    if (err != COFRE_OK || l->bundled == 0)
        return err;
    if ((err = check_first(l, m, why)) != COFRE_OK || is_pruned(m, l->bundled - 1) ||
        (err = read_entry(l, m, l->bundled - 1, l->prev, why)) != COFRE_OK)
        return err;
    return check_end(l, m, &m->parsed->e, why);
}

/* ---- in the journal ---- */

enum cofre_err
log_marks_entry(struct log *l, struct log_marks *m, const struct entry *e, struct cofre_why *why)
{
    enum cofre_err err = e->seq == 0 ? check_genesis(l, e, why) : COFRE_OK;

    for (; err == COFRE_OK && m->at < m->n && m->list[m->at].size == l->edge.size; m->at++) {
        const struct log_mark *mark = &m->list[m->at];

        err = check_root(mark, &l->edge, why);
        if (err == COFRE_OK && mark->seal && !log_epoch_names(e, mark))
            err = bad(mark, "is not what its entry says", why);
    }
    return err == COFRE_OK ? check_end(l, m, e, why) : err;
}

enum cofre_err
log_marks_end(struct log *l, const struct log_marks *m, struct cofre_why *why)
{
    if (m->at < m->n)
        return bad(&m->list[m->n - 1], "covers more than there is: the journal was cut short", why);
    /* A seal that keys/vkeys does not know yet. */
    for (size_t i = 0; i < m->n; i++)
        if (m->list[i].seal && m->list[i].epoch == l->n_epochs) {
            l->ending.size = m->list[i].size;
            memcpy(l->ending.root, m->list[i].root, HASH_LEN);
            l->arm.kind = m->list[i].kind;
        }
    return COFRE_OK;
}
