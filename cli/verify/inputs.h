#ifndef VERIFY_INPUTS_H
#define VERIFY_INPUTS_H

#include "audit/verify_keys.h"
#include "cofre/bytes.h"

/* Files that the caller names.  Failures are told on stderr, by the function that returns them. */

/* Reads a file (or pipe) of at most max bytes.  False: told. */
bool inputs_read(const char *path, size_t max, struct buf *out);
/* Reads verifier keys, one a line, the first epoch's first.  False: told. */
bool inputs_keys(const char *path, struct verify_keys *out);
/* Adds what --witness names: a key, or a file of keys.  Told, and an exit status, or -1: it is fine. */
int inputs_witness(const char *text, struct verify_keys *out);
/*
 * True when path is a file below the directory, or another name of its keys/vkeys: whoever
 * changes a log can change that too, so it proves nothing.
 */
bool inputs_inside(const char *path, int dir);
/* "cofre-verify: PATH: WHAT" on stderr; false. */
bool inputs_told(const char *path, const char *what);

#endif
