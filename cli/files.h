#ifndef CLI_FILES_H
#define CLI_FILES_H

#include "cofre/bytes.h"

#include "options.h"

/*
 * The FILEs of a command line, as descriptors: first those of its options, in the order given, then
 * that of its last argument, then the one beside it.  Always opened by the process that the person
 * started; a server gets them ready made.
 */
enum { FILES_MAX = 32, FILES_READ_MAX = 8 * 1024 * 1024 };

struct files {
    int fd[FILES_MAX];
    size_t n;
};

/* How many descriptors a command line stands for; over FILES_MAX: too many to open. */
size_t files_count(const struct options *o);

/*
 * Opens them; "-" is standard input.  The file beside is made (mode 0600) but not emptied.
 * COFRE_ENOENT, COFRE_EIO, COFRE_EINVAL (too many; "-" where a name is needed): out is empty.
 */
COFRE_CHECKED enum cofre_err files_open(const struct options *o, struct files *out,
                                        struct cofre_why *why);
/* Closes them. */
void files_close(struct files *files);
/* Closes them, and removes the file beside if it is empty.  For the process that opened them. */
void files_finish(const struct options *o, struct files *files);

/* Reads to the end.  COFRE_ELIMIT over FILES_READ_MAX, COFRE_EIO, COFRE_ENOMEM; out is empty on error. */
COFRE_CHECKED enum cofre_err files_read(int fd, struct buf *out, struct cofre_why *why);

#endif
