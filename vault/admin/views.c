#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cofre/admin.h"
#include "cofre/encode.h"
#include "cofre/oplog.h"
#include "cofre/secret.h"
#include "crypto/pseudonym.h"
#include "vault/keys.h"
#include "vault/records/person.h"

/*
 * Applying a view: its number is reserved and its key made (from then on every new customer gets a link),
 * the links of the customers that are there are filled in batches, and only then the document is stored
 * and the view served.  A crash in between leaves a scope without a view; applying again goes on.
 */
enum { FILL_BATCH = 500 };

/* ---- list and show ---- */

static struct store_scope
scope_of(const struct catalog_view *view)
{
    return (struct store_scope){
        .view = view->scope->view,
        .epoch = view->scope->epoch,
        .purpose = view->purpose->num,
        .without_row = view->purpose->basis == STORE_LEGITIMATE_INTEREST ||
                       view->purpose->basis == STORE_LEGAL_OBLIGATION,
    };
}

void
cofre_view_list(struct cofre_vault *v, struct cofre_call *call)
{
    struct store_conn *conn = NULL;
    struct catalog *c;
    enum cofre_err err;

    if (!policy_role(call))
        return;
    c = catalog_hold(v);
    buf_puts(&call->body, "{\"views\":[");
    err = store_snapshot(v->store, &conn, NULL);
    for (size_t i = 0; i < c->n_views && err == COFRE_OK; i++) {
        const struct catalog_view *view = &c->views[i];
        struct store_scope scope = scope_of(view);
        uint64_t members = 0;

        err = store_member_count(conn, &scope, &members);
        buf_putf(&call->body,
                 "%s{\"name\":\"%s\",\"version\":%u,\"purpose\":\"%s\",\"epoch\":%u,\"members\":%llu}",
                 i > 0 ? "," : "", view->view->name, view->version, view->view->purpose,
                 view->scope->epoch, (unsigned long long)members);
    }
    store_snapshot_end(conn);
    buf_puts(&call->body, "]}");
    call->n = c->n_views;
    if (err != COFRE_OK)
        policy_error(call, err, NULL);
    catalog_release(c);
}

void
cofre_view_show(struct cofre_vault *v, struct cofre_call *call, struct bytes name)
{
    const struct catalog_view *view;
    struct catalog *c;

    if (!policy_role(call))
        return;
    c = catalog_hold(v);
    if ((view = catalog_view(c, name)) == NULL) {
        cofre_call_fail(call, COFRE_OUT_NOT_FOUND, NULL, NULL);
    } else {
        snprintf(call->view, sizeof call->view, "%s", view->view->name);
        view_write(view->view, c->schema, &call->body);
    }
    catalog_release(c);
}

/* ---- apply ---- */

struct reserve_op {
    const char *name;
    uint32_t num;
};

static const struct catalog_scope *
scope_num(const struct catalog *c, uint32_t num)
{
    for (size_t i = 0; i < c->n_scopes; i++)
        if (c->scopes[i].view == num)
            return &c->scopes[i];
    return NULL;
}

/* Reserves the view's number and makes its key, on the committer's thread. */
static enum cofre_err
apply_reserve(struct cofre_vault *v, struct cofre_call *call)
{
    struct reserve_op *op = call->op;
    struct store_doc doc = {.name = bytes_str(op->name), .body = BYTES_LIT("{}")};
    struct cofre_why why = {{0}};
    struct catalog *c;
    bool served;
    enum cofre_err err = store_doc_put(store_writer(v->store), CATALOG_SCOPE, &doc);

    if (err != COFRE_OK)
        return err;
    op->num = doc.num;
    commit_reload(v);
    c = catalog_hold(v);
    served = catalog_view(c, bytes_str(op->name)) != NULL;
    catalog_release(c);
    if (served)
        return COFRE_OK;
    /*
     * New, dropped before, or cut off on the way: a fresh epoch, so that nobody can join the new
     * pseudonyms to old ones.  The key is on disk before a row that needs it.
     */
    if ((err = store_link_drop(store_writer(v->store), doc.num, 0)) != COFRE_OK)
        return err;
    err = keys_add(v, KEYRING_VIEW, doc.num, NULL, &why);
    if (err != COFRE_OK)
        oplog_line(OPLOG_ERROR, "keyring: %s", why.text);
    return err;
}

struct fill_op {
    const struct catalog_scope *scope;
    int64_t after;
    uint64_t done;
    size_t n;
    struct {
        int64_t num;
        uint8_t ps[PSEUDONYM_LEN];
    } links[FILL_BATCH];
    struct cofre_vault *v;
};

