#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shared_file.h"
#include "unit.h"

#include "vault/records/table.h"

static int
file_of(struct bytes content)
{
    int fd = memfd_create("table", 0);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, content.p, content.len), (ssize_t)content.len);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

/* Rows as text: "line|name=value;…" or "line!", each ended by a blank; J, I, N, B, L mark JSON kinds. */
static void
describe(const struct table_row *row, struct buf *out)
{
    static const char kinds[] = {[TABLE_TEXT] = 0,     [TABLE_STRING] = 'J', [TABLE_INTEGER] = 'I',
                                 [TABLE_NUMBER] = 'N', [TABLE_BOOL] = 'B',   [TABLE_LIST] = 'L'};

    buf_putf(out, "%llu", (unsigned long long)row->line);
    if (row->bad != NULL) {
        buf_puts(out, "! ");
        return;
    }
    buf_putc(out, '|');
    for (size_t i = 0; i < row->n; i++) {
        buf_putb(out, row->cells[i].name);
        if (kinds[row->cells[i].kind] != 0)
            buf_putc(out, kinds[row->cells[i].kind]);
        buf_putc(out, '=');
        buf_putb(out, row->cells[i].value);
        buf_putc(out, ';');
    }
    buf_putc(out, ' ');
}

static enum cofre_err
read_all(struct bytes content, enum table_form form, struct buf *out, struct cofre_why *why)
{
    const struct table_row *row;
    struct table *t = (void *)1;
    int fd = file_of(content);
    enum cofre_err err;

    if ((err = table_open(fd, form, &t, why)) != COFRE_OK) {
        assert_null(t);
        close(fd);
        return err;
    }
    while ((err = table_next(t, &row, why)) == COFRE_OK)
        describe(row, out);
    assert_int_equal(table_next(t, &row, why), COFRE_ENOENT);
    assert_int_equal(table_offset(t), content.len);
    table_close(t);
    close(fd);
    return err;
}

struct row {
    struct bytes in;
    const char *out;
};

static void
check(const struct row *rows, size_t n, enum table_form form)
{
    for (size_t i = 0; i < n; i++) {
        struct buf out = BUF_INIT;

        assert_int_equal(read_all(rows[i].in, form, &out, NULL), COFRE_ENOENT);
        buf_putc(&out, '\0');
        if (strcmp((const char *)out.p, rows[i].out) != 0)
            fail_msg("row %zu: [%s] not [%s]", i, (const char *)out.p, rows[i].out);
        buf_free(&out);
    }
}

#define B(s) BYTES_LIT(s)

static void
csv_is_read_as_rfc_4180_has_it(void **state)
{
    static const struct row rows[] = {
        {B("a,b\n1,2\n"), "2|a=1;b=2; "},
        {B("a,b\r\n1,2\r\n3,4"), "2|a=1;b=2; 3|a=3;b=4; "},
        {B("a,b\n1,2\r"), "2|a=1;b=2; "},
        {B("\xef\xbb\xbf"
           "a,b\n1,2"),
         "2|a=1;b=2; "},
        {B("a,b"), ""},
        {B("a,b\n\n\r\n1,2\n\n"), "4|a=1;b=2; "},
        {B("\n\na,b\n1,2\n"), "4|a=1;b=2; "},
        {B("a,b\n1,\n,2\n,\n"), "2|a=1; 3|b=2; 4| "},
        {B("a,b\n\"\",\"2\"\n"), "2|b=2; "},
        {B("a,b\n\"x,y\",\"say \"\"hi\"\"\"\n"), "2|a=x,y;b=say \"hi\"; "},
        {B("a,b\n\"\"\"\",\"\"\"\"\"\"\n"), "2|a=\";b=\"\"; "},
        {B("a,b\n\"two\nlines\",2\n3,4\n"), "2|a=two\nlines;b=2; 4|a=3;b=4; "},
        {B("a,b\n\"two\r\nlines\",2\r\n3,4\r\n"), "2|a=two\r\nlines;b=2; 4|a=3;b=4; "},
        {B("\"a,\"\"1\"\"\",b\n1,2\n"), "2|a,\"1\"=1;b=2; "},
        {B("a,b\n 1 , 2\n"), "2|a= 1 ;b= 2; "},
        {B("a\n1\n\n \n"), "2|a=1; 4|a= ; "},
        {B("名字,b\n祝癸霖,😀\n"), "2|名字=祝癸霖;b=😀; "},
    };

    (void)state;
    check(rows, sizeof rows / sizeof rows[0], TABLE_CSV);
}

