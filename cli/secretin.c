#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "place.h"

#include "secretin.h"

const char *
secretin_vault(const struct options *o)
{
    const char *dir = options_text(o, OPT_VAULT);

    if (dir == NULL)
        dir = getenv("COFRE_VAULT");
    return dir != NULL && *dir != 0 ? dir : "cofre-vault";
}

static enum cofre_err
check_place(const struct options *o, const char *path, struct cofre_why *why)
{
    bool inside;
    enum cofre_err err = place_inside(path, secretin_vault(o), &inside, why);

    if (err == COFRE_OK && inside)
        err = cofre_why_set(why, COFRE_EREFUSED,
                            "%s lies in the vault's directory: whoever copies the one has the "
                            "other; keep it elsewhere, best on another volume",
                            path);
    return err;
}

static enum cofre_err
check_owner(int fd, const char *path, struct cofre_why *why)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return cofre_why_os(why, COFRE_EIO, errno, "%s", path);
    if (!S_ISREG(st.st_mode))
        return cofre_why_set(why, COFRE_EREFUSED,
                             "%s is no ordinary file; a pipe can be given with --passphrase-fd",
                             path);
    if (st.st_uid != geteuid() && st.st_uid != 0)
        return cofre_why_set(why, COFRE_EREFUSED, "%s belongs to another user", path);
    if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return cofre_why_set(why, COFRE_EREFUSED, "others may use %s; chmod 600 it", path);
    return COFRE_OK;
}

/* Everything up to the end, at most max bytes, and a byte more to see that it is too long. */
static enum cofre_err
read_all(int fd, size_t max, struct secret **out, struct cofre_why *why)
{
    struct secret *room = NULL;
    size_t len = 0;
    ssize_t n = 0;
    enum cofre_err err;

    if ((err = secret_new(max + 1, &room)) != COFRE_OK)
        return err;
    while (len <= max && (n = read(fd, secret_data(room) + len, max + 1 - len)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            break;
        len += (size_t)n;
    }
    if (n < 0)
        err = cofre_why_os(why, COFRE_EIO, errno, "the secret cannot be read");
    else if (len == 0)
        err = cofre_why_set(why, COFRE_EINVAL, "the secret is empty");
    else if (len > max)
        err = cofre_why_set(why, COFRE_EINVAL, "the secret is longer than %zu bytes", max);
    else
        err = secret_copy((struct bytes){secret_data(room), len}, out);
    secret_free(room);
    return err;
}

/* A passphrase ends at the end of its line. */
static enum cofre_err
read_passphrase(int fd, struct secret **out, struct cofre_why *why)
{
    struct secret *all = NULL;
    struct bytes text;
    const uint8_t *end;
    enum cofre_err err;

    if ((err = read_all(fd, SECRETIN_PASSPHRASE_MAX + 2, &all, why)) != COFRE_OK)
        return err;
    text = secret_bytes(all);
    if ((end = memchr(text.p, '\n', text.len)) != NULL) {
        if (end + 1 != text.p + text.len)
            err = cofre_why_set(why, COFRE_EINVAL, "the passphrase is more than one line");
        text.len = (size_t)(end - text.p);
        if (text.len > 0 && text.p[text.len - 1] == '\r')
            text.len--;
    }
    if (err == COFRE_OK && text.len == 0)
        err = cofre_why_set(why, COFRE_EINVAL, "the passphrase is empty");
    if (err == COFRE_OK)
        err = secret_copy(text, out);
    secret_free(all);
    return err;
}

static enum cofre_err
read_key(int fd, struct secret **out, struct cofre_why *why)
{
    struct secret *key = NULL;
    enum cofre_err err;

    if ((err = read_all(fd, SECRETIN_KEY_LEN, &key, why)) != COFRE_OK)
        return err;
    if (secret_bytes(key).len != SECRETIN_KEY_LEN) {
        secret_free(key);
        return cofre_why_set(why, COFRE_EINVAL, "a key file holds exactly %d bytes",
                             SECRETIN_KEY_LEN);
    }
    *out = key;
    return COFRE_OK;
}

static enum cofre_err
read_file(const struct options *o, const char *path, struct secretin *out, struct cofre_why *why)
{
    enum cofre_err err;
    int fd;

    if ((err = check_place(o, path, why)) != COFRE_OK)
        return err;
    /* Not to hang on a FIFO, which is refused next. */
    if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)) < 0)
        return cofre_why_os(why, errno == ENOENT ? COFRE_ENOENT : COFRE_EIO, errno, "%s", path);
    if ((err = check_owner(fd, path, why)) == COFRE_OK) {
        err = out->kind == COFRE_SECRET_KEY_FILE ? read_key(fd, &out->secret, why)
                                                 : read_passphrase(fd, &out->secret, why);
        if (err != COFRE_OK)
            err = cofre_why_add(why, err, "%s", path);
    }
    close(fd);
    return err;
}

