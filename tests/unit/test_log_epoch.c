/* labels: race */
#include "audit_dir.h"

#include "audit/checkpoint.h"
#include "audit/seal.h"
#include "audit/tree.h"

/*
 * Epochs of the signing key.  A rotation is run once; then the directory is put back, by hand, to what
 * a crash between any two of its steps would have left, and opened again.
 */
enum { K1, K2, K3, RECOVERY, STRANGER, N_KEYS };
static struct note_signer keys[N_KEYS];

#define V(k) (&keys[k].verifier)

static int
make_keys(void **state)
{
    uint8_t seed[NOTE_SEED] = {0};

    if (unit_setup(state) != 0)
        return -1;
    for (int i = 0; i < N_KEYS; i++) {
        seed[0] = (uint8_t)(100 + i);
        if (note_signer_init(&keys[i], "test.example/log", seed) != COFRE_OK)
            return -1;
    }
    return 0;
}

static int
drop_keys(void **state)
{
    (void)state;
    for (int i = 0; i < N_KEYS; i++)
        note_signer_free(&keys[i]);
    return 0;
}

/* ---- a log ---- */

static struct audit_dir d;
static struct cofre_why why;

static struct log_config
config(int signer, int next, int certifier)
{
    return (struct log_config){.dir = d.dir,
                               .tmp_dir = d.top,
                               .signer = signer >= 0 ? &keys[signer] : NULL,
                               .checkpoint_ms = 1,
                               .next = next >= 0 ? &keys[next] : NULL,
                               .certifier = certifier >= 0 ? &keys[certifier] : NULL};
}

static enum cofre_err
try_open(int signer, int next, int certifier, struct log **out)
{
    const struct log_config c = config(signer, next, certifier);

    why.text[0] = 0;
    return log_open(&c, out, &why);
}

static struct log *
open_log(int signer, int next, int certifier)
{
    struct log *l;

    if (try_open(signer, next, certifier, &l) != COFRE_OK)
        fail_msg("open: %s", why.text);
    return l;
}

static void
refused(int signer, int next, int certifier, enum cofre_err err, const char *text)
{
    struct log *l;
    enum cofre_err got = try_open(signer, next, certifier, &l);

    if (got != err || strstr(why.text, text) == NULL)
        fail_msg("%d %s (not %d %s)", (int)got, why.text, (int)err, text);
    assert_null(l);
}

static void
close_log(struct log *l)
{
    why.text[0] = 0;
    if (log_close(l, &why) != COFRE_OK)
        fail_msg("close: %s", why.text);
}

static void
add(struct log *l, uint64_t n)
{
    uint8_t leaf[HASH_LEN];
    struct bytes line;

    for (uint64_t i = 0; i < n; i++) {
        struct entry e = audit_dir_entry(i);

        assert_int_equal(log_stage(l, &e, leaf, &line), COFRE_OK);
    }
    assert_int_equal(log_commit(l, &why), COFRE_OK);
}

struct names {
    char epoch[32];
    char hash[2 * HASH_LEN + 1];
    struct bytes fields[2];
};

static struct entry
end_entry(const char *act, unsigned epoch, int key, struct names *names)
{
    uint8_t hash[HASH_LEN];
    struct entry e = audit_dir_entry(0);

    seal_vkey_hash(V(key), hash);
    snprintf(names->epoch, sizeof names->epoch, "epoch-%u", epoch);
    for (size_t i = 0; i < HASH_LEN; i++)
        snprintf(names->hash + 2 * i, 3, "%02x", hash[i]);
    names->fields[0] = bytes_str(names->epoch);
    names->fields[1] = bytes_str(names->hash);
    e.act = bytes_str(act);
    e.ok = true;
    e.fields = names->fields;
    e.n_fields = 2;
    return e;
}