static void
a_bad_csv_row_is_told_and_reading_goes_on_at_the_next_line(void **state)
{
    static const struct row rows[] = {
        {B("a,b\n1\n3,4\n"), "2! 3|a=3;b=4; "},
        {B("a,b\n1,2,3\n3,4\n"), "2! 3|a=3;b=4; "},
        {B("a,b\n1,x\"y\n3,4\n"), "2! 3|a=3;b=4; "},
        {B("a,b\n1,\"x\"y\n3,4\n"), "2! 3|a=3;b=4; "},
        {B("a,b\n1,\"x\n3,4\n5,6"), "2! 3|a=3;b=4; 4|a=5;b=6; "},
        {B("a,b\n1,\"x\n3,4\"\n5,6\n"), "2|a=1;b=x\n3,4; 4|a=5;b=6; "},
        {B("a,b\n1,\"x\n3,\"4\"\n5,6\n"), "2! 3|a=3;b=4; 4|a=5;b=6; "},
        /* What was read of the bad row before its fault is still as it stood. */
        {B("a,b\n\"\"\"p\nq\",\"x\"y\n3,4\n"), "2! 3! 4|a=3;b=4; "},
        {B("a,b\n1,\"two\nlines\",3\n5,6\n"), "2! 4|a=5;b=6; "},
        {B("a,b\n1,\xff\n3,4\n"), "2! 3|a=3;b=4; "},
        {B("a,b\n1,\0\n3,4\n"), "2! 3|a=3;b=4; "},
        {B("a,b\n1,x\ry\n3,4\n"), "2! 3|a=3;b=4; "},
        {B("a,b\n\xef\xbb\xbf"
           "1,2\n"),
         "2|a=\xef\xbb\xbf"
         "1;b=2; "},
        {B("a,b\n\""), "2! "},
    };

    (void)state;
    check(rows, sizeof rows / sizeof rows[0], TABLE_CSV);
}

