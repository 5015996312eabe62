#include <fcntl.h>
#include <unistd.h>

#include "audit_dir.h"

#include "../../cli/verify/seals.c"

/* Epochs end at 45 and at 100; whoever has a later key must not vouch for a former epoch. */

enum { FIRST, SECOND, THIRD, RECOVERY, STRANGER, N_KEYS };
static struct note_signer keys[N_KEYS];
static struct audit_dir d;
static char wrong[SEALS_WRONG_MAX];
static const uint8_t roots[3][HASH_LEN] = {{45}, {100}, {1}};

#define V(k) (&keys[k].verifier)

static void
put_seal(uint32_t epoch, uint64_t size, int by, int next)
{
    struct seal s = {.size = size,
                     .epoch = epoch,
                     .kind = by == RECOVERY ? SEAL_RECOVER : SEAL_ROTATE,
                     .next = *V(next)};
    struct buf b = BUF_INIT;
    char path[32];

    memcpy(s.root, roots[epoch - 1], HASH_LEN);
    seal_make(&b, &s, &keys[by], &keys[next]);
    (void)snprintf(path, sizeof path, "seal.%u", (unsigned)epoch);
    audit_dir_write(&d, path, buf_bytes(&b));
    buf_free(&b);
}

static int
make(void **state)
{
    uint8_t seed[NOTE_SEED] = {0};

    if (unit_setup(state) != 0)
        return -1;
    audit_dir_make(&d);
    for (int i = 0; i < N_KEYS; i++) {
        seed[0] = (uint8_t)(i + 1);
        if (note_signer_init(&keys[i], "log.example/a", seed) != COFRE_OK)
            return -1;
    }
    return 0;
}

static int
drop(void **state)
{
    (void)state;
    for (int i = 0; i < N_KEYS; i++)
        note_signer_free(&keys[i]);
    audit_dir_remove(&d);
    return 0;
}

static void
put_both(void)
{
    put_seal(1, 45, FIRST, SECOND);
    put_seal(2, 100, SECOND, THIRD);
}

static enum cofre_err
load(int dir, size_t n, const int *known, const struct note_verifier *recovery, struct seals *s)
{
    struct verify_keys *given = calloc(1, sizeof *given);
    enum cofre_err err;

    assert_non_null(given);
    for (; given->n < n; given->n++)
        given->key[given->n] = *V(known[given->n]);
    wrong[0] = '\0';
    err = seals_load(dir, given, recovery, s, wrong);
    free(given);
    return err;
}

/* The epoch from 1; 0: refused, with that in what it says. */
static void
signer(const struct seals *s, int by, uint64_t size, const uint8_t *root, size_t want,
       const char *says)
{
    struct buf b = BUF_INIT;
    size_t epoch = 99;
    enum cofre_err err;

    checkpoint_sign(&b, &keys[by], size, root);
    err = seals_signer(s, buf_bytes(&b), &epoch, wrong);
    assert_int_equal(err, want > 0 ? COFRE_OK : COFRE_EAUTH);
    if (want > 0)
        assert_int_equal(epoch + 1, want);
    else if (strstr(wrong, says) == NULL)
        fail_msg("%s", wrong);
    buf_free(&b);
}

