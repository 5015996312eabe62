#include <time.h>

#include "metrics.h"

static const struct {
    uint64_t ns;
    const char *le;
} buckets[METRICS_BUCKETS] = {
    {500000, "0.0005"},  {1000000, "0.001"},  {2500000, "0.0025"}, {5000000, "0.005"},
    {10000000, "0.01"},  {25000000, "0.025"}, {50000000, "0.05"},  {100000000, "0.1"},
    {250000000, "0.25"}, {1000000000, "1"},
};

static void
count(atomic_uint_fast64_t *counter, uint64_t n)
{
    atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

static uint64_t
value(atomic_uint_fast64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

void
metrics_request(struct metrics *m, unsigned row, unsigned status, uint64_t ns)
{
    size_t bucket = 0;

    count(&m->requests[row][status / 100 % METRICS_CLASSES], 1);
    while (bucket < METRICS_BUCKETS && ns > buckets[bucket].ns)
        bucket++;
    count(&m->latency[bucket], 1);
    count(&m->latency_ns, ns);
}

static const char *
row_text(unsigned row)
{
    if (row == METRICS_OPEN)
        return "open";
    if (row == METRICS_UNAUTHENTICATED)
        return "unauthenticated";
    return cofre_act_text((enum cofre_act)row);
}

static void
write_requests(struct metrics *m, struct buf *out)
{
    buf_puts(out, "# HELP cofre_http_requests_total Replies by action and status class.\n"
                  "# TYPE cofre_http_requests_total counter\n");
    for (unsigned row = 0; row < METRICS_ROWS; row++) {
        for (unsigned class = 0; class < METRICS_CLASSES; class ++) {
            uint64_t n = value(&m->requests[row][class]);
            if (n > 0)
                buf_putf(out, "cofre_http_requests_total{act=\"%s\",status=\"%uxx\"} %llu\n",
                         row_text(row), class, (unsigned long long)n);
        }
    }
}

static void
write_latency(struct metrics *m, struct buf *out)
{
    uint64_t sum = 0;
    uint64_t ns = value(&m->latency_ns);

    buf_puts(out, "# HELP cofre_http_request_seconds From a request's headers to its reply.\n"
                  "# TYPE cofre_http_request_seconds histogram\n");
    for (size_t i = 0; i < METRICS_BUCKETS; i++) {
        sum += value(&m->latency[i]);
        buf_putf(out, "cofre_http_request_seconds_bucket{le=\"%s\"} %llu\n", buckets[i].le,
                 (unsigned long long)sum);
    }
    sum += value(&m->latency[METRICS_BUCKETS]);
    buf_putf(out,
             "cofre_http_request_seconds_bucket{le=\"+Inf\"} %llu\n"
             "cofre_http_request_seconds_sum %llu.%09llu\n"
             "cofre_http_request_seconds_count %llu\n",
             (unsigned long long)sum, (unsigned long long)(ns / 1000000000),
             (unsigned long long)(ns % 1000000000), (unsigned long long)sum);
}

static void
write_one(struct buf *out, const char *name, const char *type, const char *help, uint64_t n)
{
    buf_putf(out, "# HELP %s %s\n# TYPE %s %s\n%s %llu\n", name, help, name, type, name,
             (unsigned long long)n);
}

static void
write_witnesses(const struct cofre_vault_stats *vault, struct buf *out)
{
    uint64_t now = (uint64_t)time(NULL);
    uint64_t then = vault->cosigned_time;

    write_one(out, "cofre_witnesses", "gauge", "Witnesses in the policy.", vault->witnesses);
    write_one(out, "cofre_cosignatures_total", "counter", "Cosignatures of checkpoints received.",
              vault->cosignatures);
    write_one(out, "cofre_witness_failures_total", "counter",
              "Questions to a witness that brought none.", vault->witness_failures);
    if (then > 0)
        write_one(out, "cofre_cosigned_age_seconds", "gauge",
                  "Seconds since the newest cosignature's time.", now > then ? now - then : 0);
}

void
metrics_write(struct metrics *m, const struct cofre_vault_stats *vault, unsigned inflight,
              struct buf *out)
{
    const struct {
        const char *name;
        const char *type;
        const char *help;
        uint64_t n;
    } rows[] = {
        {"cofre_http_in_flight", "gauge", "Requests under way.", inflight},
        {"cofre_http_connections_total", "counter", "Connections accepted.",
         value(&m->connections)},
        {"cofre_http_connections", "gauge", "Connections open.", value(&m->connected)},
        {"cofre_http_body_bytes_total", "counter", "Bytes of request bodies.",
         value(&m->body_bytes)},
        {"cofre_http_reply_bytes_total", "counter", "Bytes of reply bodies.",
         value(&m->reply_bytes)},
        {"cofre_http_refused_total", "counter", "Requests that the HTTP parser refused.",
         value(&m->refused)},
        {"cofre_http_library_errors_total", "counter", "Other errors of HTTP and TLS.",
         value(&m->library)},
        {"cofre_http_cut_total", "counter", "Uploads cut for being too slow or too long.",
         value(&m->cut)},
        {"cofre_auth_failures_total", "counter", "Requests without a valid token.",
         vault->auth_failures},
        {"cofre_log_entries_total", "counter", "Entries written to the log.", vault->entries},
        {"cofre_log_batches_total", "counter", "Batches made durable.", vault->batches},
        {"cofre_mutations_total", "counter", "Mutations applied.", vault->mutations},
        {"cofre_calls_queued", "gauge", "Calls waiting for their entry.", vault->queued},
        {"cofre_log_size", "gauge", "Durable entries in all.", vault->log_size},
        {"cofre_disk_left_bytes", "gauge", "Room left at the vault or the anchor, where less is left.",
         vault->disk_left},
        {"cofre_ready", "gauge", "1: accesses can be recorded and served.", vault->ready},
        {"cofre_database_generation", "gauge", "Write transactions in all.", vault->generation},
        {"cofre_customers", "gauge", "Customers, as of the last count.", vault->customers},
    };

    buf_puts(out, "# HELP cofre_build_info The program's version.\n# TYPE cofre_build_info gauge\n"
                  "cofre_build_info{version=\"" COFRE_VERSION "\"} 1\n");
    write_requests(m, out);
    write_latency(m, out);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        write_one(out, rows[i].name, rows[i].type, rows[i].help, rows[i].n);
    if (vault->witnesses > 0)
        write_witnesses(vault, out);
}
