/* wrap: malloc calloc realloc sodium_malloc */
#include "alloc_fault.h"
#include "audit_dir.h"

#include "audit/journal.h"
#include "audit/tree.h"

#define FIRST "journal/00000000000000000000"

static struct audit_dir d;

static int
setup(void **state)
{
    (void)state;
    audit_dir_make(&d);
    return mkdirat(d.dir, "journal", 0700);
}

static int
teardown(void **state)
{
    (void)state;
    audit_dir_remove(&d);
    return 0;
}

/* Entry i is as long as 20 + i, so that lengths differ. */
static struct bytes
entry_of(uint64_t i, uint8_t text[static 400])
{
    size_t len = 20 + i % 300;

    memset(text, 'a' + (int)(i % 26), len);
    (void)snprintf((char *)text, len, "entry %" PRIu64, i);
    text[strlen((char *)text)] = '.';
    return (struct bytes){text, len};
}

static void
put(struct buf *batch, uint64_t i)
{
    uint8_t text[400];
    uint8_t leaf[HASH_LEN];

    tree_leaf(entry_of(i, text), leaf);
    journal_record(batch, entry_of(i, text), leaf);
    assert_int_equal(buf_error(batch), COFRE_OK);
}

struct seen {
    uint64_t from;
    uint64_t n;
    uint64_t stop_at; /* fn fails there; 0: never */
};

/* Holds each entry against what was written. */
static enum cofre_err
see(void *ctx, uint64_t seq, struct bytes entry, const uint8_t leaf[static HASH_LEN])
{
    struct seen *s = ctx;
    uint8_t text[400];
    uint8_t want[HASH_LEN];

    assert_int_equal(seq, s->from + s->n);
    if (s->stop_at > 0 && seq == s->stop_at)
        return COFRE_ECONFLICT;
    assert_true(bytes_equal(entry, entry_of(seq, text)));
    tree_leaf(entry, want);
    assert_memory_equal(leaf, want, HASH_LEN);
    s->n++;
    return COFRE_OK;
}

static enum cofre_err
scan(uint64_t from, struct seen *seen, struct journal_end *end)
{
    struct cofre_why why = {""};
    enum cofre_err err;

    *seen = (struct seen){from, 0, 0};
    err = journal_scan(d.dir, from, see, seen, end, &why);
    assert_true(err != COFRE_EINTEGRITY || why.text[0] != 0);
    return err;
}

/* Appends entries [from, to) in batches of `each`. */
static void
append(struct journal *j, uint64_t from, uint64_t to, uint64_t each)
{
    struct buf batch = BUF_INIT;

    while (from < to) {
        uint64_t n = to - from < each ? to - from : each;

        buf_reset(&batch);
        for (uint64_t i = 0; i < n; i++)
            put(&batch, from + i);
        assert_int_equal(journal_append(j, from, buf_bytes(&batch), NULL), COFRE_OK);
        from += n;
    }
    buf_free(&batch);
}

/* Opens at what a scan finds, and appends up to entry `to`. */
static void
grow(uint64_t to, uint64_t each)
{
    struct journal_end end;
    struct journal *j;
    struct seen seen;

    assert_int_equal(scan(0, &seen, &end), COFRE_OK);
    assert_int_equal(journal_open(d.dir, &end, &j, NULL), COFRE_OK);
    append(j, end.size, to, each);
    assert_false(journal_dead(j));
    journal_close(j);
}

static void
a_record_is_length_entry_and_hash(void **state)
{
    uint8_t leaf[HASH_LEN];
    struct buf batch = BUF_INIT;

    (void)state;
    tree_leaf(BYTES_LIT("entry"), leaf);
    journal_record(&batch, BYTES_LIT("entry"), leaf);
    assert_int_equal(batch.len, 8 + 5 + 8);
    unit_bytes_are((struct bytes){batch.p, 13}, "05000000 faffffff 656e747279");
    assert_memory_equal(batch.p + 13, leaf, 8);
    buf_free(&batch);
}

