#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "preload_plan.h"

enum { ANY = (1 << LOOK) - 1, LONGEST = 4096 + 256 };

static const char *const op_names[OPS] = {"open",  "write", "fsync", "rename", "link", "unlink",
                                          "trunc", "alloc", "mkdir", "look",   "read"};

static const struct {
    const char *name;
    enum preload_deed deed;
    int error;
} deeds[] = {{"EIO", FAIL, EIO},     {"ENOSPC", FAIL, ENOSPC}, {"EDQUOT", FAIL, EDQUOT},
             {"EROFS", FAIL, EROFS}, {"EACCES", FAIL, EACCES}, {"EMFILE", FAIL, EMFILE},
             {"short", SHORT, 0},    {"half", HALF, ENOSPC},   {"kill", KILL, 0},
             {"torn", TORN, 0},      {"after", AFTER, 0},      {"skip", SKIP, 0},
             {"flip", FLIP, 0}};

static struct {
    bool on;
    char text[4096]; /* COFRE_FAULT, cut at its commas */
    const char *path;
    const char *log;
    const char *during;
    unsigned ops;
    uint64_t nth;
    uint64_t times;
    enum preload_deed deed;
    int error;
    _Atomic uint64_t own;
    _Atomic uint64_t *count;
} fault = {.ops = ANY, .nth = 1, .times = 1, .count = &fault.own};

/* ---- what is asked for ---- */

static _Noreturn void
refuse(const char *what)
{
    fprintf(stderr, "COFRE_FAULT: %s\n", what);
    _exit(99);
}

static unsigned
ops_of(char *list)
{
    unsigned set = 0;
    char *rest = NULL;

    for (char *name = strtok_r(list, "|", &rest); name != NULL; name = strtok_r(NULL, "|", &rest)) {
        unsigned op = 0;

        while (op < OPS && strcmp(name, op_names[op]) != 0)
            op++;
        if (op == OPS && strcmp(name, "any") != 0)
            refuse(name);
        set |= op == OPS ? (unsigned)ANY : 1u << op;
    }
    return set;
}

static void
take_deed(const char *name)
{
    for (size_t i = 0; i < sizeof deeds / sizeof *deeds; i++) {
        if (strcmp(name, deeds[i].name) == 0) {
            fault.deed = deeds[i].deed;
            fault.error = deeds[i].error;
            return;
        }
    }
    refuse(name);
}

static void
share_count(const char *path)
{
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0);
    void *at = MAP_FAILED;

    if (fd >= 0) {
        at = mmap(NULL, sizeof *fault.count, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        (void)syscall(SYS_close, fd);
    }
    if (at == MAP_FAILED)
        refuse(path);
    fault.count = at;
}

static void
take_word(char *word)
{
    char *value = strchr(word, '=');

    if (value == NULL)
        refuse(word);
    *value++ = '\0';
    if (strcmp(word, "path") == 0)
        fault.path = value;
    else if (strcmp(word, "log") == 0)
        fault.log = value;
    else if (strcmp(word, "while") == 0)
        fault.during = value;
    else if (strcmp(word, "nth") == 0)
        fault.nth = strtoull(value, NULL, 10);
    else if (strcmp(word, "times") == 0)
        fault.times = strtoull(value, NULL, 10);
    else if (strcmp(word, "op") == 0)
        fault.ops = ops_of(value);
    else if (strcmp(word, "do") == 0)
        take_deed(value);
    else if (strcmp(word, "count") == 0)
        share_count(value);
    else
        refuse(word);
}

__attribute__((constructor)) static void
begin(void)
{
    const char *text = getenv("COFRE_FAULT");
    char *rest = NULL;

    if (text == NULL || *text == '\0')
        return;
    if (strlen(text) >= sizeof fault.text)
        refuse("too long");
    strcpy(fault.text, text);
    for (char *w = strtok_r(fault.text, ",", &rest); w != NULL; w = strtok_r(NULL, ",", &rest))
        take_word(w);
    fault.on = true;
}

/* ---- one call ---- */

static void
path_of_fd(int fd, char out[static LONGEST])
{
    char link[64];
    long len;

    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    len = syscall(SYS_readlinkat, AT_FDCWD, link, out, LONGEST - 1);
    out[len > 0 ? len : 0] = '\0';
}

static void
path_of(int dir, const char *name, char out[static LONGEST])
{
    size_t len;

    if (name[0] == '/') {
        snprintf(out, LONGEST, "%s", name);
        return;
    }
    if (dir == AT_FDCWD)
        (void)syscall(SYS_getcwd, out, LONGEST);
    else
        path_of_fd(dir, out);
    len = strlen(out);
    snprintf(out + len, LONGEST - len, "/%s", name);
}

static void
write_log(uint64_t n, enum preload_op op, const char *path)
{
    char line[LONGEST + 64];
    int len = snprintf(line, sizeof line, "%llu %d %s %s\n", (unsigned long long)n, (int)getpid(),
                       op_names[op], path);
    int fd = (int)syscall(SYS_openat, AT_FDCWD, fault.log,
                          O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);

    if (fd >= 0) {
        (void)syscall(SYS_write, fd, line, (size_t)len);
        (void)syscall(SYS_close, fd);
    }
}

/* What is to happen at this call; the path is known. */
static enum preload_deed
judge_path(enum preload_op op, const char *path)
{
    uint64_t n;

    if (fault.path != NULL && strstr(path, fault.path) == NULL)
        return NOTHING;
    n = ++*fault.count;
    if (fault.log != NULL)
        write_log(n, op, path);
    if (n < fault.nth || (fault.times > 0 && n - fault.nth >= fault.times))
        return NOTHING;
    if (fault.during != NULL && syscall(SYS_faccessat, AT_FDCWD, fault.during, F_OK) != 0)
        return NOTHING;
    return fault.deed;
}

static bool
concerns(enum preload_op op)
{
    return fault.on && (fault.ops >> op & 1) != 0;
}

enum preload_deed
preload_plan_fd(enum preload_op op, int fd)
{
    char path[LONGEST];
    const int before = errno;
    enum preload_deed deed;

    if (!concerns(op))
        return NOTHING;
    path_of_fd(fd, path);
    deed = judge_path(op, path);
    errno = before;
    return deed;
}

enum preload_deed
preload_plan_path(enum preload_op op, int dir, const char *name)
{
    char path[LONGEST];
    const int before = errno;
    enum preload_deed deed;

    if (!concerns(op))
        return NOTHING;
    path_of(dir, name, path);
    deed = judge_path(op, path);
    errno = before;
    return deed;
}

int
preload_plan_error(void)
{
    return fault.error;
}
