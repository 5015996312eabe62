#include "audit_dir.h"

#include "audit/journal.h"
#include "audit/log_prune.h"
#include "audit/proof.h"
#include "audit/seal.h"
#include "audit/tiles.h"
#include "audit/verify.h"

/* Bundles in the log, and so many that are given up. */
enum { BUNDLES = 12, GONE = 7, ENTRIES = BUNDLES * TILES_WIDTH + 40 };

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

/* Stages an entry with an act and a field of its own; returns its seq. */
static uint64_t
stage(struct log *l, const char *act, const char *field)
{
    struct bytes line, fields = bytes_str(field);
    uint8_t leaf[HASH_LEN];
    struct entry e = audit_dir_entry(0);

    if (act[0] != '\0') {
        e.act = bytes_str(act);
        e.ok = true;
        e.fields = &fields;
        e.n_fields = 1;
    }
    assert_int_equal(log_stage(l, &e, leaf, &line), COFRE_OK);
    return e.seq;
}

static void
append(struct log *l, uint64_t n)
{
    while (n-- > 0)
        (void)stage(l, "", "");
    assert_int_equal(log_commit(l, NULL), COFRE_OK);
}

/* Signs everything; the head at that. */
static struct log_head
publish(struct log *l)
{
    struct buf text = BUF_INIT;
    struct log_head head;

    log_head(l, &head);
    assert_int_equal(log_checkpoint(l, head.size, &text, NULL), COFRE_OK);
    buf_free(&text);
    return head;
}

/* With checkpoints in between: partial tiles of a pruned bundle are gone with it. */
static struct log *
open_filled(void)
{
    struct log *l = audit_dir_open(&d);

    append(l, 300);
    (void)publish(l);
    append(l, ENTRIES - 300);
    (void)publish(l);
    return l;
}

static uint64_t
announce(struct log *l, uint64_t bundles)
{
    char field[32];
    uint64_t seq;

    (void)snprintf(field, sizeof field, "bundles-%" PRIu64, bundles);
    seq = stage(l, "audit-prune", field);
    assert_int_equal(log_commit(l, NULL), COFRE_OK);
    return seq;
}

static void
prune(struct log *l, uint64_t bundles)
{
    struct cofre_why why = {""};
    enum cofre_err err;

    /* The builder may be at work on the entry just now. */
    (void)publish(l);
    while ((err = log_prune(l, bundles, announce(l, bundles), &why)) == COFRE_EAGAIN)
        why.text[0] = '\0';
    if (err != COFRE_OK)
        fail_msg("log_prune: %s", why.text);
}

static void
assert_good(uint64_t pruned)
{
    struct verify_config config = {.dir = d.dir, .keys = &d.signer.verifier, .n_keys = 1};
    struct verify_report report;

    assert_int_equal(verify_log(&config, &report), COFRE_OK);
    if (report.verdict != VERIFY_GOOD)
        fail_msg("verify: %s", report.reason);
    assert_int_equal(report.pruned, pruned);
}

/* ---- what goes, and what stays ---- */

static enum cofre_err
count(void *ctx, uint64_t seq, struct bytes line)
{
    uint64_t *n = ctx;

    (void)seq;
    (void)line;
    ++*n;
    return COFRE_OK;
}

static void
whole_bundles_go_and_everything_else_stays(void **state)
{
    struct log *l = open_filled();
    struct log_head before = publish(l), head;
    uint64_t n = 0;

    (void)state;
    assert_int_equal(log_prune_first(l), 0);
    prune(l, GONE);
    assert_int_equal(log_prune_first(l), GONE * TILES_WIDTH);
    assert_int_equal(audit_dir_count(&d, "tile/entries"), BUNDLES - GONE + 1); /* and the .p */
    assert_false(audit_dir_has(&d, "tile/entries/006"));
    assert_true(audit_dir_has(&d, "tile/entries/007"));
    assert_true(audit_dir_has(&d, "tile/0/000"));
    head = publish(l);
    assert_int_equal(log_entries(l, GONE * TILES_WIDTH, UINT64_MAX, count, &n, NULL), COFRE_OK);
    assert_int_equal(n, head.size - GONE * TILES_WIDTH);
    audit_dir_close(l);
    assert_good(GONE * TILES_WIDTH);

    l = audit_dir_open(&d);
    assert_int_equal(log_prune_first(l), GONE * TILES_WIDTH);
    assert_int_equal(log_root_at(l, before.size, head.root, NULL), COFRE_OK);
    assert_memory_equal(head.root, before.root, HASH_LEN);
    append(l, 3 * TILES_WIDTH);
    prune(l, GONE + 2);
    assert_int_equal(log_prune_first(l), (GONE + 2) * TILES_WIDTH);
    audit_dir_close(l);
    assert_good((GONE + 2) * TILES_WIDTH);
}

