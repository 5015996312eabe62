#ifndef LISTEN_H
#define LISTEN_H

#include "cofre/bytes.h"

/* A socket that listens; fd is -1 on error. */
struct listen_socket {
    int fd;
    bool loopback;
    char address[80]; /* "127.0.0.1:8420", "[::1]:8420", with the real port */
};

/*
 * Listens at text, "ADDR:PORT" or "[IPv6]:PORT".  public: an address that is not of the loopback interface is
 * accepted, too.
 *
 * COFRE_EINVAL  no address and port
 * COFRE_EREFUSED  not loopback, and public is false
 * COFRE_EBUSY   another socket is there
 * COFRE_EIO     the system refused
 */
COFRE_CHECKED enum cofre_err listen_open(const char *text, bool public, struct listen_socket *out,
                                         struct cofre_why *why);

#endif
