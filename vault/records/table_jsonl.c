#include <assert.h>
#include <stdio.h>

#include "vault/records/table_internal.h"

/* Room for one number as text. */
enum { NUMBER_MAX = 32 };

static struct bytes
string(const json_t *value)
{
    return (struct bytes){(const uint8_t *)json_string_value(value), json_string_length(value)};
}

/* What was put into spare from start on; spare does not move while a row is made. */
static struct bytes
spare_from(const struct table *t, size_t start)
{
    return (struct bytes){t->spare.p + start, t->spare.len - start};
}

static const char *
join(struct table *t, const json_t *array, struct bytes *out)
{
    size_t start = t->spare.len;
    const json_t *value;
    size_t i;

    json_array_foreach(array, i, value)
    {
        if (!json_is_string(value))
            return "has a list of other than strings";
        if (i > 0)
            buf_putc(&t->spare, ' ');
        buf_putb(&t->spare, string(value));
    }
    *out = spare_from(t, start);
    return NULL;
}

/* Returns NULL or what is wrong. */
static const char *
read_value(struct table *t, const json_t *value, struct table_cell *cell)
{
    size_t start = t->spare.len;

    switch (json_typeof(value)) {
    case JSON_STRING:
        cell->kind = TABLE_STRING;
        cell->value = string(value);
        return NULL;
    case JSON_INTEGER:
        cell->kind = TABLE_INTEGER;
        buf_putf(&t->spare, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        cell->value = spare_from(t, start);
        return NULL;
    case JSON_REAL:
        cell->kind = TABLE_NUMBER;
        buf_putf(&t->spare, "%.17g", json_real_value(value));
        cell->value = spare_from(t, start);
        return NULL;
    case JSON_TRUE:
    case JSON_FALSE:
        cell->kind = TABLE_BOOL;
        cell->value = json_is_true(value) ? BYTES_LIT("true") : BYTES_LIT("false");
        return NULL;
    case JSON_ARRAY:
        cell->kind = TABLE_LIST;
        return join(t, value, &cell->value);
    default:
        return "is nested";
    }
}

static const char *
read_members(struct table *t, json_t *object)
{
    struct table_row *row = &t->row;
    const char *bad;
    const char *key;
    json_t *value;

    if (json_object_size(object) > TABLE_COLUMNS_MAX)
        return "has more than 128 members";
    json_object_foreach(object, key, value)
    {
        struct table_cell *cell = &row->cells[row->n];

        if (json_is_null(value) || (json_is_array(value) && json_array_size(value) == 0))
            continue;
        cell->name = bytes_str(key);
        if ((bad = read_value(t, value, cell)) != NULL)
            return bad;
        row->n++;
    }
    return NULL;
}

enum cofre_err
table_jsonl_row(struct table *t, struct bytes text)
{
    json_error_t where;
    uint8_t *room;

    json_decref(t->json);
    buf_reset(&t->spare);
    t->json = json_loadb((const char *)text.p, text.len, JSON_REJECT_DUPLICATES, &where);
    if (t->json == NULL) {
        t->row.bad = "is not JSON that can be read";
        return json_error_code(&where) == json_error_out_of_memory ? COFRE_ENOMEM : COFRE_OK;
    }
    if (!json_is_object(t->json)) {
        t->row.bad = "is not a JSON object";
        return COFRE_OK;
    }
    /* All of it at once: cells point into it.  Lists are no longer than their JSON. */
    if ((room = buf_reserve(&t->spare, text.len + TABLE_COLUMNS_MAX * NUMBER_MAX)) == NULL)
        return COFRE_ENOMEM;
    t->row.bad = read_members(t, t->json);
    assert(t->spare.p == room && !t->spare.failed);
    return COFRE_OK;
}
