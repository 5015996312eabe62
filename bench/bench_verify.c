/*
 * How fast a log is verified, beside what cannot be saved: SHA-256 over the bytes of its entries,
 * on one thread.
 *
 *     bench_verify [ENTRIES [SUBJECTS [THREADS]]]
 *
 * Default: 100000 entries of one or two subjects, as many threads as processors (0).
 */
#include <time.h>

#include "audit/verify.h"
#include "tests/unit/sample_log.h"

enum { ROUNDS = 5 };

static double
now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double
verify_once(const struct sample_log *s, unsigned threads, uint64_t *bytes)
{
    const struct verify_config config = {
        .dir = s->dir, .keys = &s->signer.verifier, .n_keys = 1, .threads = threads};
    struct verify_report report;
    const double start = now();

    SAMPLE_MUST(verify_log(&config, &report) == COFRE_OK);
    SAMPLE_MUST(report.verdict == VERIFY_GOOD && report.size == s->size);
    *bytes = report.bytes;
    return now() - start;
}

/* The same number of bytes, in pieces of the size of a bundle. */
static double
hash_once(uint64_t bytes)
{
    static uint8_t piece[128 * 1024];
    uint8_t digest[HASH_LEN];
    struct hash h;
    const double start = now();

    hash_init(&h);
    for (; bytes > sizeof piece; bytes -= sizeof piece)
        hash_update(&h, BYTES_OF(piece));
    hash_update(&h, (struct bytes){piece, (size_t)bytes});
    hash_final(&h, digest);
    return now() - start;
}

static int
compare(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

int
main(int argc, char **argv)
{
    const uint64_t entries = argc > 1 ? strtoull(argv[1], NULL, 10) : 100000;
    const unsigned threads = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 0;
    double verified[ROUNDS], hashed[ROUNDS];
    struct sample_log s;
    uint64_t bytes = 0;

    SAMPLE_MUST(secret_setup(true, NULL) == COFRE_OK);
    sample_open(&s, 0);
    if (argc > 2)
        s.subjects = (unsigned)strtoul(argv[2], NULL, 10);
    sample_add(&s, entries, true);
    sample_sign(&s);
    SAMPLE_MUST(journal_trim(s.dir, s.size - s.size % TILES_WIDTH, NULL) == COFRE_OK);

    for (int i = 0; i < ROUNDS; i++) {
        verified[i] = verify_once(&s, threads, &bytes);
        hashed[i] = hash_once(bytes);
    }
    sample_close(&s);
    qsort(verified, ROUNDS, sizeof verified[0], compare);
    qsort(hashed, ROUNDS, sizeof hashed[0], compare);
    printf("entries %" PRIu64 ", bytes %" PRIu64 "\n", entries, bytes);
    printf("SHA-256 %.0f MB/s, verify %.0f MB/s, %.0f entries/s\n",
           1e-6 * (double)bytes / hashed[ROUNDS / 2], 1e-6 * (double)bytes / verified[ROUNDS / 2],
           (double)entries / verified[ROUNDS / 2]);
    printf("ratio %.2f\n", hashed[ROUNDS / 2] / verified[ROUNDS / 2]);
    return 0;
}