static void
what_is_appended_is_read(void **state)
{
    struct journal_end end;
    struct seen seen;

    (void)state;
    assert_int_equal(scan(0, &seen, &end), COFRE_OK);
    assert_true(end.size == 0 && end.file[0] == 0 && !end.torn);
    for (uint64_t n = 1; n < 200; n += 33) {
        grow(n, 7);
        assert_int_equal(scan(0, &seen, &end), COFRE_OK);
        assert_true(seen.n == n && end.size == n && !end.torn);
    }
    assert_string_equal(end.file, "00000000000000000000");
    assert_int_equal(scan(100, &seen, &end), COFRE_OK);
    assert_int_equal(seen.n, end.size - 100);
    assert_int_equal(scan(100000, &seen, &end), COFRE_OK);
    assert_true(seen.n == 0 && end.size < 100000);
}

static void
an_error_of_the_reader_ends_the_scan(void **state)
{
    struct seen seen = {0, 0, 3};
    struct journal_end end;

    (void)state;
    grow(10, 10);
    assert_int_equal(journal_scan(d.dir, 0, see, &seen, &end, NULL), COFRE_ECONFLICT);
    assert_int_equal(seen.n, 3);
}

/* About 12 MB: three files. */
enum { MANY = 70000 };

static uint64_t
second_file(char path[static 64])
{
    uint64_t first = 1;

    for (;; first++) {
        (void)snprintf(path, 64, "journal/%020" PRIu64, first);
        if (audit_dir_has(&d, path))
            return first;
    }
}

static void
files_follow_each_other_and_go_when_they_are_done_with(void **state)
{
    struct journal_end end;
    struct seen seen;
    char path[64];
    uint64_t second;

    (void)state;
    grow(MANY, 5000);
    assert_int_equal(audit_dir_count(&d, "journal"), 3);
    assert_int_equal(scan(0, &seen, &end), COFRE_OK);
    assert_int_equal(seen.n, MANY);
    second = second_file(path);
    assert_int_equal(scan(second, &seen, &end), COFRE_OK);
    assert_int_equal(seen.n, MANY - second);

    assert_int_equal(journal_trim(d.dir, second - 1, NULL), COFRE_OK);
    assert_int_equal(audit_dir_count(&d, "journal"), 3);
    assert_int_equal(journal_trim(d.dir, second, NULL), COFRE_OK);
    assert_int_equal(audit_dir_count(&d, "journal"), 2);
    assert_int_equal(scan(0, &seen, &end), COFRE_EINTEGRITY);
    assert_int_equal(scan(second - 1, &seen, &end), COFRE_EINTEGRITY);
    assert_int_equal(scan(second, &seen, &end), COFRE_OK);
    assert_int_equal(journal_trim(d.dir, UINT64_MAX, NULL), COFRE_OK);
    assert_int_equal(audit_dir_count(&d, "journal"), 1);
    assert_int_equal(scan(MANY, &seen, &end), COFRE_OK);
    assert_int_equal(end.size, MANY);
}

static void
a_gap_between_files_or_a_foreign_file_is_tampering(void **state)
{
    static const char *const foreign[] = {"journal/0",
                                          "journal/x",
                                          "journal/.hidden",
                                          "journal/00000000000000070001",
                                          "journal/99999999999999999999",
                                          "journal/-0000000000000000001",
                                          "journal/000000000000000000000"};
    struct journal_end end;
    struct seen seen;
    char path[64];

    (void)state;
    grow(MANY, 5000);
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
        audit_dir_write(&d, foreign[i], BYTES_LIT("\1"));
        assert_int_equal(scan(0, &seen, &end), COFRE_EINTEGRITY);
        assert_int_equal(unlinkat(d.dir, foreign[i], 0), 0);
    }
    assert_int_equal(symlinkat("00000000000000000000", d.dir, "journal/00000000000000070000"), 0);
    assert_int_not_equal(scan(0, &seen, &end), COFRE_OK);
    assert_int_equal(unlinkat(d.dir, "journal/00000000000000070000", 0), 0);
    assert_int_equal(scan(0, &seen, &end), COFRE_OK);
    (void)second_file(path);
    assert_int_equal(unlinkat(d.dir, path, 0), 0);
    assert_int_equal(scan(0, &seen, &end), COFRE_EINTEGRITY);
    assert_int_equal(renameat(d.dir, "journal", d.dir, "elsewhere"), 0);
    assert_int_equal(scan(0, &seen, &end), COFRE_EINTEGRITY);
}

