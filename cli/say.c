#include <stdarg.h>
#include <string.h>

#include "cofre/encode.h"

#include "say.h"

/* What one can do about it, where that is not plain from the title. */
static const char *const hints[COFRE_OUTS] = {
    [COFRE_OUT_INTERNAL] = "see the server's output",
    [COFRE_OUT_INTEGRITY] =
        "do not go on; run: cofre doctor, and compare with a checkpoint you kept",
    [COFRE_OUT_BUSY] = "wait for what is under way, then run it again",
    [COFRE_OUT_STORE] =
        "see that the disk has room and the vault's files can be written; run it again",
    [COFRE_OUT_AUDIT] = "nothing is done without the log; run it again when that is in order",
};

struct say
say_for(const struct cmd *cmd)
{
    return (struct say){cmd->err, cmd->options->command, cmd->json};
}

int
say_exit(enum cofre_err err)
{
    static const int exits[COFRE_ERR_COUNT] = {
        [COFRE_OK] = EXIT_DONE,
        [COFRE_ENOMEM] = EXIT_AGAIN,
        [COFRE_EINVAL] = EXIT_USAGE,
        [COFRE_ERANGE] = EXIT_USAGE,
        [COFRE_EFORMAT] = EXIT_FAILED,
        [COFRE_EAUTH] = EXIT_REFUSED,
        [COFRE_ENOKEY] = EXIT_INTEGRITY,
        [COFRE_ENOENT] = EXIT_FAILED,
        [COFRE_EEXIST] = EXIT_FAILED,
        [COFRE_ECONFLICT] = EXIT_FAILED,
        [COFRE_EBUSY] = EXIT_BUSY,
        [COFRE_EREFUSED] = EXIT_REFUSED,
        [COFRE_EIO] = EXIT_FAILED,
        [COFRE_ENOSPC] = EXIT_AGAIN,
        [COFRE_EINTEGRITY] = EXIT_INTEGRITY,
        [COFRE_ESTOPPED] = EXIT_AGAIN,
        [COFRE_ELIMIT] = EXIT_FAILED,
        [COFRE_EAGAIN] = EXIT_AGAIN,
    };

    return (unsigned)err < COFRE_ERR_COUNT ? exits[err] : EXIT_FAILED;
}

static void
put_prefix(const struct say *say)
{
    fputs("cofre: ", say->err);
    if (say->command != NULL)
        fprintf(say->err, "%s: ", say->command->words);
}

/* A member "name": text, with a comma before it unless it is the first. */
static void
put_member(struct buf *b, const char *name, const char *text)
{
    struct bytes value = bytes_str(text);

    if (b->len > 0 && b->p[b->len - 1] != '{')
        buf_putc(b, ',');
    encode_json_string(b, bytes_str(name));
    buf_putc(b, ':');
    /* Reasons can quote a path, which may be anything. */
    encode_json_string(b, encode_utf8_valid(value) ? value : BYTES_LIT("(not UTF-8)"));
}

static void
put_faults(struct buf *b, const struct cofre_call *call)
{
    buf_puts(b, ",\"errors\":[");
    for (size_t i = 0; i < call->n_faults; i++) {
        buf_puts(b, i == 0 ? "{" : ",{");
        put_member(b, "pointer", call->faults[i].pointer);
        put_member(b, "detail", call->faults[i].reason);
        buf_putc(b, '}');
    }
    buf_putc(b, ']');
}

struct problem {
    const char *code;
    const char *title;  /* may be NULL */
    const char *detail; /* may be NULL */
    int exit_code;
    const struct cofre_call *call; /* may be NULL */
};

static void
put_json(const struct say *say, const struct problem *p)
{
    struct buf b = BUF_INIT;

    buf_puts(&b, "{\"error\":{");
    if (say->command != NULL)
        put_member(&b, "command", say->command->words);
    put_member(&b, "code", p->code);
    if (p->title != NULL)
        put_member(&b, "title", p->title);
    if (p->detail != NULL)
        put_member(&b, "detail", p->detail);
    buf_putf(&b, ",\"exit\":%d", p->exit_code);
    if (p->call != NULL)
        put_faults(&b, p->call);
    buf_puts(&b, "}}\n");
    if (buf_error(&b) == COFRE_OK)
        fwrite(b.p, 1, b.len, say->err);
    buf_free(&b);
}

int
say_failed(const struct say *say, int exit_code, const char *text)
{
    if (say->json) {
        put_json(say, &(struct problem){.code = "failed", .detail = text, .exit_code = exit_code});
        return exit_code;
    }
    put_prefix(say);
    fprintf(say->err, "%s\n", text);
    return exit_code;
}

int
say_why(const struct say *say, enum cofre_err err, const struct cofre_why *why)
{
    return say_failed(say, say_exit(err), why->text[0] != 0 ? why->text : cofre_err_text(err));
}

void
say_warning(const struct say *say, const char *fmt, ...)
{
    va_list args;

    put_prefix(say);
    fputs("warning: ", say->err);
    va_start(args, fmt);
    vfprintf(say->err, fmt, args);
    va_end(args);
    fputc('\n', say->err);
}

/* "title: cause; hint", of which only the title is sure to be there. */
static void
put_title(const struct say *say, const struct cofre_call *call, const char *cause)
{
    const char *hint = hints[call->outcome];

    put_prefix(say);
    fputs(cofre_outcome(call->outcome)->title, say->err);
    if (cause != NULL)
        fprintf(say->err, ": %s", cause);
    if (hint != NULL)
        fprintf(say->err, "; %s", hint);
    fputc('\n', say->err);
}

int
say_outcome(const struct say *say, const struct cofre_call *call, const char *cause)
{
    const struct cofre_outcome_info *info = cofre_outcome(call->outcome);

    if (say->json) {
        put_json(say, &(struct problem){.code = info->code,
                                        .title = info->title,
                                        .detail = cause,
                                        .exit_code = (int)info->exit,
                                        .call = call});
        return (int)info->exit;
    }
    if (call->n_faults == 0 || cause != NULL)
        put_title(say, call, cause);
    for (size_t i = 0; i < call->n_faults; i++) {
        const struct cofre_fault *f = &call->faults[i];

        put_prefix(say);
        fprintf(say->err, "%s%s%s\n", f->pointer, f->pointer[0] != 0 ? ": " : "", f->reason);
    }
    return (int)info->exit;
}
