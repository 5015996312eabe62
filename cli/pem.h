#ifndef CLI_PEM_H
#define CLI_PEM_H

#include "cofre/bytes.h"

/*
 * Reads a PEM file into out, which the caller frees (and which wipes it); an empty path leaves it
 * empty.  secret: a file that everyone may use is refused.
 * COFRE_ENOENT, COFRE_EREFUSED, COFRE_EIO, COFRE_EINVAL, COFRE_ENOMEM
 */
COFRE_CHECKED enum cofre_err pem_read(const char *path, bool secret, struct buf *out,
                                      struct cofre_why *why);

#endif
