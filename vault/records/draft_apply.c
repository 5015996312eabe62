#include <stdio.h>
#include <string.h>

#include "cofre/encode.h"
#include "cofre/secret.h"
#include "crypto/pseudonym.h"
#include "vault/keys.h"
#include "vault/records/person.h"

#include "vault/records/draft.h"

/* The committer's half of a draft: rows only, inside a transaction. */

static void
taken(struct draft *d, const struct schema_field *f)
{
    char pointer[COFRE_POINTER_MAX];

    snprintf(pointer, sizeof pointer, "%s/%s",
             strcmp(f->name, "external_id") == 0 ? "" : "/fields", f->name);
    draft_fail(d, COFRE_OUT_EXISTS, pointer, "belongs to another customer");
}

/* Is one of the unique values another customer's?  num 0: every owner is another one. */
static enum cofre_err
check_unique(struct cofre_vault *v, struct draft *d, int64_t num)
{
    struct store_conn *w = store_writer(v->store);
    uint8_t value[STORE_KEYED];

    for (size_t i = 0; i < d->given.n; i++) {
        const struct fields_item *item = &d->given.item[i];
        int64_t owner;
        enum cofre_err err;

        if (!item->field->unique || item->remove)
            continue;
        draft_index_value(v, item->field, fields_value(&d->given, i), value);
        err = store_index_find(w, item->field->num, value, &owner);
        if (err == COFRE_OK && owner != num)
            taken(d, item->field);
        else if (err != COFRE_OK && err != COFRE_ENOENT)
            return err;
    }
    return COFRE_OK;
}

static enum cofre_err
put_index(struct cofre_vault *v, const struct draft *d, size_t i, int64_t num)
{
    const struct fields_item *item = &d->given.item[i];
    uint8_t value[STORE_KEYED];

    if (!item->field->lookup || item->remove)
        return COFRE_OK;
    draft_index_value(v, item->field, fields_value(&d->given, i), value);
    return store_index_put(store_writer(v->store), item->field->num, item->field->unique, value,
                           num);
}

static enum cofre_err
put_consents(struct cofre_vault *v, struct draft *d, int64_t num, enum draft_consents how)
{
    struct store_conn *w = store_writer(v->store);

    for (size_t i = 0; i < d->n_consents; i++) {
        struct store_consent old;
        enum cofre_err err = COFRE_ENOENT;

        if (how == DRAFT_CONSENTS_IF_NONE)
            err = store_consent_get(w, num, d->consents[i].purpose, &old);
        if (err == COFRE_OK)
            continue;
        d->consents[i].customer = num;
        if (err != COFRE_ENOENT || (err = store_consent_put(w, &d->consents[i])) != COFRE_OK)
            return err;
        d->changed = true;
    }
    return COFRE_OK;
}

static enum cofre_err
put_links(struct cofre_vault *v, const struct draft *d, int64_t num)
{
    /* The committer alone replaces the catalogue, and this is its thread: no view is missed. */
    struct catalog *c = catalog_hold(v);
    uint8_t ps[PSEUDONYM_LEN];
    enum cofre_err err = COFRE_OK;

    for (size_t i = 0; i < c->n_scopes && err == COFRE_OK; i++) {
        pseudonym_of(&c->scopes[i].key, d->id, d->person.bundle.ps, ps);
        encode_id_order(ps, ps);
        err = store_link_put(store_writer(v->store), c->scopes[i].view, c->scopes[i].epoch, ps,
                             num);
    }
    catalog_release(c);
    return err;
}

static enum cofre_err
insert_rows(struct cofre_vault *v, struct draft *d, enum draft_consents how)
{
    int64_t now = vault_now();
    struct store_customer row = {.version = 1,
                                 .created = now,
                                 .updated = now,
                                 .bundle = BYTES_OF(d->sealed_bundle)};
    enum cofre_err err;

    /* A rotation may have begun since: nothing comes in under the old epoch behind its back. */
    if (d->kek != keys_kek_active(v))
        person_seal(v, d->id, &d->person, d->sealed_bundle, &d->kek);
    row.kek = d->kek;
    memcpy(row.id, d->id, sizeof row.id);
    for (unsigned part = 0; part < STORE_PARTS; part++)
        row.part[part] = buf_bytes(&d->part[part]);
    if ((err = store_customer_insert(store_writer(v->store), &row)) != COFRE_OK)
        return err;
    for (size_t i = 0; i < d->given.n; i++)
        if ((err = put_index(v, d, i, row.num)) != COFRE_OK)
            return err;
    if ((err = put_consents(v, d, row.num, how)) != COFRE_OK)
        return err;
    d->version = 1;
    d->changed = true;
    return put_links(v, d, row.num);
}

enum cofre_err
draft_insert(struct cofre_vault *v, struct draft *d)
{
    enum cofre_err err = check_unique(v, d, 0);

    if (err != COFRE_OK || !draft_ok(d))
        return err;
    return insert_rows(v, d, DRAFT_CONSENTS_SET);
}

/* ---- merging ---- */

struct merged {
    struct buf plain[STORE_PARTS];
    struct record old[STORE_PARTS];
    struct buf sealed[STORE_PARTS];
};

