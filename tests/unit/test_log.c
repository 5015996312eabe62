/* labels: race */
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "audit_dir.h"

#include "audit/checkpoint.h"
#include "audit/journal.h"
#include "audit/proof.h"
#include "audit/tiles.h"
#include "audit/verify.h"

#define FIRST "journal/00000000000000000000"

static struct audit_dir d;

static int
setup(void **state)
{
    (void)state;
    audit_dir_make(&d);
    assert_int_equal(log_create(&d.config, NULL), COFRE_OK);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    audit_dir_remove(&d);
    return 0;
}

/* Stages and commits n entries in batches of `each`. */
static void
append(struct log *l, uint64_t n, uint64_t each)
{
    uint8_t leaf[HASH_LEN];
    struct log_head head;
    struct bytes line;
    struct entry e;

    while (n > 0) {
        for (uint64_t i = 0; i < each && n > 0; i++, n--) {
            log_staged_head(l, &head);
            e = audit_dir_entry(head.size);
            assert_int_equal(log_stage(l, &e, leaf, &line), COFRE_OK);
            assert_int_equal(e.seq, head.size);
        }
        assert_int_equal(log_commit(l, NULL), COFRE_OK);
    }
}

static enum verify_verdict
verdict(void)
{
    struct verify_config config = {.dir = d.dir, .keys = &d.signer.verifier, .n_keys = 1};
    struct verify_report report;

    assert_int_equal(verify_log(&config, &report), COFRE_OK);
    if (report.verdict != VERIFY_GOOD)
        print_message("verify: %s\n", report.reason);
    return report.verdict;
}

struct seen {
    uint64_t next;
    struct tree_edge edge;
    uint8_t prev[HASH_LEN];
    bool linked; /* holds seq and prev against what came before: the walk begins at 0 */
};

static enum cofre_err
see(void *ctx, uint64_t seq, struct bytes line)
{
    static _Thread_local struct entry_parsed parsed;
    struct seen *s = ctx;
    uint8_t leaf[HASH_LEN];

    assert_int_equal(seq, s->next++);
    assert_int_equal(entry_parse(line, &parsed), COFRE_OK);
    assert_int_equal(parsed.e.seq, seq);
    assert_int_equal(parsed.e.n, seq);
    tree_leaf(line, leaf);
    if (s->linked) {
        assert_memory_equal(parsed.e.prev, s->prev, HASH_LEN);
        tree_edge_append(&s->edge, leaf);
        memcpy(s->prev, leaf, HASH_LEN);
    }
    return COFRE_OK;
}

/* Reads the whole log through log_entries and holds its tree against the head. */
static void
walk(struct log *l, uint64_t size)
{
    struct seen s = {.linked = true};
    uint8_t root[HASH_LEN];
    struct log_head head;

    tree_edge_init(&s.edge);
    tree_empty(s.prev);
    assert_int_equal(log_entries(l, 0, UINT64_MAX, see, &s, NULL), COFRE_OK);
    assert_true(s.next >= size);
    log_head(l, &head);
    if (s.next != head.size)
        return; /* somebody appends */
    tree_edge_root(&s.edge, root);
    assert_memory_equal(root, head.root, HASH_LEN);
}

static void
a_new_log_is_empty_signed_and_made_once(void **state)
{
    struct buf text = BUF_INIT;
    struct checkpoint c;
    struct log_head head;
    struct log *l;

    (void)state;
    assert_int_equal(log_create(&d.config, NULL), COFRE_EEXIST);
    l = audit_dir_open(&d);
    log_head(l, &head);
    assert_int_equal(head.size, 0);
    assert_int_equal(log_checkpoint(l, 0, &text, NULL), COFRE_OK);
    assert_int_equal(checkpoint_open(buf_bytes(&text), &d.signer.verifier, &c), COFRE_OK);
    assert_int_equal(c.size, 0);
    assert_memory_equal(c.root, head.root, HASH_LEN);
    assert_int_equal(log_checkpoint(l, 1, &text, NULL), COFRE_EINVAL);
    assert_int_equal(log_prove(l, 0, &text, NULL), COFRE_ENOENT);
    audit_dir_close(l);
    assert_int_equal(verdict(), VERIFY_GOOD);
    buf_free(&text);
}

