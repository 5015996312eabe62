#ifndef CLI_INFILES_H
#define CLI_INFILES_H

#include "cofre/bytes.h"

#include "options.h"

/*
 * The FILEs of a command line, as descriptors: first those of its options, in the order given, then
 * that of its last argument, then the one beside it.  Always opened by the process that the person
 * started; a server gets them ready made.  What a command is to make (OPTION_MAKE) is a new file, mode
 * 0600, so that a secret goes straight into it and never over a stream.
 */
enum { INFILES_MAX = 32, INFILES_READ_MAX = 8 * 1024 * 1024 };

struct infiles {
    int fd[INFILES_MAX];
    size_t n;
};

/* How many descriptors a command line stands for; over INFILES_MAX: too many to open. */
size_t infiles_count(const struct options *o);

/*
 * Opens them; "-" is standard input.  The file beside is made (mode 0600) but not emptied.
 * COFRE_ENOENT, COFRE_EIO, COFRE_EEXIST (what is to be made), COFRE_EINVAL (too many; "-" where a
 * name is needed): out is empty, and nothing is left that was made.
 */
COFRE_CHECKED enum cofre_err infiles_open(const struct options *o, struct infiles *out,
                                          struct cofre_why *why);
/* Closes them. */
void infiles_close(struct infiles *files);
/* The descriptor of an option's file, the first where there are several; -1: not given. */
int infiles_of(const struct options *o, const struct infiles *files, enum option option);
/* Closes them, and removes those that were made and are empty.  For the process that opened them. */
void infiles_finish(const struct options *o, struct infiles *files);

/* Reads to the end.  COFRE_ELIMIT over INFILES_READ_MAX, COFRE_EIO, COFRE_ENOMEM; out is empty on error. */
COFRE_CHECKED enum cofre_err infiles_read(int fd, struct buf *out, struct cofre_why *why);
/* Writes into a file that was made, and syncs it.  COFRE_EIO. */
COFRE_CHECKED enum cofre_err infiles_write(int fd, struct bytes b, struct cofre_why *why);

#endif
