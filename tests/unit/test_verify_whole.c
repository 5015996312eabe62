/* timeout: 600 */
#include "audit/subject.h"
#include "audit/verify_internal.h"
#include "sample_whole.h"
#include "unit.h"

/* The verifier on logs that have all that a log can have. */

static struct whole all;
static uint8_t restored[1][HASH_LEN];
static struct buf early; /* a checkpoint of epoch 1 */
static struct verify_report report;

static struct {
    size_t n[4];
    struct verify_epoch epoch[WHOLE_EPOCHS];
    struct verify_voucher voucher[16];
    struct verify_restore restore[4];
    char words[VERIFY_WORDS_MAX]; /* of the first restore */
    uint64_t hit[512];
} found;

static void
on_found(void *ctx, const struct verify_finding *f)
{
    const size_t at = found.n[f->kind]++;

    (void)ctx;
    if (f->kind == VERIFY_EPOCH)
        found.epoch[at] = f->epoch;
    else if (f->kind == VERIFY_VOUCHER)
        found.voucher[at] = f->voucher;
    else if (f->kind == VERIFY_RESTORE)
        found.restore[at] = f->restore;
    else
        found.hit[at] = f->hit;
    if (f->kind == VERIFY_RESTORE && at == 0)
        snprintf(found.words, sizeof found.words, "%s", f->restore.found);
}

static struct verify_config
config_of(const struct whole *w)
{
    return (struct verify_config){.dir = w->s.dir,
                                  .keys = &w->key[0].verifier,
                                  .n_keys = 1,
                                  .witnesses = w->witnesses,
                                  .n_witnesses = 2,
                                  .tsa_ca = buf_bytes(&w->ca),
                                  .accepted = restored,
                                  .n_accepted = 1,
                                  .now = 1780100000,
                                  .found = on_found};
}

static enum verify_verdict
verify_with(const struct verify_config *config)
{
    memset(&found, 0, sizeof found);
    assert_int_equal(verify_log(config, &report), COFRE_OK);
    assert_int_equal(report.verdict == VERIFY_GOOD, report.reason[0] == '\0');
    return report.verdict;
}

/* Without witnesses and the rest. */
static enum verify_verdict
verify_plain(const struct whole *w)
{
    const struct verify_config config = {
        .dir = w->s.dir, .keys = &w->key[0].verifier, .n_keys = 1, .found = on_found};

    return verify_with(&config);
}

static enum verify_verdict
verify(const struct whole *w)
{
    const struct verify_config config = config_of(w);

    return verify_with(&config);
}

#define assert_says(verdict_wanted, call, place)                                       \
    do {                                                                               \
        if ((call) != (verdict_wanted) || strstr(report.reason, (place)) == NULL)      \
            print_error("line %d: %d: %s\n", __LINE__, report.verdict, report.reason); \
        assert_int_equal(report.verdict, (verdict_wanted));                            \
        assert_non_null(strstr(report.reason, (place)));                               \
    } while (0)

#define assert_good(call) assert_says(VERIFY_GOOD, call, "")
#define assert_tampered(call, place) assert_says(VERIFY_TAMPERED, call, place)

/* Three epochs, the second of which lost its key; pruned; stamped, witnessed and restored. */
static int
make_all(void **state)
{
    uint8_t root[HASH_LEN] = {9};

    if (unit_setup(state) != 0)
        return -1;
    whole_open(&all, true);
    sample_add(&all.s, 20, true);
    whole_stamp(&all);
    whole_end(&all, SEAL_ROTATE);
    sample_add(&all.s, 6, true);
    sample_sign(&all.s);
    early = whole_read(&all, "checkpoint");
    sample_add(&all.s, 4, true);
    whole_end(&all, SEAL_RECOVER);
    sample_add(&all.s, 255, true);
    whole_prune(&all, 1);
    whole_stamp(&all);
    whole_restore(&all, 350, root, restored[0]);
    whole_remove(&all, "time/21.tsr");
    whole_remove(&all, "time/21.checkpoint");
    whole_remove(&all, "tile/entries/000");
    for (int level = TILES_ENTRIES; level <= 0; level++)
        SAMPLE_MUST(tiles_drop_partial(all.s.dir, level, 0, NULL) == COFRE_OK);
    SAMPLE_MUST(journal_trim(all.s.dir, 256, NULL) == COFRE_OK);
    sample_add(&all.s, 3, true);
    whole_end(&all, SEAL_ROTATE);
    whole_witness(&all, 2, 1780000500);
    return 0;
}

static int
remove_all(void **state)
{
    (void)state;
    buf_free(&early);
    whole_close(&all);
    return 0;
}

/* ---- what there is ---- */

static void
a_whole_log_is_good_and_all_is_told(void **state)
{
    (void)state;
    assert_good(verify(&all));
    assert_true(report.whole && !report.unfinished);
    assert_int_equal(report.pruned, 256);
    assert_int_equal(found.n[VERIFY_EPOCH], 4);
    assert_true(found.epoch[0].size == 23 && !found.epoch[0].recovered);
    assert_true(found.epoch[1].from == 23 && found.epoch[1].size == 34);
    assert_true(found.epoch[1].recovered && found.epoch[1].last == 29);
    assert_true(found.epoch[3].size == UINT64_MAX);
    assert_int_equal(found.n[VERIFY_RESTORE], 1);
    assert_true(found.restore[0].accepted && found.restore[0].size == 350);
    assert_string_equal(found.words, "older-log no-anchor");
    assert_int_equal(found.n[VERIFY_VOUCHER], 1 + 2 + 1);
    assert_true(report.complete_size == all.s.size && report.outside_size == all.s.size);
    assert_int_equal(report.seconds, 1780001000); /* the authority is later than the witnesses */
    assert_int_equal(report.age, 1780100000 - 1780001000);
    assert_string_equal(report.newest, "CN=Time of day");
}

/* ---- every change shows ---- */

struct paths {
    char path[64][FILES_PATH_MAX];
    size_t n;
};

static struct paths files;
static size_t root_len;

static int
collect(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st;
    (void)where;
    if (kind == FTW_F)
        snprintf(files.path[files.n++], FILES_PATH_MAX, "%s", path + root_len + 1);
    return 0;
}

static void
list_files(void)
{
    files.n = 0;
    root_len = strlen(all.s.path);
    SAMPLE_MUST(nftw(all.s.path, collect, 16, FTW_PHYS) == 0);
}

/* Where a line of a witness begins whose name or key id may be made another's, which nobody knows:
 * as the other one of the two files has the quorum still. */
