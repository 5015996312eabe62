#ifndef CLI_STREAM_H
#define CLI_STREAM_H

#include <stdio.h>

/*
 * A stream onto a client's descriptor that never holds the server up for good: when the reader is
 * slow and the client hangs up, or the server is to stop, writing fails.
 */
struct stream {
    int fd;   /* written to */
    int wake; /* readable once the server is to stop */
    int conn; /* the client's connection */
};

/* Borrows s and its descriptors until fclose.  NULL: no memory. */
FILE *stream_open(struct stream *s);

#endif
