/*
 * How fast a log is searched for one person, as `cofre customer accesses` does, beside what cannot be
 * saved: one HMAC-SHA-256 of a nonce for each entry, on one thread.
 *
 *     bench_accesses [ENTRIES [SUBJECTS [EPOCHS]]]
 *
 * Default: 1000000 entries of one subject, one epoch.
 */
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "audit/log.h"
#include "audit/subject.h"
#include "crypto/pseudonym.h"

enum { ROUNDS = 3 };

#define MUST(condition)                                                     \
    do {                                                                    \
        if (!(condition)) {                                                 \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
            abort();                                                        \
        }                                                                   \
    } while (0)

static double
now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- a log of one person's accesses among others' ---- */

static const uint8_t keys[64 * HASH_LEN] = {1, 2, 3};

static void
stage(struct log *l, uint64_t seq, size_t subjects)
{
    static const struct bytes fields[] = {{(const uint8_t *)"birth_date", 10},
                                          {(const uint8_t *)"country", 7}};
    static uint8_t tags[ENTRY_SUBJECTS_MAX * ENTRY_TAG];
    struct entry e = {.act = BYTES_LIT("view-record"),
                      .ok = true,
                      .code = 200,
                      .actor = BYTES_LIT("tok_3"),
                      .role = BYTES_LIT("crm"),
                      .view = BYTES_LIT("loyalty"),
                      .purpose = BYTES_LIT("loyalty"),
                      .fields = fields,
                      .n_fields = 2,
                      .n = subjects,
                      .has_reply = true,
                      .subjects = tags,
                      .n_subjects = subjects};
    uint8_t leaf[HASH_LEN];
    struct bytes line;

    memcpy(e.nonce, &seq, sizeof seq);
    memcpy(tags, &seq, sizeof seq);
    if (seq % 1000 == 7)
        pseudonym_subject(keys, e.nonce, tags);
    MUST(log_stage(l, &e, leaf, &line) == COFRE_OK);
}

static void
fill(struct log *l, uint64_t entries, size_t subjects)
{
    const uint64_t batch = subjects < 50 ? 4096 : 256;
    struct buf checkpoint = BUF_INIT;

    for (uint64_t seq = 0; seq < entries; seq++) {
        stage(l, seq, subjects);
        if (seq % batch == batch - 1 || seq + 1 == entries)
            MUST(log_commit(l, NULL) == COFRE_OK);
    }
    /* All of it in bundles. */
    MUST(log_checkpoint(l, entries, &checkpoint, NULL) == COFRE_OK);
    buf_free(&checkpoint);
}

/* ---- the two ---- */

struct search {
    struct subject *subject;
    uint64_t found;
    uint64_t bytes;
};

static enum cofre_err
look(void *ctx, uint64_t seq, struct bytes line)
{
    struct search *s = ctx;

    (void)seq;
    s->found += subject_matches(s->subject, line) ? 1 : 0;
    s->bytes += line.len;
    return COFRE_OK;
}

static double
search_once(struct log *l, struct search *s)
{
    const double start = now();

    s->found = s->bytes = 0;
    MUST(log_entries(l, 0, UINT64_MAX, look, s, NULL) == COFRE_OK);
    return now() - start;
}

static double
hmac_once(uint64_t entries, size_t epochs)
{
    uint8_t nonce[ENTRY_NONCE] = {0}, tag[HASH_LEN];
    const double start = now();
    struct hmac_key k;

    hmac_key_init(&k, (struct bytes){keys, HASH_LEN});
    for (uint64_t i = 0; i < entries * epochs; i++) {
        memcpy(nonce, &i, sizeof i);
        hmac_of(&k, BYTES_OF(nonce), tag);
    }
    return now() - start;
}

static int
compare(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st;
    (void)kind;
    (void)where;
    return remove(path);
}

static void
measure(struct log *l, uint64_t entries, size_t epochs)
{
    double searched[ROUNDS], limit[ROUNDS];
    struct search s = {.found = 0};

    MUST(subject_new(keys, epochs, &s.subject) == COFRE_OK);
    for (int i = 0; i < ROUNDS; i++) {
        searched[i] = search_once(l, &s);
        limit[i] = hmac_once(entries, epochs);
    }
    MUST(s.found == (entries + 992) / 1000);
    subject_free(s.subject);
    qsort(searched, ROUNDS, sizeof searched[0], compare);
    qsort(limit, ROUNDS, sizeof limit[0], compare);
    printf("entries %" PRIu64 ", bytes %" PRIu64 ", epochs %zu, found %" PRIu64 "\n", entries,
           s.bytes, epochs, s.found);
    printf("search %.2f s, %.0f entries/s; HMACs alone %.2f s\n", searched[ROUNDS / 2],
           (double)entries / searched[ROUNDS / 2], limit[ROUNDS / 2]);
    printf("ratio %.2f\n", limit[ROUNDS / 2] / searched[ROUNDS / 2]);
}

int
main(int argc, char **argv)
{
    const uint64_t entries = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
    const size_t subjects = argc > 2 ? strtoul(argv[2], NULL, 10) : 1;
    const size_t epochs = argc > 3 ? strtoul(argv[3], NULL, 10) : 1;
    const uint8_t seed[NOTE_SEED] = {1, 2, 3};
    char path[] = "/tmp/bench-accesses.XXXXXX";
    char tmp[sizeof path + 8];
    struct log_config config = {.checkpoint_ms = 60000};
    struct note_signer signer;
    struct log *l;

    MUST(subjects >= 1 && subjects <= ENTRY_SUBJECTS_MAX && epochs >= 1 && epochs <= 64);
    MUST(secret_setup(true, NULL) == COFRE_OK);
    MUST(note_signer_init(&signer, "log.example/bench", seed) == COFRE_OK);
    MUST(mkdtemp(path) != NULL);
    snprintf(tmp, sizeof tmp, "%s/audit", path);
    MUST(mkdir(tmp, 0700) == 0);
    MUST((config.tmp_dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) >= 0);
    MUST((config.dir = open(tmp, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) >= 0);
    config.signer = &signer;
    MUST(log_create(&config, NULL) == COFRE_OK && log_open(&config, &l, NULL) == COFRE_OK);
    fill(l, entries, subjects);
    measure(l, entries, epochs);
    MUST(log_close(l, NULL) == COFRE_OK);
    close(config.dir);
    close(config.tmp_dir);
    note_signer_free(&signer);
    MUST(nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0);
    return 0;
}
