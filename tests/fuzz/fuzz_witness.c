/* The body of a request to a witness; what parses is written again as it was. */
#include <stdlib.h>

#include "audit/witness_request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct witness_request r;
    struct buf again = BUF_INIT;

    if (witness_request_parse((struct bytes){data, size}, &r) != COFRE_OK)
        return 0;
    if (r.proof.n > WITNESS_REQUEST_PROOF_MAX)
        abort();
    witness_request_put(&again, r.old_size, &r.proof, r.checkpoint);
    if (buf_error(&again) == COFRE_OK &&
        !bytes_equal(buf_bytes(&again), (struct bytes){data, size}))
        abort();
    buf_free(&again);
    return 0;
}
