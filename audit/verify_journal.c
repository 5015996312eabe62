#include <inttypes.h>
#include <string.h>

#include "audit/journal.h"

#include "audit/verify_stream.h"

static enum cofre_err
load_again(struct verify_stream *s, uint64_t index)
{
    const struct tiles_name name = {TILES_ENTRIES, index, TILES_WIDTH};
    const struct tiles_name hashes = {0, index, TILES_WIDTH};
    const int dir = s->c.config->dir;
    struct cofre_why none = {""};
    enum cofre_err err = tiles_read(dir, &name, &s->again, &none);

    s->again_gone = err == COFRE_ENOENT && index < s->c.pruned;
    if (s->again_gone)
        err = tiles_read(dir, &hashes, &s->again, s->why);
    else if (err != COFRE_OK)
        (void)cofre_why_set(s->why, err, "%s", none.text);
    s->again_index = err == COFRE_OK ? index : UINT64_MAX;
    s->again_left = buf_bytes(&s->again);
    s->again_next = index * TILES_WIDTH;
    return err == COFRE_ENOENT ? COFRE_EIO : err; /* it was there a moment ago */
}

/* A record of an entry that a full bundle holds as well, or held.  They come in order. */
static enum cofre_err
compare_again(struct verify_stream *s, uint64_t seq, struct bytes line)
{
    struct bytes there = BYTES_NONE;
    uint8_t leaf[HASH_LEN];
    enum cofre_err err = COFRE_OK;

    if (seq / TILES_WIDTH != s->again_index)
        err = load_again(s, seq / TILES_WIDTH);
    if (err != COFRE_OK)
        return err;
    if (s->again_gone) {
        tree_leaf(line, leaf);
        if (memcmp(leaf, s->again.p + seq % TILES_WIDTH * HASH_LEN, HASH_LEN) != 0)
            return verify_stream_bad(s, seq, "the journal and the tree differ");
        return COFRE_OK;
    }
    if (tiles_bundle_entry(s->again_left, (size_t)(seq - s->again_next), &there) != COFRE_OK ||
        !bytes_equal(there, line))
        return verify_stream_bad(s, seq, "the journal and the bundle differ");
    s->again_left.len -= (size_t)(there.p + there.len - s->again_left.p);
    s->again_left.p = there.p + there.len;
    s->again_next = seq + 1;
    return COFRE_OK;
}

/* Puts a line behind what is in the unfinished bundle. */
static enum cofre_err
tail_put(struct verify_stream *s, size_t i, struct bytes line)
{
    uint8_t len[2];

    if (i == 0)
        s->tail.len = 0;
    s->tail_ends[i] = s->tail.len;
    bytes_set_be16(len, (uint16_t)line.len); /* a record's length is at most ENTRY_MAX */
    buf_put(&s->tail, len, sizeof len);
    buf_putb(&s->tail, line);
    s->tail_ends[i + 1] = s->tail.len;
    return buf_error(&s->tail);
}

static enum cofre_err
check_tail(struct verify_stream *s, struct tiles_name name)
{
    return verify_stream_tile(
        s,
        (struct verify_tile){.name = name, .contents = buf_bytes(&s->tail), .ends = s->tail_ends});
}

static enum cofre_err
see_entry(struct verify_stream *s, uint64_t seq, struct bytes line, const struct verify_form *form,
          const uint8_t leaf[static HASH_LEN])
{
    const struct subject *subject = s->c.config->subject;
    enum cofre_err err = COFRE_OK;

    if (verify_events_wants(seq, form))
        err = verify_events_see(s->c.events, seq, line, leaf);
    if (err == COFRE_OK && subject != NULL && subject_matches(subject, line))
        err = verify_stream_hit(s, seq);
    return err;
}

static enum cofre_err
take_record(struct verify_stream *s, struct bytes line, const uint8_t leaf[static HASH_LEN])
{
    const uint64_t seq = s->edge.size;
    struct tiles_name name = tiles_edge_last(TILES_ENTRIES, seq);
    struct verify_form form;
    enum cofre_err err = verify_bundle_entry(line, seq, s->prev, &form, s->why);

    if (err == COFRE_OK)
        err = tail_put(s, name.width, line);
    if (err != COFRE_OK)
        return err;
    memcpy(s->prev, leaf, HASH_LEN);
    verify_stream_time(s, seq, form.ts);
    s->report->bytes += line.len;
    err = see_entry(s, seq, line, &form, leaf);
    if (err == COFRE_OK)
        err = verify_stream_leaf(s, leaf);
    if (err == COFRE_OK && ++name.width == TILES_WIDTH)
        err = check_tail(s, name);
    return err;
}

static enum cofre_err
on_record(void *ctx, uint64_t seq, struct bytes line, const uint8_t leaf[static HASH_LEN])
{
    struct verify_stream *s = ctx;

    if (seq < s->edge.size)
        return compare_again(s, seq, line);
    if (seq > s->edge.size)
        return verify_stream_bad(s, s->edge.size, "in no bundle, and not in the journal");
    return take_record(s, line, leaf);
}

enum cofre_err
verify_journal_meet(struct verify_stream *s, struct verify_walk *journal, bool *met)
{
    const enum cofre_err err = verify_walk_journals(s->c.config->dir, journal, s->why);

    *met = journal->journals == 0 || journal->first_journal <= s->edge.size;
    return err;
}

enum cofre_err
verify_journal_take(struct verify_stream *s, const struct verify_walk *journal)
{
    struct journal_end end;
    enum cofre_err err;

    if (journal->journals == 0 && s->edge.size == 0 && s->c.signed_size == 0)
        return COFRE_OK;
    if (journal->journals == 0)
        return cofre_why_set(s->why, COFRE_EINTEGRITY, "journal: its files are missing");
    err = journal_scan(s->c.config->dir, journal->first_journal, on_record, s, &end, s->why);
    if (err != COFRE_OK)
        return err;
    s->report->torn = end.torn;
    if (end.size < s->edge.size)
        return cofre_why_set(s->why, COFRE_EINTEGRITY,
                             "journal: ends at entry %" PRIu64 ", before the bundles do", end.size);
    return COFRE_OK;
}

enum cofre_err
verify_journal_tail(struct verify_stream *s)
{
    const struct tiles_name name = tiles_edge_last(TILES_ENTRIES, s->edge.size);

    if (name.width == 0)
        return COFRE_OK;
    return check_tail(s, name);
}
