/* labels: race */
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "audit_dir.h"

#include "audit/checkpoint.h"
#include "audit/log_cosign.h"
#include "crypto/cosign.h"

static const uint8_t SEED[NOTE_SEED] = {5};
static struct audit_dir d;
static struct note_signer witness;

static int
setup(void **state)
{
    (void)state;
    audit_dir_make(&d);
    assert_int_equal(cosign_signer_init(&witness, "w.example", SEED), COFRE_OK);
    assert_int_equal(log_create(&d.config, NULL), COFRE_OK);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    note_signer_free(&witness);
    audit_dir_remove(&d);
    return 0;
}

static struct log *
open_log(bool hold)
{
    d.config.hold = hold;
    return audit_dir_open(&d);
}

static void
append(struct log *l, unsigned n)
{
    uint8_t leaf[HASH_LEN];
    struct bytes line;

    while (n-- > 0) {
        struct entry e = audit_dir_entry(n);

        assert_int_equal(log_stage(l, &e, leaf, &line), COFRE_OK);
    }
    assert_int_equal(log_commit(l, NULL), COFRE_OK);
}

/* Size of the file's checkpoint, and how many signatures it has (or 0, 0: there is no file). */
struct found {
    uint64_t size;
    size_t lines;
};

static struct found
look(const char *path)
{
    struct found f = {0, 0};
    struct checkpoint c;
    struct note n;
    struct buf file;

    if (!audit_dir_has(&d, path))
        return f;
    file = audit_dir_read(&d, path);
    assert_int_equal(note_parse(buf_bytes(&file), &n), COFRE_OK);
    assert_int_equal(checkpoint_open(buf_bytes(&file), &d.signer.verifier, &c), COFRE_OK);
    f = (struct found){c.size, n.count};
    buf_free(&file);
    return f;
}

static void
is(const char *path, uint64_t size, size_t lines)
{
    struct found f = look(path);

    if (f.size != size || f.lines != lines)
        fail_msg("%s has %llu entries and %zu lines", path, (unsigned long long)f.size, f.lines);
}

/* The newest signed checkpoint of at least min entries, with the witness's line. */
static struct buf
cosigned(struct log *l, uint64_t min)
{
    struct buf note = BUF_INIT;
    struct note n;

    assert_int_equal(log_cosign_newest(l, min, &note, NULL), COFRE_OK);
    assert_int_equal(note_parse(buf_bytes(&note), &n), COFRE_OK);
    cosign_put(&note, &witness, n.text, 1767225700);
    return note;
}

static enum cofre_err
bring(struct log *l, const struct buf *note, bool publish, bool witnessed)
{
    const struct log_cosigned c = {buf_bytes(note), publish, witnessed};

    return log_cosign(l, &c, NULL);
}

static void
lines_are_added_while_it_is_still_that_checkpoint(void **state)
{
    struct log *l = open_log(false);
    struct buf first, second, again = BUF_INIT;

    (void)state;
    append(l, 3);
    first = cosigned(l, 3);
    is("checkpoint", 3, 1);
    assert_int_equal(bring(l, &first, false, false), COFRE_OK);
    is("checkpoint", 3, 2);
    is("witnessed", 0, 0);
    /* What is asked for next comes with it. */
    assert_int_equal(log_cosign_newest(l, 3, &again, NULL), COFRE_OK);
    assert_true(bytes_equal(buf_bytes(&again), buf_bytes(&first)));

    append(l, 2);
    second = cosigned(l, 5);
    is("checkpoint", 5, 1);
    assert_int_equal(bring(l, &first, false, true), COFRE_OK);
    is("checkpoint", 5, 1);
    is("witnessed", 3, 2);
    assert_int_equal(bring(l, &second, false, true), COFRE_OK);
    is("checkpoint", 5, 2);
    is("witnessed", 5, 2);
    audit_dir_close(l);
    l = open_log(false);
    is("checkpoint", 5, 2);
    audit_dir_close(l);
    is("checkpoint", 5, 2);
    buf_free(&first);
    buf_free(&second);
    buf_free(&again);
}

