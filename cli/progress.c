#include "progress.h"

double
progress_seconds(const struct progress *p)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - p->start.tv_sec) + (double)(now.tv_nsec - p->start.tv_nsec) / 1e9;
}

static void
put_left(FILE *err, double seconds)
{
    unsigned left = (unsigned)(seconds + 0.5);

    if (left >= 3600)
        fprintf(err, ", %uh %02um left", left / 3600, left / 60 % 60);
    else if (left >= 60)
        fprintf(err, ", %um %02us left", left / 60, left % 60);
    else
        fprintf(err, ", %us left", left);
}

/* "cofre: import customers: 45 %, 1.2 of 2.7 MB, 0.6 MB/s, 3s left" */
static void
put_terminal(struct progress *p, uint64_t done, uint64_t total, double seconds)
{
    FILE *err = p->cmd->err;
    bool bytes = p->unit[0] == 'b';
    double scale = bytes ? 1e6 : 1;
    int digits = bytes ? 1 : 0;
    double rate = seconds > 0 ? (double)done / seconds : 0;

    fprintf(err, "\r\033[Kcofre: %s: ", p->cmd->options->command->words);
    if (total > 0)
        fprintf(err, "%u %%, %.*f of %.*f", (unsigned)(100.0 * (double)done / (double)total),
                digits, (double)done / scale, digits, (double)total / scale);
    else
        fprintf(err, "%.*f", digits, (double)done / scale);
    fprintf(err, " %s, %.*f %s/s", bytes ? "MB" : p->unit, digits, rate / scale,
            bytes ? "MB" : p->unit);
    if (total > done && rate > 0 && seconds > 1)
        put_left(err, (double)(total - done) / rate);
    fflush(err);
    p->shown = true;
}

static void
report(void *ctx, uint64_t done, uint64_t total)
{
    struct progress *p = ctx;
    double seconds = progress_seconds(p);
    double between = p->cmd->json ? 1.0 : 0.1;

    if (seconds - p->last < between)
        return;
    p->last = seconds;
    if (p->cmd->json) {
        fprintf(p->cmd->out, "{\"progress\":{\"done\":%llu,\"total\":%llu,\"seconds\":%.1f}}\n",
                (unsigned long long)done, (unsigned long long)total, seconds);
        fflush(p->cmd->out);
    } else if (p->cmd->err_is_terminal) {
        put_terminal(p, done, total, seconds);
    }
}

static bool
stop(void *ctx)
{
    const struct progress *p = ctx;

    return p->cmd->stop != NULL && p->cmd->stop(p->cmd->stop_ctx);
}

void
progress_start(struct progress *p, struct cmd *cmd, const char *unit)
{
    *p = (struct progress){.cmd = cmd, .unit = unit, .hooks = {report, p, stop}};
    clock_gettime(CLOCK_MONOTONIC, &p->start);
}

void
progress_end(struct progress *p)
{
    if (p->shown) {
        fputs("\r\033[K", p->cmd->err);
        fflush(p->cmd->err);
    }
    p->shown = false;
}
