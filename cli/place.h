#ifndef CLI_PLACE_H
#define CLI_PLACE_H

#include "cofre/bytes.h"

/* Where files lie, whether they exist yet or not. */

/* Does path lie in dir, or is it dir?  Symbolic links are followed.  COFRE_EIO. */
COFRE_CHECKED enum cofre_err place_inside(const char *path, const char *dir, bool *inside,
                                          struct cofre_why *why);
/* Are the two on one volume?  False where one of them does not exist. */
bool place_same_volume(const char *a, const char *b);
/* Makes the directory entry of path durable.  COFRE_EIO. */
COFRE_CHECKED enum cofre_err place_sync_parent(const char *path, struct cofre_why *why);

#endif