static void
what_is_committed_is_there_after_each_opening(void **state)
{
    static const uint64_t steps[] = {1, 254, 1, 1, 255, 513, 2000, 31};
    struct log_head head;
    uint64_t size = 0;
    struct log *l;

    (void)state;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        l = audit_dir_open(&d);
        append(l, steps[i], 32);
        size += steps[i];
        walk(l, size);
        audit_dir_close(l);
        assert_int_equal(verdict(), VERIFY_GOOD);
        l = audit_dir_open(&d);
        log_head(l, &head);
        assert_int_equal(head.size, size);
        walk(l, size);
        audit_dir_close(l);
    }
}

static void
what_is_unstaged_leaves_no_trace(void **state)
{
    struct log_head before, after, staged;
    uint8_t leaf[HASH_LEN];
    struct bytes line;
    struct entry e;
    struct log *l = audit_dir_open(&d);

    (void)state;
    append(l, 5, 5);
    log_head(l, &before);
    for (uint64_t i = 0; i < 3; i++) {
        e = audit_dir_entry(99);
        assert_int_equal(log_stage(l, &e, leaf, &line), COFRE_OK);
    }
    log_staged_head(l, &staged);
    assert_int_equal(staged.size, 8);
    log_unstage(l);
    log_staged_head(l, &staged);
    log_head(l, &after);
    assert_memory_equal(&staged, &before, sizeof before);
    assert_memory_equal(&after, &before, sizeof before);
    assert_int_equal(log_commit(l, NULL), COFRE_OK);
    append(l, 5, 2);
    walk(l, 10);
    /* Staged and never committed. */
    e = audit_dir_entry(99);
    assert_int_equal(log_stage(l, &e, leaf, &line), COFRE_OK);
    audit_dir_close(l);
    l = audit_dir_open(&d);
    walk(l, 10);
    audit_dir_close(l);
    assert_int_equal(verdict(), VERIFY_GOOD);
}

static void
a_refused_entry_stages_nothing(void **state)
{
    struct entry e = audit_dir_entry(0);
    uint8_t leaf[HASH_LEN];
    struct log_head head;
    struct bytes line;
    struct log *l = audit_dir_open(&d);

    (void)state;
    e.act = BYTES_LIT("NOT A NAME");
    assert_int_equal(log_stage(l, &e, leaf, &line), COFRE_EINVAL);
    e = audit_dir_entry(0);
    e.n_subjects = ENTRY_SUBJECTS_MAX + 1;
    assert_int_equal(log_stage(l, &e, leaf, &line), COFRE_ERANGE);
    log_staged_head(l, &head);
    assert_int_equal(head.size, 0);
    append(l, 3, 1);
    walk(l, 3);
    audit_dir_close(l);
}

static void
a_linked_line_goes_in_at_its_place_only(void **state)
{
    struct buf lines[3] = {BUF_INIT, BUF_INIT, BUF_INIT};
    uint8_t leaf[HASH_LEN];
    struct log *l = audit_dir_open(&d);
    struct bytes line;
    struct entry e;

    (void)state;
    for (uint64_t i = 0; i < 3; i++) {
        e = audit_dir_entry(i);
        assert_int_equal(log_stage(l, &e, leaf, &line), COFRE_OK);
        buf_putb(&lines[i], line);
    }
    log_unstage(l);
    assert_int_equal(log_stage_line(l, buf_bytes(&lines[1])), COFRE_EINTEGRITY);
    assert_int_equal(log_stage_line(l, BYTES_LIT("{}")), COFRE_EINTEGRITY);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(log_stage_line(l, buf_bytes(&lines[i])), COFRE_OK);
        assert_int_equal(log_stage_line(l, buf_bytes(&lines[i])), COFRE_EINTEGRITY);
        buf_free(&lines[i]);
    }
    assert_int_equal(log_commit(l, NULL), COFRE_OK);
    walk(l, 3);
    audit_dir_close(l);
    assert_int_equal(verdict(), VERIFY_GOOD);
}