static void
a_header_that_names_no_columns_opens_nothing(void **state)
{
    static const struct {
        struct bytes in;
        const char *why;
    } rows[] = {
        {B(""), "no header"},
        {B("\n\r\n"), "no header"},
        {B("\xef\xbb\xbf"), "no header"},
        {B("a,,b\n"), "header: column 2 has no name"},
        {B("a,b,\n"), "header: column 3 has no name"},
        {B("a,b,a\n"), "header: columns 1 and 3 have one name"},
        {B("\"a\",b,a\n"), "header: columns 1 and 3 have one name"},
        {B("a,\"b\n"), "header: has a quote that is not closed"},
        {B("a,b\"c\n"), "header: has a quote that is not closed"},
        {B("a,b\"c\"\n"), "header: has a quote where none may be"},
        {B("a,\xe9\n"), "header: is not UTF-8"},
        {B("\xff\xfe"
           "a\0,\0"),
         "header: has a NUL byte"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct cofre_why why = {.text = ""};

        if (read_all(rows[i].in, TABLE_CSV, NULL, &why) != COFRE_EFORMAT ||
            strcmp(why.text, rows[i].why) != 0)
            fail_msg("row %zu: %s", i, why.text);
    }
}

static void
columns_are_named_up_to_their_limit(void **state)
{
    struct buf in = BUF_INIT, out = BUF_INIT;
    struct table *t;
    int fd;

    (void)state;
    for (int i = 0; i < TABLE_COLUMNS_MAX; i++)
        buf_putf(&in, "%sc%d", i > 0 ? "," : "", i);
    fd = file_of(buf_bytes(&in));
    assert_int_equal(table_open(fd, TABLE_CSV, &t, NULL), COFRE_OK);
    assert_true(bytes_equal(table_column(t, 0), B("c0")));
    assert_true(bytes_equal(table_column(t, 127), B("c127")));
    assert_null(table_column(t, 128).p);
    table_close(t);
    table_close(NULL);
    close(fd);
    buf_puts(&in, ",d");
    assert_int_equal(read_all(buf_bytes(&in), TABLE_CSV, &out, NULL), COFRE_EFORMAT);
    buf_free(&in);
    buf_free(&out);
}

static void
json_lines_give_the_same_rows_with_their_kinds(void **state)
{
    static const struct row rows[] = {
        {B("{\"a\":\"x\",\"b\":12}\n"), "1|aJ=x;bI=12; "},
        {B("\xef\xbb\xbf{\"a\":\"x\"}\r\n\r\n \t\n{\"a\":\"y\"}"), "1|aJ=x; 4|aJ=y; "},
        {B("{\"a\":null,\"b\":true,\"c\":false}"), "1|bB=true;cB=false; "},
        {B("{\"a\":[\"x\",\"y\"],\"b\":[],\"c\":[\"z\"]}"), "1|aL=x y;cL=z; "},
        {B("{\"a\":-9007199254740991,\"b\":\"\"}"), "1|aI=-9007199254740991;bJ=; "},
        {B("{\"a\":1.5,\"b\":1e3,\"c\":11.0}"), "1|aN=1.5;bN=1000;cN=11; "},
        {B("{\"a\":\"\\u7687\\n\"}"), "1|aJ=皇\n; "},
        {B("{}"), "1| "},
        {B(""), ""},
        {B("\n\n"), ""},
    };

    (void)state;
    check(rows, sizeof rows / sizeof rows[0], TABLE_JSONL);
}

static void
a_bad_line_of_json_is_told_and_reading_goes_on(void **state)
{
    static const struct row rows[] = {
        {B("{\"a\":1\n{\"a\":2}\n"), "1! 2|aI=2; "},
        {B("[1]\n{\"a\":2}\n"), "1! 2|aI=2; "},
        {B("\"a\"\n"), "1! "},
        {B("{\"a\":{}}\n{\"a\":2}\n"), "1! 2|aI=2; "},
        {B("{\"a\":[1]}\n{\"a\":[[]]}\n"), "1! 2! "},
        {B("{\"a\":1,\"a\":2}\n"), "1! "},
        {B("{\"a\":1} {\"b\":2}\n"), "1! "},
        {B("{\"a\":\"\\u0000\"}\n"), "1! "},
        {B("{\"a\":\"\0\"}\n"), "1! "},
        {B("{\"a\":\"\xff\"}\n"), "1! "},
        {B("{\"a\":\"\\ud800\"}\n"), "1! "},
        {B("{\"a\":99999999999999999999}\n"), "1! "},
        {B("{\"a\":1e999}\n"), "1! "},
        {B("{\"a\":NaN}\n{\"a\":2}"), "1! 2|aI=2; "},
    };

    (void)state;
    check(rows, sizeof rows / sizeof rows[0], TABLE_JSONL);
}

static void
a_row_has_at_most_a_mebibyte_and_the_next_line_is_read(void **state)
{
    static const char *const head[] = {"a\n", ""}, *const open[] = {"\"", "{\"a\":\""},
                             *const close_[] = {"\"", "\"}"},
                             *const next[] = {"z", "{\"a\":\"z\"}"};

    (void)state;
    for (int form = TABLE_CSV; form <= TABLE_JSONL; form++)
        for (size_t over = 0; over <= 3; over += over == 1 ? 2 : 1) {
            struct buf in = BUF_INIT, out = BUF_INIT;
            const char *line_end = over == 0 ? "\r\n" : "\n";
            size_t row_len = TABLE_ROW_MAX + (over == 3 ? 5 * TABLE_ROW_MAX : over);

            buf_puts(&in, head[form]);
            buf_puts(&in, open[form]);
            while (in.len < strlen(head[form]) + row_len - strlen(close_[form]))
                buf_putc(&in, 'x');
            buf_puts(&in, close_[form]);
            buf_puts(&in, line_end);
            buf_puts(&in, next[form]);
            assert_int_equal(read_all(buf_bytes(&in), (enum table_form)form, &out, NULL),
                             COFRE_ENOENT);
            if (over == 0)
                assert_true(out.len > TABLE_ROW_MAX - 16);
            else if (form == TABLE_CSV)
                assert_memory_equal(out.p, "2! 3|a=z; ", out.len);
            else
                assert_memory_equal(out.p, "1! 2|aJ=z; ", out.len);
            buf_free(&in);
            buf_free(&out);
        }
}

/* A quote that never closes costs its own row only, however much stands behind it. */
static void
a_quote_left_open_swallows_no_other_row(void **state)
{
    struct buf in = BUF_INIT;
    const struct table_row *row;
    struct table *t;
    unsigned bad = 0, good = 0;
    enum cofre_err err;
    int fd;

    (void)state;
    buf_puts(&in, "a,b\n1,\"open\n");
    for (unsigned i = 0; i < 300000; i++)
        buf_putf(&in, "%06u,x\n", i);
    fd = file_of(buf_bytes(&in));
    assert_int_equal(table_open(fd, TABLE_CSV, &t, NULL), COFRE_OK);
    while ((err = table_next(t, &row, NULL)) == COFRE_OK) {
        if (row->bad != NULL) {
            assert_int_equal(row->line, 2);
            bad++;
            continue;
        }
        assert_int_equal(row->n, 2);
        assert_int_equal(row->line, good + 3);
        good++;
    }
    assert_int_equal(err, COFRE_ENOENT);
    assert_int_equal(bad, 1);
    assert_int_equal(good, 300000);
    table_close(t);
    close(fd);
    buf_free(&in);
}

/* One byte at a time through a pipe gives what one read gives. */
static void
short_reads_change_nothing(void **state)
{
    static const char text[] = "\xef\xbb\xbf"
                               "a,b\r\n\"x \"\"y\"\"\n\",祝\r\n\r\n3,4";
    struct buf out = BUF_INIT;
    const struct table_row *row;
    struct table *t;
    int fds[2];

    (void)state;
    assert_int_equal(pipe(fds), 0);
    if (fork() == 0) {
        for (size_t i = 0; i < sizeof text - 1; i++)
            if (write(fds[1], text + i, 1) != 1 || usleep(200) != 0)
                _exit(1);
        _exit(0);
    }
    close(fds[1]);
    assert_int_equal(table_open(fds[0], TABLE_CSV, &t, NULL), COFRE_OK);
    while (table_next(t, &row, NULL) == COFRE_OK)
        describe(row, &out);
    buf_putc(&out, '\0');
    assert_string_equal((const char *)out.p, "2|a=x \"y\"\n;b=祝; 5|a=3;b=4; ");
    table_close(t);
    close(fds[0]);
    buf_free(&out);
}

static void
a_file_that_cannot_be_read_is_an_error(void **state)
{
    struct cofre_why why = {.text = ""};
    struct table *t;
    int fd = open("/", O_RDONLY | O_DIRECTORY);

    (void)state;
    assert_int_equal(table_open(fd, TABLE_CSV, &t, &why), COFRE_EIO);
    assert_null(t);
    assert_non_null(strstr(why.text, "reading"));
    close(fd);
}

static void
real_files_are_read_whole(void **state)
{
    static const struct {
        const char *name;
        unsigned rows;
    } files[] = {{"data/customers.csv", 23570}, {"data/events.csv", 69659}};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const struct table_row *row;
        unsigned rows = 0;
        struct table *t;
        FILE *file;

        if ((file = shared_file(files[i].name)) == NULL)
            skip();
        assert_int_equal(table_open(fileno(file), TABLE_CSV, &t, NULL), COFRE_OK);
        while (table_next(t, &row, NULL) == COFRE_OK) {
            assert_null(row->bad);
            rows++;
        }
        assert_int_equal(rows, files[i].rows);
        table_close(t);
        fclose(file);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(csv_is_read_as_rfc_4180_has_it),
        cmocka_unit_test(a_bad_csv_row_is_told_and_reading_goes_on_at_the_next_line),
        cmocka_unit_test(a_header_that_names_no_columns_opens_nothing),
        cmocka_unit_test(columns_are_named_up_to_their_limit),
        cmocka_unit_test(json_lines_give_the_same_rows_with_their_kinds),
        cmocka_unit_test(a_bad_line_of_json_is_told_and_reading_goes_on),
        cmocka_unit_test(a_row_has_at_most_a_mebibyte_and_the_next_line_is_read),
        cmocka_unit_test(a_quote_left_open_swallows_no_other_row),
        cmocka_unit_test(short_reads_change_nothing),
        cmocka_unit_test(a_file_that_cannot_be_read_is_an_error),
        cmocka_unit_test(real_files_are_read_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