/* Stages and commits the entry that ends an epoch, and `behind` others in the same batch. */
static enum cofre_err
end_epoch(struct log *l, const char *act, unsigned epoch, int key, uint64_t behind)
{
    struct names names;
    struct entry e = end_entry(act, epoch, key, &names);
    uint8_t leaf[HASH_LEN];
    struct bytes line;
    enum cofre_err err = log_stage(l, &e, leaf, &line);

    if (err == COFRE_OK)
        add(l, behind);
    return err == COFRE_OK ? log_commit(l, &why) : err;
}

static void
rotate(struct log *l, unsigned epoch, int key, uint64_t behind)
{
    assert_int_equal(log_epoch_arm(l, &keys[key], &why), COFRE_OK);
    assert_int_equal(end_epoch(l, "audit-rotate", epoch, key, behind), COFRE_OK);
    if (log_epoch_wait(l, &why) != COFRE_OK)
        fail_msg("wait: %s", why.text);
}

static void
make_log(const struct note_verifier *recovery)
{
    struct log_config c;

    audit_dir_make(&d);
    c = config(K1, -1, -1);
    c.recovery = recovery;
    why.text[0] = 0;
    if (log_create(&c, &why) != COFRE_OK)
        fail_msg("create: %s", why.text);
}

/* ---- what must hold after an end ---- */

static void
root_at(struct log *l, uint64_t size, uint8_t root[static HASH_LEN])
{
    assert_int_equal(log_root_at(l, size, root, &why), COFRE_OK);
}

static void
assert_seal(struct log *l, uint64_t size, int present, int next, enum seal_kind kind)
{
    struct buf note = audit_dir_read(&d, "keys/seal.1");
    uint8_t root[HASH_LEN];
    struct seal s;

    assert_int_equal(seal_open(buf_bytes(&note), V(present), V(RECOVERY), &s), COFRE_OK);
    assert_true(s.size == size && s.epoch == 1 && s.kind == kind);
    assert_memory_equal(s.next.public_key, V(next)->public_key, NOTE_PUBLIC);
    root_at(l, size, root);
    assert_memory_equal(s.root, root, HASH_LEN);
    buf_free(&note);
}

static void
assert_checkpoint(int key, uint64_t least)
{
    struct buf file = audit_dir_read(&d, "checkpoint");
    struct checkpoint c;

    assert_int_equal(checkpoint_open(buf_bytes(&file), V(key), &c), COFRE_OK);
    assert_true(c.size >= least);
    buf_free(&file);
}

static void
assert_vkeys(const int *list, size_t n)
{
    struct buf file = audit_dir_read(&d, "keys/vkeys");
    struct buf want = BUF_INIT;

    for (size_t i = 0; i < n; i++) {
        note_vkey_put(&want, V(list[i]));
        buf_putc(&want, '\n');
    }
    assert_true(bytes_equal(buf_bytes(&file), buf_bytes(&want)));
    buf_free(&file);
    buf_free(&want);
}

/* The end is done: by whatever opened the log. */
static void
assert_rotated(struct log *l, uint64_t size)
{
    static const int both[] = {K1, K2};
    struct note_verifier key;
    uint64_t end;

    assert_int_equal(log_epoch_wait(l, &why), COFRE_OK);
    assert_ptr_equal(log_signer(l), &keys[K2]);
    assert_int_equal(log_epochs(l), 2);
    assert_true(log_epoch(l, 1, &key, &end) && end == size);
    assert_memory_equal(key.public_key, V(K1)->public_key, NOTE_PUBLIC);
    assert_true(log_epoch(l, 2, NULL, &end) && end == 0);
    assert_false(log_epoch(l, 3, NULL, NULL));
    assert_seal(l, size, K1, K2, SEAL_ROTATE);
    assert_vkeys(both, 2);
    assert_checkpoint(K2, size);
}

/* ---- tests ---- */

static const uint64_t sizes[] = {1, 2, 255, 256, 257, 300, 512, 600};
enum { N_SIZES = sizeof sizes / sizeof *sizes };