static enum cofre_err
read_fd(uint64_t fd, struct secretin *out, struct cofre_why *why)
{
    if (fd > 65535 || fcntl((int)fd, F_GETFD) < 0)
        return cofre_why_set(why, COFRE_EINVAL, "--passphrase-fd: no such descriptor is open");
    return read_passphrase((int)fd, &out->secret, why);
}

static enum cofre_err
ask(bool twice, struct secretin *out, struct cofre_why *why)
{
    struct secret *again = NULL;
    enum cofre_err err;

    if ((err = secretin_ask("Passphrase: ", &out->secret, why)) != COFRE_OK || !twice)
        return err;
    if ((err = secretin_ask("Once more: ", &again, why)) == COFRE_OK &&
        !secret_equal(secret_bytes(out->secret), secret_bytes(again)))
        err = cofre_why_set(why, COFRE_EINVAL, "the two passphrases differ");
    secret_free(again);
    return err;
}

enum cofre_err
secretin_read(const struct options *o, bool twice, struct secretin *out, struct cofre_why *why)
{
    const char *key_file = options_text(o, OPT_KEY_FILE);
    const char *pass_file = options_text(o, OPT_PASSPHRASE_FILE);
    bool pass_fd = options_has(o, OPT_PASSPHRASE_FD);
    enum cofre_err err;

    *out = (struct secretin){COFRE_SECRET_PASSPHRASE, NULL};
    if ((key_file != NULL) + (pass_file != NULL) + pass_fd > 1)
        return cofre_why_set(why, COFRE_EINVAL,
                             "give one of --key-file, --passphrase-file and "
                             "--passphrase-fd");
    if (key_file != NULL) {
        out->kind = COFRE_SECRET_KEY_FILE;
        err = read_file(o, key_file, out, why);
    } else if (pass_file != NULL) {
        err = read_file(o, pass_file, out, why);
    } else if (pass_fd) {
        err = read_fd(options_number(o, OPT_PASSPHRASE_FD, 0), out, why);
    } else {
        err = ask(twice, out, why);
    }
    if (err != COFRE_OK) {
        secret_free(out->secret);
        out->secret = NULL;
    }
    return err;
}

static enum cofre_err
write_key(int fd, const char *path, struct cofre_why *why)
{
    struct secret *key = NULL;
    enum cofre_err err;
    ssize_t n;

    if ((err = secret_random(SECRETIN_KEY_LEN, &key)) != COFRE_OK)
        return err;
    n = write(fd, secret_data(key), SECRETIN_KEY_LEN);
    secret_free(key);
    if (n != SECRETIN_KEY_LEN || fsync(fd) != 0)
        return cofre_why_os(why, COFRE_EIO, n < 0 ? errno : ENOSPC, "%s", path);
    return place_sync_parent(path, why);
}

enum cofre_err
secretin_make_key(const struct options *o, bool *made, struct cofre_why *why)
{
    const char *path = options_text(o, OPT_KEY_FILE);
    enum cofre_err err;
    int fd;

    *made = false;
    if (path == NULL)
        return COFRE_OK;
    if ((err = check_place(o, path, why)) != COFRE_OK)
        return err;
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 && errno == EEXIST)
        return COFRE_OK;
    if (fd < 0)
        return cofre_why_os(why, COFRE_EIO, errno, "the key file %s cannot be made", path);

    err = write_key(fd, path, why);
    close(fd);
    if (err != COFRE_OK)
        unlink(path);
    *made = err == COFRE_OK;
    return err;
}
