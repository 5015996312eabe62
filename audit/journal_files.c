#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/journal_internal.h"

enum cofre_err
journal_files_error(int os_error)
{
    return os_error == ENOSPC || os_error == EDQUOT ? COFRE_ENOSPC : COFRE_EIO;
}

void
journal_files_name(uint64_t first, char out[static JOURNAL_NAME_LEN + 1])
{
    (void)snprintf(out, JOURNAL_NAME_LEN + 1, "%020" PRIu64, first);
}

static bool
parse_name(const char *name, uint64_t *first)
{
    char again[JOURNAL_NAME_LEN + 1];

    /* Writing it again refuses signs, blanks, other lengths and what is over 64 bits. */
    *first = strtoull(name, NULL, 10);
    journal_files_name(*first, again);
    return strcmp(again, name) == 0;
}

int
journal_files_openat(int fd, uint64_t first, int flags)
{
    char name[JOURNAL_NAME_LEN + 1];
    struct stat st;
    int file;

    journal_files_name(first, name);
    /* O_NONBLOCK: a FIFO of that name must not keep us waiting. */
    file = openat(fd, name, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (file >= 0 && (fstat(file, &st) != 0 || !S_ISREG(st.st_mode))) {
        (void)close(file);
        errno = EINVAL;
        return -1;
    }
    return file;
}

static int
compare(const void *a, const void *b)
{
    const uint64_t *x = a;
    const uint64_t *y = b;

    return (*x > *y) - (*x < *y);
}

static enum cofre_err
append(struct journal_files *files, uint64_t first)
{
    uint64_t *grown;

    /* Powers of two are when the memory is full. */
    if ((files->n & (files->n - 1)) == 0) {
        grown = realloc(files->first, (files->n == 0 ? 1 : 2 * files->n) * sizeof *grown);
        if (grown == NULL)
            return COFRE_ENOMEM;
        files->first = grown;
    }
    files->first[files->n++] = first;
    return COFRE_OK;
}

static enum cofre_err
read_names(DIR *names, struct journal_files *files, struct cofre_why *why)
{
    struct dirent *d;
    uint64_t first;
    enum cofre_err err;

    for (;;) {
        errno = 0;
        if ((d = readdir(names)) == NULL)
            break;
        if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
            continue;
        if (!parse_name(d->d_name, &first))
            return cofre_why_set(why, COFRE_EINTEGRITY, "journal: a file that does not belong");
        if ((err = append(files, first)) != COFRE_OK)
            return err;
    }
    return errno == 0 ? COFRE_OK : cofre_why_os(why, COFRE_EIO, errno, "journal");
}

enum cofre_err
journal_files_list(int dir, struct journal_files *out, struct cofre_why *why)
{
    enum cofre_err err;
    DIR *names;
    int fd;

    *out = (struct journal_files){-1, NULL, 0};
    fd = openat(dir, "journal", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP))
        return cofre_why_os(why, COFRE_EINTEGRITY, errno, "journal");
    if (fd < 0)
        return cofre_why_os(why, COFRE_EIO, errno, "journal");
    if ((names = fdopendir(fd)) == NULL) {
        (void)close(fd);
        return COFRE_ENOMEM;
    }
    err = read_names(names, out, why);
    if (err == COFRE_OK && (out->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0)) < 0)
        err = cofre_why_os(why, COFRE_EIO, errno, "journal");
    (void)closedir(names);
    if (err != COFRE_OK)
        journal_files_close(out);
    else if (out->n > 0)
        qsort(out->first, out->n, sizeof out->first[0], compare);
    return err;
}

void
journal_files_close(struct journal_files *files)
{
    free(files->first);
    if (files->fd >= 0)
        (void)close(files->fd);
    *files = (struct journal_files){-1, NULL, 0};
}

size_t
journal_files_find(const struct journal_files *files, uint64_t seq)
{
    size_t i = files->n;

    while (i > 0 && files->first[i - 1] > seq)
        i--;
    return i > 0 ? i - 1 : files->n;
}