static void
an_epoch_ends_at_its_entry_and_the_next_key_goes_on(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_SIZES; i++)
        for (uint64_t behind = 0; behind < 400; behind += 300) {
            struct log *l;

            make_log(NULL);
            l = open_log(K1, -1, -1);
            add(l, sizes[i] - 1);
            rotate(l, 2, K2, behind);
            assert_rotated(l, sizes[i]);
            add(l, 5);
            close_log(l);
            assert_checkpoint(K2, sizes[i] + behind + 5);
            l = open_log(K2, -1, -1);
            assert_rotated(l, sizes[i]);
            rotate(l, 3, K3, 0);
            assert_int_equal(log_epochs(l), 3);
            close_log(l);
            close_log(open_log(K3, -1, -1));
            refused(K2, -1, -1, COFRE_EINTEGRITY, "last line of keys/vkeys");
            audit_dir_remove(&d);
        }
}

/* A shell line in the log's directory. */
static void
shell(const char *line)
{
    char command[256];

    snprintf(command, sizeof command, "cd %s && %s", d.path, line);
    assert_int_equal(system(command), 0);
}

enum { DROPPED, ENTRY, SEALED, LISTED, SIGNED, CRASHES };

/* The directory as a crash behind that step would have left it, of a log of size entries. */
static void
crash_after(int step, uint64_t size)
{
    struct log *l;

    make_log(NULL);
    l = open_log(K1, -1, -1);
    add(l, size - 1);
    close_log(l);
    shell("mkdir before && cp -r audit/. before/");
    l = open_log(K1, K2, -1);
    assert_int_equal(log_epoch_disarm(l), true);
    rotate(l, 2, K2, 0);
    close_log(l);
    if (step == DROPPED)
        shell("rm -r audit/* && cp -r before/. audit/");
    if (step < SIGNED)
        shell("cp before/checkpoint audit/checkpoint");
    if (step < LISTED)
        shell("cp before/keys/vkeys audit/keys/vkeys");
    if (step < SEALED)
        shell("rm -f audit/keys/seal.1");
    shell("rm -r before");
}

static void
a_crash_behind_any_step_is_recovered(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_SIZES; i++)
        for (int step = DROPPED; step < CRASHES; step++) {
            struct log *l;

            crash_after(step, sizes[i]);
            l = open_log(K1, K2, -1);
            assert_int_equal(log_epoch_wait(l, &why), COFRE_OK);
            if (step == DROPPED) {
                assert_ptr_equal(log_signer(l), &keys[K1]);
                assert_int_equal(log_epochs(l), 1);
                assert_true(log_epoch_disarm(l));
                rotate(l, 2, K3, 3);
                close_log(l);
                close_log(open_log(K3, -1, -1));
            } else {
                assert_rotated(l, sizes[i]);
                add(l, 300);
                close_log(l);
                close_log(open_log(K2, -1, -1));
                /* signing still holds both: the last of the six states. */
                close_log(open_log(K1, K2, -1));
            }
            audit_dir_remove(&d);
        }
}

/* Until the file signing was replaced, the key before it signs no more than its epoch. */
static void
a_half_ended_epoch_needs_the_key_that_its_entry_names(void **state)
{
    (void)state;
    crash_after(ENTRY, 300);
    refused(K1, -1, -1, COFRE_EINTEGRITY, "cofre audit recover");
    refused(K1, K3, -1, COFRE_EINTEGRITY, "cofre audit recover");
    audit_dir_remove(&d);
    crash_after(ENTRY, 256);
    refused(K1, -1, -1, COFRE_EINTEGRITY, "cofre audit recover");
    audit_dir_remove(&d);
    crash_after(SEALED, 300);
    refused(K1, -1, -1, COFRE_EINTEGRITY, "keys/seal.1: names another key");
    refused(K1, K3, -1, COFRE_EINTEGRITY, "keys/seal.1: names another key");
    audit_dir_remove(&d);
    crash_after(LISTED, 300);
    refused(K1, -1, -1, COFRE_EINTEGRITY, "last line of keys/vkeys");
    refused(K2, -1, -1, COFRE_EINTEGRITY, "revoked key (epoch 1 ended at 300)");
    audit_dir_remove(&d);
}