static void
any_range_of_entries_can_be_read(void **state)
{
    struct log *l = audit_dir_open(&d);
    struct seen s;

    (void)state;
    append(l, 700, 50);
    for (uint64_t from = 0; from < 720; from += 37) {
        for (uint64_t limit = 0; limit < 600; limit += 101) {
            uint64_t end = from + limit < 700 ? from + limit : 700;

            s = (struct seen){.next = from};
            assert_int_equal(log_entries(l, from, limit, see, &s, NULL), COFRE_OK);
            assert_int_equal(s.next, from < end ? end : from);
        }
    }
    audit_dir_close(l);
}

static void
the_root_at_any_size_is_what_it_was(void **state)
{
    enum { N = 1100 };
    static uint8_t roots[N + 1][HASH_LEN];
    uint8_t root[HASH_LEN];
    struct log_head head;
    struct log *l = audit_dir_open(&d);

    (void)state;
    for (uint64_t n = 0; n <= N; n++) {
        log_head(l, &head);
        memcpy(roots[n], head.root, HASH_LEN);
        if (n < N)
            append(l, 1, 1);
    }
    for (int again = 0; again < 2; again++) {
        for (uint64_t n = 0; n <= N; n += n % 256 < 2 || n % 256 > 253 ? 1 : 23) {
            assert_int_equal(log_root_at(l, n, root, NULL), COFRE_OK);
            assert_memory_equal(root, roots[n], HASH_LEN);
        }
        assert_int_equal(log_root_at(l, N + 1, root, NULL), COFRE_EINVAL);
        audit_dir_close(l);
        l = audit_dir_open(&d);
    }
    audit_dir_close(l);
}

static void
every_entry_can_be_proved_as_soon_as_it_is_durable(void **state)
{
    struct buf line = BUF_INIT, proof = BUF_INIT;
    uint8_t leaf[HASH_LEN];
    uint64_t index;
    struct bytes staged;
    struct entry e;
    struct log *l;

    (void)state;
    d.config.checkpoint_ms = 3600 * 1000; /* never by itself */
    l = audit_dir_open(&d);
    for (uint64_t i = 0; i < 600; i += i < 250 || i > 260 ? 31 : 1) {
        struct log_head head;

        log_head(l, &head);
        append(l, i - head.size, 1000);
        e = audit_dir_entry(i);
        assert_int_equal(log_stage(l, &e, leaf, &staged), COFRE_OK);
        buf_reset(&line);
        buf_putb(&line, staged);
        assert_int_equal(log_commit(l, NULL), COFRE_OK);
        buf_reset(&proof);
        assert_int_equal(log_prove(l, i, &proof, NULL), COFRE_OK);
        assert_int_equal(
            proof_verify(buf_bytes(&proof), buf_bytes(&line), &d.signer.verifier, &index),
            COFRE_OK);
        assert_int_equal(index, i);
        line.p[20] ^= 1;
        assert_int_equal(
            proof_verify(buf_bytes(&proof), buf_bytes(&line), &d.signer.verifier, &index),
            COFRE_EAUTH);
    }
    audit_dir_close(l);
    assert_int_equal(verdict(), VERIFY_GOOD);
    buf_free(&line);
    buf_free(&proof);
}

/* Waits until the builder has signed everything without being asked. */
static void
await_signed(struct log *l)
{
    struct buf text = BUF_INIT;
    struct checkpoint c = {.size = 0};
    struct log_head head;

    for (int i = 0; i < 1000; i++) {
        log_head(l, &head);
        buf_reset(&text);
        assert_int_equal(log_checkpoint(l, 0, &text, NULL), COFRE_OK);
        assert_int_equal(checkpoint_open(buf_bytes(&text), &d.signer.verifier, &c), COFRE_OK);
        if (c.size == head.size)
            break;
        nanosleep(&(struct timespec){0, 10 * 1000 * 1000}, NULL);
    }
    assert_int_equal(c.size, head.size);
    buf_free(&text);
}