/* ---- torn and altered ---- */

enum { FEW = 6 };

/* The offsets of the records of a journal of FEW entries, and of its end. */
static void
offsets(uint64_t out[FEW + 1])
{
    uint8_t text[400];

    out[0] = 0;
    for (uint64_t i = 0; i < FEW; i++)
        out[i + 1] = out[i] + JOURNAL_HEADER + entry_of(i, text).len + JOURNAL_TRAILER;
}

static uint64_t
whole_records(const uint64_t at[FEW + 1], uint64_t len)
{
    uint64_t n = 0;

    while (n < FEW && at[n + 1] <= len)
        n++;
    return n;
}

static void
every_flipped_bit_is_tampering(void **state)
{
    struct journal_end end;
    struct seen seen;
    struct buf file;

    (void)state;
    grow(FEW, 2);
    file = audit_dir_read(&d, FIRST);
    for (size_t i = 0; i < 8 * file.len; i++) {
        file.p[i / 8] ^= (uint8_t)(1 << i % 8);
        audit_dir_write(&d, FIRST, buf_bytes(&file));
        if (scan(0, &seen, &end) != COFRE_EINTEGRITY)
            fail_msg("bit %zu of byte %zu", i % 8, i / 8);
        file.p[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    buf_free(&file);
}

static void
every_shorter_length_is_a_torn_record_that_is_cut_off(void **state)
{
    uint64_t at[FEW + 1];
    struct journal_end end;
    struct seen seen;
    struct buf file;

    (void)state;
    grow(FEW, 2);
    offsets(at);
    file = audit_dir_read(&d, FIRST);
    assert_int_equal(file.len, at[FEW]);
    for (size_t len = 0; len < file.len; len++) {
        uint64_t n = whole_records(at, len);

        audit_dir_write(&d, FIRST, (struct bytes){file.p, len});
        assert_int_equal(scan(0, &seen, &end), COFRE_OK);
        assert_true(seen.n == n && end.size == n && end.file_bytes == at[n]);
        assert_int_equal(end.torn, len != at[n]);
        if (len % 5 == 0) {
            grow(FEW, 1);
            assert_int_equal(scan(0, &seen, &end), COFRE_OK);
            assert_true(seen.n == FEW && !end.torn);
        }
    }
    buf_free(&file);
}

/* Zeros from byte z on, up to a file of len bytes. */
static enum cofre_err
scan_with_zeros(struct bytes file, size_t z, size_t len, struct journal_end *end)
{
    struct buf cut = BUF_INIT;
    struct seen seen;
    enum cofre_err err;

    buf_put(&cut, file.p, z);
    while (cut.len < len)
        buf_putc(&cut, 0);
    audit_dir_write(&d, FIRST, buf_bytes(&cut));
    err = scan(0, &seen, end);
    buf_free(&cut);
    return err;
}

static void
zeros_to_the_end_are_torn_if_there_are_many(void **state)
{
    uint64_t at[FEW + 1];
    struct journal_end end;
    struct buf file;

    (void)state;
    grow(FEW, 2);
    offsets(at);
    file = audit_dir_read(&d, FIRST);
    for (size_t z = 0; z < file.len; z++) {
        uint64_t n = whole_records(at, z);

        assert_int_equal(scan_with_zeros(buf_bytes(&file), z, z + 9000, &end), COFRE_OK);
        assert_true(end.torn && end.size == n && end.file_bytes == at[n]);
    }
    /* A few zeros after a whole record are all that is left; inside one they are a change. */
    assert_int_equal(scan_with_zeros(buf_bytes(&file), file.len, file.len + 3, &end), COFRE_OK);
    assert_true(end.torn && end.size == FEW);
    assert_int_equal(scan_with_zeros(buf_bytes(&file), file.len - 20, file.len, &end),
                     COFRE_EINTEGRITY);
    assert_int_equal(scan_with_zeros(buf_bytes(&file), at[2] + 30, at[3] + 40, &end),
                     COFRE_EINTEGRITY);
    buf_free(&file);
}

static void
only_what_could_begin_a_record_is_torn(void **state)
{
    static const struct {
        const char *tail;
        size_t len;
        bool torn;
    } rows[] = {
        {"\x05", 1, true},
        {"\x05\x01", 2, true},
        {"\x05\x01\x01", 3, false},
        {"\x05\x01\x00\x01", 4, false},
        {"\x05\x01\x00\x00", 4, true},
        {"\x05\x01\x00\x00\xfa", 5, true},
        {"\x05\x01\x00\x00\xfb", 5, false},
        {"\x05\x01\x00\x00\xfa\xfe\xff\xff", 8, true},
        {"\x05\x01\x00\x00\xfa\xfe\xff\xfe", 8, false},
        {"\x00\x00\x00\x00\xff\xff\xff\xff", 8, false},
        {"\x05\x00\x00\x00\xfa\xff\xff\xff"
         "entry",
         13, true},
        {"\x05\x00\x00\x00\xfa\xff\xff\xff"
         "entry1234567",
         20, true},
        {"\x05\x00\x00\x00\xfa\xff\xff\xff"
         "entry12345678",
         21, false},
    };
    struct journal_end end;
    struct seen seen;
    struct buf file;

    (void)state;
    grow(FEW, 2);
    file = audit_dir_read(&d, FIRST);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t len = file.len;

        buf_put(&file, rows[i].tail, rows[i].len);
        audit_dir_write(&d, FIRST, buf_bytes(&file));
        if (scan(0, &seen, &end) != (rows[i].torn ? COFRE_OK : COFRE_EINTEGRITY))
            fail_msg("row %zu", i);
        file.len = len;
    }
    buf_free(&file);
}

static void
a_torn_record_before_the_last_file_is_tampering(void **state)
{
    struct journal_end end;
    struct seen seen;
    struct buf file;

    (void)state;
    grow(MANY, 5000);
    file = audit_dir_read(&d, FIRST);
    audit_dir_write(&d, FIRST, (struct bytes){file.p, file.len - 1});
    assert_int_equal(scan(0, &seen, &end), COFRE_EINTEGRITY);
    buf_free(&file);
}

/* ---- appending ---- */

static void
a_file_that_was_moved_replaced_or_cut_stops_the_journal(void **state)
{
    static const struct journal_end none = {0, false, "", 0};
    struct buf batch = BUF_INIT;
    struct journal *j;

    (void)state;
    put(&batch, 1);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(journal_open(d.dir, &none, &j, NULL), COFRE_OK);
        append(j, 0, 1, 1);
        if (i == 0 || i == 1)
            assert_int_equal(renameat(d.dir, FIRST, d.dir, "moved"), 0);
        if (i == 1)
            audit_dir_write(&d, FIRST, BYTES_LIT("other"));
        if (i == 2)
            assert_int_equal(unlinkat(d.dir, FIRST, 0), 0);
        if (i == 3)
            audit_dir_write(&d, FIRST, BYTES_NONE);
        assert_int_equal(journal_append(j, 1, buf_bytes(&batch), NULL), COFRE_ESTOPPED);
        assert_true(journal_dead(j));
        assert_int_equal(journal_append(j, 1, buf_bytes(&batch), NULL), COFRE_ESTOPPED);
        journal_close(j);
        (void)unlinkat(d.dir, FIRST, 0);
    }
    buf_free(&batch);
}