static void
an_entry_that_nobody_prepared_for_is_not_staged(void **state)
{
    struct names names;
    struct log *l;
    struct entry e;
    uint8_t leaf[HASH_LEN];
    struct bytes line;

    (void)state;
    make_log(NULL);
    l = open_log(K1, -1, -1);
    add(l, 3);
    assert_int_equal(end_epoch(l, "audit-rotate", 2, K2, 0), COFRE_EINVAL);
    assert_int_equal(log_epoch_arm(l, &keys[K2], &why), COFRE_OK);
    assert_int_equal(log_epoch_arm(l, &keys[K3], &why), COFRE_EBUSY);
    assert_int_equal(end_epoch(l, "audit-rotate", 2, K3, 0), COFRE_EINVAL);
    assert_int_equal(end_epoch(l, "audit-rotate", 3, K2, 0), COFRE_EINVAL);
    assert_int_equal(end_epoch(l, "audit-recover", 2, K2, 0), COFRE_EINVAL);
    assert_true(log_epoch_disarm(l));
    assert_int_equal(end_epoch(l, "audit-rotate", 2, K2, 0), COFRE_EINVAL);

    /* One that says that it was refused ends nothing. */
    e = end_entry("audit-rotate", 2, K2, &names);
    e.ok = false;
    assert_int_equal(log_stage(l, &e, leaf, &line), COFRE_OK);
    /* One that was staged and dropped neither. */
    assert_int_equal(log_commit(l, &why), COFRE_OK);
    assert_int_equal(log_epoch_arm(l, &keys[K2], &why), COFRE_OK);
    e = end_entry("audit-rotate", 2, K2, &names);
    assert_int_equal(log_stage(l, &e, leaf, &line), COFRE_OK);
    /* Nor a second one beside one that is staged. */
    e = end_entry("audit-rotate", 2, K2, &names);
    assert_int_equal(log_stage(l, &e, leaf, &line), COFRE_EINVAL);
    log_unstage(l);
    add(l, 2);
    assert_int_equal(log_epoch_wait(l, &why), COFRE_OK);
    assert_int_equal(log_epochs(l), 1);
    assert_true(log_epoch_disarm(l));
    close_log(l);
    close_log(open_log(K1, -1, -1));
    audit_dir_remove(&d);
}

/* ---- what is refused at the start ---- */

static void
two_epochs(uint64_t size)
{
    struct log *l;

    make_log(NULL);
    l = open_log(K1, -1, -1);
    add(l, size - 1);
    rotate(l, 2, K2, 20);
    close_log(l);
}

static void
put_seal(uint64_t size, int first, int next, const uint8_t root[static HASH_LEN])
{
    struct seal s = {.size = size, .epoch = 1, .kind = SEAL_ROTATE, .next = *V(next)};
    struct buf note = BUF_INIT;

    memcpy(s.root, root, HASH_LEN);
    seal_make(&note, &s, &keys[first], &keys[next]);
    audit_dir_write(&d, "keys/seal.1", buf_bytes(&note));
    buf_free(&note);
}

static void
seals_are_checked_at_the_start(void **state)
{
    static const uint64_t places[] = {40, 256, 290};
    const uint8_t wrong[HASH_LEN] = {1};

    (void)state;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        const uint64_t size = places[i];
        uint8_t root[HASH_LEN], other[HASH_LEN];
        struct log *l;

        two_epochs(size);
        l = open_log(K2, -1, -1);
        root_at(l, size, root);
        root_at(l, size - 1, other);
        close_log(l);
        put_seal(size, K1, K2, root);
        close_log(open_log(K2, -1, -1));
        put_seal(size, K1, K2, wrong);
        refused(K2, -1, -1, COFRE_EINTEGRITY, "keys/seal.1");
        put_seal(size - 1, K1, K2, other);
        refused(K2, -1, -1, COFRE_EINTEGRITY, "is not what its entry says");
        put_seal(size, STRANGER, K2, root);
        refused(K2, -1, -1, COFRE_EINTEGRITY, "keys/seal.1: not signed by epoch 1");
        put_seal(size, K1, K3, root);
        refused(K2, -1, -1, COFRE_EINTEGRITY, "keys/seal.1: names another key");
        put_seal(100000, K1, K2, root);
        refused(K2, -1, -1, COFRE_EINTEGRITY, "");
        shell("rm audit/keys/seal.1");
        refused(K2, -1, -1, COFRE_EINTEGRITY, "keys/seal.1 is missing");
        audit_dir_remove(&d);
    }
}

