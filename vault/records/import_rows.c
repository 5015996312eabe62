#include <stdlib.h>
#include <string.h>

#include "vault/records/draft.h"
#include "vault/records/event.h"
#include "vault/records/person.h"

#include "vault/records/import.h"

/* Rows of files as customers and as events. */

static enum cofre_form
form_of(enum table_kind kind)
{
    switch (kind) {
    case TABLE_TEXT:
        return COFRE_FORM_FILE;
    case TABLE_STRING:
    case TABLE_LIST:
        return COFRE_FORM_STRING;
    case TABLE_INTEGER:
        return COFRE_FORM_INTEGER;
    case TABLE_BOOL:
        return COFRE_FORM_BOOL;
    default:
        return COFRE_FORM_NUMBER;
    }
}

/* "/fields/email" -> "email": lines name columns, not pointers. */
static const char *
column_of(const char *pointer)
{
    const char *slash = strrchr(pointer, '/');

    if (strncmp(pointer, "/consents", 9) == 0)
        return "consents";
    return slash != NULL ? slash + 1 : pointer;
}

/* ---- customers ---- */

struct customer_row {
    struct cofre_field fields[TABLE_COLUMNS_MAX];
    size_t n_fields;
    struct cofre_consent_in consents[DRAFT_CONSENTS_MAX];
    size_t n_consents;
};

static bool
customer_knows(const struct import *im, struct bytes name)
{
    const struct schema_field *f = schema_field(im->catalog->schema, name);

    return bytes_equal(name, BYTES_LIT("consents")) || (f != NULL && !f->derived);
}

static void
split_consents(struct customer_row *row, struct bytes list)
{
    while (list.len > 0) {
        size_t n = 0;

        while (n < list.len && list.p[n] != ' ')
            n++;
        if (n > 0 && row->n_consents < DRAFT_CONSENTS_MAX)
            row->consents[row->n_consents++] =
                (struct cofre_consent_in){.purpose = {list.p, n},
                                          .status = BYTES_LIT("granted"),
                                          .source = BYTES_LIT("import")};
        n += n < list.len;
        list.p += n;
        list.len -= n;
    }
}

static enum cofre_err
customer_prepare(struct import *im, const struct table_row *row, void *item)
{
    struct draft *d = item;
    struct customer_row *flat = calloc(1, sizeof *flat);
    struct cofre_customer_in in;
    enum cofre_err err;

    draft_init(d);
    if (flat == NULL)
        return COFRE_ENOMEM;
    for (size_t i = 0; i < row->n; i++) {
        const struct table_cell *c = &row->cells[i];
        if (bytes_equal(c->name, BYTES_LIT("consents")))
            split_consents(flat, c->value);
        else
            flat->fields[flat->n_fields++] =
                (struct cofre_field){.name = c->name, .text = c->value, .form = form_of(c->kind)};
    }
    in = (struct cofre_customer_in){.fields = flat->fields,
                                    .n_fields = flat->n_fields,
                                    .consents = flat->consents,
                                    .n_consents = flat->n_consents};
    if ((err = draft_take(d, im->catalog, &in, false)) == COFRE_OK && draft_ok(d))
        err = draft_seal(im->v, d);
    free(flat);
    return err;
}

static bool
customer_bad(struct import *im, void *item, uint64_t line)
{
    struct draft *d = item;

    if (draft_ok(d))
        return false;
    import_reject(im, line, d->n_faults > 0 ? column_of(d->faults[0].pointer) : "",
                  d->n_faults > 0 ? d->faults[0].reason : cofre_outcome(d->outcome)->title);
    return true;
}

static void
customer_fields(struct import *im, struct import_batch *b)
{
    const struct schema *s = im->catalog->schema;
    const struct draft *drafts = b->items;

    for (size_t i = 0; i < s->n_fields; i++) {
        bool given = false;
        for (size_t k = 0; k < b->n && !given; k++)
            given = fields_find(&drafts[k].given, s->fields[i].num) != NULL;
        if (given)
            cofre_call_field(&b->call, bytes_str(s->fields[i].name));
    }
}

