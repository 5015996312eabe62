#ifndef CLI_RUN_H
#define CLI_RUN_H

#include "command.h"

/* Runs the command, and sees that its output went out; the exit code.  Streams are flushed, not closed. */
int run_command(struct cmd *cmd);

/* Room for "uid-4294967295". */
enum { RUN_ACTOR_MAX = 16 };
void run_actor(char out[static RUN_ACTOR_MAX], unsigned uid);

#endif
