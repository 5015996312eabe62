#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "listen.h"

enum { BACKLOG = 1024, HOST_MAX = 256 };

/* "[::1]:80" -> "::1" and "80" */
static bool
split(const char *text, char host[static HOST_MAX], const char **port)
{
    const char *colon = strrchr(text, ':');
    size_t len;

    if (colon == NULL || colon == text || colon[1] == 0)
        return false;
    len = (size_t)(colon - text);
    if (text[0] == '[') {
        if (len < 3 || text[len - 1] != ']')
            return false;
        text++;
        len -= 2;
    } else if (memchr(text, ':', len) != NULL) {
        return false;
    }
    if (len >= HOST_MAX || strspn(colon + 1, "0123456789") != strlen(colon + 1))
        return false;
    memcpy(host, text, len);
    host[len] = 0;
    *port = colon + 1;
    return true;
}

static bool
is_loopback(const struct sockaddr *address)
{
    const struct sockaddr_in *v4 = (const void *)address;
    const struct sockaddr_in6 *v6 = (const void *)address;

    if (address->sa_family == AF_INET)
        return (ntohl(v4->sin_addr.s_addr) >> 24) == 127;
    if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
        return v6->sin6_addr.s6_addr[12] == 127;
    return IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

static bool
describe(int fd, char *out, size_t room)
{
    struct sockaddr_storage address;
    socklen_t len = sizeof address;
    char host[NI_MAXHOST];
    char port[NI_MAXSERV];

    if (getsockname(fd, (struct sockaddr *)&address, &len) != 0 ||
        getnameinfo((const struct sockaddr *)&address, len, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return false;
    snprintf(out, room, address.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
    return true;
}

static enum cofre_err
open_at(const struct addrinfo *at, struct listen_socket *out, struct cofre_why *why)
{
    int on = 1;
    int fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return cofre_why_os(why, COFRE_EIO, errno, "cannot make a socket");
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (at->ai_family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (bind(fd, at->ai_addr, at->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0 ||
        !describe(fd, out->address, sizeof out->address)) {
        enum cofre_err err = errno == EADDRINUSE ? COFRE_EBUSY : COFRE_EIO;
        (void)cofre_why_os(why, err, errno, "cannot listen there");
        close(fd);
        return err;
    }
    out->fd = fd;
    return COFRE_OK;
}

enum cofre_err
listen_open(const char *text, bool public, struct listen_socket *out, struct cofre_why *why)
{
    static const struct addrinfo hints = {.ai_flags = AI_NUMERICSERV | AI_PASSIVE,
                                          .ai_socktype = SOCK_STREAM};
    char host[HOST_MAX];
    const char *port;
    struct addrinfo *found = NULL;
    enum cofre_err err;

    *out = (struct listen_socket){.fd = -1};
    if (!split(text, host, &port) || strlen(port) > 5 || strtoul(port, NULL, 10) > 65535)
        return cofre_why_set(why, COFRE_EINVAL, "listen: must be ADDR:PORT or [IPv6]:PORT");
    /* RFC 6761, section 6.3: a name that needs no resolver, nor a hosts file. */
    if (strcmp(host, "localhost") == 0)
        strcpy(host, "127.0.0.1");
    if (getaddrinfo(host, port, &hints, &found) != 0 || found == NULL)
        return cofre_why_set(why, COFRE_EINVAL, "listen: there is no such address");
    out->loopback = is_loopback(found->ai_addr);
    if (out->loopback || public)
        err = open_at(found, out, why);
    else
        err = cofre_why_set(why, COFRE_EREFUSED,
                            "an address that is not of the loopback interface needs TLS "
                            "(--tls-cert and --tls-key)");
    freeaddrinfo(found);
    return err;
}
