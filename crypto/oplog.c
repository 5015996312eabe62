#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cofre/oplog.h"

enum { LINE_MAX_BYTES = 1024 };

static const char *const names[] = {
    [OPLOG_ERROR] = "error",
    [OPLOG_WARNING] = "warning",
    [OPLOG_INFO] = "info",
    [OPLOG_DEBUG] = "debug",
};

static atomic_int highest = OPLOG_INFO;

void
oplog_level_set(enum oplog_level level)
{
    atomic_store(&highest, level);
}

/* Whatever the text brings, it stays one line and cannot drive a terminal. */
static void
blunt(char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            text[i] = ' ';
}

/* One write for the whole line, so that lines of several threads do not mix. */
static void
write_line(const char *line, size_t len)
{
    while (len > 0) {
        ssize_t n = write(STDERR_FILENO, line, len);

        if (n < 0 && errno != EINTR)
            return;
        if (n > 0) {
            line += n;
            len -= (size_t)n;
        }
    }
}

void
oplog_line(enum oplog_level level, const char *fmt, ...)
{
    char line[LINE_MAX_BYTES];
    int saved = errno;
    va_list args;
    size_t len;
    int n;

    if ((int)level > atomic_load(&highest))
        return;
    len = (size_t)snprintf(line, sizeof line, "cofre: %s: ", names[level]);
    va_start(args, fmt);
    n = vsnprintf(line + len, sizeof line - len, fmt, args);
    va_end(args);
    if (n < 0)
        line[len] = '\0';

    len = strlen(line);
    blunt(line, len);
    if (len == sizeof line - 1)
        len--; /* a cut line gives its last byte to the line end */
    line[len++] = '\n';
    write_line(line, len);
    errno = saved;
}
