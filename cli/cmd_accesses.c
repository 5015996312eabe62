#include "cofre/customers.h"
#include "cofre/views.h"

#include "act.h"
#include "command.h"

/* Who saw this customer: pages until the end, and the key with which others may search. */

static enum cofre_err
print_lines(FILE *out, const json_t *rows)
{
    size_t i;
    json_t *row;

    json_array_foreach((json_t *)rows, i, row)
    {
        if (json_dumpf(row, out, JSON_COMPACT) != 0)
            return COFRE_EIO;
        fputc('\n', out);
    }
    return COFRE_OK;
}

static enum cofre_err
print_page(struct cmd *cmd, const json_t *body)
{
    static const struct table_column columns[] = {
        {"TIME", "time", false},       {"ACT", "act", false},       {"OK", "ok", false},
        {"ACTOR", "actor", false},     {"ROLE", "role", false},     {"VIEW", "view", false},
        {"PURPOSE", "purpose", false}, {"FIELDS", "fields", false}, {"SEQ", "seq", true},
    };
    const json_t *rows = json_object_get(body, "accesses");

    if (cmd->json)
        return print_lines(cmd->out, rows);
    return table_rows(cmd->out, rows, columns, sizeof columns / sizeof *columns,
                      "There are no accesses from there on.");
}

/* The walk's next page; false: this was the last one, or cannot be read. */
static bool
go_on(const struct cofre_call *call, struct cofre_accesses_in *in)
{
    json_t *body = json_loadb((const char *)call->body.p, call->body.len, 0, NULL);
    const json_t *next = json_object_get(body, "next");
    const size_t n = json_array_size(json_object_get(body, "accesses"));
    const bool more = json_is_integer(next);

    if (more) {
        in->from = (uint64_t)json_integer_value(next);
        in->to = (uint64_t)json_integer_value(json_object_get(body, "to"));
        in->limit = n < in->limit ? in->limit - n : 0;
    }
    json_decref(body);
    return more;
}

/* Each page is an access of its own, so the end of the first one's log is the end of the walk. */
static int
walk(struct cmd *cmd)
{
    struct cofre_accesses_in in = {.from = options_number(cmd->options, OPT_FROM, 0),
                                   .to = UINT64_MAX,
                                   .limit = options_number(cmd->options, OPT_LIMIT, UINT64_MAX),
                                   .whole = true};
    bool more = true;
    int exit_code = EXIT_DONE;

    while (more && exit_code == EXIT_DONE && in.limit > 0 &&
           (cmd->stop == NULL || !cmd->stop(cmd->stop_ctx))) {
        struct cofre_accesses_in page = in;
        struct cofre_call call;

        if (page.limit > COFRE_PAGE_MAX)
            page.limit = COFRE_PAGE_MAX;
        act_begin(cmd, &call);
        cofre_customer_accesses(cmd->vault, &call, act_arg(cmd), &page);
        more = cofre_call_ok(&call) && go_on(&call, &in);
        exit_code = act_end_with(cmd, &call, print_page);
    }
    if (more && exit_code == EXIT_DONE)
        fprintf(cmd->err,
                cmd->json ? "{\"next\":%llu}\n" : "cofre: customer accesses: more: --from %llu\n",
                (unsigned long long)in.from);
    return exit_code;
}

/* The key goes into the file alone, and only once the log says that it was made. */
static int
subject_key(struct cmd *cmd)
{
    const bool current = options_has(cmd->options, OPT_CURRENT);
    struct cofre_why why = {""};
    struct say say = say_for(cmd);
    struct buf key = BUF_INIT;
    struct cofre_call call;
    enum cofre_err err;
    int exit_code;

    act_begin(cmd, &call);
    cofre_customer_subject_key(cmd->vault, &call, act_arg(cmd), current, &key);
    exit_code = act_end(cmd, &call, NULL);
    if (exit_code == EXIT_DONE &&
        (err = infiles_write(infiles_of(cmd->options, &cmd->files, OPT_SUBJECT_KEY),
                             buf_bytes(&key), &why)) != COFRE_OK)
        exit_code = say_why(&say, err, &why);
    else if (exit_code == EXIT_DONE && current)
        say_warning(&say, "this key also opens accesses that are yet to come, until"
                          " cofre key rotate audit");
    buf_free(&key);
    return exit_code;
}

int
cmd_customer_accesses(struct cmd *cmd)
{
    const bool key = options_has(cmd->options, OPT_SUBJECT_KEY);
    struct say say = say_for(cmd);

    if (key && (options_has(cmd->options, OPT_FROM) || options_has(cmd->options, OPT_LIMIT)))
        return say_failed(&say, EXIT_USAGE, "--subject-key goes without --from and --limit");
    if (!key && options_has(cmd->options, OPT_CURRENT))
        return say_failed(&say, EXIT_USAGE, "--current belongs to --subject-key");
    return key ? subject_key(cmd) : walk(cmd);
}
