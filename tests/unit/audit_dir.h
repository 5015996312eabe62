#ifndef AUDIT_DIR_H
#define AUDIT_DIR_H

/* A log's directory of a test's own, and entries to put into it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

#include "audit/log.h"

struct audit_dir {
    char path[64]; /* of the directory above audit/ */
    int top;
    int dir; /* audit/ */
    struct note_signer signer;
    struct log_config config;
};

static inline void
audit_dir_make(struct audit_dir *d)
{
    static const uint8_t seed[NOTE_SEED] = {7};

    strcpy(d->path, "audit-dir-XXXXXX");
    assert_non_null(mkdtemp(d->path));
    d->top = open(d->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(d->top >= 0);
    assert_int_equal(mkdirat(d->top, "audit", 0700), 0);
    d->dir = openat(d->top, "audit", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(d->dir >= 0);
    assert_int_equal(note_signer_init(&d->signer, "test.example/log", seed), COFRE_OK);
    d->config = (struct log_config){
        .dir = d->dir, .tmp_dir = d->top, .signer = &d->signer, .checkpoint_ms = 1};
}

static inline int
audit_dir_remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)st;
    (void)type;
    (void)where;
    return remove(path);
}

static inline void
audit_dir_remove(struct audit_dir *d)
{
    close(d->dir);
    close(d->top);
    note_signer_free(&d->signer);
    assert_int_equal(nftw(d->path, audit_dir_remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

/* The log in there, which must open. */
static inline struct log *
audit_dir_open(const struct audit_dir *d)
{
    struct cofre_why why = {""};
    struct log *l;

    if (log_open(&d->config, &l, &why) != COFRE_OK)
        fail_msg("log_open: %s", why.text);
    return l;
}

static inline void
audit_dir_close(struct log *l)
{
    struct cofre_why why = {""};

    if (log_close(l, &why) != COFRE_OK)
        fail_msg("log_close: %s", why.text);
}

/* A small file whole; the caller frees it. */
static inline struct buf
audit_dir_read(const struct audit_dir *d, const char *path)
{
    int fd = openat(d->dir, path, O_RDONLY | O_CLOEXEC);
    struct buf out = BUF_INIT;
    ssize_t n;

    assert_true(fd >= 0);
    while ((n = read(fd, buf_reserve(&out, 65536), 65536)) > 0)
        out.len += (size_t)n;
    assert_int_equal(n, 0);
    close(fd);
    return out;
}

static inline void
audit_dir_write(const struct audit_dir *d, const char *path, struct bytes b)
{
    int fd = openat(d->dir, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, b.p, b.len), (ssize_t)b.len);
    close(fd);
}

static inline bool
audit_dir_has(const struct audit_dir *d, const char *path)
{
    struct stat st;

    return fstatat(d->dir, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Files and directories in a directory; 0 when there is none. */
static inline size_t
audit_dir_count(const struct audit_dir *d, const char *path)
{
    int fd = openat(d->dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *names = fd >= 0 ? fdopendir(fd) : NULL;
    const struct dirent *e;
    size_t n = 0;

    if (names == NULL)
        return 0;
    while ((e = readdir(names)) != NULL)
        n += e->d_name[0] != '.';
    closedir(names);
    return n;
}

/* Entry number i of a test's log, but for prev, seq and ts. */
static inline struct entry
audit_dir_entry(uint64_t i)
{
    struct entry e = {.act = BYTES_LIT("view-record"),
                      .ok = i % 2 == 0,
                      .code = 200,
                      .actor = BYTES_LIT("tok_1"),
                      .role = BYTES_LIT("crm"),
                      .n = i};

    memcpy(e.nonce, &i, sizeof i);
    return e;
}

#endif