static void
a_pruned_entry_says_so_and_can_still_be_proved(void **state)
{
    static const uint64_t gone[] = {0, 1, 255, 256, GONE * TILES_WIDTH - 1};
    struct log *l = open_filled();
    struct cofre_why why = {""};
    struct buf text = BUF_INIT;
    uint8_t root[HASH_LEN];
    uint64_t n = 0;

    (void)state;
    prune(l, GONE);
    assert_int_equal(log_entries(l, GONE * TILES_WIDTH - 1, 2, count, &n, &why), COFRE_ENOENT);
    assert_string_equal(why.text, "entries below 1792 were pruned");
    assert_int_equal(n, 0);
    for (size_t i = 0; i < sizeof gone / sizeof *gone; i++) {
        buf_reset(&text);
        assert_int_equal(log_prove(l, gone[i], &text, NULL), COFRE_OK);
        assert_int_equal(memcmp(text.p, "c2sp.org/tlog-proof@v1\n", 23), 0);
        assert_int_equal(log_root_at(l, gone[i], root, NULL), COFRE_OK);
    }
    buf_free(&text);
    audit_dir_close(l);
}

static void
what_must_stay_is_not_given_up(void **state)
{
    static const struct {
        uint64_t below;
        enum cofre_err err;
        uint64_t bundles;
    } rows[] = {
        {0, COFRE_EREFUSED, 0},
        {255, COFRE_EREFUSED, 0},
        {256, COFRE_OK, 1},
        {511, COFRE_OK, 1},
        {ENTRIES - LOG_PRUNE_KEPT, COFRE_OK, 8},
        {9 * TILES_WIDTH, COFRE_EREFUSED, 9},
        {9 * TILES_WIDTH - 1, COFRE_OK, 8},
        {ENTRIES, COFRE_EREFUSED, 12},
        {ENTRIES + 1, COFRE_EREFUSED, 12},
        {UINT64_MAX, COFRE_EREFUSED, UINT64_MAX / 256},
    };
    struct log *l = open_filled();
    uint64_t bundles;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (log_prune_check(l, rows[i].below, &bundles, NULL) != rows[i].err)
            fail_msg("row %zu", i);
        assert_int_equal(bundles, rows[i].bundles);
    }
    prune(l, 2);
    assert_int_equal(log_prune_check(l, 767, &bundles, NULL), COFRE_EREFUSED);
    assert_int_equal(log_prune_check(l, 768, &bundles, NULL), COFRE_OK);
    assert_int_equal(bundles, 3);
    audit_dir_close(l);
}

static void
time_stamps_of_pruned_entries_go_with_them(void **state)
{
    static const char *const pairs[] = {"5", "300", "1800"};
    struct log *l = audit_dir_open(&d);
    char path[64];

    (void)state;
    append(l, 10);
    (void)stage(l, "audit-timestamp", "size-5");
    append(l, 400);
    (void)stage(l, "audit-timestamp", "size-300");
    append(l, ENTRIES);
    (void)stage(l, "audit-timestamp", "size-1800");
    append(l, 1);
    assert_int_equal(mkdirat(d.dir, "time", 0700), 0);
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(path, sizeof path, "time/%s.checkpoint", pairs[i]);
        audit_dir_write(&d, path, BYTES_LIT("c"));
        (void)snprintf(path, sizeof path, "time/%s.tsr", pairs[i]);
        audit_dir_write(&d, path, BYTES_LIT("t"));
    }
    prune(l, 1);
    assert_int_equal(audit_dir_count(&d, "time"), 4);
    assert_false(audit_dir_has(&d, "time/5.tsr"));
    prune(l, GONE);
    assert_int_equal(audit_dir_count(&d, "time"), 2);
    assert_true(audit_dir_has(&d, "time/1800.checkpoint"));
    assert_true(audit_dir_has(&d, "time/1800.tsr"));
    audit_dir_close(l);
}

/* ---- restores ---- */

static void
copy(const char *from, const char *to)
{
    struct buf file = audit_dir_read(&d, from);

    audit_dir_write(&d, to, buf_bytes(&file));
    buf_free(&file);
}