static void
a_reader_keeps_up_with_the_writer(void **state)
{
    static const struct journal_end none = {0, false, "", 0};
    struct journal_reader *r;
    struct journal_item item;
    struct journal *j;
    uint8_t text[400];
    uint64_t seq = 0;

    (void)state;
    assert_int_equal(journal_open(d.dir, &none, &j, NULL), COFRE_OK);
    append(j, 0, 1, 1);
    assert_int_equal(journal_reader_new(d.dir, 0, 1, &r, NULL), COFRE_OK);
    for (uint64_t n = 1; n < MANY; n += 3001) {
        append(j, n, n + 3001, 700);
        journal_reader_extend(r, n + 3001);
        for (; seq < n + 3001; seq++) {
            assert_int_equal(journal_reader_next(r, &item, NULL), COFRE_OK);
            assert_int_equal(item.seq, seq);
            assert_true(bytes_equal(item.entry, entry_of(seq, text)));
        }
        assert_int_equal(journal_reader_next(r, &item, NULL), COFRE_ENOENT);
    }
    journal_reader_free(r);
    assert_int_equal(journal_reader_new(d.dir, 66666, UINT64_MAX, &r, NULL), COFRE_OK);
    assert_int_equal(journal_reader_next(r, &item, NULL), COFRE_OK);
    assert_int_equal(item.seq, 66666);
    journal_reader_free(r);
    journal_close(j);
}