static void
put_checkpoint(struct log *l, int key, uint64_t size)
{
    struct buf text = BUF_INIT;
    uint8_t root[HASH_LEN];

    root_at(l, size, root);
    checkpoint_sign(&text, &keys[key], size, root);
    close_log(l);
    audit_dir_write(&d, "checkpoint", buf_bytes(&text));
    buf_free(&text);
}

static void
a_checkpoint_belongs_to_the_newest_key(void **state)
{
    (void)state;
    two_epochs(290);
    put_checkpoint(open_log(K2, -1, -1), K2, 300);
    close_log(open_log(K2, -1, -1));
    put_checkpoint(open_log(K2, -1, -1), K1, 300);
    refused(K2, -1, -1, COFRE_EINTEGRITY, "revoked key (epoch 1 ended at 290)");
    refused(K1, K2, -1, COFRE_EINTEGRITY, "revoked key (epoch 1 ended at 290)");
    audit_dir_remove(&d);
    two_epochs(290);
    put_checkpoint(open_log(K2, -1, -1), K1, 290);
    refused(K2, -1, -1, COFRE_EINTEGRITY, "revoked key (epoch 1 ended at 290)");
    audit_dir_remove(&d);
    two_epochs(290);
    put_checkpoint(open_log(K2, -1, -1), K2, 289);
    refused(K2, -1, -1, COFRE_EINTEGRITY, "did not begin before 290");
    audit_dir_remove(&d);
}

/* A key whose seal is there signed on behind it: that is no crash. */
static void
a_key_signs_nothing_behind_its_seal(void **state)
{
    (void)state;
    two_epochs(290);
    put_checkpoint(open_log(K2, -1, -1), K1, 300);
    shell("head -n 1 audit/keys/vkeys > x && mv x audit/keys/vkeys");
    refused(K1, K2, -1, COFRE_EINTEGRITY, "revoked key (epoch 1 ended at 290)");
    audit_dir_remove(&d);
}

static void
vkeys_are_checked_at_the_start(void **state)
{
    static const char *const lines[] = {
        "head -n 1 audit/keys/vkeys > x && mv x audit/keys/vkeys",
        "tail -n 1 audit/keys/vkeys > x && mv x audit/keys/vkeys",
        "head -n 1 audit/keys/vkeys > x && cat x x > audit/keys/vkeys",
        "tac audit/keys/vkeys > x && mv x audit/keys/vkeys",
        ": > audit/keys/vkeys",
        "rm audit/keys/vkeys",
        "echo >> audit/keys/vkeys",
        "head -n 1 audit/keys/vkeys >> audit/keys/vkeys",
        "tr -d '\\n' < audit/keys/vkeys > x && mv x audit/keys/vkeys",
    };

    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        two_epochs(9);
        shell(lines[i]);
        refused(K2, -1, -1, COFRE_EINTEGRITY, "keys/");
        audit_dir_remove(&d);
    }
}

/* ---- recovery ---- */

/* A log whose first entry names the recovery key. */
static struct log *
with_recovery(void)
{
    uint8_t hash[HASH_LEN];
    char hex[2 * HASH_LEN + 1];
    struct bytes fields[] = {BYTES_LIT("recovery"), {(uint8_t *)hex, 2 * HASH_LEN}};
    struct entry e = audit_dir_entry(0);
    uint8_t leaf[HASH_LEN];
    struct bytes line;
    struct log *l;

    make_log(V(RECOVERY));
    l = open_log(K1, -1, -1);
    seal_vkey_hash(V(RECOVERY), hash);
    for (size_t i = 0; i < HASH_LEN; i++)
        snprintf(hex + 2 * i, 3, "%02x", hash[i]);
    e.act = BYTES_LIT("init");
    e.fields = fields;
    e.n_fields = 2;
    assert_int_equal(log_stage(l, &e, leaf, &line), COFRE_OK);
    assert_int_equal(log_commit(l, &why), COFRE_OK);
    return l;
}

