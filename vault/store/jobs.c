#include "vault/store/store_internal.h"

enum cofre_err
store_job_put(struct store_conn *w, struct store_job *job)
{
    struct store_arg v[] = {
        ARG_TEXT(bytes_str(job->kind)), ARG_INT(job->from_version), ARG_INT(job->to_version),
        ARG_INT(job->state),            ARG_INT(job->done),         ARG_INT(job->total),
        ARG_INT(job->started),          ARG_INT(job->updated),      ARG_INT(job->num)};
    bool fresh = job->num == 0;
    int changed;
    enum cofre_err err = store_change(w, fresh ? SQL_JOB_INSERT : SQL_JOB_UPDATE,
                                      (struct store_args){v, fresh ? 8 : 9}, &changed);

    /* The only unique index is that over the kinds of running jobs. */
    if (err == COFRE_EEXIST)
        return COFRE_EBUSY;
    if (err != COFRE_OK)
        return err;
    if (changed == 0)
        return COFRE_ENOENT;
    if (fresh)
        job->num = sqlite3_last_insert_rowid(w->db);
    return COFRE_OK;
}

static enum cofre_err
read_row(struct store_conn *c, sqlite3_stmt *s, struct store_job *job)
{
    memset(job, 0, sizeof *job);
    if (!store_column_text(s, 1, job->kind, sizeof job->kind))
        return store_misshapen(c);
    job->num = sqlite3_column_int64(s, 0);
    job->from_version = store_column_u32(s, 2);
    job->to_version = store_column_u32(s, 3);
    job->state = store_column_u32(s, 4);
    job->done = store_column_u64(s, 5);
    job->total = store_column_u64(s, 6);
    job->started = sqlite3_column_int64(s, 7);
    job->updated = sqlite3_column_int64(s, 8);
    return COFRE_OK;
}

enum cofre_err
store_job_each(struct store_conn *c, store_job_fn *fn, void *ctx)
{
    struct store_job job;
    bool more = false;
    enum cofre_err err = store_start(c, SQL_JOB_EACH, NO_ARGS);

    if (err != COFRE_OK)
        return err;
    while ((err = store_step(c, SQL_JOB_EACH, &more)) == COFRE_OK && more)
        if ((err = read_row(c, c->stmt[SQL_JOB_EACH], &job)) != COFRE_OK ||
            (err = fn(ctx, &job)) != COFRE_OK)
            break;
    store_end(c, SQL_JOB_EACH);
    return err;
}
