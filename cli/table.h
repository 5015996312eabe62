#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <stdio.h>

#include <jansson.h>

#include "cofre/bytes.h"

/*
 * JSON for people: aligned, arrays joined with blanks, true as "yes", what is missing as "-".  Times in
 * milliseconds (members called so: "time", "created", "expires", ...) become ISO 8601 UTC.  No control
 * character reaches a terminal.
 */
struct table_column {
    const char *title;
    const char *member;
    bool right; /* numbers */
};

/* A row for each object of rows; the sentence none when there is no row.  COFRE_ENOMEM. */
COFRE_CHECKED enum cofre_err table_rows(FILE *out, const json_t *rows,
                                        const struct table_column *columns, size_t n,
                                        const char *none);
/* A line for each member of object, with its name before it.  COFRE_ENOMEM. */
COFRE_CHECKED enum cofre_err table_members(FILE *out, const json_t *object);

#endif