static void
the_recovery_key_puts_a_new_key_in_force(void **state)
{
    (void)state;
    for (size_t i = 1; i < N_SIZES; i++) {
        struct buf last, kept;
        struct log *l = with_recovery();

        add(l, sizes[i] - 2);
        close_log(l);
        last = audit_dir_read(&d, "checkpoint");
        refused(-1, K2, STRANGER, COFRE_EREFUSED, "not the recovery key");
        refused(K2, -1, -1, COFRE_EINTEGRITY, "cofre audit recover");
        l = open_log(-1, K2, RECOVERY);
        assert_null(log_signer(l));
        assert_int_equal(end_epoch(l, "audit-recover", 2, K2, 4), COFRE_OK);
        assert_int_equal(log_epoch_wait(l, &why), COFRE_OK);
        assert_ptr_equal(log_signer(l), &keys[K2]);
        assert_seal(l, sizes[i], K1, K2, SEAL_RECOVER);
        assert_checkpoint(K2, sizes[i]);
        close_log(l);
        kept = audit_dir_read(&d, "keys/last.1");
        assert_true(bytes_equal(buf_bytes(&kept), buf_bytes(&last)));
        close_log(open_log(K2, -1, -1));
        shell("rm audit/keys/last.1");
        refused(K2, -1, -1, COFRE_EINTEGRITY, "keys/last.1");
        buf_free(&last);
        buf_free(&kept);
        audit_dir_remove(&d);
    }
}

static void
a_log_without_a_recovery_key_has_none(void **state)
{
    struct log *l;

    (void)state;
    make_log(NULL);
    l = open_log(K1, -1, -1);
    add(l, 3);
    close_log(l);
    refused(-1, K2, RECOVERY, COFRE_EREFUSED, "without a recovery key");
    audit_dir_remove(&d);
}

/* While the key is lost, what is added waits for the next one. */
static void
nothing_is_signed_while_the_key_is_lost(void **state)
{
    struct buf before, after;
    struct log *l = with_recovery();

    (void)state;
    add(l, 3);
    close_log(l);
    before = audit_dir_read(&d, "checkpoint");
    l = open_log(-1, K2, RECOVERY);
    add(l, 300);
    usleep(50000);
    close_log(l);
    after = audit_dir_read(&d, "checkpoint");
    assert_true(bytes_equal(buf_bytes(&before), buf_bytes(&after)));
    assert_false(audit_dir_has(&d, "keys/seal.1"));
    buf_free(&before);
    buf_free(&after);
    audit_dir_remove(&d);
}

/* What a crash leaves of a recovery: the next attempt has the new key and the recovery key again. */
static void
a_recovery_that_was_cut_off_is_finished(void **state)
{
    static const char *const undo[] = {
        "cp before/checkpoint audit/checkpoint",
        "cp before/checkpoint audit/checkpoint && cp before/keys/vkeys audit/keys/vkeys",
        "cp before/checkpoint audit/checkpoint && cp before/keys/vkeys audit/keys/vkeys && "
        "rm audit/keys/seal.1",
        "cp before/checkpoint audit/checkpoint && cp before/keys/vkeys audit/keys/vkeys && "
        "rm audit/keys/seal.1 audit/keys/last.1",
    };

    (void)state;
    for (size_t i = 0; i < sizeof undo / sizeof *undo; i++)
        for (uint64_t size = 256; size < 300; size += 40) {
            struct log *l = with_recovery();

            add(l, size - 2);
            close_log(l);
            shell("mkdir before && cp -r audit/. before/");
            l = open_log(-1, K2, RECOVERY);
            assert_int_equal(end_epoch(l, "audit-recover", 2, K2, 0), COFRE_OK);
            assert_int_equal(log_epoch_wait(l, &why), COFRE_OK);
            close_log(l);
            shell(undo[i]);
            if (i > 0)
                refused(K2, -1, -1, COFRE_EINTEGRITY, "cofre audit recover");
            l = open_log(-1, K2, RECOVERY);
            assert_int_equal(log_epoch_wait(l, &why), COFRE_OK);
            assert_seal(l, size, K1, K2, SEAL_RECOVER);
            assert_ptr_equal(log_signer(l), &keys[K2]);
            close_log(l);
            close_log(open_log(K2, -1, -1));
            audit_dir_remove(&d);
        }
}

