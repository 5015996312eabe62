#include "cofre/audit.h"

#include "act.h"
#include "command.h"

enum cofre_err
act_print_report(struct cmd *cmd, const json_t *body)
{
    const char *text = json_string_value(json_object_get(body, "text"));

    if (text == NULL)
        return COFRE_EFORMAT;
    fputs(text, cmd->out);
    return COFRE_OK;
}

/* The files of one option, read. */
struct files {
    struct buf buf[INFILES_MAX];
    struct bytes bytes[INFILES_MAX];
    size_t n;
};

static void
free_files(struct files *f)
{
    for (size_t i = 0; i < INFILES_MAX; i++)
        buf_free(&f->buf[i]);
}

/* False: it has said which cannot be read. */
static bool
read_files(struct cmd *cmd, enum option option, struct files *out)
{
    const struct options *o = cmd->options;
    struct say say = say_for(cmd);
    struct cofre_why why = {""};
    size_t file = 0;

    for (size_t i = 0; i < o->n_values; i++) {
        if (options_spec(o->values[i].option)->kind != OPTION_FILE)
            continue;
        if (o->values[i].option == option) {
            if (infiles_read(cmd->files.fd[file], &out->buf[out->n], &why) != COFRE_OK) {
                say_failed(&say, EXIT_UNREADABLE, why.text);
                return false;
            }
            out->bytes[out->n] = buf_bytes(&out->buf[out->n]);
            out->n++;
        }
        file++;
    }
    return true;
}

static size_t
texts_of(const struct options *o, enum option option, const char *out[static OPTIONS_MAX])
{
    size_t n = 0;

    for (size_t i = 0; i < o->n_values; i++) {
        if (o->values[i].option == option)
            out[n++] = o->values[i].text;
    }
    return n;
}

struct given {
    struct files since;
    struct files witnesses;
    struct files tsa_ca;
    const char *accepted[OPTIONS_MAX];
    struct cofre_verify_in in;
};

/* EXIT_DONE, or it has said what is wrong. */
static int
read_given(struct cmd *cmd, struct given *g)
{
    const char *age = options_text(cmd->options, OPT_MAX_AGE);
    struct say say = say_for(cmd);

    if (age != NULL && options_duration(age, &g->in.max_age) != COFRE_OK)
        return say_failed(&say, EXIT_VERIFY_USAGE, "--max-age is a time such as 12h, 7d or 1y");
    if (!read_files(cmd, OPT_SINCE, &g->since) || !read_files(cmd, OPT_WITNESS, &g->witnesses) ||
        !read_files(cmd, OPT_TSA_CA, &g->tsa_ca))
        return EXIT_UNREADABLE;
    g->in.since = g->since.bytes;
    g->in.n_since = g->since.n;
    g->in.witnesses = g->witnesses.bytes;
    g->in.n_witnesses = g->witnesses.n;
    g->in.quorum = options_number(cmd->options, OPT_QUORUM, 0);
    g->in.tsa_ca = g->tsa_ca.n > 0 ? g->tsa_ca.bytes[0] : BYTES_NONE;
    g->in.n_accepted = texts_of(cmd->options, OPT_ACCEPT, g->accepted);
    g->in.accepted = g->accepted;
    g->in.text = !cmd->json;
    return EXIT_DONE;
}

int
cmd_audit_verify(struct cmd *cmd)
{
    struct given g = {0};
    struct cofre_call call;
    unsigned verdict = 0;
    int exit_code;

    if ((exit_code = read_given(cmd, &g)) != EXIT_DONE)
        goto out;
    act_begin(cmd, &call);
    cofre_audit_verify(cmd->vault, &call, &g.in, &verdict);
    exit_code = act_end_report(cmd, &call, act_print_report);
    if (verdict != 0)
        exit_code = (int)verdict;
    else if (exit_code != EXIT_DONE)
        exit_code = EXIT_UNREADABLE;
out:
    free_files(&g.since);
    free_files(&g.witnesses);
    free_files(&g.tsa_ca);
    return exit_code;
}
