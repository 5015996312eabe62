#include <assert.h>
#include <string.h>

#include "cofre/encode.h"

#include "audit/lines.h"
#include "audit/tiles.h"

#include "audit/proof.h"

#define HEADER "c2sp.org/tlog-proof@v1\n"

void
proof_put(struct buf *out, uint64_t index, const struct tree_proof *proof, struct bytes checkpoint)
{
    buf_puts(out, HEADER "index ");
    buf_put_u64_dec(out, index);
    buf_putc(out, '\n');
    for (size_t i = 0; i < proof->n; i++) {
        encode_base64(out, BYTES_OF(proof->hash[i]));
        buf_putc(out, '\n');
    }
    buf_putc(out, '\n');
    buf_putb(out, checkpoint);
}

void
proof_extra_put(struct buf *proof, struct bytes extra)
{
    const size_t header = sizeof(HEADER) - 1;
    struct buf whole = BUF_INIT;

    if (buf_error(proof) != COFRE_OK)
        return;
    assert(proof->len > header && memcmp(proof->p, HEADER "index ", header + 6) == 0);
    buf_puts(&whole, HEADER "extra ");
    encode_base64(&whole, extra);
    buf_putc(&whole, '\n');
    buf_put(&whole, proof->p + header, proof->len - header);
    buf_free(proof);
    *proof = whole;
}

static enum cofre_err
inclusion(int dir, uint64_t index, uint64_t size, struct tree_proof *out)
{
    struct tiles_source *source;
    struct tree_source tree;
    enum cofre_err err = tiles_source_new(dir, size, &source);

    if (err != COFRE_OK)
        return err;
    tree = tiles_source_tree(source);
    err = tree_inclusion_make(&tree, index, size, out);
    tiles_source_free(source);
    return err;
}

enum cofre_err
proof_make(int dir, uint64_t index, struct bytes checkpoint, struct buf *out, struct cofre_why *why)
{
    struct note note;
    struct checkpoint c;
    struct tree_proof proof;
    enum cofre_err err = note_parse(checkpoint, &note);

    if (err == COFRE_OK)
        err = checkpoint_parse(note.text, &c);
    if (err != COFRE_OK)
        return cofre_why_set(why, err, "checkpoint: %s", cofre_err_text(err));
    if (index >= c.size)
        return cofre_why_set(why, COFRE_ENOENT, "the checkpoint does not cover the entry");
    err = inclusion(dir, index, c.size, &proof);
    if (err == COFRE_ENOENT) /* of a tile, not of the entry */
        err = COFRE_EINTEGRITY;
    if (err != COFRE_OK)
        return cofre_why_set(why, err, "a tile that the proof needs: %s", cofre_err_text(err));
    proof_put(out, index, &proof, checkpoint);
    return buf_error(out);
}

/* ---- reading ---- */

struct parsed {
    uint64_t index;
    struct tree_proof proof;
    struct bytes checkpoint;
};

/* Anybody may write anything there; it only has to be base64, which keeps the form unambiguous. */
static enum cofre_err
extra_take(struct bytes *text, struct buf *out)
{
    struct bytes line;

    if (!lines_skip(text, BYTES_LIT("extra ")))
        return COFRE_ENOENT;
    return lines_take(text, &line) ? encode_base64_decode(out, line) : COFRE_EFORMAT;
}

static enum cofre_err
extra_skip(struct bytes *text)
{
    struct buf raw = BUF_INIT;
    const enum cofre_err err = extra_take(text, &raw);

    buf_free(&raw);
    return err == COFRE_ENOENT ? COFRE_OK : err;
}

static enum cofre_err
hashes_take(struct bytes *text, struct tree_proof *out)
{
    struct bytes line;
    enum cofre_err err;

    for (out->n = 0; lines_take(text, &line); out->n++) {
        if (line.len == 0)
            return COFRE_OK;
        if (out->n == TREE_PROOF_MAX)
            return COFRE_EFORMAT;
        err = lines_hash(line, out->hash[out->n]);
        if (err != COFRE_OK)
            return err;
    }
    return COFRE_EFORMAT; /* the empty line did not come */
}

static enum cofre_err
parse(struct bytes text, struct parsed *out)
{
    struct bytes line;
    enum cofre_err err;

    if (text.len > PROOF_MAX || !lines_skip(&text, BYTES_LIT(HEADER)))
        return COFRE_EFORMAT;
    err = extra_skip(&text);
    if (err != COFRE_OK)
        return err;
    if (!lines_skip(&text, BYTES_LIT("index ")) || !lines_take(&text, &line) ||
        !lines_number(line, &out->index))
        return COFRE_EFORMAT;
    err = hashes_take(&text, &out->proof);
    out->checkpoint = text;
    return err;
}

enum cofre_err
proof_verify(struct bytes proof, struct bytes entry, const struct note_verifier *v, uint64_t *index)
{
    struct parsed p;
    struct checkpoint c;
    uint8_t leaf[HASH_LEN];
    enum cofre_err err = parse(proof, &p);

    if (err == COFRE_OK)
        err = checkpoint_open(p.checkpoint, v, &c);
    if (err != COFRE_OK)
        return err;
    tree_leaf(entry, leaf);
    err = tree_inclusion_verify(p.index, c.size, leaf, c.root, &p.proof);
    if (err == COFRE_OK)
        *index = p.index;
    return err == COFRE_EINVAL ? COFRE_EAUTH : err;
}

enum cofre_err
proof_checkpoint(struct bytes proof, struct bytes *checkpoint)
{
    struct parsed p;
    const enum cofre_err err = parse(proof, &p);

    *checkpoint = err == COFRE_OK ? p.checkpoint : BYTES_NONE;
    return err;
}

enum cofre_err
proof_extra(struct bytes proof, struct buf *out)
{
    struct parsed p;
    const enum cofre_err err = parse(proof, &p);

    if (err != COFRE_OK)
        return err;
    (void)lines_skip(&proof, BYTES_LIT(HEADER));
    return extra_take(&proof, out);
}