static enum cofre_err
open_parts(struct cofre_vault *v, const struct draft *d, const struct store_customer *row,
           struct merged *m)
{
    enum cofre_err err = COFRE_OK;

    for (unsigned part = 0; part < STORE_PARTS && err == COFRE_OK; part++)
        err = person_open_part(v, &d->person, row, (enum store_part)part, &m->plain[part],
                               &m->old[part]);
    return err;
}

static bool
differs(const struct draft *d, size_t i, const struct merged *m)
{
    const struct fields_item *item = &d->given.item[i];
    struct bytes old;
    bool had = record_find(&m->old[fields_part(item->field)], item->field->num, &old);

    if (item->remove)
        return had;
    return !had || !bytes_equal(old, fields_value(&d->given, i));
}

/* Old and given values of one compartment, ascending; given ones win. */
static size_t
merge_values(const struct draft *d, unsigned part, const struct record *old,
             struct record_value out[static 2 * SCHEMA_FIELDS_MAX])
{
    size_t n = 0;
    size_t k = 0;

    for (size_t i = 0; i <= d->given.n; i++) {
        const struct fields_item *item = i < d->given.n ? &d->given.item[i] : NULL;

        if (item != NULL && fields_part(item->field) != part)
            continue;
        for (; k < old->count; k++) {
            struct record_value had = record_get(old, k);
            if (item != NULL && had.num >= item->field->num)
                break;
            out[n++] = had;
        }
        if (item == NULL)
            break;
        if (k < old->count && record_get(old, k).num == item->field->num)
            k++;
        if (!item->remove)
            out[n++] = (struct record_value){item->field->num, fields_value(&d->given, i)};
    }
    return n;
}

static enum cofre_err
update_rows(struct cofre_vault *v, struct draft *d, const struct store_customer *row,
            struct merged *m)
{
    struct store_customer next = {
        .num = row->num, .version = row->version + 1, .updated = vault_now()};
    enum cofre_err err = COFRE_OK;

    for (unsigned part = 0; part < STORE_PARTS && err == COFRE_OK; part++) {
        const struct person_part place = {
            .id = d->id, .part = (enum store_part)part, .version = next.version};
        struct record_value values[2 * SCHEMA_FIELDS_MAX];
        size_t n = merge_values(d, part, &m->old[part], values);

        if (n > 0)
            err = person_seal_part(v, &d->person, &place, values, n, &m->sealed[part]);
        next.part[part] = buf_bytes(&m->sealed[part]);
    }
    for (size_t i = 0; i < d->given.n && err == COFRE_OK; i++) {
        if (!d->given.item[i].field->lookup || !differs(d, i, m))
            continue;
        err = store_index_drop(store_writer(v->store), d->given.item[i].field->num, next.num);
        if (err == COFRE_OK)
            err = put_index(v, d, i, next.num);
    }
    if (err == COFRE_OK)
        err = store_customer_update(store_writer(v->store), &next);
    d->version = next.version;
    d->changed = true;
    return err;
}

enum cofre_err
draft_merge(struct cofre_vault *v, struct draft *d, const struct store_customer *row)
{
    struct merged m = {0};
    bool changes = false;
    enum cofre_err err;

    memcpy(d->id, row->id, sizeof d->id);
    d->existed = true;
    d->version = row->version;
    if ((err = person_open(v, row, &d->person)) != COFRE_OK ||
        (err = open_parts(v, d, row, &m)) != COFRE_OK)
        goto out;
    for (size_t i = 0; i < d->given.n; i++)
        changes = changes || differs(d, i, &m);
    if (!changes)
        goto out;
    if ((err = check_unique(v, d, row->num)) == COFRE_OK && draft_ok(d))
        err = update_rows(v, d, row, &m);
out:
    for (unsigned part = 0; part < STORE_PARTS; part++) {
        buf_free(&m.plain[part]);
        buf_free(&m.sealed[part]);
    }
    return err;
}

enum cofre_err
draft_upsert(struct cofre_vault *v, struct draft *d)
{
    struct store_conn *w = store_writer(v->store);
    struct store_customer row;
    uint8_t value[STORE_KEYED];
    int64_t num;
    enum cofre_err err = COFRE_ENOENT;

    for (size_t i = 0; i < d->given.n; i++) {
        const struct schema_field *f = d->given.item[i].field;
        if (strcmp(f->name, "external_id") != 0)
            continue;
        draft_index_value(v, f, fields_value(&d->given, i), value);
        err = store_index_find(w, f->num, value, &num);
    }
    if (err == COFRE_ENOENT) {
        err = check_unique(v, d, 0);
        return err != COFRE_OK || !draft_ok(d) ? err : insert_rows(v, d, DRAFT_CONSENTS_IF_NONE);
    }
    if (err != COFRE_OK || (err = store_customer_get_num(w, num, &row)) != COFRE_OK ||
        (err = draft_merge(v, d, &row)) != COFRE_OK || !draft_ok(d))
        return err;
    return put_consents(v, d, num, DRAFT_CONSENTS_IF_NONE);
}
