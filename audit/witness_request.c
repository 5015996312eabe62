#include <assert.h>

#include "cofre/encode.h"

#include "audit/lines.h"

#include "audit/witness_request.h"

static_assert((int)WITNESS_REQUEST_PROOF_MAX <= (int)TREE_PROOF_MAX, "a proof has room");

void
witness_request_put(struct buf *out, uint64_t old_size, const struct tree_proof *proof,
                    struct bytes checkpoint)
{
    buf_puts(out, "old ");
    buf_put_u64_dec(out, old_size);
    buf_putc(out, '\n');
    for (size_t i = 0; i < proof->n; i++) {
        encode_base64(out, BYTES_OF(proof->hash[i]));
        buf_putc(out, '\n');
    }
    buf_putc(out, '\n');
    buf_putb(out, checkpoint);
}

enum cofre_err
witness_request_parse(struct bytes body, struct witness_request *out)
{
    struct bytes line;
    enum cofre_err err;

    out->proof.n = 0;
    if (!lines_skip(&body, BYTES_LIT("old ")) || !lines_take(&body, &line) ||
        !lines_number(line, &out->old_size))
        return COFRE_EFORMAT;
    for (;;) {
        if (!lines_take(&body, &line))
            return COFRE_EFORMAT;
        if (line.len == 0)
            break;
        if (out->proof.n == WITNESS_REQUEST_PROOF_MAX)
            return COFRE_EFORMAT;
        if ((err = lines_hash(line, out->proof.hash[out->proof.n++])) != COFRE_OK)
            return err;
    }
    out->checkpoint = body;
    return COFRE_OK;
}
