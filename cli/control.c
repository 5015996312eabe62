#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "control.h"

/* Room for the descriptors of one message, as the kernel wants it aligned. */
union fd_room {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(sizeof(int) * (2 + INFILES_MAX))];
};

void
control_address(int dir, struct sockaddr_un *out)
{
    *out = (struct sockaddr_un){.sun_family = AF_UNIX};
    snprintf(out->sun_path, sizeof out->sun_path, "/proc/self/fd/%d/control", dir);
}

enum cofre_err
control_send(int fd, const struct control_message *m)
{
    union fd_room room;
    struct iovec data = {(void *)m->bytes, m->len};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};
    struct cmsghdr *rights;
    ssize_t n;

    assert(m->n_fds <= sizeof m->fds / sizeof *m->fds);
    memset(&room, 0, sizeof room);
    if (m->n_fds > 0) {
        message.msg_control = room.bytes;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * m->n_fds);
        rights = CMSG_FIRSTHDR(&message);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(sizeof(int) * m->n_fds);
        memcpy(CMSG_DATA(rights), m->fds, sizeof(int) * m->n_fds);
    }
    do
        n = sendmsg(fd, &message, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)m->len ? COFRE_OK : COFRE_EIO;
}

static void
take_fds(struct msghdr *message, struct control_message *m)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
        size_t n;

        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        /* The room that was given holds no more than fds does. */
        n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        memcpy(m->fds + m->n_fds, CMSG_DATA(c), n * sizeof(int));
        m->n_fds += n;
    }
}

enum cofre_err
control_receive(int fd, struct control_message *m)
{
    union fd_room room;
    struct iovec data = {m->bytes, sizeof m->bytes};
    struct msghdr message = {.msg_iov = &data,
                             .msg_iovlen = 1,
                             .msg_control = room.bytes,
                             .msg_controllen = sizeof room.bytes};
    unsigned resets = 0;
    ssize_t n;

    m->len = 0;
    m->n_fds = 0;
    /* Reset: the server closed without reading what we sent, said once; its answer lies behind. */
    do
        n = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
    while (n < 0 && (errno == EINTR || (errno == ECONNRESET && resets++ == 0)));
    if (n <= 0)
        return COFRE_EIO;
    take_fds(&message, m);
    if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
        control_close_fds(m);
        return COFRE_EFORMAT;
    }
    m->len = (size_t)n;
    return COFRE_OK;
}

void
control_close_fds(struct control_message *m)
{
    while (m->n_fds > 0)
        close(m->fds[--m->n_fds]);
}

enum cofre_err
control_peer(int fd, unsigned *uid)
{
    struct ucred peer;
    socklen_t len = sizeof peer;

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0 || len != sizeof peer)
        return COFRE_EIO;
    *uid = peer.uid;
    return COFRE_OK;
}
