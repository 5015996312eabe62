#ifndef VAULT_SEEN_H
#define VAULT_SEEN_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Customers that have a tag in an entry already: a small set of their numbers, so that a batch of a
 * thousand rows of a thousand people costs a thousand steps.
 */
enum { SEEN_MAX = 1000, SEEN_SLOTS = 2048 };

struct seen {
    unsigned n;
    int64_t slot[SEEN_SLOTS]; /* 0: free; customers' numbers begin with 1 */
};

void seen_init(struct seen *s);
/* True when num (> 0) was not there before, and is now.  A full set takes nobody: false. */
bool seen_add(struct seen *s, int64_t num);

#endif
