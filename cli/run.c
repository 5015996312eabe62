#include <errno.h>

#include "say.h"

#include "run.h"

int
run_command(struct cmd *cmd)
{
    struct say say = say_for(cmd);
    int exit_code = cmd->options->command->run(cmd);

    errno = 0;
    if ((fflush(cmd->out) != 0 || ferror(cmd->out)) && exit_code == EXIT_DONE) {
        exit_code = EXIT_FAILED;
        /* Whoever stopped reading knows. */
        if (errno != EPIPE)
            say_failed(&say, exit_code, "done, but the output could not be written");
    }
    fflush(cmd->err);
    return exit_code;
}

void
run_actor(char out[static RUN_ACTOR_MAX], unsigned uid)
{
    snprintf(out, RUN_ACTOR_MAX, "uid-%u", uid);
}
