#ifndef VAULT_VIEW_INTERNAL_H
#define VAULT_VIEW_INTERNAL_H

#include "vault/views/view.h"

/* Limits of a view document that view.h leaves to its reader. */
enum {
    VIEW_WIDTH_MAX = 50,
    VIEW_CHARS_MAX = 3,
    VIEW_MIN_K_LEAST = 2,
    VIEW_MIN_K_MOST = 1000,
    VIEW_MIN_K_DEFAULT = 5
};
#define VIEW_EDGE_MAX INT64_C(1000000000000000) /* money has 15 digits before the point */

/* What a view may write back, in the order of the canonical document. */
#define VIEW_WRITE_BACK           \
    {                             \
        "tier", "points", "flags" \
    }

#define VIEW_PSEUDONYM "relationship" /* the one kind there is */

#endif