static enum cofre_err
gather(void *ctx, const struct store_customer *row)
{
    struct fill_op *op = ctx;
    struct person b;
    enum cofre_err err;

    if ((err = person_open(op->v, row, &b)) != COFRE_OK)
        return err;
    op->links[op->n].num = row->num;
    pseudonym_of(&op->scope->key, row->id, b.bundle.ps, op->links[op->n].ps);
    encode_id_order(op->links[op->n].ps, op->links[op->n].ps);
    op->n++;
    op->after = row->num;
    secret_wipe(&b, sizeof b);
    return COFRE_OK;
}

static enum cofre_err
apply_fill(struct cofre_vault *v, struct cofre_call *call)
{
    struct fill_op *op = call->op;

    for (size_t i = 0; i < op->n; i++) {
        struct store_customer row;
        enum cofre_err err = store_customer_get_num(store_writer(v->store), op->links[i].num, &row);

        if (err == COFRE_ENOENT)
            continue; /* gone meanwhile */
        if (err == COFRE_OK)
            err = store_link_put(store_writer(v->store), op->scope->view, op->scope->epoch,
                                 op->links[i].ps, op->links[i].num);
        if (err != COFRE_OK)
            return err;
    }
    return COFRE_OK;
}

static enum cofre_err
fill(struct cofre_vault *v, const struct catalog_scope *scope,
     const struct cofre_progress *progress)
{
    struct fill_op *op = calloc(1, sizeof *op);
    struct store_conn *conn = NULL;
    struct store_counts counts = {0};
    enum cofre_err err = op == NULL ? COFRE_ENOMEM : COFRE_OK;

    if (err == COFRE_OK && (err = store_snapshot(v->store, &conn, NULL)) == COFRE_OK)
        err = store_count(conn, &counts);
    store_snapshot_end(conn);
    while (err == COFRE_OK) {
        op->v = v;
        op->scope = scope;
        op->n = 0;
        conn = NULL;
        if ((err = store_snapshot(v->store, &conn, NULL)) == COFRE_OK)
            err = store_customer_each(conn, op->after, FILL_BATCH, gather, op);
        store_snapshot_end(conn);
        if (err != COFRE_OK || op->n == 0)
            break;
        err = commit_silent(v, op, apply_fill);
        op->done += op->n;
        if (progress != NULL && progress->fn != NULL)
            progress->fn(progress->ctx, op->done, counts.customers);
        if (err == COFRE_OK && progress != NULL && progress->stop != NULL &&
            progress->stop(progress->ctx))
            err = COFRE_EAGAIN;
    }
    free(op);
    return err;
}

struct doc_op {
    char name[COFRE_NAME_MAX + 1];
    uint32_t num;   /* of the scope, and its epoch: those that were filled */
    uint32_t epoch;
    bool dropped;
    struct buf body;
};

static enum cofre_err
make_links(struct cofre_vault *v, struct doc_op *op, const struct cofre_progress *progress)
{
    struct reserve_op reserved = {.name = op->name};
    const struct catalog_scope *scope;
    struct catalog *c;
    enum cofre_err err;

    if ((err = commit_silent(v, &reserved, apply_reserve)) != COFRE_OK)
        return err;
    c = catalog_hold(v);
    if ((scope = scope_num(c, reserved.num)) == NULL) {
        err = COFRE_ECONFLICT; /* dropped by another command already */
    } else {
        op->num = scope->view;
        op->epoch = scope->epoch;
        err = fill(v, scope, progress);
    }
    catalog_release(c);
    return err;
}

static void
op_free(void *p)
{
    struct doc_op *op = p;

    if (op == NULL)
        return;
    buf_free(&op->body);
    free(op);
}

static enum cofre_err
put_doc(struct cofre_vault *v, struct cofre_call *call)
{
    struct doc_op *op = call->op;
    struct store_doc doc = {
        .name = bytes_str(op->name), .body = buf_bytes(&op->body), .dropped = op->dropped};
    struct buf hex = BUF_INIT;
    uint8_t sha256[HASH_LEN];
    enum cofre_err err = store_doc_put(store_writer(v->store), CATALOG_VIEW, &doc);

    if (err != COFRE_OK)
        return err;
    commit_reload(v);
    hash_of(buf_bytes(&op->body), sha256);
    encode_hex(&hex, BYTES_OF(sha256));
    buf_putf(&call->body, "{\"view\":\"%s\",\"version\":%u,\"sha256\":\"%.*s\"}", op->name,
             doc.version, (int)hex.len, (const char *)hex.p);
    cofre_call_field(call, buf_bytes(&hex));
    buf_free(&hex);
    return COFRE_OK;
}

