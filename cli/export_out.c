#include <errno.h>
#include <limits.h>
#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "export.h"

enum { TICK_MS = 200, LOOK_MS = 2 };

int64_t
export_clock(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void
export_sleep(int ms)
{
    struct timespec t = {ms / 1000, (long)(ms % 1000) * 1000000};

    (void)nanosleep(&t, NULL);
}

/* Has it been asked to stop, or waited too long since? */
static bool
enough(const struct export_out *o, int64_t since)
{
    return o->stop(o->stop_ctx) || (o->stall_ms > 0 && export_clock() - since > o->stall_ms);
}

static enum cofre_err
wait_writable(const struct export_out *o, int64_t since)
{
    struct pollfd p = {.fd = o->fd, .events = POLLOUT};

    for (;;) {
        int n = poll(&p, 1, TICK_MS);

        if (n > 0)
            return COFRE_OK; /* or an error, which writing tells */
        if (n < 0 && errno != EINTR)
            return COFRE_EIO;
        if (enough(o, since))
            return COFRE_EAGAIN;
    }
}

/* A pipe that is writable takes PIPE_BUF bytes without blocking, and perhaps no more. */
static ssize_t
send_some(const struct export_out *o, struct bytes text)
{
    if (o->socket != NULL)
        return send(o->fd, text.p, text.len, MSG_NOSIGNAL | MSG_DONTWAIT);
    return write(o->fd, text.p, text.len < PIPE_BUF ? text.len : PIPE_BUF);
}

enum cofre_err
export_out_put(struct export_out *o, struct bytes text)
{
    int64_t since = export_clock();
    enum cofre_err err;

    while (text.len > 0) {
        ssize_t n;

        if ((err = wait_writable(o, since)) != COFRE_OK)
            return err;
        n = send_some(o, text);
        if (n < 0 && (errno == EINTR || errno == EAGAIN || errno == ENOBUFS)) {
            if (enough(o, since))
                return COFRE_EAGAIN;
            /* A datagram socket is writable while its reader's queue is full. */
            export_sleep(LOOK_MS);
            continue;
        }
        if (n < 0)
            return COFRE_EIO;
        text.p += n;
        text.len -= (size_t)n;
        since = export_clock();
    }
    return COFRE_OK;
}

/* Bytes that were sent and not read yet; 0 also where nobody can say. */
static int
unread(const struct export_out *o)
{
    struct stat st;
    int n = 0;

    if (fstat(o->fd, &st) != 0)
        return 0;
    if (S_ISSOCK(st.st_mode))
        return ioctl(o->fd, SIOCOUTQ, &n) == 0 ? n : 0;
    if (S_ISFIFO(st.st_mode))
        return ioctl(o->fd, FIONREAD, &n) == 0 ? n : 0;
    return 0;
}

bool
export_out_gone(struct export_out *o, int ms)
{
    struct pollfd p = {.fd = o->fd, .events = POLLRDHUP};

    if (o->fd < 0) {
        export_sleep(ms);
        return false;
    }
    if (poll(&p, 1, ms) > 0 && (p.revents & (POLLERR | POLLHUP | POLLRDHUP | POLLNVAL)) != 0)
        return true;
    return o->socket != NULL && !export_syslog_lives(o);
}

/* The order matters: what a dead reader left in its socket is dropped, and looks read. */
enum cofre_err
export_out_settle(struct export_out *o)
{
    int64_t since = export_clock();
    struct stat st;
    int before = 0;
    int left;

    if (fstat(o->fd, &st) == 0 && S_ISREG(st.st_mode))
        return fdatasync(o->fd) == 0 ? COFRE_OK : COFRE_EIO;
    while ((left = unread(o)) > 0) {
        if (left != before)
            since = export_clock();
        before = left;
        if (export_out_gone(o, LOOK_MS))
            return COFRE_EIO;
        if (enough(o, since))
            return COFRE_EAGAIN;
    }
    return export_out_gone(o, 0) ? COFRE_EIO : COFRE_OK;
}

enum cofre_err
export_out_open(struct export_out *o, struct cofre_why *why)
{
    if (o->socket == NULL || o->fd >= 0)
        return COFRE_OK;
    return export_syslog_open(o, why);
}

void
export_out_close(struct export_out *o)
{
    if (o->socket != NULL && o->fd >= 0) {
        close(o->fd);
        o->fd = -1;
    }
}