static void
the_first_entry_and_the_recovery_key_belong_together(void **state)
{
    (void)state;
    for (uint64_t more = 3; more < 600; more += 400) {
        struct log *l = with_recovery();
        struct buf other = BUF_INIT;

        add(l, more);
        close_log(l);
        note_vkey_put(&other, V(STRANGER));
        buf_putc(&other, '\n');
        audit_dir_write(&d, "keys/recovery", buf_bytes(&other));
        refused(K1, -1, -1, COFRE_EINTEGRITY, "keys/recovery");
        shell("rm audit/keys/recovery");
        refused(K1, -1, -1, COFRE_EINTEGRITY, "keys/recovery");
        audit_dir_remove(&d);

        make_log(NULL);
        l = open_log(K1, -1, -1);
        add(l, more);
        close_log(l);
        audit_dir_write(&d, "keys/recovery", buf_bytes(&other));
        refused(K1, -1, -1, COFRE_EINTEGRITY, "keys/recovery");
        buf_free(&other);
        audit_dir_remove(&d);
    }
}

/* ---- failures ---- */

/* The seal's place is taken: nothing is signed until it is free, and then the end is done. */
static void
an_end_that_fails_is_tried_again(void **state)
{
    struct log *l;

    (void)state;
    make_log(NULL);
    l = open_log(K1, -1, -1);
    add(l, 3);
    shell("mv audit/keys audit/keys.away && : > audit/keys");
    assert_int_equal(log_epoch_arm(l, &keys[K2], &why), COFRE_OK);
    assert_int_equal(end_epoch(l, "audit-rotate", 2, K2, 7), COFRE_OK);
    assert_int_equal(log_epoch_wait(l, &why), COFRE_EIO);
    assert_false(log_epoch_disarm(l));
    assert_false(log_dead(l));
    assert_ptr_equal(log_signer(l), &keys[K1]);
    add(l, 5);
    shell("rm audit/keys && mv audit/keys.away audit/keys");
    for (int i = 0; i < 1000 && log_epoch_wait(l, &why) != COFRE_OK; i++)
        usleep(1000);
    assert_rotated(l, 4);
    close_log(l);
    close_log(open_log(K2, -1, -1));
    audit_dir_remove(&d);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_epoch_ends_at_its_entry_and_the_next_key_goes_on),
        cmocka_unit_test(a_crash_behind_any_step_is_recovered),
        cmocka_unit_test(a_half_ended_epoch_needs_the_key_that_its_entry_names),
        cmocka_unit_test(an_entry_that_nobody_prepared_for_is_not_staged),
        cmocka_unit_test(seals_are_checked_at_the_start),
        cmocka_unit_test(a_checkpoint_belongs_to_the_newest_key),
        cmocka_unit_test(a_key_signs_nothing_behind_its_seal),
        cmocka_unit_test(vkeys_are_checked_at_the_start),
        cmocka_unit_test(the_recovery_key_puts_a_new_key_in_force),
        cmocka_unit_test(a_log_without_a_recovery_key_has_none),
        cmocka_unit_test(nothing_is_signed_while_the_key_is_lost),
        cmocka_unit_test(a_recovery_that_was_cut_off_is_finished),
        cmocka_unit_test(the_first_entry_and_the_recovery_key_belong_together),
        cmocka_unit_test(an_end_that_fails_is_tried_again),
    };

    return cmocka_run_group_tests(tests, make_keys, drop_keys);
}
