#include <string.h>

#include "command.h"
#include "say.h"

#include "help.h"

enum { OPTION_WIDTH = 26, COMMAND_WIDTH = 18 };

/* What an option means to one command alone, instead of what its own table says. */
static const struct {
    const char *words;
    enum option option;
    const char *help;
} particular[] = {
    {"serve", OPT_LISTEN, "where to listen (127.0.0.1:8420); port 0: any"},
    {"witness serve", OPT_LISTEN, "where to listen (127.0.0.1:8421); port 0: any"},
    {"witness serve", OPT_NAME, "the witness's name, when it is made"},
    {"import customers", OPT_FORMAT, "csv or jsonl, where the file's name does not say"},
    {"import events", OPT_FORMAT, "csv or jsonl, where the file's name does not say"},
    {"audit export", OPT_FORMAT, "jsonl, cef or ocsf (jsonl)"},
    {"audit show", OPT_LIMIT, "at most so many entries (50)"},
};

static const char *
help_of(const struct command *c, enum option option)
{
    for (size_t i = 0; c != NULL && i < sizeof particular / sizeof *particular; i++)
        if (particular[i].option == option && strcmp(particular[i].words, c->words) == 0)
            return particular[i].help;
    return options_spec(option)->help;
}

/* Those of a command, or (c NULL) of every one. */
static void
put_options(FILE *out, const struct command *c, uint64_t set)
{
    for (unsigned i = 0; i < OPTIONS; i++) {
        const struct option_spec *spec = options_spec((enum option)i);
        int width;

        if ((set >> i & 1) == 0)
            continue;
        width = fprintf(out, "  --%s%s%s", spec->name, spec->value != NULL ? " " : "",
                        spec->value != NULL ? spec->value : "");
        fprintf(out, "%*s%s\n", width < OPTION_WIDTH ? OPTION_WIDTH - width : 1, "",
                help_of(c, (enum option)i));
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
    put_options(out, NULL, OPTIONS_GLOBAL);
    fputs("\nA command's own options: cofre help COMMAND.  All of it: man cofre.\n", out);
}

void
help_command(FILE *out, const struct command *c)
{
    fprintf(out, "usage: cofre %s%s%s\n\n%s\n", c->words, c->usage[0] != 0 ? " " : "", c->usage,
            c->help);
    if (c->options != 0) {
        fputs("\noptions:\n", out);
        put_options(out, c, c->options);
    }
    fputs("\noptions of every command:\n", out);
    put_options(out, NULL, OPTIONS_GLOBAL);
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
