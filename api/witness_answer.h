#ifndef WITNESS_ANSWER_H
#define WITNESS_ANSWER_H

#include <stdatomic.h>

#include "cofre/witness.h"

/* What a witness's server answers; no HTTP library in it. */

enum witness_refusal {
    WITNESS_REFUSED_NOTHING,
    WITNESS_REFUSED_MALFORMED,
    WITNESS_REFUSED_UNTRUSTED,
    WITNESS_REFUSED_UNKNOWN,
    WITNESS_REFUSED_CONFLICT,
    WITNESS_REFUSED_UNPROVEN,
    WITNESS_REFUSED_TOO_LONG,
    WITNESS_REFUSED_ROUTE,
    WITNESS_REFUSED_BY_LIBRARY,
    WITNESS_REFUSALS
};

struct witness_ask {
    const char *method;
    const char *path;
    struct bytes body;
    bool too_long; /* body is a part only */
};

struct witness_reply {
    unsigned status;
    const char *content_type;
    const char *allow; /* NULL, but with 405 */
    enum witness_refusal refusal;
    struct buf body; /* the caller's to free */
};

void witness_answer(struct cofre_witness *w, const struct witness_ask *ask,
                    struct witness_reply *out);

/* Refusals since they were last told; what was refused is not shown, only how often. */
struct witness_refusals {
    atomic_uint_fast64_t n[WITNESS_REFUSALS];
};
void witness_answer_count(struct witness_refusals *r, enum witness_refusal refusal);
/* One line on stderr, when there is something to tell. */
void witness_answer_tell(struct witness_refusals *r);

#endif