/* Declares one; its hash. */
static void
declare(struct log *l, const char *size, const char *root, uint8_t leaf[static HASH_LEN])
{
    const struct bytes fields[] = {BYTES_LIT("incarnation-2"), bytes_str(size), bytes_str(root),
                                   BYTES_LIT("generation-7"), BYTES_LIT("older-log")};
    struct entry e = audit_dir_entry(0);
    struct bytes line;

    e.act = BYTES_LIT("restore");
    e.ok = true;
    e.fields = fields;
    e.n_fields = sizeof fields / sizeof *fields;
    assert_int_equal(log_stage(l, &e, leaf, &line), COFRE_OK);
    assert_int_equal(log_commit(l, NULL), COFRE_OK);
}

static void
assert_restored(const uint8_t (*accepted)[HASH_LEN], size_t n, enum verify_verdict verdict,
                const char *says)
{
    struct verify_config config = {.dir = d.dir,
                                   .keys = &d.signer.verifier,
                                   .n_keys = 1,
                                   .accepted = accepted,
                                   .n_accepted = n};
    struct verify_report report;

    assert_int_equal(verify_log(&config, &report), COFRE_OK);
    if (report.verdict != verdict || strstr(report.reason, says) == NULL)
        fail_msg("verdict %d: %s", (int)report.verdict, report.reason);
}

/* Lets change the note as its signer could. */
static void
rewrite_note(void (*change)(struct seal_pruned *p))
{
    struct buf note = audit_dir_read(&d, "keys/pruned");
    struct seal_pruned p;

    assert_int_equal(seal_pruned_open(buf_bytes(&note), &d.signer.verifier, &p), COFRE_OK);
    change(&p);
    buf_reset(&note);
    seal_pruned_make(&note, &p, &d.signer);
    audit_dir_write(&d, "keys/pruned", buf_bytes(&note));
    buf_free(&note);
}

static void
another_leaf(struct seal_pruned *p)
{
    assert_int_equal(p->n_restored, 2);
    p->restored[1].leaf[0] ^= 1;
}

static void
another_root(struct seal_pruned *p)
{
    p->restored[1].root[0] ^= 1;
}

static void
no_restores(struct seal_pruned *p)
{
    p->n_restored = 0;
}

static void
a_pruned_restore_is_reported_as_long_as_the_log_is_there(void **state)
{
    static const char root[] = "abababababababababababababababababababababababababababababababab";
    struct log *l = audit_dir_open(&d);
    uint8_t leaf[2][HASH_LEN];

    (void)state;
    append(l, 300);
    declare(l, "size-400", root, leaf[0]);
    append(l, 300);
    declare(l, "size-900", root, leaf[1]);
    append(l, ENTRIES);
    prune(l, 2); /* the first alone, then both */
    audit_dir_close(l);
    assert_restored(NULL, 0, VERIFY_ROLLED_BACK, "entry 300 declares a restore (pruned since): 400");
    assert_restored((const uint8_t(*)[HASH_LEN])leaf, 2, VERIFY_GOOD, "");
    l = audit_dir_open(&d);
    prune(l, 3);
    audit_dir_close(l);
    assert_restored(NULL, 0, VERIFY_ROLLED_BACK, "entry 300 declares a restore (pruned since): 400");
    assert_restored((const uint8_t(*)[HASH_LEN])leaf, 1, VERIFY_ROLLED_BACK,
                    "entry 601 declares a restore (pruned since): 900");
    assert_restored((const uint8_t(*)[HASH_LEN])leaf, 2, VERIFY_GOOD, "");
    rewrite_note(another_leaf);
    assert_restored(NULL, 0, VERIFY_TAMPERED, "keys/pruned: the hash of entry 601 is another");
}

/* Behind the note and before the bundles go, both say it; they must agree. */
static void
the_note_lists_what_is_still_there(void **state)
{
    static const char root[] = "abababababababababababababababababababababababababababababababab";
    struct log *l = audit_dir_open(&d);
    uint8_t leaf[2][HASH_LEN];

    (void)state;
    append(l, 10);
    declare(l, "size-400", root, leaf[0]);
    declare(l, "size-401", root, leaf[1]);
    append(l, ENTRIES);
    (void)publish(l);
    audit_dir_close(l);
    copy("tile/entries/000", "../zero");
    l = audit_dir_open(&d);
    prune(l, 1);
    audit_dir_close(l);
    copy("../zero", "tile/entries/000");
    assert_restored((const uint8_t(*)[HASH_LEN])leaf, 2, VERIFY_GOOD, "");
    assert_restored(NULL, 0, VERIFY_ROLLED_BACK, "entry 10 declares a restore (older-log): 400");
    rewrite_note(another_root);
    assert_restored(NULL, 0, VERIFY_TAMPERED, "keys/pruned: not what the restore of entry 11");
    rewrite_note(no_restores);
    assert_restored(NULL, 0, VERIFY_TAMPERED, "keys/pruned: not what the restore of entry 10");
}

