#ifndef VERIFY_INPUTS_H
#define VERIFY_INPUTS_H

#include "cofre/bytes.h"
#include "crypto/note.h"

/* Files that the caller names.  Failures are told on stderr, by the function that returns them. */

enum { INPUTS_KEYS_MAX = 16 };

struct inputs_keys {
    struct note_verifier key[INPUTS_KEYS_MAX];
    size_t n;
};

/* Reads a file (or pipe) of at most max bytes.  False: told. */
bool inputs_read(const char *path, size_t max, struct buf *out);
/* Reads verifier keys, one a line, the first epoch's first.  False: told. */
bool inputs_keys(const char *path, struct inputs_keys *out);
/*
 * True when path is a file below the directory, or another name of its keys/vkeys: whoever
 * changes a log can change that too, so it proves nothing.
 */
bool inputs_inside(const char *path, int dir);

#endif
