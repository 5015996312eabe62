#ifndef SHARED_FILE_H
#define SHARED_FILE_H

#include <stdio.h>
#include <stdlib.h>

/*
 * Large data that is not part of the project: below $COFRE_SHARED, by default ../shared as seen from
 * the source tree.  NULL where it is absent: the test then skips what needs it.
 */
static inline FILE *
shared_file(const char *name)
{
    const char *shared = getenv("COFRE_SHARED");
    const char *src = getenv("COFRE_SRC");
    char path[1024];

    if (shared != NULL)
        snprintf(path, sizeof path, "%s/%s", shared, name);
    else
        snprintf(path, sizeof path, "%s/../shared/%s", src != NULL ? src : ".", name);
    return fopen(path, "r");
}

#endif
