#ifndef CLI_ACT_H
#define CLI_ACT_H

#include <jansson.h>

#include "cofre/call.h"

#include "command.h"
#include "say.h"
#include "table.h"

/*
 * What nearly every command does: one call of the vault, whose entry names the command's act and
 * the person's uid, and whose body becomes a table or stays JSON.
 */

/* Prepares the call.  Whatever follows, act_end or act_fail ends it. */
void act_begin(const struct cmd *cmd, struct cofre_call *call);

/* Prints a body for people.  body is borrowed. */
typedef enum cofre_err act_print_fn(struct cmd *cmd, const json_t *body);
/* A line for each member. */
act_print_fn act_print_members;
/* The report of a verification of the log. */
act_print_fn act_print_report;

/*
 * Submits the call and waits for its entry; then prints its body (print NULL, or --json: as it
 * is) or says what is wrong; frees the call.  Returns the exit code.
 */
int act_end(struct cmd *cmd, struct cofre_call *call, act_print_fn *print);
/* The same, with print also for --json. */
int act_end_with(struct cmd *cmd, struct cofre_call *call, act_print_fn *print);
/* As act_end, for a call that has a body when it fails too: the report that says why. */
int act_end_report(struct cmd *cmd, struct cofre_call *call, act_print_fn *print);
/* As act_end, for a call that ran its own entries: nothing is submitted. */
int act_end_job(struct cmd *cmd, struct cofre_call *call, act_print_fn *print);

/* The one argument that is no FILE. */
struct bytes act_arg(const struct cmd *cmd);

/* Reads the command's only FILE into json; EXIT_DONE, or it has said what is wrong. */
int act_read_file(struct cmd *cmd, struct buf *json);

#endif
