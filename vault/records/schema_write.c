#include <assert.h>
#include <stdlib.h>

#include "vault/records/schema.h"

/* Fields and kinds both begin with their number, which is all that sorting looks at. */
static_assert(offsetof(struct schema_field, num) == 0 && offsetof(struct schema_kind, num) == 0,
              "the number comes first");

/* Those without a number yet stay in the order of the document. */
static int
by_number(const void *a, const void *b)
{
    const uint16_t *x = *(const uint16_t *const *)a;
    const uint16_t *y = *(const uint16_t *const *)b;

    if (*x != *y)
        return *x < *y ? -1 : 1;
    return x < y ? -1 : x > y;
}

static void
put_num(struct buf *out, uint16_t num)
{
    if (num != 0)
        buf_putf(out, "\"num\":%u,", (unsigned)num);
}

static void
put_flag(struct buf *out, const char *name, bool set)
{
    if (set)
        buf_putf(out, ",\"%s\":true", name);
}

static void
put_fields(struct buf *out, const struct schema_field *fields, size_t n, bool whole)
{
    const struct schema_field *sorted[SCHEMA_FIELDS_MAX];

    for (size_t i = 0; i < n; i++)
        sorted[i] = &fields[i];
    qsort(sorted, n, sizeof sorted[0], by_number);

    buf_putc(out, '{');
    for (size_t i = 0; i < n; i++) {
        const struct schema_field *f = sorted[i];

        buf_putf(out, "%s\"%s\":{", i > 0 ? "," : "", f->name);
        put_num(out, f->num);
        buf_putf(out, "\"type\":\"%s\"", schema_type_text(f->type));
        if (whole) {
            buf_putf(out, ",\"class\":\"%s\"", schema_class_text(f->class));
            put_flag(out, "unique", f->unique);
            put_flag(out, "lookup", f->lookup && !f->unique);
            put_flag(out, "required", f->required);
            put_flag(out, "derived", f->derived);
        }
        buf_putc(out, '}');
    }
    buf_putc(out, '}');
}

static void
put_kinds(struct buf *out, const struct schema *s)
{
    const struct schema_kind *sorted[SCHEMA_KINDS_MAX];

    for (size_t i = 0; i < s->n_kinds; i++)
        sorted[i] = &s->kinds[i];
    qsort(sorted, s->n_kinds, sizeof sorted[0], by_number);

    buf_putc(out, '[');
    for (size_t i = 0; i < s->n_kinds; i++) {
        buf_puts(out, i > 0 ? ",{" : "{");
        put_num(out, sorted[i]->num);
        buf_putf(out, "\"name\":\"%s\"}", sorted[i]->name);
    }
    buf_putc(out, ']');
}

void
schema_write(const struct schema *s, struct buf *out)
{
    buf_putf(out, "{\"default_country\":\"%s\",\"fields\":", s->default_country);
    put_fields(out, s->fields, s->n_fields, true);
    buf_puts(out, ",\"events\":{\"kinds\":");
    put_kinds(out, s);
    buf_puts(out, ",\"attributes\":");
    put_fields(out, s->attributes, s->n_attributes, false);
    buf_puts(out, "}}");
}
