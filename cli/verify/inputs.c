#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "inputs.h"

enum { KEYS_FILE_MAX = 65536 };

static bool
told(const char *path, const char *what)
{
    fprintf(stderr, "cofre-verify: %s: %s\n", path, what);
    return false;
}

static bool
read_all(int fd, size_t max, struct buf *out)
{
    uint8_t chunk[4096];
    ssize_t n;

    while ((n = read(fd, chunk, sizeof chunk)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        if (out->len + (size_t)n > max) {
            errno = EFBIG;
            return false;
        }
        buf_put(out, chunk, (size_t)n);
        if (buf_error(out) != COFRE_OK) {
            errno = ENOMEM;
            return false;
        }
    }
    return true;
}

bool
inputs_read(const char *path, size_t max, struct buf *out)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool ok;

    out->len = 0;
    if (fd < 0)
        return told(path, strerror(errno));
    ok = read_all(fd, max, out) || told(path, strerror(errno));
    close(fd);
    return ok;
}

static bool
take_key(const char *path, struct bytes line, struct inputs_keys *out)
{
    if (out->n == INPUTS_KEYS_MAX)
        return told(path, "too many keys");
    if (note_vkey_parse(line, &out->key[out->n]) != COFRE_OK)
        return told(path, "not a verifier key on every line");
    out->n++;
    return true;
}

static bool
take_keys(const char *path, struct bytes text, struct inputs_keys *out)
{
    const uint8_t *end;
    struct bytes line;

    for (out->n = 0; text.len > 0;) {
        end = memchr(text.p, '\n', text.len);
        line = (struct bytes){text.p, end != NULL ? (size_t)(end - text.p) : text.len};
        if (!take_key(path, line, out))
            return false;
        text.p += line.len + (end != NULL);
        text.len -= line.len + (end != NULL);
    }
    return out->n > 0 || told(path, "no verifier key in it");
}

bool
inputs_keys(const char *path, struct inputs_keys *out)
{
    struct buf text = BUF_INIT;
    const bool ok =
        inputs_read(path, KEYS_FILE_MAX, &text) && take_keys(path, buf_bytes(&text), out);

    buf_free(&text);
    return ok;
}

static bool
same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

bool
inputs_inside(const char *path, int dir)
{
    struct stat top, here;
    char *real, *slash;
    bool inside = false;

    if (stat(path, &here) != 0 || !S_ISREG(here.st_mode) || fstat(dir, &top) != 0)
        return false;
    real = realpath(path, NULL);
    while (real != NULL && !inside && (slash = strrchr(real, '/')) != NULL) {
        *slash = '\0';
        inside = stat(slash == real ? "/" : real, &here) == 0 && same_file(&here, &top);
    }
    free(real);
    return inside || (stat(path, &here) == 0 && fstatat(dir, "keys/vkeys", &top, 0) == 0 &&
                      same_file(&here, &top));
}
