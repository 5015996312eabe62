#ifndef SAMPLE_LOG_H
#define SAMPLE_LOG_H

/*
 * Makes a log's directory the simple way, without audit/log: entries, journal, tiles, checkpoint.
 * Everything in it is the same each time: keys, entries, times.
 */
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/checkpoint.h"
#include "audit/entry.h"
#include "audit/files.h"
#include "audit/journal.h"
#include "audit/partials.h"
#include "audit/tiles.h"

#define SAMPLE_ORIGIN "log.example/sample"

/* A failure here is one of the test's surroundings. */
#define SAMPLE_MUST(condition)                                              \
    do {                                                                    \
        if (!(condition)) {                                                 \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
            abort();                                                        \
        }                                                                   \
    } while (0)

struct sample_log {
    char path[256]; /* of the directory */
    int dir;
    struct note_signer signer;
    struct tiles_builder *builder;
    struct journal *journal;
    struct buf batch;
    uint64_t size;
    uint64_t durable;
    struct partials partials;
    uint8_t prev[HASH_LEN];
    unsigned salt;     /* another one makes other entries */
    unsigned subjects; /* in each entry; 0: one or two */
};

static inline void
sample_write(int dir, const char *path, struct bytes contents)
{
    const int fd = openat(dir, path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    SAMPLE_MUST(fd >= 0);
    SAMPLE_MUST(write(fd, contents.p, contents.len) == (ssize_t)contents.len);
    close(fd);
}

static inline void
sample_open(struct sample_log *s, unsigned salt)
{
    const struct journal_end nothing = {0, false, "", 0};
    const char *tmp = getenv("TMPDIR");
    const uint8_t seed[NOTE_SEED] = {1, 2, 3};
    struct buf vkey = BUF_INIT;

    memset(s, 0, sizeof *s);
    s->salt = salt;
    snprintf(s->path, sizeof s->path, "%s/cofre-sample.XXXXXX", tmp != NULL ? tmp : "/tmp");
    SAMPLE_MUST(mkdtemp(s->path) != NULL);
    SAMPLE_MUST((s->dir = open(s->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) >= 0);
    SAMPLE_MUST(mkdirat(s->dir, "journal", 0700) == 0 && mkdirat(s->dir, "keys", 0700) == 0);
    SAMPLE_MUST(note_signer_init(&s->signer, SAMPLE_ORIGIN, seed) == COFRE_OK);
    note_vkey_put(&vkey, &s->signer.verifier);
    buf_putc(&vkey, '\n');
    sample_write(s->dir, "keys/vkeys", buf_bytes(&vkey));
    buf_free(&vkey);
    tree_empty(s->prev);
    SAMPLE_MUST(journal_open(s->dir, &nothing, &s->journal, NULL) == COFRE_OK);
    SAMPLE_MUST(tiles_builder_new(s->dir, 0, NULL, &s->builder, NULL) == COFRE_OK);
}

/* Appends the line of the next entry. */
static inline void
sample_entry(const struct sample_log *s, struct buf *line)
{
    static const struct bytes fields[] = {{(const uint8_t *)"birth_date", 10},
                                          {(const uint8_t *)"country", 7}};
    static uint8_t subjects[ENTRY_SUBJECTS_MAX * ENTRY_TAG];
    struct entry e = {.seq = s->size,
                      .ts = UINT64_C(1780000000000) + 7 * s->size,
                      .act = BYTES_LIT("record-read"),
                      .ok = true,
                      .code = 200,
                      .actor = BYTES_LIT("tok_3"),
                      .role = BYTES_LIT("crm"),
                      .view = BYTES_LIT("loyalty"),
                      .purpose = BYTES_LIT("loyalty"),
                      .fields = fields,
                      .n_fields = 2,
                      .n = 1,
                      .has_reply = true,
                      .subjects = subjects};

    e.n_subjects = s->subjects > 0 ? s->subjects : 1 + s->size % 2;
    memcpy(e.prev, s->prev, HASH_LEN);
    for (size_t i = 0; i < e.n_subjects * ENTRY_TAG; i++)
        subjects[i] = (uint8_t)(i * 31 + s->size + s->salt);
    memset(e.nonce, (int)(s->size % 251), sizeof e.nonce);
    memset(e.reply, (int)s->salt, sizeof e.reply);
    SAMPLE_MUST(entry_write(line, &e) == COFRE_OK);
}

/* Puts entries into the journal; into the tiles too, unless the builder is to lag behind. */
static inline void
sample_add(struct sample_log *s, uint64_t n, bool build)
{
    struct buf line = BUF_INIT;

    for (; n > 0; n--) {
        line.len = 0;
        sample_entry(s, &line);
        tree_leaf(buf_bytes(&line), s->prev);
        journal_record(&s->batch, buf_bytes(&line), s->prev);
        if (build)
            SAMPLE_MUST(tiles_builder_add(s->builder, buf_bytes(&line), s->prev, NULL) == COFRE_OK);
        s->size++;
        if (n > 1 && s->batch.len < 1 << 20)
            continue;
        SAMPLE_MUST(journal_append(s->journal, s->durable, buf_bytes(&s->batch), NULL) == COFRE_OK);
        s->batch.len = 0;
        s->durable = s->size;
    }
    buf_free(&line);
}

static inline void
sample_list(struct sample_log *s, uint64_t size)
{
    struct buf list = BUF_INIT;

    partials_add(&s->partials, size);
    partials_put(&list, &s->partials);
    sample_write(s->dir, "partials", buf_bytes(&list));
    buf_free(&list);
}

/* Signs what was built. */
static inline void
sample_sign(struct sample_log *s)
{
    struct buf checkpoint = BUF_INIT;
    uint8_t root[HASH_LEN];
    uint64_t size;

    SAMPLE_MUST(tiles_builder_flush(s->builder, NULL) == COFRE_OK);
    tiles_builder_root(s->builder, &size, root);
    sample_list(s, size);
    checkpoint_sign(&checkpoint, &s->signer, size, root);
    sample_write(s->dir, "checkpoint", buf_bytes(&checkpoint));
    buf_free(&checkpoint);
}

static inline int
sample_remove(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st;
    (void)kind;
    (void)where;
    return remove(path);
}

static inline void
sample_close(struct sample_log *s)
{
    journal_close(s->journal);
    tiles_builder_free(s->builder);
    note_signer_free(&s->signer);
    buf_free(&s->batch);
    close(s->dir);
    SAMPLE_MUST(nftw(s->path, sample_remove, 16, FTW_DEPTH | FTW_PHYS) == 0);
}

#endif
