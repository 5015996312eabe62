#ifndef CLI_SAY_H
#define CLI_SAY_H

#include <stdio.h>

#include "cofre/call.h"

#include "command.h"

/*
 * What goes wrong, said in one line on stderr: "cofre: view apply: what, and what to do"; with --json as one
 * object {"error":{"command","code","title","detail","exit","errors":[{"pointer","detail"}]}}.
 */

/* Where and for what: command may be NULL. */
struct say {
    FILE *err;
    const struct command *command;
    bool json;
};

/* On this command's stderr. */
struct say say_for(const struct cmd *cmd);

/* The exit code that stands for err. */
int say_exit(enum cofre_err err);

/* Says the cause (err's text where why is empty), and returns say_exit(err). */
int say_why(const struct say *say, enum cofre_err err, const struct cofre_why *why);
/* Says a cause with an exit code of its own, and returns that. */
int say_failed(const struct say *say, int exit_code, const char *text);
/* "cofre: command: warning: ..."; nothing is wrong. */
void say_warning(const struct say *say, const char *fmt, ...) COFRE_PRINTF(2, 3);
/* Says a failed call's faults, or its title, and cause (may be NULL); returns the outcome's exit code. */
int say_outcome(const struct say *say, const struct cofre_call *call, const char *cause);

#endif
