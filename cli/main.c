#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "act.h"
#include "command.h"
#include "control.h"
#include "help.h"
#include "open.h"
#include "run.h"
#include "secretin.h"

/* SIGINT and SIGTERM are blocked while a stoppable command runs: is one waiting? */
static bool
signal_waits(void *ctx)
{
    sigset_t waiting;

    (void)ctx;
    return sigpending(&waiting) == 0 &&
           (sigismember(&waiting, SIGINT) == 1 || sigismember(&waiting, SIGTERM) == 1);
}

/* Before the vault starts its threads, which would get them else. */
static void
block_signals(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
}

/* A verifier's exit codes say other things. */
static int
exit_of(const struct command *c, int exit_code)
{
    if (c == NULL || !c->verifies)
        return exit_code;
    switch (exit_code) {
    case EXIT_USAGE:
        return EXIT_VERIFY_USAGE;
    case EXIT_INTEGRITY:
        return EXIT_FAILED; /* which is a verifier's "tampered" */
    default:
        return EXIT_UNREADABLE;
    }
}

/* Opens the vault, runs the command, closes it. */
static int
run_with_vault(struct cmd *cmd)
{
    struct cofre_why why = {""};
    struct say say = say_for(cmd);
    struct config config;
    enum cofre_err err;
    int exit_code;

    if (cmd->options->command->stoppable) {
        block_signals();
        cmd->stop = signal_waits;
    }
    if ((err = config_read(secretin_vault(cmd->options), &config, &why)) != COFRE_OK ||
        (err = open_vault(cmd->options, &config, &cmd->vault, &why)) != COFRE_OK)
        return exit_of(cmd->options->command, say_why(&say, err, &why));
    exit_code = run_command(cmd);
    err = cofre_vault_close(cmd->vault, &why);
    if (err != COFRE_OK && exit_code == EXIT_DONE)
        exit_code = say_why(&say, err, &why);
    return exit_code;
}

/* In the server if there is one, else here. */
static int
run_somewhere(struct cmd *cmd, const char *const *words, size_t n)
{
    const struct options *o = cmd->options;
    struct cofre_why why = {""};
    struct say say = say_for(cmd);
    enum cofre_err err;
    int exit_code = EXIT_FAILED;

    if (o->command->drive != NULL) {
        block_signals();
        return o->command->drive(cmd);
    }
    if (o->command->place == COMMAND_ALONE)
        return run_command(cmd);
    if ((err = infiles_open(o, &cmd->files, &why)) != COFRE_OK)
        return exit_of(o->command, say_why(&say, err, &why));
    err = control_client_run(secretin_vault(o), words, n, &cmd->files, &exit_code);
    if (err == COFRE_ENOENT)
        exit_code = run_with_vault(cmd);
    else if (err != COFRE_OK)
        exit_code = say_why(&say, err, &why);
    infiles_finish(o, &cmd->files);
    return exit_code;
}

int
main(int argc, char **argv)
{
    const char *const *words = (const char *const *)argv + (argc > 0);
    size_t n = argc > 0 ? (size_t)argc - 1 : 0;
    char actor[RUN_ACTOR_MAX];
    struct options options;
    struct cmd cmd = {.options = &options,
                      .actor = actor,
                      .out = stdout,
                      .err = stderr,
                      .out_fd = STDOUT_FILENO,
                      .err_is_terminal = isatty(STDERR_FILENO) == 1};
    struct cofre_why why = {""};
    enum cofre_err err;

    umask(077);
    signal(SIGPIPE, SIG_IGN);
    run_actor(actor, getuid());
    err = options_parse(words, n, &options, &why);
    cmd.json = options_has(&options, OPT_JSON);
    if (err != COFRE_OK)
        return exit_of(options.command,
                       say_why(&(struct say){stderr, options.command, cmd.json}, err, &why));
    if (options_has(&options, OPT_VERSION))
        return cmd_version(&cmd);
    if (options_has(&options, OPT_HELP) && options.group != NULL)
        help_first(stdout, options.group);
    else if (options_has(&options, OPT_HELP) && options.command == NULL)
        help_all(stdout);
    else if (options_has(&options, OPT_HELP))
        help_command(stdout, options.command);
    else
        return run_somewhere(&cmd, words, n);
    return EXIT_DONE;
}
