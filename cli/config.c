#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ini.h>

#include "options.h"

#include "config.h"

enum config_kind { CONFIG_TEXT, CONFIG_PATH, CONFIG_NUMBER, CONFIG_YES_NO };

struct setting {
    const char *section;
    const char *name;
    enum config_kind kind;
    size_t offset;
    size_t room;       /* of a text */
    uint64_t min, max; /* of a number */
};

#define TEXT(kind, member) \
    kind, offsetof(struct config, member), sizeof(((struct config *)0)->member), 0, 0
#define NUMBER(member, min, max) CONFIG_NUMBER, offsetof(struct config, member), 0, min, max

static const struct setting settings[] = {
    {"server", "listen", TEXT(CONFIG_TEXT, listen)},
    {"server", "tls_cert", TEXT(CONFIG_PATH, tls_cert)},
    {"server", "tls_key", TEXT(CONFIG_PATH, tls_key)},
    {"server", "client_ca", TEXT(CONFIG_PATH, client_ca)},
    {"server", "threads", NUMBER(threads, 1, 256)},
    {"server", "max_connections", NUMBER(max_connections, 1, 100000)},
    {"audit", "checkpoint_ms", NUMBER(checkpoint_ms, 10, 60000)},
    {"witness", "policy", TEXT(CONFIG_PATH, witness_policy)},
    {"witness", "ca", TEXT(CONFIG_PATH, witness_ca)},
    {"witness", "required", CONFIG_YES_NO, offsetof(struct config, witness_required), 0, 0, 0},
    {"witness", "timeout_ms", NUMBER(witness_timeout_ms, 50, 60000)},
    {"witness", "grace_s", NUMBER(witness_grace_s, 1, 86400)},
    {"audit", "reserve_mib", NUMBER(reserve_mib, 1, 1024)},
    {"audit", "low_disk_mib", NUMBER(low_disk_mib, 1, 1024 * 1024)},
};

enum { SETTINGS = sizeof settings / sizeof *settings };

struct reading {
    const char *dir;
    struct config *out;
    bool seen[SETTINGS];
    struct cofre_why reason; /* of the first line that is not understood */
};

static const struct setting *
find(const char *section, const char *name)
{
    for (size_t i = 0; i < SETTINGS; i++)
        if (strcmp(settings[i].section, section) == 0 && strcmp(settings[i].name, name) == 0)
            return &settings[i];
    return NULL;
}

static enum cofre_err
set_text(struct reading *r, const struct setting *s, const char *value)
{
    bool below = s->kind == CONFIG_PATH && value[0] != '/';
    int len = snprintf((char *)r->out + s->offset, s->room, "%s%s%s", below ? r->dir : "",
                       below ? "/" : "", value);

    if (*value == 0 || len < 0 || (size_t)len >= s->room)
        return cofre_why_set(&r->reason, COFRE_EINVAL, "%s is empty or too long", s->name);
    return COFRE_OK;
}

static enum cofre_err
set_number(struct reading *r, const struct setting *s, const char *value)
{
    unsigned small;
    uint64_t n;

    if (options_decimal(value, &n) != COFRE_OK || n < s->min || n > s->max)
        return cofre_why_set(&r->reason, COFRE_EINVAL, "%s is a number from %llu to %llu", s->name,
                             (unsigned long long)s->min, (unsigned long long)s->max);
    small = (unsigned)n;
    memcpy((char *)r->out + s->offset, &small, sizeof small);
    return COFRE_OK;
}

static enum cofre_err
set_yes_no(struct reading *r, const struct setting *s, const char *value)
{
    bool yes = strcmp(value, "yes") == 0;

    if (!yes && strcmp(value, "no") != 0)
        return cofre_why_set(&r->reason, COFRE_EINVAL, "%s is yes or no", s->name);
    memcpy((char *)r->out + s->offset, &yes, sizeof yes);
    return COFRE_OK;
}

/* inih's handler: 0 marks the line as wrong. */
static int
take(void *user, const char *section, const char *name, const char *value)
{
    struct reading *r = user;
    const struct setting *s = find(section, name);
    enum cofre_err err;

    if (s == NULL)
        err = cofre_why_set(&r->reason, COFRE_EINVAL, "no such setting in this section");
    else if (r->seen[s - settings])
        err = cofre_why_set(&r->reason, COFRE_EINVAL, "%s is set twice", s->name);
    else if (s->kind == CONFIG_NUMBER)
        err = set_number(r, s, value);
    else if (s->kind == CONFIG_YES_NO)
        err = set_yes_no(r, s, value);
    else
        err = set_text(r, s, value);
    if (s != NULL)
        r->seen[s - settings] = true;
    return err == COFRE_OK;
}

static enum cofre_err
parse(const char *dir, const char *text, struct config *out, struct cofre_why *why)
{
    struct reading r = {.dir = dir, .out = out};
    int line = ini_parse_string(text, take, &r);

    if (line == 0)
        return COFRE_OK;
    if (line < 0)
        return COFRE_ENOMEM;
    return cofre_why_set(why, COFRE_EINVAL, "cofre.conf, line %d: %s", line,
                         r.reason.text[0] != 0 ? r.reason.text
                                               : "neither [section] nor name = value");
}

static enum cofre_err
check_mode(int fd, struct cofre_why *why)
{
    struct stat st;

    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return cofre_why_set(why, COFRE_EIO, "cofre.conf is no ordinary file");
    if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0 || (st.st_uid != geteuid() && st.st_uid != 0))
        return cofre_why_set(
            why, COFRE_EREFUSED,
            "cofre.conf can be changed by others; chown it to yourself and chmod 600 it");
    return COFRE_OK;
}

static enum cofre_err
read_text(int fd, char *text, size_t room, struct cofre_why *why)
{
    size_t len = 0;
    ssize_t n;

    while (len < room && (n = read(fd, text + len, room - len)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return cofre_why_os(why, COFRE_EIO, errno, "cofre.conf");
        len += (size_t)n;
    }
    if (len == room)
        return cofre_why_set(why, COFRE_EINVAL, "cofre.conf is too long");
    text[len] = 0;
    /* inih would cut what it has no room for, in silence. */
    for (const char *p = text; *p != 0;) {
        size_t line = strcspn(p, "\n");

        if (line > 190)
            return cofre_why_set(why, COFRE_EINVAL, "cofre.conf has a line longer than 190 bytes");
        p += line + (p[line] == '\n');
    }
    return COFRE_OK;
}

enum cofre_err
config_read(const char *dir, struct config *out, struct cofre_why *why)
{
    char path[CONFIG_TEXT_MAX];
    char text[16 * 1024];
    enum cofre_err err;
    int fd;

    *out = (struct config){.listen = "127.0.0.1:8420"};
    if (snprintf(path, sizeof path, "%s/cofre.conf", dir) >= (int)sizeof path)
        return cofre_why_set(why, COFRE_EINVAL, "the vault directory's name is too long");
    if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)) < 0)
        return errno == ENOENT || errno == ENOTDIR
                   ? COFRE_OK
                   : cofre_why_os(why, COFRE_EIO, errno, "cofre.conf");
    if ((err = check_mode(fd, why)) == COFRE_OK &&
        (err = read_text(fd, text, sizeof text, why)) == COFRE_OK)
        err = parse(dir, text, out, why);
    close(fd);
    return err;
}
