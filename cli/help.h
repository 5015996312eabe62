#ifndef CLI_HELP_H
#define CLI_HELP_H

#include <stdio.h>

struct command;

/* All commands, one a line. */
void help_all(FILE *out);
/* Those whose first word this is; a command of one word with its options. */
void help_first(FILE *out, const char *first);
/* A command with its options. */
void help_command(FILE *out, const struct command *c);

#endif
