#include <stdlib.h>

#include "audit/tiles.h"

#include "audit/prover.h"

struct prover {
    struct buf checkpoint;
    uint64_t size;
    struct tiles_source *source;
};

static enum cofre_err
size_of(struct bytes checkpoint, uint64_t *size)
{
    struct note note;
    struct checkpoint c;
    enum cofre_err err = note_parse(checkpoint, &note);

    if (err == COFRE_OK && (err = checkpoint_parse(note.text, &c)) == COFRE_OK)
        *size = c.size;
    return err;
}

enum cofre_err
prover_new(int dir, struct bytes checkpoint, struct prover **out, struct cofre_why *why)
{
    struct prover *p = calloc(1, sizeof *p);
    enum cofre_err err = COFRE_ENOMEM;

    *out = NULL;
    if (p == NULL)
        return COFRE_ENOMEM;
    buf_putb(&p->checkpoint, checkpoint);
    if ((err = buf_error(&p->checkpoint)) != COFRE_OK)
        goto out;
    if ((err = size_of(checkpoint, &p->size)) != COFRE_OK) {
        cofre_why_set(why, err, "checkpoint: %s", cofre_err_text(err));
        goto out;
    }
    err = tiles_source_new(dir, p->size, &p->source);
out:
    if (err != COFRE_OK)
        prover_free(p);
    else
        *out = p;
    return err;
}

void
prover_free(struct prover *p)
{
    if (p == NULL)
        return;
    tiles_source_free(p->source);
    buf_free(&p->checkpoint);
    free(p);
}

enum cofre_err
prover_put(struct prover *p, uint64_t index, struct buf *out, struct cofre_why *why)
{
    const struct tree_source tree = tiles_source_tree(p->source);
    struct tree_proof proof;
    enum cofre_err err;

    if (index >= p->size)
        return cofre_why_set(why, COFRE_ENOENT, "the checkpoint does not cover the entry");
    err = tree_inclusion_make(&tree, index, p->size, &proof);
    if (err == COFRE_ENOENT) /* of a tile, not of the entry */
        err = COFRE_EINTEGRITY;
    if (err != COFRE_OK)
        return cofre_why_set(why, err, "a tile that the proof needs: %s", cofre_err_text(err));
    proof_put(out, index, &proof, buf_bytes(&p->checkpoint));
    return buf_error(out);
}
