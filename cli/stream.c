#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/types.h>
#include <unistd.h>

#include "stream.h"

/* What a reader may still take when the server is to stop. */
enum { LAST_CHANCE_MS = 2000 };

static bool
wait_writable(const struct stream *s)
{
    struct pollfd p[] = {{.fd = s->fd, .events = POLLOUT},
                         {.fd = s->wake, .events = POLLIN},
                         {.fd = s->conn, .events = POLLRDHUP}};

    for (;;) {
        if (poll(p, 3, -1) < 0) {
            if (errno == EINTR)
                continue;
            return false;
        }
        if (p[0].revents != 0)
            return true;
        /* The client is gone, or we shall be. */
        return p[2].revents == 0 && poll(p, 1, LAST_CHANCE_MS) == 1;
    }
}

/* A pipe that is writable takes PIPE_BUF bytes without blocking, and perhaps no more. */
static ssize_t
stream_write(void *cookie, const char *p, size_t len)
{
    const struct stream *s = cookie;
    size_t done = 0;

    while (done < len) {
        size_t step = len - done < PIPE_BUF ? len - done : PIPE_BUF;
        ssize_t n;

        if (!wait_writable(s))
            return -1;
        n = write(s->fd, p + done, step);
        if (n < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (n < 0)
            return -1;
        done += (size_t)n;
    }
    return (ssize_t)len;
}

FILE *
stream_open(struct stream *s)
{
    return fopencookie(s, "w", (cookie_io_functions_t){.write = stream_write});
}
