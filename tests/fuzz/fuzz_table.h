#ifndef FUZZ_TABLE_H
#define FUZZ_TABLE_H

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cofre/encode.h"
#include "vault/records/table.h"

/* Reads data as a file of that form to its end, and looks at each cell. */
static inline void
fuzz_table(const uint8_t *data, size_t size, enum table_form form)
{
    const struct table_row *row;
    struct table *t = NULL;
    uint64_t line = 0;
    int fd = memfd_create("fuzz", 0);

    if (fd < 0 || write(fd, data, size) != (ssize_t)size || lseek(fd, 0, SEEK_SET) != 0)
        abort();
    if (table_open(fd, form, &t, NULL) == COFRE_OK) {
        while (table_next(t, &row, NULL) == COFRE_OK) {
            if (row->line <= line)
                abort();
            line = row->line;
            for (size_t i = 0; row->bad == NULL && i < row->n; i++)
                if (!encode_utf8_valid(row->cells[i].name) ||
                    !encode_utf8_valid(row->cells[i].value))
                    abort();
        }
        if (table_offset(t) != size)
            abort();
    }
    table_close(t);
    close(fd);
}

#endif