static void
each_key_vouches_for_its_sizes(void **state)
{
    const uint8_t *any = roots[2];
    const int known[] = {FIRST};
    struct seals s;

    (void)state;
    put_both();
    assert_int_equal(load(d.dir, 1, known, NULL, &s), COFRE_OK);
    assert_int_equal(s.n, 3);
    signer(&s, FIRST, 30, any, 1, "");
    signer(&s, FIRST, 45, roots[0], 1, "");
    signer(&s, SECOND, 45, roots[0], 2, "");
    signer(&s, SECOND, 46, any, 2, "");
    signer(&s, THIRD, 100, roots[1], 3, "");
    signer(&s, THIRD, 5000, any, 3, "");
    signer(&s, FIRST, 46, any, 0, "revoked key (epoch 1 ended at 45)");
    signer(&s, SECOND, 30, any, 0, "another epoch (2, which began only at 45)");
    signer(&s, SECOND, 101, any, 0, "revoked key (epoch 2 ended at 100)");
    signer(&s, THIRD, 99, any, 0, "another epoch (3, which began only at 100)");
    signer(&s, FIRST, 45, any, 0, "another log");
    signer(&s, SECOND, 45, any, 0, "another log");
    signer(&s, SECOND, 100, any, 0, "another log");
    signer(&s, STRANGER, 30, any, 0, "not signed by the key that was given");
    assert_int_equal(seals_of(&s, 44), 0);
    assert_int_equal(seals_of(&s, 45), 1);
    assert_int_equal(seals_of(&s, 99), 1);
    assert_int_equal(seals_of(&s, 100), 2);
    seals_free(&s);
}

static void
without_seals_it_is_the_first_key(void **state)
{
    const int known[] = {FIRST, SECOND};
    struct seals s;

    (void)state;
    assert_int_equal(load(-1, 2, known, NULL, &s), COFRE_OK);
    assert_int_equal(s.n, 1);
    signer(&s, FIRST, 5000, roots[2], 1, "");
    signer(&s, SECOND, 5000, roots[2], 0, "not signed by the key that was given");
    seals_free(&s);
}

static void
refused(size_t n, const int *known, const struct note_verifier *recovery, const char *says)
{
    struct seals s;

    assert_int_equal(load(d.dir, n, known, recovery, &s), COFRE_EAUTH);
    if (strstr(wrong, says) == NULL)
        fail_msg("%s", wrong);
    seals_free(&s);
}

static void
seals_must_fit(void **state)
{
    const int known[] = {FIRST, SECOND, THIRD, STRANGER}, other[] = {FIRST, THIRD};
    const int stranger[] = {STRANGER};
    struct seals s;

    (void)state;
    put_both();
    assert_int_equal(load(d.dir, 3, known, NULL, &s), COFRE_OK);
    seals_free(&s);
    refused(4, known, NULL, "seal.3 is missing");
    refused(2, other, NULL, "seal.1 does not lead to the key on line 2");
    refused(1, stranger, NULL, "seal.1 is not signed by the key of its epoch");
    put_seal(2, 45, SECOND, THIRD);
    refused(1, known, NULL, "seal.2 is not the seal of its epoch");
    put_seal(2, 100, FIRST, THIRD);
    refused(1, known, NULL, "seal.2 is not signed");
    put_seal(2, 45, FIRST, SECOND);
    assert_int_equal(renameat(d.dir, "seal.2", d.dir, "seal.1"), 0);
    refused(1, known, NULL, "seal.1 is not the seal of its epoch");
    audit_dir_write(&d, "seal.1", bytes_str("x"));
    refused(1, known, NULL, "seal.1 is not the seal");
}

static void
a_recovery_key_comes_from_outside(void **state)
{
    const int known[] = {FIRST};
    struct seals s;

    (void)state;
    put_seal(1, 45, RECOVERY, SECOND);
    audit_dir_write(&d, "recovery", bytes_str("lies beside, and says nothing"));
    refused(1, known, NULL, "seal.1 is not signed");
    refused(1, known, V(STRANGER), "seal.1 is not signed");
    assert_int_equal(load(d.dir, 1, known, V(RECOVERY), &s), COFRE_OK);
    assert_int_equal(s.n, 2);
    seals_free(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_key_vouches_for_its_sizes, make, drop),
        cmocka_unit_test_setup_teardown(without_seals_it_is_the_first_key, make, drop),
        cmocka_unit_test_setup_teardown(seals_must_fit, make, drop),
        cmocka_unit_test_setup_teardown(a_recovery_key_comes_from_outside, make, drop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
