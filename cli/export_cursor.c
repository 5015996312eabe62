#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cofre/encode.h"

#include "export.h"

/*
 *   cofre-audit-cursor/v1
 *   <origin>
 *   <next, decimal>
 *   <leaf hash of the entry before, 64 hex>
 */
static const char magic[] = "cofre-audit-cursor/v1";

enum { CURSOR_MAX = 1024, PATH_ROOM = 4096 };

/* Cuts the next line off; NULL when it is not ended. */
static char *
take_line(char **text)
{
    char *line = *text;
    char *end = strchr(line, '\n');

    if (end == NULL)
        return NULL;
    *end = 0;
    *text = end + 1;
    return line;
}

static enum cofre_err
parse(char *text, struct export_cursor *out)
{
    struct buf leaf = BUF_INIT;
    const char *lines[4];
    enum cofre_err err = COFRE_EFORMAT;

    for (size_t i = 0; i < 4; i++)
        if ((lines[i] = take_line(&text)) == NULL)
            return COFRE_EFORMAT;
    if (*text == 0 && strcmp(lines[0], magic) == 0 && lines[1][0] != 0 &&
        strlen(lines[1]) <= EXPORT_ORIGIN_MAX &&
        options_decimal(lines[2], &out->next) == COFRE_OK && out->next > 0 &&
        encode_hex_decode(&leaf, bytes_str(lines[3])) == COFRE_OK && leaf.len == sizeof out->leaf) {
        strcpy(out->origin, lines[1]);
        memcpy(out->leaf, leaf.p, sizeof out->leaf);
        err = COFRE_OK;
    }
    buf_free(&leaf);
    return err;
}

enum cofre_err
export_cursor_read(const char *path, struct export_cursor *out, struct cofre_why *why)
{
    char text[CURSOR_MAX + 1];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    ssize_t n;

    if (fd < 0)
        return cofre_why_os(why, errno == ENOENT ? COFRE_ENOENT : COFRE_EIO, errno, "%s", path);
    n = read(fd, text, CURSOR_MAX);
    if (n < 0) {
        close(fd);
        return cofre_why_os(why, COFRE_EIO, errno, "%s", path);
    }
    close(fd);
    text[n] = 0;
    if (strlen(text) != (size_t)n || parse(text, out) != COFRE_OK)
        return cofre_why_set(why, COFRE_EFORMAT, "%s is not the cursor of an export", path);
    return COFRE_OK;
}

static enum cofre_err
failed(struct cofre_why *why, const char *path)
{
    return cofre_why_os(why, errno == ENOSPC || errno == EDQUOT ? COFRE_ENOSPC : COFRE_EIO, errno,
                        "%s", path);
}

static bool
write_whole(const char *path, struct bytes text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool whole;

    if (fd < 0)
        return false;
    whole = write(fd, text.p, text.len) == (ssize_t)text.len && fsync(fd) == 0;
    return close(fd) == 0 && whole;
}

static bool
sync_dir_of(const char *path)
{
    char copy[PATH_ROOM];
    bool done;
    int fd;

    strcpy(copy, path);
    if ((fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
        return false;
    done = fsync(fd) == 0;
    close(fd);
    return done;
}

enum cofre_err
export_cursor_write(const char *path, const struct export_cursor *c, struct cofre_why *why)
{
    struct buf text = BUF_INIT;
    char tmp[PATH_ROOM];
    enum cofre_err err;

    if (snprintf(tmp, sizeof tmp, "%s.new", path) >= (int)sizeof tmp)
        return cofre_why_set(why, COFRE_EIO, "the cursor's name is too long");
    buf_putf(&text, "%s\n%s\n%llu\n", magic, c->origin, (unsigned long long)c->next);
    buf_put_hex(&text, (struct bytes){c->leaf, sizeof c->leaf});
    buf_putc(&text, '\n');
    if ((err = buf_error(&text)) != COFRE_OK)
        goto out;
    errno = EIO;
    if (!write_whole(tmp, buf_bytes(&text)) || rename(tmp, path) != 0 || !sync_dir_of(path)) {
        err = failed(why, path);
        (void)unlink(tmp);
    }
out:
    buf_free(&text);
    return err;
}