static void
a_reader_does_not_keep_what_is_beyond_its_limit(void **state)
{
    struct journal_reader *r;
    struct journal_item item;
    struct buf file;
    uint64_t at[FEW + 1];
    uint8_t text[400];

    (void)state;
    grow(FEW, FEW);
    offsets(at);
    file = audit_dir_read(&d, FIRST);
    /* The third record is one that a failed write left, and the reader has seen it. */
    file.p[at[2] + 20] ^= 1;
    audit_dir_write(&d, FIRST, (struct bytes){file.p, at[2] + 25});
    file.p[at[2] + 20] ^= 1;
    assert_int_equal(journal_reader_new(d.dir, 0, 2, &r, NULL), COFRE_OK);
    assert_int_equal(journal_reader_next(r, &item, NULL), COFRE_OK);
    audit_dir_write(&d, FIRST, buf_bytes(&file));
    journal_reader_extend(r, FEW);
    for (uint64_t i = 1; i < FEW; i++) {
        assert_int_equal(journal_reader_next(r, &item, NULL), COFRE_OK);
        assert_true(bytes_equal(item.entry, entry_of(i, text)));
    }
    journal_reader_free(r);
    buf_free(&file);
}

static void
without_memory_nothing_happens(void **state)
{
    struct journal_reader *r = NULL;
    struct journal *j = NULL;
    struct journal_end end;
    struct seen seen;
    enum cofre_err err;

    (void)state;
    grow(FEW, 2);
    ALLOC_FAULT_EACH
    {
        err = scan(0, &seen, &end);
        if (err == COFRE_OK)
            err = journal_open(d.dir, &end, &j, NULL);
        if (err == COFRE_OK)
            err = journal_reader_new(d.dir, 0, FEW, &r, NULL);
        if (err == COFRE_OK)
            err = journal_trim(d.dir, 3, NULL);
        journal_close(j);
        journal_reader_free(r);
        j = NULL;
        r = NULL;
        if (!alloc_fault_hit())
            break;
        assert_int_equal(err, COFRE_ENOMEM);
    }
    assert_int_equal(err, COFRE_OK);
    assert_int_equal(scan(0, &seen, &end), COFRE_OK);
    assert_int_equal(seen.n, FEW);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_is_length_entry_and_hash),
        TEST(what_is_appended_is_read),
        TEST(an_error_of_the_reader_ends_the_scan),
        TEST(files_follow_each_other_and_go_when_they_are_done_with),
        TEST(a_gap_between_files_or_a_foreign_file_is_tampering),
        TEST(every_flipped_bit_is_tampering),
        TEST(every_shorter_length_is_a_torn_record_that_is_cut_off),
        TEST(zeros_to_the_end_are_torn_if_there_are_many),
        TEST(only_what_could_begin_a_record_is_torn),
        TEST(a_torn_record_before_the_last_file_is_tampering),
        TEST(a_file_that_was_moved_replaced_or_cut_stops_the_journal),
        TEST(a_reader_keeps_up_with_the_writer),
        TEST(a_reader_does_not_keep_what_is_beyond_its_limit),
        TEST(without_memory_nothing_happens),
    };

    return cmocka_run_group_tests(tests, unit_setup, NULL);
}
