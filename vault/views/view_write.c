#include "vault/views/view_internal.h"
#include "vault/views/view.h"

static void
put_edges(struct buf *out, const struct transform *t)
{
    buf_puts(out, ",\"edges\":");
    for (size_t i = 0; i < t->n_edges; i++)
        buf_putf(out, "%c%lld", i == 0 ? '[' : ',', (long long)t->edges[i]);
    buf_putc(out, ']');
}

static void
put_transform(struct buf *out, const struct transform *t)
{
    buf_putf(out, "{\"as\":\"%s\"", transform_text(t->as));
    if (t->as == TRANSFORM_AGE_BAND)
        buf_putf(out, ",\"width\":%u", t->width);
    if (t->as == TRANSFORM_PREFIX)
        buf_putf(out, ",\"chars\":%u", t->chars);
    if (t->as == TRANSFORM_BAND)
        put_edges(out, t);
    buf_putc(out, '}');
}

static void
put_fields(struct buf *out, const struct view_field *fields, size_t n)
{
    buf_puts(out, "\"fields\":{");
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            buf_putc(out, ',');
        buf_putb(out, fields[i].json_name);
        put_transform(out, &fields[i].as);
    }
    buf_putc(out, '}');
}

static void
put_events(struct buf *out, const struct view *v, const struct schema *schema)
{
    const char *separator = "";

    buf_puts(out, "\"events\":{\"kinds\":[");
    for (size_t i = 0; i < schema->n_kinds; i++) {
        if ((v->kinds >> i & 1) == 0)
            continue;
        buf_putf(out, "%s\"%s\"", separator, schema->kinds[i].name);
        separator = ",";
    }
    buf_putf(out, "],\"time\":\"%s\",", transform_time_text(v->time));
    put_fields(out, v->attributes, v->n_attributes);
    buf_puts(out, "},");
}

void
view_write(const struct view *v, const struct schema *schema, struct buf *out)
{
    buf_putf(out, "{\"view\":\"%s\",\"purpose\":\"%s\",\"pseudonym\":\"%s\",", v->name, v->purpose,
             VIEW_PSEUDONYM);
    put_fields(out, v->fields, v->n_fields);
    buf_putc(out, ',');
    if (v->has_events)
        put_events(out, v, schema);
    buf_puts(out, "\"write_back\":[");
    for (size_t i = 0; i < v->n_write_back; i++)
        buf_putf(out, "%s\"%s\"", i == 0 ? "" : ",", v->write_back[i]);
    buf_putf(out, "],\"min_k\":%u}", v->min_k);
}
