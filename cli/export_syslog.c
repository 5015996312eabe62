#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "export.h"

/* What a path names now: a socket that was made anew has another time, if not another number. */
static bool
identify(const char *path, uint64_t ident[static 4])
{
    struct stat st;

    if (stat(path, &st) != 0)
        return false;
    ident[0] = (uint64_t)st.st_dev;
    ident[1] = (uint64_t)st.st_ino;
    ident[2] = (uint64_t)st.st_ctim.tv_sec;
    ident[3] = (uint64_t)st.st_ctim.tv_nsec;
    return true;
}

static int
connect_as(int type, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd;

    if (strlen(path) >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(address.sun_path, path);
    if ((fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) < 0)
        return -1;
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        int error = errno;

        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

enum cofre_err
export_syslog_open(struct export_out *o, struct cofre_why *why)
{
    int fd = -1;

    if (!identify(o->socket, o->ident))
        return cofre_why_os(why, COFRE_EIO, errno, "%s", o->socket);
    fd = connect_as(SOCK_DGRAM, o->socket);
    o->stream = fd < 0 && errno == EPROTOTYPE;
    if (o->stream)
        fd = connect_as(SOCK_STREAM, o->socket);
    if (fd < 0)
        return cofre_why_os(why, COFRE_EIO, errno, "%s", o->socket);
    o->fd = fd;
    return COFRE_OK;
}

/* A datagram socket is not told that its reader died: another connection finds out. */
bool
export_syslog_lives(const struct export_out *o)
{
    uint64_t now[4];
    int fd;

    if (!identify(o->socket, now) || memcmp(now, o->ident, sizeof now) != 0)
        return false;
    if (o->stream)
        return true; /* poll tells */
    if ((fd = connect_as(SOCK_DGRAM, o->socket)) < 0)
        return false;
    close(fd);
    return true;
}