static void
partial_tiles_go_when_the_tile_is_full_and_journal_files_when_bundled(void **state)
{
    struct log *l = audit_dir_open(&d);

    (void)state;
    append(l, 10, 10);
    await_signed(l);
    append(l, 10, 10);
    await_signed(l);
    assert_true(audit_dir_has(&d, "tile/entries/000.p/10"));
    assert_true(audit_dir_has(&d, "tile/0/000.p/20"));
    append(l, 300, 100);
    await_signed(l);
    assert_false(audit_dir_has(&d, "tile/entries/000.p"));
    assert_false(audit_dir_has(&d, "tile/0/000.p"));
    assert_true(audit_dir_has(&d, "tile/0/001.p/64"));
    append(l, 20000, 1000); /* more than a journal file */
    await_signed(l);
    audit_dir_close(l);
    assert_false(audit_dir_has(&d, FIRST));
    assert_int_equal(verdict(), VERIFY_GOOD);
    l = audit_dir_open(&d);
    walk(l, 20320);
    audit_dir_close(l);
}

static void
what_a_crash_left_of_tiles_is_completed(void **state)
{
    struct log *l = audit_dir_open(&d);

    (void)state;
    append(l, 600, 100);
    audit_dir_close(l);
    /* As if killed between the second bundle and its hashes, with partial tiles left over. */
    assert_int_equal(unlinkat(d.dir, "tile/0/001", 0), 0);
    audit_dir_write(&d, "partials", BYTES_LIT("600\n"));
    assert_int_equal(mkdirat(d.dir, "tile/0/000.p", 0700), 0);
    audit_dir_write(&d, "tile/0/000.p/7", BYTES_LIT("old"));
    l = audit_dir_open(&d);
    append(l, 1, 1);
    audit_dir_close(l);
    assert_true(audit_dir_has(&d, "tile/0/001"));
    assert_false(audit_dir_has(&d, "tile/0/000.p"));
    assert_int_equal(verdict(), VERIFY_GOOD);
    l = audit_dir_open(&d);
    walk(l, 601);
    audit_dir_close(l);
}

/* ---- what does not open ---- */

