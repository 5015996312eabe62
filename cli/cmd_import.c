#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cofre/admin.h"

#include "act.h"
#include "command.h"
#include "progress.h"

static bool
ends_with(const char *text, const char *suffix)
{
    size_t len = strlen(text);
    size_t n = strlen(suffix);

    return len > n && strcasecmp(text + len - n, suffix) == 0;
}

/* Does the file hold JSON lines?  --format, else the name, says so; EXIT_DONE, or it has said why not. */
static int
read_format(struct cmd *cmd, bool *jsonl)
{
    static const struct {
        const char *suffix;
        bool jsonl;
    } suffixes[] = {{".csv", false}, {".jsonl", true}, {".ndjson", true}};
    const char *format = options_text(cmd->options, OPT_FORMAT);
    struct say say = say_for(cmd);

    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        if (format != NULL ? strcmp(format, suffixes[i].suffix + 1) == 0
                           : ends_with(cmd->options->args[0], suffixes[i].suffix)) {
            *jsonl = suffixes[i].jsonl;
            return EXIT_DONE;
        }
    }
    return say_failed(&say, EXIT_USAGE,
                      format != NULL ? "--format takes csv or jsonl"
                                     : "the file's name ends neither in .csv nor in .jsonl; say "
                                       "which it is: --format csv, or --format jsonl");
}

static void
rejected(void *ctx, uint64_t line, const char *field, const char *reason)
{
    fprintf(ctx, "%llu\t%s\t%s\n", (unsigned long long)line, field != NULL ? field : "", reason);
}

/* The file of refused lines, emptied of those of an earlier run; NULL with errno. */
static FILE *
open_rejects(int fd)
{
    int own = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    FILE *f;

    if (own < 0)
        return NULL;
    if (ftruncate(own, 0) != 0 || (f = fdopen(own, "w")) == NULL) {
        close(own);
        return NULL;
    }
    return f;
}

static void
print_json(FILE *out, const struct cofre_import_report *r, double seconds)
{
    const struct {
        const char *name;
        uint64_t n;
    } counts[] = {{"lines", r->lines},         {"added", r->added},       {"changed", r->changed},
                  {"unchanged", r->unchanged}, {"rejected", r->rejected}, {"bytes", r->bytes}};

    fputc('{', out);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        fprintf(out, "\"%s\":%llu,", counts[i].name, (unsigned long long)counts[i].n);
    fprintf(out, "\"stopped\":%s,\"seconds\":%.1f}\n", r->stopped ? "true" : "false", seconds);
}

static void
print_report(struct cmd *cmd, const struct cofre_import_report *r, double seconds)
{
    if (cmd->json) {
        print_json(cmd->out, r, seconds);
        return;
    }
    fprintf(cmd->out,
            "%llu lines in %.1f s: %llu added, %llu changed, %llu unchanged, %llu refused\n",
            (unsigned long long)r->lines, seconds, (unsigned long long)r->added,
            (unsigned long long)r->changed, (unsigned long long)r->unchanged,
            (unsigned long long)r->rejected);
}

/* What a report means for the exit code, and what to do about it. */
static int
conclude(struct cmd *cmd, const struct cofre_import_report *r)
{
    struct say say = say_for(cmd);

    if (r->stopped)
        return say_failed(&say, EXIT_AGAIN,
                          "stopped; what was read so far is stored, and the same "
                          "command goes on");
    if (r->rejected == 0)
        return EXIT_DONE;
    if (!cmd->json)
        fprintf(cmd->err, "cofre: %s: the refused lines, and why: %s%s\n",
                cmd->options->command->words, cmd->options->args[0], cmd->options->command->beside);
    return EXIT_FAILED;
}

static int
run(struct cmd *cmd, struct cofre_import_in *in)
{
    struct cofre_import_report report = {0};
    struct progress progress;
    struct cofre_call call;
    bool done;
    int exit_code;

    progress_start(&progress, cmd, "bytes");
    act_begin(cmd, &call);
    cofre_import(cmd->vault, &call, in, &progress.hooks, &report);
    progress_end(&progress);
    done = cofre_call_ok(&call);
    exit_code = act_end_job(cmd, &call, NULL);
    if (!done)
        return exit_code;
    print_report(cmd, &report, progress_seconds(&progress));
    fflush(cmd->out);
    return conclude(cmd, &report);
}

int
cmd_import(struct cmd *cmd)
{
    struct cofre_import_in in = {.events =
                                     strcmp(cmd->options->command->words, "import events") == 0,
                                 .fd = cmd->files.fd[0],
                                 .dry_run = options_has(cmd->options, OPT_DRY_RUN),
                                 .rejected = rejected};
    struct say say = say_for(cmd);
    struct stat st;
    FILE *rejects;
    int exit_code;

    if ((exit_code = read_format(cmd, &in.jsonl)) != EXIT_DONE)
        return exit_code;
    if (fstat(in.fd, &st) == 0 && S_ISREG(st.st_mode))
        in.bytes = (uint64_t)st.st_size;
    if ((rejects = open_rejects(cmd->files.fd[1])) == NULL)
        return say_failed(&say, EXIT_FAILED, "the file of refused lines cannot be written");
    in.rejected_ctx = rejects;

    exit_code = run(cmd, &in);
    if ((ferror(rejects) | fclose(rejects)) != 0)
        return say_failed(&say, EXIT_FAILED,
                          "the file of refused lines could not be written whole");
    return exit_code;
}
