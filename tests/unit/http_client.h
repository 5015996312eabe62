#ifndef HTTP_CLIENT_H
#define HTTP_CLIENT_H

/* A small HTTP client over loopback: writes what it is told, reads one reply at a time. */

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HTTP_REPLY_MAX = 256 * 1024 };

struct http_reply {
    bool of_head; /* set by the caller: no body follows */
    int status;   /* 0: the connection ended first */
    char *head;   /* in text */
    char *body;   /* in text, NUL-terminated */
    size_t body_len;
    char text[HTTP_REPLY_MAX];
    size_t len;
};

/* url is "http://127.0.0.1:PORT" */
static inline int
http_connect(const char *url)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    at.sin_port = htons((uint16_t)atoi(strrchr(url, ':') + 1));
    if (fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof at) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static inline bool
http_send(int fd, const char *p, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, p, len, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        p += n;
        len -= (size_t)n;
    }
    return true;
}

/* The value of a header, or NULL; valid until the next call. */
static inline const char *
http_header(const struct http_reply *r, const char *name)
{
    static _Thread_local char value[512];
    size_t len = strlen(name);

    for (const char *line = strstr(r->head, "\r\n"); line != NULL; line = strstr(line, "\r\n")) {
        line += 2;
        if (strncasecmp(line, name, len) == 0 && line[len] == ':') {
            const char *from = line + len + 1 + strspn(line + len + 1, " ");
            snprintf(value, sizeof value, "%.*s", (int)strcspn(from, "\r\n"), from);
            return value;
        }
    }
    return NULL;
}

static inline bool
http_fill(int fd, struct http_reply *r, char *(*enough)(struct http_reply *))
{
    while (enough(r) == NULL) {
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        ssize_t n;
        if (r->len + 1 >= sizeof r->text || poll(&ready, 1, 20000) <= 0)
            return false;
        n = recv(fd, r->text + r->len, sizeof r->text - 1 - r->len, 0);
        if (n <= 0)
            return false;
        r->len += (size_t)n;
        r->text[r->len] = 0;
    }
    return true;
}

static inline char *
http_head_end(struct http_reply *r)
{
    return strstr(r->text, "\r\n\r\n");
}

static inline char *
http_body_end(struct http_reply *r)
{
    return r->len >= (size_t)(r->body - r->text) + r->body_len ? r->body : NULL;
}

/* Reads one reply; there must be nothing more behind it.  Interim replies are skipped. */
static inline void
http_read(int fd, struct http_reply *r)
{
    const char *length;

    r->len = 0;
    do {
        r->status = 0;
        r->text[r->len] = 0;
        r->head = r->text;
        if (!http_fill(fd, r, http_head_end))
            return;
        r->body = http_head_end(r) + 4;
        r->status = atoi(r->text + 9);
        if (r->status == 100) {
            r->len -= (size_t)(r->body - r->text);
            memmove(r->text, r->body, r->len);
        }
    } while (r->status == 100);
    length = http_header(r, "Content-Length");
    r->body_len = length != NULL && !r->of_head ? (size_t)atol(length) : 0;
    if (!http_fill(fd, r, http_body_end))
        r->status = 0;
    r->body[r->body_len] = 0;
}

#endif
