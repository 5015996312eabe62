#include <string.h>

#include "command.h"
#include "say.h"

#include "help.h"

enum { OPTION_WIDTH = 26, COMMAND_WIDTH = 18 };

static void
put_options(FILE *out, uint64_t set)
{
    for (unsigned i = 0; i < OPTIONS; i++) {
        const struct option_spec *spec = options_spec((enum option)i);
        int width;

        if ((set >> i & 1) == 0)
            continue;
        width = fprintf(out, "  --%s%s%s", spec->name, spec->value != NULL ? " " : "",
                        spec->value != NULL ? spec->value : "");
        fprintf(out, "%*s%s\n", width < OPTION_WIDTH ? OPTION_WIDTH - width : 1, "", spec->help);
    }
}

static void
put_line(FILE *out, const struct command *c)
{
    fprintf(out, "  %-*s%s\n", COMMAND_WIDTH, c->words, c->help);
}

void
help_all(FILE *out)
{
    fputs("usage: cofre [options] COMMAND [arguments]\n\ncommands:\n", out);
    for (const struct command *c = commands_all(); c->words != NULL; c++)
        put_line(out, c);
    fputs("\noptions of every command:\n", out);
    put_options(out, OPTIONS_GLOBAL);
    fputs("\nA command's own options: cofre help COMMAND.  All of it: man cofre.\n", out);
}

void
help_command(FILE *out, const struct command *c)
{
    fprintf(out, "usage: cofre %s%s%s\n\n%s\n", c->words, c->usage[0] != 0 ? " " : "", c->usage,
            c->help);
    if (c->options != 0) {
        fputs("\noptions:\n", out);
        put_options(out, c->options);
    }
    fputs("\noptions of every command:\n", out);
    put_options(out, OPTIONS_GLOBAL);
}

void
help_first(FILE *out, const char *first)
{
    size_t len = strlen(first);

    for (const struct command *c = commands_all(); c->words != NULL; c++)
        if (strncmp(c->words, first, len) == 0 && c->words[len] == ' ')
            put_line(out, c);
}

int
cmd_help(struct cmd *cmd)
{
    const struct options *o = cmd->options;
    const struct command *c = NULL;

    if (o->n_args == 0) {
        help_all(cmd->out);
        return EXIT_DONE;
    }
    c = o->n_args == 1 ? commands_find(NULL, o->args[0]) : commands_find(o->args[0], o->args[1]);
    if (c != NULL) {
        help_command(cmd->out, c);
    } else if (o->n_args == 1 && commands_begins(o->args[0])) {
        help_first(cmd->out, o->args[0]);
    } else {
        return say_failed(&(struct say){.err = cmd->err, .json = cmd->json}, EXIT_USAGE,
                          "unknown command; see: cofre help");
    }
    return EXIT_DONE;
}

int
cmd_version(struct cmd *cmd)
{
    fprintf(cmd->out, cmd->json ? "{\"version\":\"%s\"}\n" : "cofre %s\n", COFRE_VERSION);
    return EXIT_DONE;
}
