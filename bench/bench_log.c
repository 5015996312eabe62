/*
 * Durable entries a second: the log (stage and commit, its builder behind) beside write and
 * fdatasync of the same bytes, nothing else.  Batches of 32, rounds taken in turns, the median of
 * five.
 *
 *     bench_log [seconds of each round, default 2]
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "audit/journal.h"
#include "audit/log.h"
#include "cofre/secret.h"

enum { BATCH = 32, ROUNDS = 5 };

static void
die(const char *what, const struct cofre_why *why)
{
    fprintf(stderr, "bench_log: %s: %s\n", what, why->text);
    exit(1);
}

static double
now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
fill(struct entry *e, uint64_t i)
{
    static const struct bytes fields[] = {{(const uint8_t *)"birth_date", 10},
                                          {(const uint8_t *)"country", 7}};
    static uint8_t subject[ENTRY_TAG];

    *e = (struct entry){.act = BYTES_LIT("view-record"),
                        .ok = true,
                        .code = 200,
                        .actor = BYTES_LIT("tok_0123456789abcdef"),
                        .role = BYTES_LIT("crm"),
                        .view = BYTES_LIT("loyalty"),
                        .purpose = BYTES_LIT("loyalty"),
                        .fields = fields,
                        .n_fields = 2,
                        .n = 1,
                        .has_reply = true,
                        .subjects = subject,
                        .n_subjects = 1};
    memcpy(e->nonce, &i, sizeof i);
    memcpy(subject, &i, sizeof i);
}

/* Entries a second through the log. */
static double
run_log(struct log *l, double seconds, size_t *batch_len)
{
    struct cofre_why why = {""};
    uint8_t leaf[HASH_LEN];
    double start = now();
    struct bytes line;
    struct entry e;
    uint64_t n = 0;

    while (now() - start < seconds) {
        *batch_len = 0;
        for (int i = 0; i < BATCH; i++, n++) {
            fill(&e, n);
            if (log_stage(l, &e, leaf, &line) != COFRE_OK)
                die("stage", &why);
            *batch_len += JOURNAL_HEADER + line.len + JOURNAL_TRAILER;
        }
        if (log_commit(l, &why) != COFRE_OK)
            die("commit", &why);
    }
    return (double)n / (now() - start);
}

/* The same bytes to files of the same size, without any of the rest. */
static double
run_bare(int dir, double seconds, size_t batch_len)
{
    char *bytes = malloc(batch_len);
    double start = now();
    size_t in_file = 0;
    uint64_t n = 0;
    int fd = -1;

    memset(bytes, 'x', batch_len);
    for (; now() - start < seconds; n += BATCH) {
        if (fd < 0 || in_file >= JOURNAL_FILE_MAX) {
            if (fd >= 0)
                close(fd);
            unlinkat(dir, "bare", 0);
            fd = openat(dir, "bare", O_WRONLY | O_CREAT | O_EXCL | O_APPEND, 0600);
            in_file = 0;
        }
        if (write(fd, bytes, batch_len) != (ssize_t)batch_len || fdatasync(fd) != 0) {
            perror("bench_log: bare");
            exit(1);
        }
        in_file += batch_len;
    }
    close(fd);
    free(bytes);
    return (double)n / (now() - start);
}

static int
compare(const void *a, const void *b)
{
    const double *x = a;
    const double *y = b;

    return (*x > *y) - (*x < *y);
}

static double
median(double *figures)
{
    qsort(figures, ROUNDS, sizeof figures[0], compare);
    return figures[ROUNDS / 2];
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)st;
    (void)type;
    (void)where;
    return remove(path);
}

static struct log *
start(int top, struct note_signer *signer)
{
    static const uint8_t seed[NOTE_SEED] = {1};
    struct cofre_why why = {""};
    struct log_config config = {.signer = signer};
    struct log *l;

    if (mkdirat(top, "audit", 0700) != 0 ||
        (config.dir = openat(top, "audit", O_RDONLY | O_DIRECTORY)) < 0)
        die("audit", &why);
    config.tmp_dir = top;
    if (secret_setup(true, &why) != COFRE_OK ||
        note_signer_init(signer, "bench.example/log", seed) != COFRE_OK ||
        log_create(&config, &why) != COFRE_OK || log_open(&config, &l, &why) != COFRE_OK)
        die("open", &why);
    return l;
}

int
main(int argc, char **argv)
{
    double seconds = argc > 1 ? atof(argv[1]) : 2;
    char path[] = "bench-log-XXXXXX";
    double bare[ROUNDS], ours[ROUNDS], ratio[ROUNDS];
    struct cofre_why why = {""};
    struct note_signer signer;
    size_t batch_len;
    struct log *l;
    int top;

    if (mkdtemp(path) == NULL || (top = open(path, O_RDONLY | O_DIRECTORY)) < 0) {
        perror("bench_log");
        return 1;
    }
    l = start(top, &signer);
    (void)run_log(l, 0.1, &batch_len);
    for (int i = 0; i < ROUNDS; i++) {
        bare[i] = run_bare(top, seconds, batch_len);
        ours[i] = run_log(l, seconds, &batch_len);
        ratio[i] = ours[i] / bare[i];
    }
    if (log_close(l, &why) != COFRE_OK)
        die("close", &why);
    note_signer_free(&signer);
    printf("log: write+fdatasync %.0f entries/s, log %.0f entries/s (batches of %d, %zu bytes), "
           "ratio %.2f (goal 0.70)\n",
           median(bare), median(ours), BATCH, batch_len, median(ratio));
    (void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    return 0;
}
