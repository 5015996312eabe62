#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "table.h"

static bool
is_time(const char *member)
{
    static const char *const times[] = {"ts",      "time",      "created",  "updated", "issued",
                                        "expires", "activated", "first_ts", "last_ts"};

    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        if (strcmp(member, times[i]) == 0)
            return true;
    return false;
}

static void
put_time(struct buf *b, json_int_t ms)
{
    time_t seconds = (time_t)(ms / 1000);
    char text[32];
    struct tm tm;

    if (gmtime_r(&seconds, &tm) == NULL ||
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
        buf_putc(b, '?');
    else
        buf_puts(b, text);
}

static void
put_text(struct buf *b, const char *text)
{
    if (*text == 0)
        buf_putc(b, '-');
    for (; *text != 0; text++)
        buf_putc(b, (unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text);
}

static void
put_scalar(struct buf *b, const char *member, const json_t *value)
{
    if (json_is_string(value))
        put_text(b, json_string_value(value));
    else if (json_is_integer(value) && is_time(member))
        put_time(b, json_integer_value(value));
    else if (json_is_integer(value))
        buf_putf(b, "%lld", (long long)json_integer_value(value));
    else if (json_is_real(value))
        buf_putf(b, "%g", json_real_value(value));
    else if (json_is_boolean(value))
        buf_puts(b, json_is_true(value) ? "yes" : "no");
    else
        buf_putc(b, '-');
}

/* The values of an object in a list, such as a consent: "loyalty granted 2025-01-01T00:00:00Z".  What is
 * neither a text nor a time does not speak for itself: "size 325". */
static void
put_object(struct buf *b, const json_t *object)
{
    const char *before = "";
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)object, key, value)
    {
        buf_puts(b, before);
        if (!json_is_string(value) && !is_time(key))
            buf_putf(b, "%s ", key);
        put_scalar(b, key, value);
        before = " ";
    }
}

static void
put_value(struct buf *b, const char *member, const json_t *value)
{
    size_t n = json_array_size(value);

    if (!json_is_array(value)) {
        put_scalar(b, member, value);
        return;
    }
    if (n == 0)
        buf_putc(b, '-');
    for (size_t i = 0; i < n; i++) {
        const json_t *item = json_array_get(value, i);

        if (json_is_object(item)) {
            buf_puts(b, i > 0 ? "; " : "");
            put_object(b, item);
        } else {
            buf_puts(b, i > 0 ? " " : "");
            put_scalar(b, member, item);
        }
    }
}

/* Characters, as far as they are as wide as they are many. */
static size_t
width_of(struct bytes text)
{
    size_t n = 0;

    for (size_t i = 0; i < text.len; i++)
        n += (text.p[i] & 0xc0) != 0x80;
    return n;
}

static void
put_cell(FILE *out, struct bytes text, size_t width, bool right, bool last)
{
    size_t blanks = width - width_of(text);

    for (size_t i = 0; right && i < blanks; i++)
        fputc(' ', out);
    if (text.len > 0)
        fwrite(text.p, 1, text.len, out);
    for (size_t i = 0; !right && !last && i < blanks; i++)
        fputc(' ', out);
    fputs(last ? "\n" : "  ", out);
}

/* The cells, row by row after the titles, and how wide each column is. */
struct grid {
    struct buf text;
    size_t *ends; /* of each cell in text */
    size_t *widths;
    size_t rows;
    size_t columns;
};

static struct bytes
grid_cell(const struct grid *g, size_t row, size_t column)
{
    size_t i = row * g->columns + column;
    size_t from = i == 0 ? 0 : g->ends[i - 1];

    return (struct bytes){g->text.p + from, g->ends[i] - from};
}

static void
grid_ended(struct grid *g, size_t row, size_t column)
{
    size_t width;

    g->ends[row * g->columns + column] = g->text.len;
    width = width_of(grid_cell(g, row, column));
    if (width > g->widths[column])
        g->widths[column] = width;
}

static void
grid_fill(struct grid *g, const json_t *rows, const struct table_column *columns)
{
    for (size_t c = 0; c < g->columns; c++) {
        buf_puts(&g->text, columns[c].title);
        grid_ended(g, 0, c);
    }
    for (size_t r = 1; r < g->rows; r++) {
        for (size_t c = 0; c < g->columns; c++) {
            const json_t *row = json_array_get(rows, r - 1);

            put_value(&g->text, columns[c].member, json_object_get(row, columns[c].member));
            grid_ended(g, r, c);
        }
    }
}

static void
grid_print(const struct grid *g, FILE *out, const struct table_column *columns)
{
    for (size_t r = 0; r < g->rows; r++)
        for (size_t c = 0; c < g->columns; c++)
            put_cell(out, grid_cell(g, r, c), g->widths[c], columns[c].right, c + 1 == g->columns);
}

enum cofre_err
table_rows(FILE *out, const json_t *rows, const struct table_column *columns, size_t n,
           const char *none)
{
    struct grid g = {.text = BUF_INIT, .rows = json_array_size(rows) + 1, .columns = n};
    enum cofre_err err = COFRE_ENOMEM;

    if (g.rows == 1) {
        fprintf(out, "%s\n", none);
        return COFRE_OK;
    }
    g.ends = calloc(g.rows * n, sizeof *g.ends);
    g.widths = calloc(n, sizeof *g.widths);
    if (g.ends == NULL || g.widths == NULL)
        goto out;
    grid_fill(&g, rows, columns);
    if ((err = buf_error(&g.text)) == COFRE_OK)
        grid_print(&g, out, columns);
out:
    free(g.ends);
    free(g.widths);
    buf_free(&g.text);
    return err;
}

enum cofre_err
table_members(FILE *out, const json_t *object)
{
    struct buf value = BUF_INIT;
    size_t width = 0;
    const char *name;
    json_t *member;
    enum cofre_err err;

    json_object_foreach((json_t *)object, name, member)
    {
        if (strlen(name) > width)
            width = strlen(name);
    }
    json_object_foreach((json_t *)object, name, member)
    {
        buf_reset(&value);
        put_value(&value, name, member);
        put_cell(out, bytes_str(name), width, false, false);
        put_cell(out, buf_bytes(&value), width_of(buf_bytes(&value)), false, true);
    }
    err = buf_error(&value);
    buf_free(&value);
    return err;
}
