#ifndef VAULT_TABLE_H
#define VAULT_TABLE_H

#include "cofre/bytes.h"
#include "cofre/err.h"

/*
 * Rows out of a file, streaming: CSV (RFC 4180: header row, quotes, CRLF or LF, UTF-8, a BOM is
 * tolerated) or JSON lines (flat objects; strings, integers, true/false, arrays of strings).  Both
 * hand out the same rows: names and values.  An empty CSV cell and a JSON null are absent.
 */
enum {
    TABLE_COLUMNS_MAX = 128,
    TABLE_ROW_MAX = 1024 * 1024 /* bytes of one row */
};

enum table_form { TABLE_CSV, TABLE_JSONL };
enum table_kind { TABLE_TEXT, TABLE_STRING, TABLE_INTEGER, TABLE_NUMBER, TABLE_BOOL, TABLE_LIST };

struct table_cell {
    struct bytes name;
    struct bytes value;   /* of a list: the strings joined by blanks */
    enum table_kind kind; /* CSV: always TABLE_TEXT. TABLE_NUMBER: a JSON number with point or exponent */
};

struct table_row {
    uint64_t line; /* where it begins, from 1 (the header is line 1 of a CSV file) */
    size_t n;
    struct table_cell cells[TABLE_COLUMNS_MAX];
    const char *bad; /* NULL, or why this row cannot be read (the cells then mean nothing) */
};

struct table;

/*
 * Reads from fd (borrowed), whose form is given.  For CSV the header is read here.
 * COFRE_EFORMAT: no header, an empty or repeated column name, too many columns, not UTF-8.
 * COFRE_EIO, COFRE_ENOMEM.  *out is NULL on error.
 */
COFRE_CHECKED enum cofre_err table_open(int fd, enum table_form form, struct table **out,
                                        struct cofre_why *why);
void table_close(struct table *t);
/* CSV: the i-th column's name; BYTES_NONE beyond the end, and always for JSON lines. */
struct bytes table_column(const struct table *t, size_t i);
/*
 * The next row, borrowed until the next call.  Blank lines are passed over.  A bad row (wrong number of
 * cells, bad quoting, bad UTF-8, bad JSON, nested JSON, over TABLE_ROW_MAX) is handed out with bad
 * set, and reading goes on at the next line.
 * COFRE_ENOENT: the end.  COFRE_EIO, COFRE_ENOMEM.
 */
COFRE_CHECKED enum cofre_err table_next(struct table *t, const struct table_row **row,
                                        struct cofre_why *why);
/* Bytes read so far, for progress. */
uint64_t table_offset(const struct table *t);

#endif