/* ---- crashes ---- */

static void
what_a_crash_left_goes_at_the_next_start(void **state)
{
    struct log *l = open_filled();

    (void)state;
    audit_dir_close(l);
    copy("tile/entries/002", "../two");
    copy("tile/entries/006", "../six");
    l = audit_dir_open(&d);
    prune(l, GONE);
    audit_dir_close(l);
    /* As if killed behind the note: two bundles are still there, and an emptied directory. */
    copy("../two", "tile/entries/002");
    copy("../six", "tile/entries/006");
    assert_int_equal(mkdirat(d.dir, "tile/entries/x000", 0700), 0);
    assert_int_equal(mkdirat(d.dir, "tile/entries/006.p", 0700), 0);
    copy("../six", "tile/entries/006.p/9");
    l = audit_dir_open(&d);
    assert_int_equal(audit_dir_count(&d, "tile/entries"), BUNDLES - GONE + 1);
    audit_dir_close(l);
    assert_good(GONE * TILES_WIDTH);
}

static void
announced_and_not_carried_out_it_can_be_announced_again(void **state)
{
    struct log *l = open_filled();

    (void)state;
    (void)announce(l, GONE);
    audit_dir_close(l);
    assert_good(0);
    l = audit_dir_open(&d);
    assert_int_equal(log_prune_first(l), 0);
    prune(l, GONE);
    audit_dir_close(l);
    assert_good(GONE * TILES_WIDTH);
}

/* ---- the journal ---- */

static void
pruned_entries_leave_the_journal_soon(void **state)
{
    struct log *l = open_filled();
    struct log_lingering in;
    struct log_head head;

    (void)state;
    assert_true(audit_dir_has(&d, FIRST)); /* it is long before a file is full */
    assert_int_equal(log_prune_lingering(l, &in, NULL), COFRE_OK);
    assert_int_equal(in.until, 0); /* nothing was given up yet */
    prune(l, GONE);
    log_head(l, &head);
    assert_int_equal(log_prune_lingering(l, &in, NULL), COFRE_OK);
    assert_int_equal(in.from, 0);
    assert_in_range(in.until, head.size, head.size + TILES_WIDTH - 1);
    assert_int_equal(in.until % TILES_WIDTH, 0);
    append(l, in.until - head.size + 1);
    (void)publish(l);
    (void)publish(l); /* the journal is trimmed behind the checkpoint */
    assert_int_equal(log_prune_lingering(l, &in, NULL), COFRE_OK);
    assert_int_equal(in.until, 0);
    audit_dir_close(l);
    assert_false(audit_dir_has(&d, FIRST));
    assert_good(GONE * TILES_WIDTH);

    l = audit_dir_open(&d);
    prune(l, GONE + 1);
    audit_dir_close(l);
    l = audit_dir_open(&d); /* by itself it begins no new file before there is something to write */
    append(l, 2 * TILES_WIDTH);
    audit_dir_close(l);
    assert_int_equal(audit_dir_count(&d, "journal"), 1);
    assert_good((GONE + 1) * TILES_WIDTH);
}

/* Entry 1 with another code, and the hash that belongs to it: a record like any other. */
static void
replace_entry_1(void)
{
    struct buf file = audit_dir_read(&d, FIRST), line = BUF_INIT, record = BUF_INIT;
    size_t at = bytes_get_le32(file.p) + JOURNAL_HEADER + JOURNAL_TRAILER;
    const struct bytes old = {file.p + at + JOURNAL_HEADER, bytes_get_le32(file.p + at)};
    struct entry_parsed parsed;
    uint8_t leaf[HASH_LEN];

    assert_int_equal(entry_parse(old, &parsed), COFRE_OK);
    parsed.e.code = 403;
    assert_int_equal(entry_write(&line, &parsed.e), COFRE_OK);
    tree_leaf(buf_bytes(&line), leaf);
    journal_record(&record, buf_bytes(&line), leaf);
    memcpy(file.p + at, record.p, record.len);
    audit_dir_write(&d, FIRST, buf_bytes(&file));
    buf_free(&file);
    buf_free(&line);
    buf_free(&record);
}