static size_t
lines_of_witnesses(const char *path, struct bytes b)
{
    const uint8_t *at = NULL;

    if (strcmp(path, "checkpoint") == 0 || strcmp(path, "witnessed") == 0)
        at = memmem(b.p, b.len, "witness.example", 15);
    return at != NULL ? (size_t)(at - b.p) - 4 : b.len;
}

static void
every_flipped_byte_shows(void **state)
{
    size_t unseen = 0;

    (void)state;
    list_files();
    assert_true(files.n > 15);
    for (size_t i = 0; i < files.n; i++) {
        struct buf b = whole_read(&all, files.path[i]);
        const size_t free_from = lines_of_witnesses(files.path[i], buf_bytes(&b));
        const size_t step = b.len < 3000 ? 1 : 211;

        for (size_t at = 0; at < b.len; at += step) {
            const uint8_t was = b.p[at];

            b.p[at] ^= (uint8_t)(1U << (at / step + at) % 8);
            sample_write(all.s.dir, files.path[i], buf_bytes(&b));
            if (verify(&all) == VERIFY_GOOD && at >= free_from)
                unseen++;
            else if (report.verdict != VERIFY_TAMPERED)
                fail_msg("%s: byte %zu: %d", files.path[i], at, (int)report.verdict);
            b.p[at] = was;
        }
        sample_write(all.s.dir, files.path[i], buf_bytes(&b));
        buf_free(&b);
    }
    assert_in_range(unseen, 1, 2 * 2 * (17 + 4 * 2));
    assert_good(verify(&all));
}

static void
every_deleted_file_shows(void **state)
{
    (void)state;
    list_files();
    for (size_t i = 0; i < files.n; i++) {
        struct buf b = whole_read(&all, files.path[i]);
        /* A copy, for who comes after the next checkpoint. */
        const bool may_go = strcmp(files.path[i], "witnessed") == 0;

        whole_remove(&all, files.path[i]);
        if (may_go)
            assert_good(verify(&all));
        else
            assert_tampered(verify(&all),
                            strncmp(files.path[i], "journal", 7) == 0     ? "journal"
                            : strcmp(files.path[i], "keys/recovery") == 0 ? "keys/seal.2"
                            : strcmp(files.path[i], "keys/pruned") == 0   ? "time/21.checkpoint"
                                                                          : files.path[i]);
        sample_write(all.s.dir, files.path[i], buf_bytes(&b));
        buf_free(&b);
    }
    assert_good(verify(&all));
}

static void
every_cut_emptied_and_longer_file_shows(void **state)
{
    (void)state;
    list_files();
    for (size_t i = 0; i < files.n; i++) {
        const bool journal = strncmp(files.path[i], "journal/", 8) == 0;
        struct buf b = whole_read(&all, files.path[i]);
        const size_t step = b.len < 3000 ? 7 : 499;

        for (size_t len = 0; len < b.len; len += step) {
            sample_write(all.s.dir, files.path[i], (struct bytes){b.p, len});
            if (verify(&all) != VERIFY_TAMPERED)
                fail_msg("%s cut to %zu", files.path[i], len);
        }
        buf_putc(&b, '\n');
        sample_write(all.s.dir, files.path[i], buf_bytes(&b));
        if (!journal)
            assert_tampered(verify(&all), "");
        sample_write(all.s.dir, files.path[i], (struct bytes){b.p, b.len - 1});
        buf_free(&b);
    }
    assert_good(verify(&all));
}

static void
every_two_files_swapped_show(void **state)
{
    (void)state;
    list_files();
    for (size_t i = 0; i < files.n; i++) {
        for (size_t j = 0; j < i; j++) {
            struct buf a = whole_read(&all, files.path[i]);
            struct buf b = whole_read(&all, files.path[j]);

            sample_write(all.s.dir, files.path[i], buf_bytes(&b));
            sample_write(all.s.dir, files.path[j], buf_bytes(&a));
            if (!bytes_equal(buf_bytes(&a), buf_bytes(&b)) && verify(&all) != VERIFY_TAMPERED)
                fail_msg("%s and %s", files.path[i], files.path[j]);
            sample_write(all.s.dir, files.path[i], buf_bytes(&a));
            sample_write(all.s.dir, files.path[j], buf_bytes(&b));
            buf_free(&a);
            buf_free(&b);
        }
    }
    assert_good(verify(&all));
}

