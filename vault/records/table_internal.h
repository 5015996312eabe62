#ifndef VAULT_TABLE_INTERNAL_H
#define VAULT_TABLE_INTERNAL_H

#include <jansson.h>

#include "vault/records/table.h"

/*
 * A window on the file: buf[start..end) is what has been read and not handed out.  Rows are split in
 * place; what they borrow stays until the window moves, at the next call.
 */
enum { TABLE_CHUNK = 64 * 1024, TABLE_WINDOW = TABLE_ROW_MAX + 2 + TABLE_CHUNK };

struct table {
    int fd;
    enum table_form form;
    bool eof;
    bool skip_line; /* the last row was bad in a way that leaves its end unknown */
    size_t start;
    size_t end;
    uint64_t offset;   /* of start in the file */
    uint64_t line;     /* of start */
    struct buf header; /* CSV: the names that columns borrow */
    size_t n_columns;
    struct bytes columns[TABLE_COLUMNS_MAX];
    json_t *json;     /* JSON lines: what the row borrows */
    struct buf spare; /* numbers and lists of the row as text */
    struct table_row row;
    uint8_t buf[TABLE_WINDOW];
};

/* Where a row ends. */
struct table_span {
    struct bytes text; /* without the line's end; what is known of it, when it is bad */
    size_t whole;      /* with the line's end */
    uint64_t lines;    /* that it takes */
    const char *bad;   /* NULL, or why its end is not known */
};

/*
 * Looks for the next row that is not blank, reading what it needs; quotes: a line's end inside
 * quotes does not end the row.  The row is still there to be taken with table_take.
 * COFRE_ENOENT: the end of the file.  COFRE_EIO.
 */
COFRE_CHECKED enum cofre_err table_find(struct table *t, bool quotes, struct table_span *span,
                                        struct cofre_why *why);
/* Goes on behind a row. */
void table_take(struct table *t, const struct table_span *span);

/* Splits a CSV row in place into n cells of out (room for TABLE_COLUMNS_MAX), its count in *n, which
 * may be more than that.  Returns NULL or what is wrong; the row is then as it was. */
const char *table_csv_split(struct bytes text, struct bytes *out, size_t *n);
/* COFRE_EFORMAT, COFRE_EIO, COFRE_ENOMEM. */
COFRE_CHECKED enum cofre_err table_csv_header(struct table *t, struct cofre_why *why);
/* Fills the row out of text, or sets bad; true: reading has to go on at the next line. */
bool table_csv_row(struct table *t, struct bytes text);
/* The same for a line of JSON.  COFRE_ENOMEM. */
COFRE_CHECKED enum cofre_err table_jsonl_row(struct table *t, struct bytes text);

#endif
