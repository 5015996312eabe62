#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"

#include "infiles.h"

enum { READ_STEP = 64 * 1024, PATH_ROOM = 4096 };

/* Does the option stand for a descriptor? */
static bool
is_file(enum option option)
{
    enum option_kind kind = options_spec(option)->kind;

    return kind == OPTION_FILE || kind == OPTION_MAKE;
}

size_t
infiles_count(const struct options *o)
{
    size_t n = 0;

    for (size_t i = 0; i < o->n_values; i++)
        if (is_file(o->values[i].option))
            n++;
    if (o->command->file_arg)
        n += o->command->beside != NULL ? 2 : 1;
    return n;
}

static const char *
file_arg(const struct options *o)
{
    return o->args[o->n_args - 1];
}

static enum cofre_err
beside_path(const struct options *o, char path[static PATH_ROOM], struct cofre_why *why)
{
    int len = snprintf(path, PATH_ROOM, "%s%s", file_arg(o), o->command->beside);

    if (len < 0 || len >= PATH_ROOM)
        return cofre_why_set(why, COFRE_EINVAL, "the file's name is too long");
    return COFRE_OK;
}

static enum cofre_err
open_to_read(const char *path, struct infiles *out, struct cofre_why *why)
{
    struct stat st;
    int fd;

    if (strcmp(path, "-") == 0)
        fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
    else
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return cofre_why_os(why, errno == ENOENT ? COFRE_ENOENT : COFRE_EIO, errno, "%s", path);
    out->fd[out->n++] = fd;
    if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
        return cofre_why_set(why, COFRE_EIO, "%s is a directory", path);
    return COFRE_OK;
}

static enum cofre_err
open_beside(const struct options *o, struct infiles *out, struct cofre_why *why)
{
    char path[PATH_ROOM];
    struct stat st;
    enum cofre_err err;
    int fd;

    if (strcmp(file_arg(o), "-") == 0)
        return cofre_why_set(why, COFRE_EINVAL,
                             "this command needs a file with a name: lines that "
                             "are refused are listed beside it");
    if ((err = beside_path(o, path, why)) != COFRE_OK)
        return err;
    fd = open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);
    if (fd < 0)
        return cofre_why_os(why, COFRE_EIO, errno, "%s cannot be written", path);
    out->fd[out->n++] = fd;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return cofre_why_set(why, COFRE_EIO, "%s is no ordinary file; move it away", path);
    return COFRE_OK;
}

static enum cofre_err
open_to_make(const char *path, struct infiles *out, struct cofre_why *why)
{
    int fd;

    if (strcmp(path, "-") == 0)
        return cofre_why_set(why, COFRE_EINVAL, "this command makes a file: it needs a name");
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, 0600);
    if (fd < 0)
        return cofre_why_os(why, errno == EEXIST ? COFRE_EEXIST : COFRE_EIO, errno, "%s", path);
    out->fd[out->n++] = fd;
    return COFRE_OK;
}

static enum cofre_err
open_all(const struct options *o, struct infiles *out, struct cofre_why *why)
{
    enum cofre_err err;

    if (infiles_count(o) > INFILES_MAX)
        return cofre_why_set(why, COFRE_EINVAL, "too many files; at most %d", INFILES_MAX);
    for (size_t i = 0; i < o->n_values; i++) {
        const enum option option = o->values[i].option;

        if (!is_file(option))
            continue;
        err = options_spec(option)->kind == OPTION_MAKE ? open_to_make(o->values[i].text, out, why)
                                                        : open_to_read(o->values[i].text, out, why);
        if (err != COFRE_OK)
            return err;
    }
    if (!o->command->file_arg)
        return COFRE_OK;
    if ((err = open_to_read(file_arg(o), out, why)) != COFRE_OK || o->command->beside == NULL)
        return err;
    return open_beside(o, out, why);
}

int
infiles_of(const struct options *o, const struct infiles *files, enum option option)
{
    size_t at = 0;

    for (size_t i = 0; i < o->n_values; i++) {
        if (o->values[i].option == option)
            return is_file(option) && at < files->n ? files->fd[at] : -1;
        at += is_file(o->values[i].option) ? 1 : 0;
    }
    return -1;
}

static bool
is_empty(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && st.st_size == 0;
}

/* What a command was to make, and did not write. */
static void
remove_unmade(const struct options *o, const struct infiles *files)
{
    size_t at = 0;

    for (size_t i = 0; i < o->n_values && at < files->n; i++) {
        const enum option option = o->values[i].option;

        if (!is_file(option))
            continue;
        if (options_spec(option)->kind == OPTION_MAKE && is_empty(files->fd[at]))
            unlink(o->values[i].text);
        at++;
    }
}

enum cofre_err
infiles_open(const struct options *o, struct infiles *out, struct cofre_why *why)
{
    enum cofre_err err;

    *out = (struct infiles){.n = 0};
    if ((err = open_all(o, out, why)) != COFRE_OK) {
        remove_unmade(o, out);
        infiles_close(out);
    }
    return err;
}

void
infiles_close(struct infiles *files)
{
    while (files->n > 0)
        close(files->fd[--files->n]);
}

void
infiles_finish(const struct options *o, struct infiles *files)
{
    char path[PATH_ROOM];

    remove_unmade(o, files);
    if (o->command->beside != NULL && files->n > 0 && files->n == infiles_count(o) &&
        is_empty(files->fd[files->n - 1]) && beside_path(o, path, NULL) == COFRE_OK)
        unlink(path);
    infiles_close(files);
}

enum cofre_err
infiles_read(int fd, struct buf *out, struct cofre_why *why)
{
    enum cofre_err err = COFRE_OK;
    uint8_t *room;
    ssize_t n;

    do {
        if ((room = buf_reserve(out, READ_STEP)) == NULL) {
            err = COFRE_ENOMEM;
            break;
        }
        n = read(fd, room, READ_STEP);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            err = cofre_why_os(why, COFRE_EIO, errno, "the file cannot be read");
        else
            out->len += (size_t)n;
        if (out->len > INFILES_READ_MAX)
            err = cofre_why_set(why, COFRE_ELIMIT, "the file is larger than %d MiB",
                                INFILES_READ_MAX / 1024 / 1024);
    } while (err == COFRE_OK && n != 0);

    if (err != COFRE_OK)
        buf_free(out);
    return err;
}

enum cofre_err
infiles_write(int fd, struct bytes b, struct cofre_why *why)
{
    while (b.len > 0) {
        ssize_t n = write(fd, b.p, b.len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return cofre_why_os(why, COFRE_EIO, errno, "the file cannot be written");
        b = (struct bytes){b.p + n, b.len - (size_t)n};
    }
    if (fsync(fd) != 0)
        return cofre_why_os(why, COFRE_EIO, errno, "the file cannot be written");
    return COFRE_OK;
}