static void
every_duplicated_and_added_file_shows(void **state)
{
    static const char *const names[][2] = {
        {"keys/seal.1", "keys/seal.4"},
        {"keys/seal.1", "keys/seal.0"},
        {"keys/seal.1", "keys/seal.01"},
        {"keys/seal.1", "keys/seal"},
        {"keys/last.2", "keys/last.1"},
        {"keys/last.2", "keys/last.3"},
        {"keys/last.2", "keys/last.4"},
        {"keys/recovery", "keys/recovery.1"},
        {"keys/pruned", "keys/pruned.1"},
        {"witnessed", "witnessed.1"},
        {"partials", "partials.new"},
        {"time/290.tsr", "time/291.tsr"},
        {"time/290.tsr", "time/290"},
        {"time/290.tsr", "time/0290.tsr"},
        {"time/290.checkpoint", "time/291.checkpoint"},
        {"checkpoint", "keys/checkpoint"},
        {"checkpoint", "time/checkpoint"},
        {"tile/0/000", "tile/entries/000"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct buf b = whole_read(&all, names[i][0]);

        sample_write(all.s.dir, names[i][1], buf_bytes(&b));
        assert_tampered(verify(&all),
                        strncmp(names[i][1], "time/291", 8) == 0 ? "time/291" : names[i][1]);
        whole_remove(&all, names[i][1]);
        buf_free(&b);
    }
    assert_good(verify(&all));
}

/* A pair of another size, rightly signed and stamped: but no entry names it. */
static void
a_time_stamp_without_an_entry_shows(void **state)
{
    uint8_t digest[HASH_LEN];
    struct buf text = whole_read(&all, "checkpoint"), reply = BUF_INIT;
    char path[2][64];

    (void)state;
    hash_of(buf_bytes(&text), digest);
    tsa_authority_reply(&all.authority, digest, &reply);
    snprintf(path[0], sizeof path[0], "time/%" PRIu64 ".checkpoint", all.s.size);
    snprintf(path[1], sizeof path[1], "time/%" PRIu64 ".tsr", all.s.size);
    sample_write(all.s.dir, path[0], buf_bytes(&text));
    sample_write(all.s.dir, path[1], buf_bytes(&reply));
    assert_tampered(verify(&all), path[1]);
    assert_non_null(strstr(report.reason, "no entry names it"));
    whole_remove(&all, path[0]);
    whole_remove(&all, path[1]);
    assert_good(verify(&all));
    buf_free(&text);
    buf_free(&reply);
}

/* ---- epochs ---- */

/* A log of n entries per epoch, rotated `ends` times. */
static void
open_epochs(struct whole *w, unsigned ends)
{
    whole_open(w, false);
    sample_add(&w->s, 8, true);
    for (unsigned i = 0; i < ends; i++) {
        whole_end(w, SEAL_ROTATE);
        sample_add(&w->s, 9, true);
    }
    sample_sign(&w->s);
}

static void
write_text(struct whole *w, const char *path, struct buf *b)
{
    sample_write(w->s.dir, path, buf_bytes(b));
    buf_free(b);
}

/* A checkpoint of these entries by another key. */
static struct buf
checkpoint_by(const struct whole *w, const struct note_signer *key, uint64_t size)
{
    struct buf out = BUF_INIT;
    struct tiles_source *source;
    struct tree_source tree;
    uint8_t root[HASH_LEN];

    SAMPLE_MUST(tiles_source_new(w->s.dir, w->s.size, &source) == COFRE_OK);
    tree = tiles_source_tree(source);
    SAMPLE_MUST(tree_root_make(&tree, size, root) == COFRE_OK);
    checkpoint_sign(&out, key, size, root);
    tiles_source_free(source);
    return out;
}

static void
a_missing_seal_a_gap_and_a_wrong_key_are_named(void **state)
{
    struct whole w;
    struct buf seal[3], vkeys, other = BUF_INIT;

    (void)state;
    open_epochs(&w, 3);
    assert_good(verify_plain(&w));
    assert_int_equal(found.n[VERIFY_EPOCH], 4);
    seal[0] = whole_read(&w, "keys/seal.1");
    seal[1] = whole_read(&w, "keys/seal.2");
    seal[2] = whole_read(&w, "keys/seal.3");
    vkeys = whole_read(&w, "keys/vkeys");
    whole_remove(&w, "keys/seal.2");
    assert_tampered(verify_plain(&w), "keys/seal.2: missing");
    sample_write(w.s.dir, "keys/seal.2", buf_bytes(&seal[0]));
    assert_tampered(verify_plain(&w), "keys/seal.2: not signed by the key of epoch 2");
    sample_write(w.s.dir, "keys/seal.2", buf_bytes(&seal[1]));
    whole_remove(&w, "keys/seal.3");
    assert_tampered(verify_plain(&w), "keys/seal.3: missing");
    sample_write(w.s.dir, "keys/seal.3", buf_bytes(&seal[2]));

    /* The last line gone: the checkpoint's key is then none of the log's. */
    sample_write(w.s.dir, "keys/vkeys", (struct bytes){vkeys.p, 3 * (vkeys.len / 4)});
    assert_tampered(verify_plain(&w), "checkpoint: not signed by the key that was given");
    note_vkey_put(&other, &w.recovery.verifier);
    buf_putc(&other, '\n');
    memcpy(vkeys.p + 3 * (vkeys.len / 4), vkeys.p + vkeys.len / 4, vkeys.len / 4);
    sample_write(w.s.dir, "keys/vkeys", buf_bytes(&vkeys));
    assert_tampered(verify_plain(&w), "keys/vkeys: the key of epoch 4 is that of epoch 2 again");
    memcpy(vkeys.p + 3 * (vkeys.len / 4), other.p, other.len);
    sample_write(w.s.dir, "keys/vkeys", buf_bytes(&vkeys));
    assert_tampered(verify_plain(&w), "keys/vkeys: line 4 is not the key that keys/seal.3 names");
    buf_free(&seal[0]);
    buf_free(&seal[1]);
    buf_free(&seal[2]);
    buf_free(&vkeys);
    buf_free(&other);
    whole_close(&w);
}

static void
a_checkpoint_by_a_revoked_key_is_refused(void **state)
{
    struct whole w;
    struct buf text;
    struct verify_config config;
    struct bytes since;

    (void)state;
    open_epochs(&w, 1);
    config = (struct verify_config){
        .dir = w.s.dir, .keys = &w.key[0].verifier, .n_keys = 1, .since = &since, .n_since = 1};
    text = checkpoint_by(&w, &w.key[0], w.s.size);
    since = buf_bytes(&text);
    assert_says(VERIFY_FORKED, verify_with(&config),
                "kept checkpoint 1: signed by a revoked key (epoch 1 ended at 10)");
    write_text(&w, "checkpoint", &text);
    assert_tampered(verify_plain(&w), "checkpoint: signed by a revoked key (epoch 1 ended at 10)");

    /* An old one of that key: the crash came before the first checkpoint of the next. */
    text = checkpoint_by(&w, &w.key[0], 10);
    write_text(&w, "checkpoint", &text);
    assert_good(verify_plain(&w));
    assert_true(report.unfinished && report.signed_size == 10 && report.size == w.s.size);
    sample_sign(&w.s);
    assert_good(verify_plain(&w));

    /* The present key cannot speak for what was before it; at the seam either may. */
    text = checkpoint_by(&w, &w.key[1], 9);
    since = buf_bytes(&text);
    assert_says(VERIFY_FORKED, verify_with(&config),
                "kept checkpoint 1: signed by the key of epoch 2, which began only at 10");
    buf_free(&text);
    for (int i = 0; i < 2; i++) {
        text = checkpoint_by(&w, &w.key[i], 10);
        since = buf_bytes(&text);
        assert_good(verify_with(&config));
        buf_free(&text);
    }
    text = checkpoint_by(&w, &w.recovery, 5);
    since = buf_bytes(&text);
    assert_says(VERIFY_FORKED, verify_with(&config), "kept checkpoint 1: not signed by");
    buf_free(&text);
    text = checkpoint_by(&w, &w.key[0], 5);
    text.p[text.len - 20] ^= 1;
    since = buf_bytes(&text);
    assert_says(VERIFY_UNREADABLE, verify_with(&config), "its signature does not verify");
    buf_free(&text);
    whole_close(&w);
}

/*
 * Whoever steals the present key has it alone: he can write what follows, and nothing before.  He
 * makes epoch 1 anew with other entries, under whatever key.
 */
static void
a_stolen_key_cannot_forge_earlier_epochs(void **state)
{
    struct whole w, forged;
    struct buf kept, text;
    struct verify_config config;
    struct bytes since;

    (void)state;
    open_epochs(&w, 1);
    kept = whole_read(&w, "checkpoint");
    since = buf_bytes(&kept);

    /* Other entries, sealed by key 2 alone: twice, or as its own predecessor. */
    whole_open(&forged, false);
    forged.s.salt = 1;
    sample_add(&forged.s, 8, true);
    whole_end_entry(&forged, SEAL_ROTATE);
    text = whole_read(&w, "keys/seal.1");
    sample_write(forged.s.dir, "keys/seal.1", buf_bytes(&text)); /* the true one */
    whole_end_vkeys(&forged);
    sample_add(&forged.s, 9, true);
    sample_sign(&forged.s);
    assert_tampered(verify_plain(&forged), "keys/seal.1: its root is not that of the entries");

    whole_remove(&forged, "keys/seal.1");
    assert_tampered(verify_plain(&forged), "keys/seal.1: missing");
    forged.epoch = 1;
    forged.s.signer = forged.recovery; /* any other key in the place of the first */
    whole_end_seal(&forged, SEAL_ROTATE);
    forged.s.signer = forged.key[1];
    forged.epoch = 2;
    assert_tampered(verify_plain(&forged), "keys/seal.1: not signed by the key of epoch 1");

    /* No epoch 1 at all: key 2 as the first. */
    buf_free(&text);
    note_vkey_put(&text, &w.key[1].verifier);
    buf_putc(&text, '\n');
    write_text(&forged, "keys/vkeys", &text);
    whole_remove(&forged, "keys/seal.1");
    assert_tampered(verify_plain(&forged), "keys/vkeys: line 1 is not the key that was given");

    config = (struct verify_config){.dir = forged.s.dir,
                                    .keys = &w.key[0].verifier,
                                    .n_keys = 1,
                                    .since = &since,
                                    .n_since = 1};
    assert_int_not_equal(verify_with(&config), VERIFY_GOOD);
    whole_close(&forged);
    whole_close(&w);
    buf_free(&kept);
}

/* A thief of key 1 makes a log that goes on differently past the seal: any later checkpoint shows it. */
static void
a_stolen_old_key_shows_against_a_later_checkpoint(void **state)
{
    struct whole w, forged;
    struct buf kept;
    struct bytes since;
    struct verify_config config;
    struct note_verifier both[2];

    (void)state;
    open_epochs(&w, 1);
    kept = whole_read(&w, "checkpoint");
    since = buf_bytes(&kept);

    whole_open(&forged, false);
    forged.s.salt = 1;
    sample_add(&forged.s, 8, true);
    whole_end_entry(&forged, SEAL_ROTATE);
    note_signer_free(&forged.key[1]);
    whole_key(&forged.key[1], SAMPLE_ORIGIN, 77); /* his own */
    sample_add(&forged.s, 30, true);
    sample_sign(&forged.s);
    config = (struct verify_config){
        .dir = forged.s.dir, .keys = both, .n_keys = 1, .since = &since, .n_since = 1};
    both[0] = w.key[0].verifier;
    both[1] = w.key[1].verifier;
    assert_int_not_equal(verify_with(&config), VERIFY_GOOD);

    /* With a seal to his key it is a log that verifies, to who kept nothing. */
    whole_close(&forged);
    whole_open(&forged, false);
    forged.s.salt = 1;
    sample_add(&forged.s, 8, true);
    {
        uint8_t hash[HASH_LEN];
        char hex[2 * HASH_LEN + 1];
        const char *const words[] = {"epoch-2", hex, NULL};

        whole_key(&forged.key[1], SAMPLE_ORIGIN, 77);
        seal_vkey_hash(&forged.key[1].verifier, hash);
        whole_hex(hash, hex);
        whole_act(&forged, "audit-rotate", words);
    }
    whole_end_seal(&forged, SEAL_ROTATE);
    whole_end_vkeys(&forged);
    sample_add(&forged.s, 30, true);
    sample_sign(&forged.s);
    config.dir = forged.s.dir;
    assert_good(verify_plain(&forged));
    assert_says(
        VERIFY_FORKED, verify_with(&config),
        "kept checkpoint 1: not signed by the key that was given, nor by one that it leads");
    config.n_since = 0;
    config.n_keys = 2;
    assert_tampered(verify_with(&config), "keys/vkeys: line 2 is not the key that was given");
    config.n_keys = 1;

    /* Or he goes on with key 1 as if there had been no rotation. */
    whole_close(&forged);
    whole_open(&forged, false);
    sample_add(&forged.s, 40, true);
    sample_sign(&forged.s);
    config.dir = forged.s.dir;
    config.n_since = 1;
    assert_says(VERIFY_FORKED, verify_with(&config), "kept checkpoint 1: not signed by");
    config.n_since = 0;
    config.n_keys = 2;
    assert_says(VERIFY_ROLLED_BACK, verify_with(&config), "the key of a later one was given");
    whole_close(&forged);
    whole_close(&w);
    buf_free(&kept);
}

static void
entry_and_seal_belong_together(void **state)
{
    uint8_t hash[HASH_LEN];
    char hex[2 * HASH_LEN + 1];
    const char *const words[] = {"epoch-2", hex, NULL};
    const char *const others[] = {"epoch-3", hex, NULL};
    const char *const refused[] = {"key", NULL};
    struct whole w;

    (void)state;
    /* A seal over an entry that is none. */
    whole_open(&w, false);
    sample_add(&w.s, 8, true);
    whole_key(&w.key[1], SAMPLE_ORIGIN, 1);
    whole_end_seal(&w, SEAL_ROTATE);
    whole_end_vkeys(&w);
    sample_add(&w.s, 3, true);
    sample_sign(&w.s);
    assert_tampered(verify_plain(&w), "keys/seal.1: entry 8 does not announce it");
    whole_close(&w);

    /* An entry without a seal; a seal of another key; another epoch. */
    open_epochs(&w, 0);
    seal_vkey_hash(&w.recovery.verifier, hash);
    whole_hex(hash, hex);
    whole_act(&w, "audit-rotate", words);
    sample_add(&w.s, 3, true);
    sample_sign(&w.s);
    assert_tampered(verify_plain(&w), "keys/seal.1: missing, and announced by entry 9");
    whole_close(&w);

    open_epochs(&w, 0);
    whole_act(&w, "audit-rotate", words);
    whole_key(&w.key[1], SAMPLE_ORIGIN, 1);
    whole_end_seal(&w, SEAL_ROTATE);
    whole_end_vkeys(&w);
    sample_sign(&w.s);
    assert_tampered(verify_plain(&w), "keys/seal.1: names another key than entry 9");
    whole_close(&w);

    open_epochs(&w, 0);
    whole_act(&w, "audit-rotate", others);
    sample_sign(&w.s);
    assert_tampered(verify_plain(&w), "entry 9: ends a key epoch, but not the one that it is in");
    whole_close(&w);

    /* What was asked for and refused is no rotation. */
    open_epochs(&w, 0);
    whole_act(&w, "audit-rotate", refused);
    sample_add(&w.s, 1, true);
    sample_sign(&w.s);
    assert_good(verify_plain(&w));
    whole_close(&w);
}

static void
a_recovery_key_is_the_one_of_the_first_entry(void **state)
{
    struct whole w;
    struct buf vkey = BUF_INIT;

    (void)state;
    whole_open(&w, true);
    sample_add(&w.s, 5, true);
    sample_sign(&w.s);
    assert_good(verify_plain(&w));
    whole_remove(&w, "keys/recovery");
    assert_tampered(verify_plain(&w), "keys/recovery: missing, and named by the first entry");
    note_vkey_put(&vkey, &w.key[0].verifier);
    buf_putc(&vkey, '\n');
    sample_write(w.s.dir, "keys/recovery", buf_bytes(&vkey));
    assert_tampered(verify_plain(&w), "keys/recovery: not the one that the first entry names");
    whole_close(&w);

    /* One that nobody named: a thief's, to certify his own next key. */
    whole_open(&w, false);
    sample_add(&w.s, 5, true);
    sample_sign(&w.s);
    buf_free(&vkey);
    note_vkey_put(&vkey, &w.recovery.verifier);
    buf_putc(&vkey, '\n');
    sample_write(w.s.dir, "keys/recovery", buf_bytes(&vkey));
    assert_tampered(verify_plain(&w), "keys/recovery: the first entry names none");
    whole_end(&w, SEAL_RECOVER);
    assert_tampered(verify_plain(&w), "keys/recovery: the first entry names none");
    whole_close(&w);
    buf_free(&vkey);
}

/* Rightly signed by the keys that must, and wrong all the same. */
static void
seals_and_notes_that_do_not_fit_are_refused(void **state)
{
    const char *const two[] = {"bundles-2", NULL};
    const char *const none[] = {NULL};
    struct seal_pruned p = {.bundles = 1, .has_recovery = true};
    struct whole w;
    struct buf note = BUF_INIT;

    (void)state;
    /* The number of another epoch. */
    open_epochs(&w, 0);
    whole_end_entry(&w, SEAL_ROTATE);
    w.epoch = 2;
    w.key[2] = w.key[1];
    whole_end_seal(&w, SEAL_ROTATE);
    SAMPLE_MUST(renameat(w.s.dir, "keys/seal.2", w.s.dir, "keys/seal.1") == 0);
    memset(&w.key[2], 0, sizeof w.key[2]);
    w.epoch = 1;
    whole_end_vkeys(&w);
    sample_sign(&w.s);
    assert_tampered(verify_plain(&w), "keys/seal.1: is that of epoch 2");
    whole_close(&w);

    /* A recovery that was announced as a rotation. */
    whole_open(&w, true);
    sample_sign(&w.s);
    whole_end_entry(&w, SEAL_ROTATE);
    whole_end_last(&w);
    whole_end_seal(&w, SEAL_RECOVER);
    whole_end_vkeys(&w);
    sample_sign(&w.s);
    assert_tampered(verify_plain(&w), "keys/seal.1: not the one that entry 1 announces");
    whole_close(&w);

    /* The lost key's last checkpoint, of more than there was. */
    whole_open(&w, true);
    sample_sign(&w.s);
    whole_end(&w, SEAL_RECOVER);
    sample_add(&w.s, 5, true);
    sample_sign(&w.s);
    assert_good(verify_plain(&w));
    note = checkpoint_by(&w, &w.key[0], 6);
    write_text(&w, "keys/last.1", &note);
    assert_tampered(verify_plain(&w), "keys/last.1: of a size that is not in its epoch");
    whole_close(&w);

    /* The seal without the key's line, and entries behind it in tiles. */
    open_epochs(&w, 0);
    whole_end_entry(&w, SEAL_ROTATE);
    whole_end_seal(&w, SEAL_ROTATE);
    sample_add(&w.s, 300, true);
    assert_tampered(verify_plain(&w), "keys/vkeys: line 2 is missing");
    whole_close(&w);

    /* Pruning: other bundles, another entry, another root. */
    whole_open(&w, true);
    sample_add(&w.s, 600, true);
    whole_act(&w, "audit-prune", two);
    p.size = w.s.size;
    whole_root(&w, p.root);
    seal_vkey_hash(&w.recovery.verifier, p.recovery);
    seal_pruned_make(&note, &p, &w.s.signer);
    write_text(&w, "keys/pruned", &note);
    sample_sign(&w.s);
    assert_tampered(verify_plain(&w), "keys/pruned: gives up other bundles than entry 601");
    p.bundles = 2;
    p.root[0] ^= 1;
    seal_pruned_make(&note, &p, &w.s.signer);
    write_text(&w, "keys/pruned", &note);
    assert_tampered(verify_plain(&w), "keys/pruned: its root is not that of the entries");
    whole_act(&w, "audit-show", none);
    p.size = w.s.size;
    whole_root(&w, p.root);
    seal_pruned_make(&note, &p, &w.s.signer);
    write_text(&w, "keys/pruned", &note);
    sample_sign(&w.s);
    assert_tampered(verify_plain(&w), "keys/pruned: entry 602 does not announce it");
    whole_close(&w);
}

/* ---- what a crash leaves of a rotation, a recovery ---- */

static void
a_rotation_that_a_crash_cut_off_is_no_tampering(void **state)
{
    struct whole w;

    (void)state;
    for (int kind = SEAL_ROTATE; kind <= SEAL_RECOVER; kind++) {
        whole_open(&w, true);
        sample_add(&w.s, 8, true);
        sample_sign(&w.s);
        whole_end_entry(&w, (enum seal_kind)kind);
        assert_good(verify_plain(&w));
        assert_true(report.unfinished);
        sample_add(&w.s, 2, false); /* they were committed meanwhile */
        w.s.size -= 2;
        if (kind == SEAL_RECOVER)
            whole_end_last(&w);
        assert_good(verify_plain(&w));
        whole_end_seal(&w, (enum seal_kind)kind);
        assert_good(verify_plain(&w));
        whole_end_vkeys(&w);
        assert_good(verify_plain(&w));
        assert_true(report.unfinished);
        sample_sign(&w.s);
        assert_good(verify_plain(&w));
        assert_false(report.unfinished);
        whole_close(&w);
    }
    /* The last checkpoint of a lost key, where none was lost. */
    open_epochs(&w, 0);
    whole_end_last(&w);
    assert_tampered(verify_plain(&w), "keys/last.1: no entry announces a recovery");
    whole_close(&w);
}

/* The next key is lost between its entry and its seal: the recovery key ends the epoch further on. */
static void
a_rotation_that_lost_its_key_is_recovered(void **state)
{
    struct whole w;
    struct buf before, after;

    (void)state;
    whole_open(&w, true);
    sample_add(&w.s, 8, true);
    sample_sign(&w.s);
    before = whole_read(&w, "checkpoint");
    whole_end_entry(&w, SEAL_ROTATE);
    note_signer_free(&w.key[1]);
    sample_add(&w.s, 2, true); /* they were committed meanwhile */
    sample_sign(&w.s);
    after = whole_read(&w, "checkpoint");
    sample_write(w.s.dir, "checkpoint", buf_bytes(&before));
    whole_end_entry(&w, SEAL_RECOVER);
    assert_good(verify_plain(&w));
    assert_true(report.unfinished);
    whole_end_last(&w);
    whole_end_seal(&w, SEAL_RECOVER);
    assert_good(verify_plain(&w));
    whole_end_vkeys(&w);
    sample_sign(&w.s);
    assert_good(verify_plain(&w));
    assert_false(report.unfinished);

    /* What the former key signed behind the entry is not its to sign. */
    sample_write(w.s.dir, "keys/last.1", buf_bytes(&after));
    assert_tampered(verify_plain(&w), "keys/seal.1: not the one that entry 9 announces");
    buf_free(&before);
    buf_free(&after);
    whole_close(&w);
}

/* ---- pruning ---- */

static void
only_what_was_given_up_may_be_gone(void **state)
{
    struct whole w;
    struct buf b;

    (void)state;
    whole_open(&w, true);
    sample_add(&w.s, 1100, true);
    whole_prune(&w, 2);
    sample_sign(&w.s);
    SAMPLE_MUST(journal_trim(w.s.dir, 1024, NULL) == COFRE_OK);
    assert_good(verify_plain(&w)); /* announced, and all is there */
    assert_int_equal(report.pruned, 0);
    whole_remove(&w, "tile/entries/001"); /* in any order */
    assert_good(verify_plain(&w));
    whole_remove(&w, "tile/entries/000");
    assert_good(verify_plain(&w));
    assert_int_equal(report.pruned, 512);
    assert_true(report.first_ts == UINT64_C(1780000000000) + 7 * 512);

    b = whole_read(&w, "keys/recovery");
    whole_remove(&w, "keys/recovery");
    assert_tampered(verify_plain(&w), "keys/recovery: not what keys/pruned says");
    sample_write(w.s.dir, "keys/recovery", buf_bytes(&b));
    buf_free(&b);
    b = whole_read(&w, "tile/entries/002");
    whole_remove(&w, "tile/entries/002");
    assert_tampered(verify_plain(&w), "tile/entries/002: missing");
    sample_write(w.s.dir, "tile/entries/002", buf_bytes(&b));
    buf_free(&b);
    b = whole_read(&w, "tile/0/001");
    b.p[32 * 100] ^= 1;
    sample_write(w.s.dir, "tile/0/001", buf_bytes(&b));
    assert_int_equal(verify_plain(&w), VERIFY_TAMPERED);
    whole_remove(&w, "tile/0/001");
    assert_tampered(verify_plain(&w), "tile/0/001");
    buf_free(&b);
    whole_close(&w);
}

/* ---- witnesses, time, age ---- */

static void
a_quorum_is_needed_and_may_lag_behind(void **state)
{
    struct whole w;
    struct verify_config config;
    struct buf text;

    (void)state;
    open_epochs(&w, 1);
    config = config_of(&w);
    assert_tampered(verify_with(&config), "quorum: 0 of 2 witnesses signed");
    assert_true(report.whole);
    whole_witness(&w, 1, 1780000000);
    assert_tampered(verify_with(&config),
                    "quorum: 1 of 2 witnesses signed the checkpoint of 19 entries, and 2 must");
    config.quorum = 1;
    assert_good(verify_with(&config));
    assert_int_equal(report.complete_size, 19);
    assert_int_equal(report.seconds, 1780000000);

    sample_add(&w.s, 4, true);
    sample_sign(&w.s); /* nobody signed that one yet */
    assert_good(verify_with(&config));
    assert_int_equal(report.complete_size, 19);
    assert_int_equal(report.signed_size, 23);
    assert_int_equal(report.outside_size, 19);
    whole_remove(&w, "witnessed");
    assert_tampered(verify_with(&config), "quorum: 0 of 2 witnesses signed the checkpoint of 23");

    text = whole_read(&w, "checkpoint");
    sample_write(w.s.dir, "witnessed", buf_bytes(&text));
    assert_tampered(verify_plain(&w), "witnessed: no witness signed it");
    whole_remove(&w, "witnessed");
    buf_free(&text);

    /* An older checkpoint put back shows by what was witnessed since. */
    text = whole_read(&w, "checkpoint");
    sample_add(&w.s, 2, true);
    whole_witness(&w, 2, 1780000000);
    sample_write(w.s.dir, "checkpoint", buf_bytes(&text));
    assert_tampered(verify_plain(&w), "witnessed: covers 25 entries, the checkpoint 23");
    buf_free(&text);

    /* One that is given, and did not make the line in its name. */
    whole_witness(&w, 2, 1780000000);
    text = whole_read(&w, "checkpoint");
    text.p[text.len - 20] ^= 1;
    sample_write(w.s.dir, "checkpoint", buf_bytes(&text));
    assert_tampered(verify_with(&config),
                    "checkpoint: the signature of witness witness.example/b does not verify");
    buf_free(&text);
    whole_close(&w);
}

static void
a_time_stamp_counts_when_its_authority_is_known(void **state)
{
    struct tsa_authority other;
    struct buf ca = BUF_INIT;
    struct verify_config config;
    struct whole w;

    (void)state;
    whole_open(&w, false);
    sample_add(&w.s, 4, true);
    whole_stamp(&w);
    sample_sign(&w.s);
    assert_good(verify_plain(&w));
    assert_int_equal(report.outside_size, 0);
    assert_int_equal(found.n[VERIFY_VOUCHER], 2);
    assert_false(found.voucher[1].outside);
    config = config_of(&w);
    config.n_witnesses = 0;
    assert_good(verify_with(&config));
    assert_int_equal(report.outside_size, 5);
    assert_int_equal(report.seconds, 1780001000);

    tsa_authority_open(&other, "Somebody else", 1780000000);
    tsa_authority_ca(&other, &ca);
    config.tsa_ca = buf_bytes(&ca);
    assert_tampered(verify_with(&config), "time/5.tsr");
    config.tsa_ca = BYTES_LIT("no certificate\n");
    assert_says(VERIFY_UNREADABLE, verify_with(&config), "certificates");
    tsa_authority_close(&other);
    buf_free(&ca);
    whole_close(&w);
}

/* Puts a pair into time/, with an entry that names it. */
static void
put_pair(struct whole *w, uint64_t size, const struct buf *checkpoint, const struct buf *reply)
{
    const struct buf *const files_of_it[] = {checkpoint, reply};
    static const char *const suffix[] = {"checkpoint", "tsr"};
    char word[32], hex[2][2 * HASH_LEN + 1], path[64];
    const char *const words[] = {word, hex[0], hex[1], NULL};
    uint8_t hash[HASH_LEN];

    for (size_t i = 0; i < 2; i++) {
        hash_of(buf_bytes(files_of_it[i]), hash);
        whole_hex(hash, hex[i]);
        snprintf(path, sizeof path, "time/%" PRIu64 ".%s", size, suffix[i]);
        sample_write(w->s.dir, path, buf_bytes(files_of_it[i]));
    }
    snprintf(word, sizeof word, "size-%" PRIu64, size);
    whole_act(w, "audit-timestamp", words);
    sample_sign(&w->s);
}

static void
a_pair_that_does_not_belong_together_shows(void **state)
{
    struct whole w;
    struct buf text, reply;

    (void)state;
    whole_open(&w, false);
    sample_add(&w.s, 4, true);
    whole_stamp(&w);
    text = whole_read(&w, "time/5.checkpoint");
    reply = whole_read(&w, "time/5.tsr");
    put_pair(&w, 4, &text, &reply);
    assert_tampered(verify_plain(&w), "time/4.checkpoint: is of 5 entries");
    buf_free(&text);
    text = checkpoint_by(&w, &w.key[0], 4);
    put_pair(&w, 4, &text, &reply);
    assert_tampered(verify_plain(&w), "time/4.tsr: does not stamp the checkpoint beside it");
    buf_free(&text);
    buf_free(&reply);
    whole_close(&w);
}

/* A crash came between the entry and its files, or between their removal and the bundle's. */
static void
a_time_stamp_may_be_half_there_at_its_begin_and_end(void **state)
{
    static const char *const paths[] = {"time/6.checkpoint", "time/6.tsr"};
    struct whole w;
    struct buf pair[2];

    (void)state;
    for (int pruned = 0; pruned < 2; pruned++) {
        whole_open(&w, false);
        sample_add(&w.s, 5, true);
        whole_stamp(&w);
        for (size_t i = 0; i < 2; i++)
            pair[i] = whole_read(&w, paths[i]);
        if (pruned) {
            sample_add(&w.s, 300, true);
            whole_prune(&w, 1);
            sample_sign(&w.s);
        }
        for (size_t i = 0; i < 2; i++) {
            whole_remove(&w, paths[i]);
            assert_good(verify_plain(&w));
            assert_true(report.unfinished);
            whole_remove(&w, paths[1 - i]);
            assert_good(verify_plain(&w));
            sample_write(w.s.dir, paths[1 - i], (struct bytes){pair[i].p, 40});
            assert_tampered(verify_plain(&w), paths[1 - i]);
            sample_write(w.s.dir, paths[0], buf_bytes(&pair[0]));
            sample_write(w.s.dir, paths[1], buf_bytes(&pair[1]));
        }
        if (!pruned) { /* under a checkpoint the pair must be there */
            sample_sign(&w.s);
            assert_good(verify_plain(&w));
            assert_false(report.unfinished);
            whole_remove(&w, paths[1]);
            assert_tampered(verify_plain(&w), "time/6.tsr: missing");
        }
        buf_free(&pair[0]);
        buf_free(&pair[1]);
        whole_close(&w);
    }
}

/* Other notes by the log's keys are no checkpoints, and its own keys no witnesses. */
static void
a_seal_is_no_checkpoint(void **state)
{
    static const char *const paths[] = {"witnessed", "checkpoint"};
    struct whole w;
    struct buf seal, text, twice = BUF_INIT;
    struct note note;

    (void)state;
    open_epochs(&w, 1);
    seal = whole_read(&w, "keys/seal.1");
    for (size_t i = 0; i < 2; i++) {
        sample_write(w.s.dir, paths[i], buf_bytes(&seal));
        assert_tampered(verify_plain(&w), "has lines that no checkpoint of a log has");
        if (i == 0)
            whole_remove(&w, paths[i]);
        sample_sign(&w.s);
    }
    text = checkpoint_by(&w, &w.key[1], 10);
    SAMPLE_MUST(note_parse(buf_bytes(&text), &note) == COFRE_OK);
    note_sign(&twice, &w.key[0], note.text);
    buf_put(&twice, text.p + note.text.len + 1, text.len - note.text.len - 1);
    sample_write(w.s.dir, "witnessed", buf_bytes(&twice));
    assert_tampered(verify_plain(&w), "witnessed: no witness signed it");
    buf_free(&seal);
    buf_free(&text);
    buf_free(&twice);
    whole_close(&w);
}

static void
a_log_that_nobody_vouched_for_lately_is_stale(void **state)
{
    struct verify_config config = config_of(&all);

    (void)state;
    config.max_age = 1780100000 - 1780001000;
    assert_good(verify_with(&config));
    config.max_age--;
    assert_says(VERIFY_ROLLED_BACK, verify_with(&config), "stale: the newest vouching, by CN=Time");
    config = (struct verify_config){.dir = all.s.dir,
                                    .keys = &all.key[0].verifier,
                                    .n_keys = 1,
                                    .accepted = restored,
                                    .n_accepted = 1,
                                    .now = 1780100000,
                                    .max_age = 1};
    assert_says(VERIFY_ROLLED_BACK, verify_with(&config), "by " SAMPLE_ORIGIN);
    config.max_age = 100000;
    assert_good(verify_with(&config));
}

/* ---- restores ---- */

static void
a_declared_restore_is_rolled_back_until_it_is_accepted(void **state)
{
    struct whole w, lost, other;
    struct verify_config config;
    struct buf kept[3];
    struct bytes since[3];
    uint8_t root[HASH_LEN], leaf[1][HASH_LEN];

    (void)state;
    whole_open(&lost, false);
    sample_add(&lost.s, 20, true);
    sample_sign(&lost.s);
    kept[0] = whole_read(&lost, "checkpoint");
    sample_add(&lost.s, 20, true);
    sample_sign(&lost.s);
    kept[1] = whole_read(&lost, "checkpoint");
    whole_root(&lost, root);
    sample_add(&lost.s, 1, true);
    sample_sign(&lost.s);
    kept[2] = whole_read(&lost, "checkpoint");

    whole_open(&w, false);
    sample_add(&w.s, 9, true);
    whole_restore(&w, 41, root, leaf[0]);
    w.s.salt = 5;
    sample_add(&w.s, 15, true);
    sample_sign(&w.s);
    for (size_t i = 0; i < 3; i++)
        since[i] = buf_bytes(&kept[i]);
    config = (struct verify_config){
        .dir = w.s.dir, .keys = &w.key[0].verifier, .n_keys = 1, .since = since, .found = on_found};
    assert_says(VERIFY_ROLLED_BACK, verify_with(&config),
                "entry 10 declares a restore (older-log no-anchor): 41 entries were known");
    assert_false(found.restore[0].accepted);
    assert_memory_equal(found.restore[0].leaf, leaf[0], HASH_LEN);
    config.n_since = 2;
    assert_says(VERIFY_ROLLED_BACK, verify_with(&config), "declares a restore");

    config.accepted = (const uint8_t(*)[HASH_LEN])leaf;
    config.n_accepted = 1;
    assert_good(verify_with(&config));
    config.n_since = 3; /* more than was declared */
    assert_says(VERIFY_ROLLED_BACK, verify_with(&config), "kept checkpoint 3 covers 42 entries");
    /* What stood before the restore is still there, or it is another log. */
    whole_open(&other, false);
    other.s.salt = 3;
    sample_add(&other.s, 4, true);
    sample_sign(&other.s);
    buf_free(&kept[2]);
    kept[2] = whole_read(&other, "checkpoint");
    since[2] = buf_bytes(&kept[2]);
    whole_close(&other);
    assert_says(VERIFY_FORKED, verify_with(&config),
                "kept checkpoint 3: its first 5 entries differ");
    leaf[0][0] ^= 1;
    config.n_since = 0;
    assert_says(VERIFY_ROLLED_BACK, verify_with(&config), "declares a restore");
    leaf[0][0] ^= 1;

    /* Of the size that was declared, with another root. */
    whole_close(&w);
    whole_open(&w, false);
    sample_add(&w.s, 9, true);
    root[0] ^= 1;
    whole_restore(&w, 41, root, leaf[0]);
    sample_add(&w.s, 60, true);
    sample_sign(&w.s);
    config.dir = w.s.dir;
    config.n_since = 2;
    assert_says(VERIFY_FORKED, verify_with(&config), "kept checkpoint 2");
    for (size_t i = 0; i < 3; i++)
        buf_free(&kept[i]);
    whole_close(&w);
    whole_close(&lost);
}

/* ---- one person ---- */

static void
entries_of_one_person_are_found(void **state)
{
    const uint8_t key[HASH_LEN] = {4, 4, 4};
    struct subject *subject;
    struct hmac_key hmac;
    struct whole w;
    struct verify_config config;

    (void)state;
    hmac_key_init(&hmac, BYTES_OF(key));
    assert_int_equal(subject_new(key, 1, &subject), COFRE_OK);
    whole_open(&w, false);
    for (uint64_t i = 1; i < 700; i++) {
        uint8_t tags[3 * ENTRY_TAG], tag[HASH_LEN];
        struct bytes no_fields = BYTES_NONE;
        struct entry e = {.seq = i, .act = BYTES_LIT("record-read"), .ok = true, .n = 3};
        struct buf line = BUF_INIT;

        memcpy(e.prev, w.s.prev, HASH_LEN);
        memset(tags, (int)i, sizeof tags);
        memset(e.nonce, (int)(i % 251), ENTRY_NONCE);
        hmac_of(&hmac, BYTES_OF(e.nonce), tag);
        if (i % 100 == 42)
            memcpy(tags + i % 3 * ENTRY_TAG, tag, ENTRY_TAG);
        e.fields = &no_fields;
        e.subjects = tags;
        e.n_subjects = 3;
        SAMPLE_MUST(entry_write(&line, &e) == COFRE_OK);
        tree_leaf(buf_bytes(&line), w.s.prev);
        journal_record(&w.s.batch, buf_bytes(&line), w.s.prev);
        SAMPLE_MUST(tiles_builder_add(w.s.builder, buf_bytes(&line), w.s.prev, NULL) == COFRE_OK);
        w.s.size++;
        buf_free(&line);
    }
    SAMPLE_MUST(journal_append(w.s.journal, 1, buf_bytes(&w.s.batch), NULL) == COFRE_OK);
    sample_sign(&w.s);
    config = (struct verify_config){.dir = w.s.dir,
                                    .keys = &w.key[0].verifier,
                                    .n_keys = 1,
                                    .subject = subject,
                                    .found = on_found};
    for (config.threads = 1; config.threads < 4; config.threads++) {
        assert_good(verify_with(&config));
        assert_int_equal(found.n[VERIFY_HIT], 7);
        for (size_t i = 0; i < 7; i++)
            assert_int_equal(found.hit[i], 42 + 100 * i);
    }
    subject_free(subject);
    whole_close(&w);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_log_is_good_and_all_is_told),
        cmocka_unit_test(every_flipped_byte_shows),
        cmocka_unit_test(every_deleted_file_shows),
        cmocka_unit_test(every_cut_emptied_and_longer_file_shows),
        cmocka_unit_test(every_two_files_swapped_show),
        cmocka_unit_test(every_duplicated_and_added_file_shows),
        cmocka_unit_test(a_time_stamp_without_an_entry_shows),
        cmocka_unit_test(a_missing_seal_a_gap_and_a_wrong_key_are_named),
        cmocka_unit_test(a_checkpoint_by_a_revoked_key_is_refused),
        cmocka_unit_test(a_stolen_key_cannot_forge_earlier_epochs),
        cmocka_unit_test(a_stolen_old_key_shows_against_a_later_checkpoint),
        cmocka_unit_test(entry_and_seal_belong_together),
        cmocka_unit_test(a_recovery_key_is_the_one_of_the_first_entry),
        cmocka_unit_test(seals_and_notes_that_do_not_fit_are_refused),
        cmocka_unit_test(a_rotation_that_a_crash_cut_off_is_no_tampering),
        cmocka_unit_test(a_rotation_that_lost_its_key_is_recovered),
        cmocka_unit_test(only_what_was_given_up_may_be_gone),
        cmocka_unit_test(a_quorum_is_needed_and_may_lag_behind),
        cmocka_unit_test(a_time_stamp_counts_when_its_authority_is_known),
        cmocka_unit_test(a_pair_that_does_not_belong_together_shows),
        cmocka_unit_test(a_time_stamp_may_be_half_there_at_its_begin_and_end),
        cmocka_unit_test(a_seal_is_no_checkpoint),
        cmocka_unit_test(a_log_that_nobody_vouched_for_lately_is_stale),
        cmocka_unit_test(a_declared_restore_is_rolled_back_until_it_is_accepted),
        cmocka_unit_test(entries_of_one_person_are_found),
    };

    return cmocka_run_group_tests(tests, make_all, remove_all);
}
