#ifndef AUDIT_FILES_H
#define AUDIT_FILES_H

#include "cofre/bytes.h"
#include "cofre/err.h"

/*
 * Whole small files below a log's directory.  Paths are relative to dir, of at most FILES_PATH_MAX
 * bytes; symbolic links are not followed at the last step.
 */
enum { FILES_PATH_MAX = 128 };

/*
 * Reads a file into out, which is emptied first (not wiped: a log is no secret).
 *
 * COFRE_ENOENT   there is none
 * COFRE_EFORMAT  not a regular file, or longer than max
 * COFRE_EIO, COFRE_ENOMEM
 */
COFRE_CHECKED enum cofre_err files_read(int dir, const char *path, size_t max, struct buf *out,
                                        struct cofre_why *why);

/*
 * Makes a file that appears whole or not at all, and is durable on return, as are the directories
 * that were missing.  Where the file system has no unnamed files, it is prepared as FILES_SPARE,
 * which the next call reuses should a crash leave it behind.  What was stored is read back
 * before the file gets its name.
 *
 * COFRE_EEXIST     there is one already; it was not touched
 * COFRE_EINTEGRITY it reads back as other bytes; there is no such file
 * COFRE_EIO, COFRE_ENOSPC
 */
#define FILES_SPARE "tile/tmp"
COFRE_CHECKED enum cofre_err files_put(int dir, const char *path, struct bytes contents,
                                       struct cofre_why *why);

#endif
