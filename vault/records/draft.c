#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "cofre/secret.h"
#include "vault/records/normalise.h"
#include "vault/records/person.h"

#include "vault/records/draft.h"

void
draft_init(struct draft *d)
{
    d->n_consents = 0;
    d->outcome = COFRE_OUT_OK;
    d->n_faults = 0;
    d->version = 0;
    d->existed = false;
    d->changed = false;
    fields_init(&d->given);
    for (unsigned i = 0; i < STORE_PARTS; i++)
        d->part[i] = BUF_INIT;
    memset(&d->person, 0, sizeof d->person);
}

void
draft_free(struct draft *d)
{
    fields_free(&d->given);
    for (unsigned i = 0; i < STORE_PARTS; i++)
        buf_free(&d->part[i]);
    secret_wipe(&d->person, sizeof d->person);
}

bool
draft_ok(const struct draft *d)
{
    return *cofre_outcome(d->outcome)->code == 0;
}

void
draft_fail(struct draft *d, enum cofre_outcome outcome, const char *pointer, const char *reason)
{
    struct cofre_fault *f;

    if (draft_ok(d))
        d->outcome = outcome;
    if (pointer == NULL || d->n_faults == DRAFT_FAULTS_MAX)
        return;
    f = &d->faults[d->n_faults++];
    snprintf(f->pointer, sizeof f->pointer, "%s", pointer);
    snprintf(f->reason, sizeof f->reason, "%s", reason);
}

/* Names go into pointers only when they are names of the schema's form: else they may hold anything. */
static void
field_pointer(char out[static COFRE_POINTER_MAX], struct bytes name)
{
    bool plain = name.len > 0 && name.len <= SCHEMA_NAME_MAX;

    for (size_t i = 0; plain && i < name.len; i++)
        plain = (name.p[i] >= 'a' && name.p[i] <= 'z') || (name.p[i] >= '0' && name.p[i] <= '9') ||
                name.p[i] == '_';
    if (plain)
        snprintf(out, COFRE_POINTER_MAX, "/fields/%.*s", (int)name.len, (const char *)name.p);
    else
        snprintf(out, COFRE_POINTER_MAX, "/fields");
}

static enum cofre_err
take_field(struct draft *d, const struct fields_context *ctx, const struct cofre_field *in,
           const char *pointer)
{
    char made[COFRE_POINTER_MAX];
    const char *reason = NULL;
    enum cofre_err err = fields_add(&d->given, ctx, in, &reason);

    if (err != COFRE_EINVAL)
        return err;
    if (pointer == NULL) {
        field_pointer(made, in->name);
        pointer = made;
    }
    draft_fail(d, COFRE_OUT_INVALID, pointer, reason);
    return COFRE_OK;
}

static bool
source_valid(struct bytes s)
{
    return entry_name_valid(s);
}

const char *
draft_consent(const struct catalog *c, const struct cofre_consent_in *in,
              struct store_consent *out, const char **member)
{
    const struct catalog_purpose *p = catalog_purpose(c, in->purpose);
    const char *reason = NULL;

    *member = "purpose";
    if (p == NULL)
        return "is not a purpose of this vault";
    *out = (struct store_consent){.purpose = p->num, .basis = p->basis, .time = vault_now()};
    *member = "status";
    if (bytes_equal(in->status, BYTES_LIT("granted")))
        out->status = STORE_GRANTED;
    else if (bytes_equal(in->status, BYTES_LIT("withdrawn")))
        out->status = STORE_WITHDRAWN;
    else
        return "is neither \"granted\" nor \"withdrawn\"";
    *member = "source";
    if (!source_valid(in->source))
        return "is not 1 to 64 of a-z, 0-9, - and _";
    memcpy(out->source, in->source.p, in->source.len);
    *member = "time";
    if (in->time.len > 0 && normalise_time(in->time, &out->time, &reason) != COFRE_OK)
        return reason;
    return NULL;
}