/* Serves the view, if the epoch that was filled is the present one: another command may have dropped the
 * view, or begun a new epoch, meanwhile. */
static enum cofre_err
apply_doc(struct cofre_vault *v, struct cofre_call *call)
{
    const struct doc_op *op = call->op;
    struct catalog *c = catalog_hold(v);
    const struct catalog_scope *scope = scope_num(c, op->num);
    bool same = scope != NULL && scope->epoch == op->epoch;

    catalog_release(c);
    return same ? put_doc(v, call) : COFRE_ECONFLICT;
}

static struct doc_op *
doc_new(const char *name)
{
    struct doc_op *op = calloc(1, sizeof *op);

    if (op != NULL)
        snprintf(op->name, sizeof op->name, "%s", name);
    return op;
}

void
cofre_view_apply(struct cofre_vault *v, struct cofre_call *call, struct bytes json, bool dry_run,
                 const struct cofre_progress *progress)
{
    struct cofre_why why = {{0}};
    struct view *view = NULL;
    struct doc_op *op = NULL;
    struct catalog *c;
    enum cofre_err err;

    if (!policy_role(call))
        return;
    c = catalog_hold(v);
    if ((err = view_parse(json, c->schema, &view, &why)) == COFRE_OK) {
        snprintf(call->view, sizeof call->view, "%s", view->name);
        if (catalog_purpose(c, bytes_str(view->purpose)) == NULL)
            err = cofre_why_set(&why, COFRE_EFORMAT, "/purpose: is not a purpose of this vault");
        else if ((op = doc_new(view->name)) == NULL)
            err = COFRE_ENOMEM;
    }
    if (err == COFRE_OK) {
        snprintf(call->purpose, sizeof call->purpose, "%s", view->purpose);
        view_write(view, c->schema, &op->body);
        err = buf_error(&op->body);
    }
    catalog_release(c);
    if (err == COFRE_OK && dry_run) {
        cofre_call_field(call, BYTES_LIT("dry-run"));
        buf_puts(&call->body, "{\"dry_run\":true}");
    } else if (err == COFRE_OK && (err = make_links(v, op, progress)) == COFRE_OK) {
        commit_prepare(call, op, apply_doc, op_free);
        op = NULL; /* moved to call */
    }
    if (err == COFRE_EFORMAT || err == COFRE_EREFUSED)
        cofre_call_fail(call, err == COFRE_EFORMAT ? COFRE_OUT_INVALID : COFRE_OUT_REFUSED, "",
                        why.text);
    else if (err == COFRE_EAGAIN)
        cofre_call_fail(call, COFRE_OUT_BUSY, "", "left off; apply it again to go on");
    else if (err != COFRE_OK)
        policy_error(call, err, &why);
    op_free(op);
    view_free(view);
}

/* ---- drop ---- */

static enum cofre_err
apply_drop(struct cofre_vault *v, struct cofre_call *call)
{
    struct doc_op *op = call->op;
    struct store_doc scope = {
        .name = bytes_str(op->name), .body = BYTES_LIT("{}"), .dropped = true};
    struct catalog *c = catalog_hold(v);
    const struct catalog_view *view = catalog_view(c, bytes_str(op->name));
    enum cofre_err err = COFRE_ENOENT;

    if (view != NULL)
        err = store_link_drop(store_writer(v->store), view->scope->view, 0);
    catalog_release(c);
    /* The scope as well: nobody gets a pseudonym for a view that is not there. */
    if (err != COFRE_OK ||
        (err = store_doc_put(store_writer(v->store), CATALOG_SCOPE, &scope)) != COFRE_OK)
        return err;
    op->dropped = true;
    buf_puts(&op->body, "{}");
    return put_doc(v, call);
}

void
cofre_view_drop(struct cofre_vault *v, struct cofre_call *call, struct bytes name)
{
    const struct catalog_view *view;
    struct doc_op *op = NULL;
    struct catalog *c;

    if (!policy_role(call))
        return;
    c = catalog_hold(v);
    if ((view = catalog_view(c, name)) == NULL)
        cofre_call_fail(call, COFRE_OUT_NOT_FOUND, NULL, NULL);
    else if ((op = doc_new(view->view->name)) == NULL)
        policy_error(call, COFRE_ENOMEM, NULL);
    if (op != NULL) {
        snprintf(call->view, sizeof call->view, "%s", op->name);
        commit_prepare(call, op, apply_drop, op_free);
    }
    catalog_release(c);
}
