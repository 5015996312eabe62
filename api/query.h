#ifndef QUERY_H
#define QUERY_H

#include "cofre/bytes.h"

struct request;

/* A query parameter: exactly one of text and number says where it goes. */
struct query_param {
    const char *name;
    bool required;
    struct bytes *text;
    size_t max_len;   /* of text, which is never empty and holds visible ASCII only */
    uint64_t *number; /* decimal, min..max */
    uint64_t min;
    uint64_t max;
};

/*
 * Reads the request's query into the parameters that may occur; what is absent stays as it was.  Unknown ones,
 * those that occur twice and values that do not fit are faults ("?name", and "?" for a name that
 * does not look like one of ours).  False after a fault.
 */
bool query_read(struct request *req, const struct query_param *params, size_t n);

#endif