static void
on_hold_nothing_is_published_without_lines(void **state)
{
    struct log *l = open_log(true);
    struct buf note, out = BUF_INIT;

    (void)state;
    append(l, 300);
    note = cosigned(l, 300);
    is("checkpoint", 0, 1);
    assert_int_equal(log_cosign_published(l), 0);
    assert_int_equal(bring(l, &note, false, true), COFRE_EINVAL);
    is("checkpoint", 0, 1);
    is("witnessed", 0, 0);
    assert_int_equal(bring(l, &note, true, true), COFRE_OK);
    is("checkpoint", 300, 2);
    is("witnessed", 300, 2);
    assert_int_equal(log_cosign_published(l), 300);
    assert_int_equal(log_checkpoint(l, 300, &out, NULL), COFRE_OK);
    assert_true(bytes_equal(buf_bytes(&out), buf_bytes(&note)));
    append(l, 1);
    audit_dir_close(l);
    is("checkpoint", 300, 2);

    /* The next opening goes on from there. */
    l = open_log(true);
    buf_free(&note);
    note = cosigned(l, 301);
    assert_int_equal(bring(l, &note, true, false), COFRE_OK);
    is("checkpoint", 301, 2);
    is("witnessed", 300, 2);
    audit_dir_close(l);
    buf_free(&note);
    buf_free(&out);
}

static uint64_t
now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void
who_wants_a_checkpoint_on_hold_waits_a_little_or_not_at_all(void **state)
{
    struct log *l = open_log(true);
    struct buf note, out = BUF_INIT;
    uint64_t began = now_ms();

    (void)state;
    append(l, 3);
    assert_int_equal(log_checkpoint(l, 3, &out, NULL), COFRE_EBUSY);
    assert_true(now_ms() - began < 5000);
    log_cosign_missed(l);
    began = now_ms();
    assert_int_equal(log_prove(l, 1, &out, NULL), COFRE_EBUSY);
    assert_true(now_ms() - began < 500);
    note = cosigned(l, 3);
    assert_int_equal(bring(l, &note, true, false), COFRE_OK);
    assert_int_equal(log_prove(l, 1, &out, NULL), COFRE_OK);
    audit_dir_close(l);
    buf_free(&note);
    buf_free(&out);
}

static void
what_the_key_did_not_sign_is_refused(void **state)
{
    static const uint8_t other_seed[NOTE_SEED] = {6};
    struct log *l = open_log(true);
    struct note_signer other;
    struct buf note, forged = BUF_INIT;
    uint8_t root[HASH_LEN] = {0};

    (void)state;
    append(l, 3);
    note = cosigned(l, 3);
    assert_int_equal(note_signer_init(&other, d.signer.verifier.name, other_seed), COFRE_OK);
    checkpoint_sign(&forged, &other, 3, root);
    assert_int_equal(bring(l, &forged, true, true), COFRE_EAUTH);
    assert_int_equal(bring(l, &(struct buf){.p = note.p, .len = note.len - 1}, true, true),
                     COFRE_EFORMAT);
    is("checkpoint", 0, 1);
    is("witnessed", 0, 0);
    audit_dir_close(l);
    note_signer_free(&other);
    buf_free(&note);
    buf_free(&forged);
}

/* ---- beside the builder and who holds it ---- */

static atomic_bool stop;

static void *
cosign_all(void *arg)
{
    struct log *l = arg;

    while (!stop) {
        struct buf note = cosigned(l, 0);

        (void)bring(l, &note, true, true);
        buf_free(&note);
    }
    return NULL;
}

static void *
hold_still(void *arg)
{
    struct log *l = arg;
    struct found before, after;
    bool moved = false;

    while (!stop) {
        log_pause(l);
        before = look("checkpoint");
        for (volatile int i = 0; i < 100000; i++)
            ;
        after = look("checkpoint");
        moved = moved || before.size != after.size || before.lines != after.lines;
        log_resume(l);
    }
    return moved ? &stop : NULL;
}

static void
cosigning_goes_on_beside_entries_and_pauses(void **state)
{
    pthread_t cosigner, holder;
    void *moved = NULL;
    struct log *l = open_log(true);
    struct buf note;
    struct found f;

    (void)state;
    stop = false;
    assert_int_equal(pthread_create(&cosigner, NULL, cosign_all, l), 0);
    assert_int_equal(pthread_create(&holder, NULL, hold_still, l), 0);
    for (int i = 0; i < 300; i++)
        append(l, 5);
    stop = true;
    assert_int_equal(pthread_join(holder, &moved), 0);
    assert_int_equal(pthread_join(cosigner, NULL), 0);
    assert_null(moved);
    note = cosigned(l, 1500);
    assert_int_equal(bring(l, &note, true, true), COFRE_OK);
    audit_dir_close(l);
    f = look("checkpoint");
    assert_int_equal(f.size, 1500);
    buf_free(&note);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lines_are_added_while_it_is_still_that_checkpoint, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(on_hold_nothing_is_published_without_lines, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(who_wants_a_checkpoint_on_hold_waits_a_little_or_not_at_all,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(what_the_key_did_not_sign_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(cosigning_goes_on_beside_entries_and_pauses, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, unit_setup, NULL);
}