static enum cofre_err
customer_apply(struct cofre_vault *v, struct import_batch *b, void *item)
{
    struct draft *d = item;
    enum cofre_err err = draft_upsert(v, d);

    if (err != COFRE_OK || !draft_ok(d))
        return err;
    person_tag(&d->person, &b->call);
    b->call.n++;
    return COFRE_OK;
}

static void
customer_report(struct import *im, void *item, uint64_t line)
{
    const struct draft *d = item;

    if (customer_bad(im, item, line))
        return;
    if (!d->existed)
        im->report->added++;
    else if (d->changed)
        im->report->changed++;
    else
        im->report->unchanged++;
}

static void
customer_free(void *item)
{
    draft_free(item);
}

const struct import_kind import_customers = {
    .item_size = sizeof(struct draft),
    .knows_column = customer_knows,
    .prepare = customer_prepare,
    .report_bad = customer_bad,
    .fields = customer_fields,
    .apply = customer_apply,
    .report = customer_report,
    .item_free = customer_free,
};

/* ---- events ---- */

static bool
event_knows(const struct import *im, struct bytes name)
{
    static const char *const fixed[] = {"event_id", "external_id", "kind", "time"};

    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
        if (bytes_equal(name, bytes_str(fixed[i])))
            return true;
    return schema_attribute(im->catalog->schema, name) != NULL;
}

static enum cofre_err
event_begin(struct import *im, struct import_batch *b)
{
    struct event_context *ctx = calloc(1, sizeof *ctx);

    if (ctx == NULL)
        return COFRE_ENOMEM;
    im->events = ctx;
    return event_context_begin(ctx, im->v, im->catalog, b->call.nonce);
}

static void
event_end(struct import *im)
{
    if (im->events != NULL)
        event_context_end(im->events);
    free(im->events);
    im->events = NULL;
}

static enum cofre_err
event_row(struct import *im, const struct table_row *row, void *item)
{
    struct event *e = item;
    struct cofre_field attributes[TABLE_COLUMNS_MAX];
    struct cofre_event_in in = {.attributes = attributes, .external_id = BYTES_LIT("")};

    event_init(e);
    for (size_t i = 0; i < row->n; i++) {
        const struct table_cell *c = &row->cells[i];
        if (bytes_equal(c->name, BYTES_LIT("event_id")))
            in.event_id = c->value;
        else if (bytes_equal(c->name, BYTES_LIT("external_id")))
            in.external_id = c->value;
        else if (bytes_equal(c->name, BYTES_LIT("kind")))
            in.kind = c->value;
        else if (bytes_equal(c->name, BYTES_LIT("time")))
            in.time = c->value;
        else
            attributes[in.n_attributes++] =
                (struct cofre_field){.name = c->name, .text = c->value, .form = form_of(c->kind)};
    }
    return event_prepare(im->events, &in, e);
}

static bool
event_bad(struct import *im, void *item, uint64_t line)
{
    struct event *e = item;

    if (event_ok(e))
        return false;
    import_reject(im, line, column_of(e->pointer), e->reason);
    return true;
}

static enum cofre_err
event_import(struct cofre_vault *v, struct import_batch *b, void *item)
{
    struct event *e = item;
    enum cofre_err err = event_apply(v, e);

    if (err == COFRE_OK && event_ok(e))
        event_tag_once(&b->call, &b->people, e);
    return err;
}

static void
event_report(struct import *im, void *item, uint64_t line)
{
    const struct event *e = item;

    if (event_bad(im, item, line))
        return;
    if (e->result == EVENT_ADDED)
        im->report->added++;
    else
        im->report->unchanged++;
}

static void
event_drop(void *item)
{
    event_free(item);
}

const struct import_kind import_events = {
    .item_size = sizeof(struct event),
    .knows_column = event_knows,
    .begin = event_begin,
    .end = event_end,
    .prepare = event_row,
    .report_bad = event_bad,
    .apply = event_import,
    .report = event_report,
    .item_free = event_drop,
};
