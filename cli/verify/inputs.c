#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "options.h"

#include "inputs.h"

enum { KEYS_FILE_MAX = 65536 };

bool
inputs_told(const char *path, const char *what)
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
        return inputs_told(path, strerror(errno));
    ok = read_all(fd, max, out) || inputs_told(path, strerror(errno));
    close(fd);
    return ok;
}

static bool
told_keys(const char *path, enum cofre_err err)
{
    return inputs_told(path, err == COFRE_ELIMIT ? "too many keys"
                                                 : "no verifier key, or not one on every line");
}

bool
inputs_keys(const char *path, struct verify_keys *out)
{
    struct buf text = BUF_INIT;
    enum cofre_err err = COFRE_OK;
    bool ok = inputs_read(path, KEYS_FILE_MAX, &text);

    out->n = 0;
    if (ok && (err = verify_keys_add(out, buf_bytes(&text))) != COFRE_OK)
        ok = told_keys(path, err);
    buf_free(&text);
    return ok;
}

int
inputs_witness(const char *text, struct verify_keys *out)
{
    struct buf file = BUF_INIT;
    enum cofre_err err = verify_keys_witness(out, bytes_str(text));

    /* No file is called like a key: its name would have to end in base64 after two "+". */
    if (err != COFRE_OK && err != COFRE_EEXIST) {
        if (!inputs_read(text, KEYS_FILE_MAX, &file))
            return VERIFY_UNREADABLE;
        err = verify_keys_witness(out, buf_bytes(&file));
        buf_free(&file);
    }
    if (err == COFRE_EEXIST)
        return options_wrong("the same witness twice");
    if (err == COFRE_OK)
        return -1;
    (void)inputs_told(text, err == COFRE_ELIMIT ? "too many keys"
                                                : "not a key of a witness on every line");
    return VERIFY_UNREADABLE;
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
