/*
 * The input is a journal's only file.  What a scan accepts can be opened; it then holds the same
 * records, is not torn, and takes one more.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/journal.h"
#include "audit/tree.h"

#define FILE_NAME "journal/00000000000000000000"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int dir = -1;
static char path[] = "/tmp/fuzz-journal-XXXXXX";

#define MUST(condition)   \
    do {                  \
        if (!(condition)) \
            abort();      \
    } while (0)

static void
clean(void)
{
    (void)unlinkat(dir, FILE_NAME, 0);
    (void)unlinkat(dir, "journal", AT_REMOVEDIR);
    (void)rmdir(path);
}

static void
setup(void)
{
    MUST(mkdtemp(path) != NULL && (dir = open(path, O_RDONLY | O_DIRECTORY)) >= 0);
    MUST(mkdirat(dir, "journal", 0700) == 0 && atexit(clean) == 0);
}

static enum cofre_err
count(void *ctx, uint64_t seq, struct bytes entry, const uint8_t leaf[static HASH_LEN])
{
    uint64_t *n = ctx;
    uint8_t want[HASH_LEN];

    tree_leaf(entry, want);
    MUST(seq == *n && entry.len > 0 && memcmp(leaf, want, HASH_LEN) == 0);
    ++*n;
    return COFRE_OK;
}

static void
append_one(const struct journal_end *end)
{
    struct buf batch = BUF_INIT;
    uint8_t leaf[HASH_LEN];
    struct journal *j;

    tree_leaf(BYTES_LIT("one more"), leaf);
    journal_record(&batch, BYTES_LIT("one more"), leaf);
    MUST(journal_open(dir, end, &j, NULL) == COFRE_OK);
    MUST(journal_append(j, end->size, buf_bytes(&batch), NULL) == COFRE_OK);
    journal_close(j);
    buf_free(&batch);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct journal_end end, again;
    uint64_t n = 0, m = 0;
    int fd;

    if (dir < 0)
        setup();
    MUST((fd = openat(dir, FILE_NAME, O_WRONLY | O_CREAT | O_TRUNC, 0600)) >= 0);
    MUST(write(fd, data, size) == (ssize_t)size);
    close(fd);
    if (journal_scan(dir, 0, count, &n, &end, NULL) != COFRE_OK)
        return 0;
    MUST(end.size == n && end.file_bytes <= size);
    MUST(end.torn == (end.file_bytes < size));

    append_one(&end);
    MUST(journal_scan(dir, 0, count, &m, &again, NULL) == COFRE_OK);
    MUST(m == n + 1 && !again.torn);
    return 0;
}