static void
take_consents(struct draft *d, const struct catalog *c, const struct cofre_customer_in *in)
{
    char pointer[COFRE_POINTER_MAX];

    for (size_t i = 0; i < in->n_consents; i++) {
        const char *member;
        const char *reason;
        struct store_consent row;

        if (d->n_consents == DRAFT_CONSENTS_MAX) {
            draft_fail(d, COFRE_OUT_INVALID, "/consents", "has too many elements");
            return;
        }
        reason = draft_consent(c, &in->consents[i], &row, &member);
        for (size_t k = 0; reason == NULL && k < d->n_consents; k++)
            if (d->consents[k].purpose == row.purpose)
                reason = "is given twice";
        if (reason == NULL) {
            d->consents[d->n_consents++] = row;
            continue;
        }
        snprintf(pointer, sizeof pointer, "/consents/%zu/%s", i, member);
        draft_fail(d, COFRE_OUT_INVALID, pointer, reason);
    }
}

static void
check_required(struct draft *d, const struct schema *s)
{
    char pointer[COFRE_POINTER_MAX];

    for (size_t i = 0; i < s->n_fields; i++) {
        const struct schema_field *f = &s->fields[i];
        if (!f->required || fields_find(&d->given, f->num) != NULL)
            continue;
        if (d->n_faults > 0)
            continue; /* it may be there, and be bad: said already */
        snprintf(pointer, sizeof pointer, "%s/%s",
                 strcmp(f->name, "external_id") == 0 ? "" : "/fields", f->name);
        draft_fail(d, COFRE_OUT_INVALID, pointer, "is required");
    }
}

enum cofre_err
draft_take(struct draft *d, const struct catalog *c, const struct cofre_customer_in *in,
           bool patch)
{
    struct fields_context ctx = {.schema = c->schema, .may_remove = patch};
    enum cofre_err err;

    vault_today(ctx.today);
    if (in->external_id.p != NULL) {
        const struct cofre_field id = {
            .name = BYTES_LIT("external_id"), .text = in->external_id, .form = COFRE_FORM_STRING};
        if ((err = take_field(d, &ctx, &id, "/external_id")) != COFRE_OK)
            return err;
    }
    for (size_t i = 0; i < in->n_fields; i++)
        if ((err = take_field(d, &ctx, &in->fields[i], NULL)) != COFRE_OK)
            return err;
    fields_sort(&d->given);
    take_consents(d, c, in);
    if (!patch)
        check_required(d, c->schema);
    return buf_error(&d->given.text);
}

/* The given values of one compartment. */
static size_t
values_of(const struct draft *d, unsigned part, struct record_value out[static SCHEMA_FIELDS_MAX])
{
    size_t n = 0;

    for (size_t i = 0; i < d->given.n; i++) {
        const struct fields_item *item = &d->given.item[i];
        if (!item->remove && fields_part(item->field) == part)
            out[n++] = (struct record_value){item->field->num, fields_value(&d->given, i)};
    }
    return n;
}

enum cofre_err
draft_seal(struct cofre_vault *v, struct draft *d)
{
    struct record_value values[SCHEMA_FIELDS_MAX];
    enum cofre_err err = COFRE_OK;

    randombytes_buf(d->id, sizeof d->id);
    person_new(v, &d->person);
    person_seal(v, d->id, &d->person, d->sealed_bundle, &d->kek);
    for (unsigned part = 0; part < STORE_PARTS && err == COFRE_OK; part++) {
        const struct person_part place = {
            .id = d->id, .part = (enum store_part)part, .version = 1};
        size_t n = values_of(d, part, values);

        buf_reset(&d->part[part]);
        if (n > 0)
            err = person_seal_part(v, &d->person, &place, values, n, &d->part[part]);
    }
    return err;
}

void
draft_index_value(const struct cofre_vault *v, const struct schema_field *field,
                  struct bytes value, uint8_t out[static STORE_KEYED])
{
    pseudonym_index(&v->keys->index, bytes_str(field->name), value, out);
}
