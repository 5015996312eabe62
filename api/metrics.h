#ifndef METRICS_H
#define METRICS_H

#include <stdatomic.h>

#include "cofre/vault.h"

/*
 * What is counted, for /metrics.  Labels are names of ours; nothing that a client sent is one.
 */
enum metrics_row {
    METRICS_OPEN = COFRE_ACTS, /* healthz and the like */
    METRICS_UNAUTHENTICATED,
    METRICS_ROWS
};
enum { METRICS_CLASSES = 6, METRICS_BUCKETS = 10 };

struct metrics {
    atomic_uint_fast64_t requests[METRICS_ROWS][METRICS_CLASSES]; /* act (or row), status / 100 */
    atomic_uint_fast64_t latency[METRICS_BUCKETS + 1];
    atomic_uint_fast64_t latency_ns;
    atomic_uint_fast64_t body_bytes;
    atomic_uint_fast64_t reply_bytes;
    atomic_uint_fast64_t connections; /* accepted */
    atomic_uint_fast64_t connected;   /* open now */
    atomic_uint_fast64_t refused;     /* by the HTTP parser */
    atomic_uint_fast64_t library;     /* other complaints of the HTTP library, TLS among them */
    atomic_uint_fast64_t cut;         /* connections cut by us: too slow or too long a body */
};

void metrics_request(struct metrics *m, unsigned row, unsigned status, uint64_t ns);
/* Prometheus text format 0.0.4. */
void metrics_write(struct metrics *m, const struct cofre_vault_stats *vault, unsigned inflight,
                   struct buf *out);

#endif
