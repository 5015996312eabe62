#include "cofre/encode.h"
#include "vault/records/table_internal.h"

/* One cell on the way: where it begins, and how to write it down. */
struct cell {
    struct bytes text; /* between its quotes, if it has them */
    bool doubled;      /* holds doubled quotes */
};

static const char bad_quotes[] = "has a quote where none may be";

/* A cell in quotes, at *at; moves behind the closing one. */
static const char *
read_quoted(struct bytes text, size_t *at, struct cell *cell)
{
    size_t from = *at + 1;
    const uint8_t *quote;

    for (size_t i = from; (quote = memchr(text.p + i, '"', text.len - i)) != NULL; i += 2) {
        i = (size_t)(quote - text.p);
        if (i + 1 < text.len && text.p[i + 1] == '"') {
            cell->doubled = true;
            continue;
        }
        cell->text = (struct bytes){text.p + from, i - from};
        *at = i + 1;
        return *at == text.len || text.p[*at] == ',' ? NULL : bad_quotes;
    }
    return "has a quote that is not closed";
}

static const char *
read_bare(struct bytes text, size_t *at, struct cell *cell)
{
    size_t i = *at;

    for (; i < text.len && text.p[i] != ','; i++) {
        if (text.p[i] == '"')
            return bad_quotes;
        if (text.p[i] == '\r')
            return "has a carriage return that ends no line";
    }
    cell->text = (struct bytes){text.p + *at, i - *at};
    *at = i;
    return NULL;
}

/* Doubled quotes to single ones, in place: it only gets shorter. */
static struct bytes
undouble(struct bytes text)
{
    uint8_t *p = (uint8_t *)(uintptr_t)text.p; /* the table's own window */
    size_t n = 0;

    for (size_t i = 0; i < text.len; i++) {
        p[n++] = text.p[i];
        if (text.p[i] == '"')
            i++;
    }
    return (struct bytes){p, n};
}

const char *
table_csv_split(struct bytes text, struct bytes *out, size_t *n)
{
    bool doubled[TABLE_COLUMNS_MAX];
    const char *bad;
    size_t at = 0;

    *n = 0;
    for (;;) {
        struct cell cell = {BYTES_NONE, false};
        bool quoted = at < text.len && text.p[at] == '"';

        bad = quoted ? read_quoted(text, &at, &cell) : read_bare(text, &at, &cell);
        if (bad != NULL)
            return bad;
        if (*n < TABLE_COLUMNS_MAX) {
            out[*n] = cell.text;
            doubled[*n] = cell.doubled;
        }
        (*n)++;
        if (at == text.len)
            break;
        at++;
    }
    for (size_t i = 0; i < *n && i < TABLE_COLUMNS_MAX; i++)
        if (doubled[i])
            out[i] = undouble(out[i]);
    return NULL;
}

static const char *
check_text(struct bytes text)
{
    if (memchr(text.p, '\0', text.len) != NULL)
        return "has a NUL byte";
    return encode_utf8_valid(text) ? NULL : "is not UTF-8";
}

bool
table_csv_row(struct table *t, struct bytes text)
{
    struct bytes cells[TABLE_COLUMNS_MAX];
    struct table_row *row = &t->row;
    size_t n;

    /* A row whose quotes are wrong may have taken lines that are not its own. */
    if ((row->bad = table_csv_split(text, cells, &n)) != NULL)
        return true;
    if ((row->bad = check_text(text)) != NULL)
        return false;
    if (n != t->n_columns) {
        row->bad =
            n < t->n_columns ? "has fewer cells than the header" : "has more cells than the header";
        return false;
    }
    for (size_t i = 0; i < n; i++)
        if (cells[i].len > 0)
            row->cells[row->n++] = (struct table_cell){t->columns[i], cells[i], TABLE_TEXT};
    return false;
}

/* The name of a column stands in the header's own copy: rows move the window. */
static enum cofre_err
check_columns(const struct table *t, struct cofre_why *why)
{
    for (size_t i = 0; i < t->n_columns; i++) {
        if (t->columns[i].len == 0)
            return cofre_why_set(why, COFRE_EFORMAT, "header: column %zu has no name", i + 1);
        for (size_t k = 0; k < i; k++)
            if (bytes_equal(t->columns[k], t->columns[i]))
                return cofre_why_set(why, COFRE_EFORMAT,
                                     "header: columns %zu and %zu have one name", k + 1, i + 1);
    }
    return COFRE_OK;
}

enum cofre_err
table_csv_header(struct table *t, struct cofre_why *why)
{
    struct table_span span;
    enum cofre_err err;
    const char *bad;

    if ((err = table_find(t, true, &span, why)) == COFRE_ENOENT)
        return cofre_why_set(why, COFRE_EFORMAT, "no header");
    if (err != COFRE_OK)
        return err;
    if ((bad = span.bad) != NULL || (bad = check_text(span.text)) != NULL)
        return cofre_why_set(why, COFRE_EFORMAT, "header: %s", bad);

    buf_putb(&t->header, span.text);
    if (buf_error(&t->header) != COFRE_OK)
        return cofre_why_set(why, COFRE_ENOMEM, "out of memory");
    if ((bad = table_csv_split(buf_bytes(&t->header), t->columns, &t->n_columns)) != NULL)
        return cofre_why_set(why, COFRE_EFORMAT, "header: %s", bad);
    if (t->n_columns > TABLE_COLUMNS_MAX) {
        t->n_columns = 0;
        return cofre_why_set(why, COFRE_EFORMAT, "header: more than %d columns",
                             (int)TABLE_COLUMNS_MAX);
    }
    table_take(t, &span);
    return check_columns(t, why);
}