static void
assert_refused(const char *about)
{
    struct cofre_why why = {""};
    struct log *l;

    assert_int_equal(log_open(&d.config, &l, &why), COFRE_EINTEGRITY);
    assert_null(l);
    if (strstr(why.text, about) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", why.text, about);
}

static void
a_journal_shorter_than_the_checkpoint_is_refused(void **state)
{
    struct buf file;
    struct log *l = audit_dir_open(&d);

    (void)state;
    append(l, 10, 10);
    audit_dir_close(l);
    file = audit_dir_read(&d, FIRST);
    audit_dir_write(&d, FIRST, (struct bytes){file.p, file.len - 1});
    assert_refused("ends after 9 entries, the checkpoint covers 10");
    audit_dir_write(&d, FIRST, BYTES_NONE);
    assert_refused("ends after 0 entries");
    audit_dir_write(&d, FIRST, buf_bytes(&file));
    audit_dir_close(audit_dir_open(&d));
    buf_free(&file);
}

static void
a_torn_record_beyond_the_checkpoint_is_cut_off(void **state)
{
    struct buf file;
    struct log *l = audit_dir_open(&d);

    (void)state;
    append(l, 10, 10);
    audit_dir_close(l);
    file = audit_dir_read(&d, FIRST);
    buf_puts(&file, "\x64");
    audit_dir_write(&d, FIRST, buf_bytes(&file));
    l = audit_dir_open(&d);
    walk(l, 10);
    append(l, 1, 1);
    audit_dir_close(l);
    assert_int_equal(verdict(), VERIFY_GOOD);
    buf_free(&file);
}

static void
another_key_checkpoint_or_chain_is_refused(void **state)
{
    static const uint8_t seed[NOTE_SEED] = {8};
    struct buf file, text = BUF_INIT;
    uint8_t root[HASH_LEN] = {1};
    struct note_signer other;
    uint8_t leaf[HASH_LEN];
    struct log *l = audit_dir_open(&d);

    (void)state;
    append(l, 10, 10);
    audit_dir_close(l);
    assert_int_equal(note_signer_init(&other, "test.example/log", seed), COFRE_OK);
    d.config.signer = &other;
    assert_refused("keys/vkeys");
    d.config.signer = &d.signer;

    file = audit_dir_read(&d, "checkpoint");
    checkpoint_sign(&text, &other, 10, root);
    audit_dir_write(&d, "checkpoint", buf_bytes(&text));
    assert_refused("not one that this key signed");
    for (uint64_t size = 1; size <= 10; size++) {
        buf_reset(&text);
        checkpoint_sign(&text, &d.signer, size, root);
        audit_dir_write(&d, "checkpoint", buf_bytes(&text));
        assert_refused("is of another log");
    }
    assert_int_equal(unlinkat(d.dir, "checkpoint", 0), 0);
    assert_refused("checkpoint");
    audit_dir_write(&d, "checkpoint", buf_bytes(&file));
    buf_free(&file);

    /* A record that is well-formed, but no entry; and one that is not linked. */
    file = audit_dir_read(&d, FIRST);
    tree_leaf(BYTES_LIT("{}"), leaf);
    journal_record(&file, BYTES_LIT("{}"), leaf);
    audit_dir_write(&d, FIRST, buf_bytes(&file));
    assert_refused("entry 10: not in the fixed form");
    buf_free(&file);
    buf_free(&text);
    note_signer_free(&other);
}

static void
a_checkpoint_below_the_full_tiles_is_checked_too(void **state)
{
    struct buf text = BUF_INIT;
    uint8_t root[HASH_LEN];
    struct log *l = audit_dir_open(&d);

    (void)state;
    append(l, 600, 100);
    assert_int_equal(log_root_at(l, 300, root, NULL), COFRE_OK);
    audit_dir_close(l);
    checkpoint_sign(&text, &d.signer, 300, root);
    audit_dir_write(&d, "checkpoint", buf_bytes(&text));
    audit_dir_close(audit_dir_open(&d));
    root[0] ^= 1;
    buf_reset(&text);
    checkpoint_sign(&text, &d.signer, 300, root);
    audit_dir_write(&d, "checkpoint", buf_bytes(&text));
    assert_refused("is of another log");
    buf_free(&text);
}

static void
every_changed_byte_of_the_journal_is_refused(void **state)
{
    struct buf file;
    struct log *l = audit_dir_open(&d);

    (void)state;
    append(l, 8, 3);
    audit_dir_close(l);
    file = audit_dir_read(&d, FIRST);
    for (size_t i = 0; i < file.len; i++) {
        file.p[i] ^= (uint8_t)(1 << i % 8);
        audit_dir_write(&d, FIRST, buf_bytes(&file));
        assert_refused("");
        file.p[i] ^= (uint8_t)(1 << i % 8);
    }
    buf_free(&file);
}

static void
entries_that_were_hashed_anew_are_refused(void **state)
{
    struct buf file, forged = BUF_INIT;
    struct entry_parsed parsed;
    uint8_t leaf[HASH_LEN];
    struct buf line = BUF_INIT;
    struct log *l = audit_dir_open(&d);
    size_t len;

    (void)state;
    append(l, 3, 3);
    audit_dir_close(l);
    file = audit_dir_read(&d, FIRST);
    len = bytes_get_le32(file.p);
    /* The first entry says something else, and its record has the hash that goes with it. */
    assert_int_equal(entry_parse((struct bytes){file.p + 8, len}, &parsed), COFRE_OK);
    parsed.e.code = 403;
    assert_int_equal(entry_write(&line, &parsed.e), COFRE_OK);
    tree_leaf(buf_bytes(&line), leaf);
    journal_record(&forged, buf_bytes(&line), leaf);
    buf_put(&forged, file.p + len + 16, file.len - len - 16);
    audit_dir_write(&d, FIRST, buf_bytes(&forged));
    assert_refused("entry 1: its prev is not the hash of the one before");
    buf_free(&file);
    buf_free(&forged);
    buf_free(&line);
}

/* ---- the builder's eyes ---- */

static void
a_stored_bit_that_flips_before_it_is_signed_stops_the_log(void **state)
{
    struct cofre_why why = {""};
    struct buf text = BUF_INIT;
    uint8_t leaf[HASH_LEN];
    struct bytes line;
    struct entry e;
    struct log *l;
    uint8_t byte;
    int fd;

    (void)state;
    d.config.checkpoint_ms = 3600 * 1000;
    l = audit_dir_open(&d);
    append(l, 1, 1); /* the first news are signed at once */
    assert_int_equal(log_checkpoint(l, 1, &text, NULL), COFRE_OK);
    append(l, 10, 5);
    assert_true((fd = openat(d.dir, FIRST, O_RDWR)) >= 0);
    assert_int_equal(pread(fd, &byte, 1, 2000), 1);
    byte ^= 4;
    assert_int_equal(pwrite(fd, &byte, 1, 2000), 1);
    close(fd);
    assert_false(log_dead(l));
    assert_int_equal(log_checkpoint(l, 11, &text, &why), COFRE_ESTOPPED);
    assert_true(log_dead(l));
    assert_non_null(strstr(why.text, "entry"));
    log_trouble(l, &why);
    assert_non_null(strstr(why.text, "entry"));
    e = audit_dir_entry(11);
    assert_int_equal(log_stage(l, &e, leaf, &line), COFRE_OK);
    assert_int_equal(log_commit(l, NULL), COFRE_ESTOPPED);
    assert_int_not_equal(log_close(l, NULL), COFRE_OK);
    buf_free(&text);
}

/* Entry 1 with another code, and the hash that belongs to it: a record like any other. */
static void
replace_entry_1(void)
{
    struct buf file = audit_dir_read(&d, FIRST), line = BUF_INIT, record = BUF_INIT;
    size_t at = bytes_get_le32(file.p) + JOURNAL_HEADER + JOURNAL_TRAILER;
    struct entry_parsed parsed;
    uint8_t leaf[HASH_LEN];
    int fd;

    assert_int_equal(
        entry_parse((struct bytes){file.p + at + JOURNAL_HEADER, bytes_get_le32(file.p + at)},
                    &parsed),
        COFRE_OK);
    parsed.e.code = 403;
    assert_int_equal(entry_write(&line, &parsed.e), COFRE_OK);
    tree_leaf(buf_bytes(&line), leaf);
    journal_record(&record, buf_bytes(&line), leaf);
    assert_true((fd = openat(d.dir, FIRST, O_RDWR)) >= 0);
    assert_int_equal(pwrite(fd, record.p, record.len, (off_t)at), (ssize_t)record.len);
    close(fd);
    buf_free(&file);
    buf_free(&line);
    buf_free(&record);
}

static void
an_entry_that_was_replaced_before_it_is_signed_stops_the_log(void **state)
{
    struct cofre_why why = {""};
    struct buf text = BUF_INIT;
    struct log *l;

    (void)state;
    d.config.checkpoint_ms = 3600 * 1000;
    l = audit_dir_open(&d);
    append(l, 1, 1);
    assert_int_equal(log_checkpoint(l, 1, &text, NULL), COFRE_OK);
    append(l, 2, 2);
    replace_entry_1();
    assert_int_equal(log_checkpoint(l, 3, &text, &why), COFRE_ESTOPPED);
    assert_string_equal(why.text, "entry 1: the journal holds other bytes than were written");
    assert_int_not_equal(log_close(l, NULL), COFRE_OK);
    buf_free(&text);
}

static void
so_does_one_that_was_checked_at_the_start_and_replaced_then(void **state)
{
    struct cofre_why why = {""};
    struct buf text = BUF_INIT;
    struct log *l = audit_dir_open(&d);

    (void)state;
    append(l, 10, 10);
    audit_dir_close(l);
    l = audit_dir_open(&d);
    replace_entry_1(); /* the builder has nothing to do yet */
    append(l, 1, 1);
    assert_int_equal(log_checkpoint(l, 11, &text, &why), COFRE_ESTOPPED);
    assert_string_equal(why.text, "the tree that was read back differs at size 11");
    assert_int_not_equal(log_close(l, NULL), COFRE_OK);
    buf_free(&text);
}

/* ---- many threads ---- */

struct shared {
    struct log *l;
    atomic_bool stop;
};

static void *
read_all_the_time(void *ctx)
{
    struct shared *s = ctx;
    struct buf text = BUF_INIT;
    struct cofre_why why;
    struct log_head head;
    uint8_t root[HASH_LEN];
    struct seen seen;

    while (!s->stop) {
        log_head(s->l, &head);
        walk(s->l, head.size);
        seen = (struct seen){.next = head.size / 2};
        assert_int_equal(log_entries(s->l, head.size / 2, 100, see, &seen, NULL), COFRE_OK);
        assert_int_equal(log_root_at(s->l, head.size, root, NULL), COFRE_OK);
        assert_memory_equal(root, head.root, HASH_LEN);
        buf_reset(&text);
        if (head.size > 0)
            assert_int_equal(log_prove(s->l, head.size - 1, &text, NULL), COFRE_OK);
        assert_false(log_dead(s->l));
        log_trouble(s->l, &why);
        assert_string_equal(why.text, "");
    }
    buf_free(&text);
    return NULL;
}

static void
readers_and_the_builder_follow_a_busy_committer(void **state)
{
    pthread_t readers[2];
    struct shared s = {.l = audit_dir_open(&d)};

    (void)state;
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&readers[i], NULL, read_all_the_time, &s), 0);
    for (uint64_t n = 0; n < 20000; n += 40)
        append(s.l, 40, 40);
    s.stop = true;
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_join(readers[i], NULL), 0);
    audit_dir_close(s.l);
    assert_int_equal(verdict(), VERIFY_GOOD);
    s.l = audit_dir_open(&d);
    walk(s.l, 20000);
    audit_dir_close(s.l);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_new_log_is_empty_signed_and_made_once),
        TEST(what_is_committed_is_there_after_each_opening),
        TEST(what_is_unstaged_leaves_no_trace),
        TEST(a_refused_entry_stages_nothing),
        TEST(a_linked_line_goes_in_at_its_place_only),
        TEST(any_range_of_entries_can_be_read),
        TEST(the_root_at_any_size_is_what_it_was),
        TEST(every_entry_can_be_proved_as_soon_as_it_is_durable),
        TEST(partial_tiles_go_when_the_tile_is_full_and_journal_files_when_bundled),
        TEST(what_a_crash_left_of_tiles_is_completed),
        TEST(a_journal_shorter_than_the_checkpoint_is_refused),
        TEST(a_torn_record_beyond_the_checkpoint_is_cut_off),
        TEST(another_key_checkpoint_or_chain_is_refused),
        TEST(a_checkpoint_below_the_full_tiles_is_checked_too),
        TEST(every_changed_byte_of_the_journal_is_refused),
        TEST(entries_that_were_hashed_anew_are_refused),
        TEST(a_stored_bit_that_flips_before_it_is_signed_stops_the_log),
        TEST(an_entry_that_was_replaced_before_it_is_signed_stops_the_log),
        TEST(so_does_one_that_was_checked_at_the_start_and_replaced_then),
        TEST(readers_and_the_builder_follow_a_busy_committer),
    };

    return cmocka_run_group_tests(tests, unit_setup, NULL);
}