static void
what_the_journal_still_holds_of_pruned_entries_is_checked(void **state)
{
    struct verify_config config = {.dir = d.dir, .keys = &d.signer.verifier, .n_keys = 1};
    struct verify_report report;
    struct log *l = open_filled();

    (void)state;
    prune(l, GONE);
    audit_dir_close(l);
    replace_entry_1();
    config.dir = d.dir;
    assert_int_equal(verify_log(&config, &report), COFRE_OK);
    assert_int_equal(report.verdict, VERIFY_TAMPERED);
    assert_non_null(strstr(report.reason, "entry 1: the journal and the tree differ"));
}

/* ---- notes that are not the log's ---- */

static void
put_note(const struct note_signer *s, uint64_t size, const uint8_t root[static HASH_LEN],
         bool recovery)
{
    struct seal_pruned p = {.size = size, .bundles = GONE, .has_recovery = recovery};
    struct buf note = BUF_INIT;

    memcpy(p.root, root, HASH_LEN);
    seal_pruned_make(&note, &p, s);
    audit_dir_write(&d, "keys/pruned", buf_bytes(&note));
    buf_free(&note);
}

static void
assert_refused(const char *about)
{
    struct cofre_why why = {""};
    struct log *l;

    assert_int_equal(log_open(&d.config, &l, &why), COFRE_EINTEGRITY);
    if (strstr(why.text, about) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", why.text, about);
}

static void
a_note_that_is_not_the_logs_is_refused_and_nothing_goes(void **state)
{
    static const uint8_t seed[NOTE_SEED] = {8};
    struct note_signer other;
    struct log *l = open_filled();
    struct log_head head;
    uint8_t root[HASH_LEN];

    (void)state;
    (void)announce(l, GONE);
    head = publish(l);
    audit_dir_close(l);
    assert_int_equal(note_signer_init(&other, "test.example/log", seed), COFRE_OK);
    memcpy(root, head.root, HASH_LEN);
    put_note(&other, head.size, root, false);
    assert_refused("keys/pruned: not signed by epoch 1");
    put_note(&d.signer, head.size, root, true);
    assert_refused("keys/recovery: not what keys/pruned says");
    put_note(&d.signer, head.size + 1, root, false);
    assert_refused("keys/pruned of 3114 entries");
    root[0] ^= 1;
    put_note(&d.signer, head.size, root, false);
    assert_refused("keys/pruned of 3113 entries is of another log");
    audit_dir_write(&d, "keys/pruned", BYTES_LIT("none\n"));
    assert_refused("keys/pruned: malformed");
    assert_true(audit_dir_has(&d, "tile/entries/000"));
    root[0] ^= 1;
    put_note(&d.signer, head.size, root, false);
    l = audit_dir_open(&d);
    assert_false(audit_dir_has(&d, "tile/entries/000"));
    audit_dir_close(l);
    assert_good(GONE * TILES_WIDTH);
    note_signer_free(&other);
}

static void
bundles_that_are_missing_without_a_note_are_not_pruned(void **state)
{
    struct verify_config config = {.dir = d.dir, .keys = &d.signer.verifier, .n_keys = 1};
    struct verify_report report;
    struct log *l = open_filled();

    (void)state;
    prune(l, GONE);
    audit_dir_close(l);
    config.dir = d.dir;
    assert_int_equal(unlinkat(d.dir, "tile/entries/007", 0), 0);
    assert_int_equal(verify_log(&config, &report), COFRE_OK);
    assert_int_equal(report.verdict, VERIFY_TAMPERED);
    assert_non_null(strstr(report.reason, "tile/entries/007"));
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(whole_bundles_go_and_everything_else_stays),
        TEST(a_pruned_entry_says_so_and_can_still_be_proved),
        TEST(what_must_stay_is_not_given_up),
        TEST(time_stamps_of_pruned_entries_go_with_them),
        TEST(a_pruned_restore_is_reported_as_long_as_the_log_is_there),
        TEST(the_note_lists_what_is_still_there),
        TEST(what_a_crash_left_goes_at_the_next_start),
        TEST(announced_and_not_carried_out_it_can_be_announced_again),
        TEST(pruned_entries_leave_the_journal_soon),
        TEST(what_the_journal_still_holds_of_pruned_entries_is_checked),
        TEST(a_note_that_is_not_the_logs_is_refused_and_nothing_goes),
        TEST(bundles_that_are_missing_without_a_note_are_not_pruned),
    };

    return cmocka_run_group_tests(tests, unit_setup, NULL);
}
