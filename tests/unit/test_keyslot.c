/* wrap: malloc calloc realloc sodium_malloc crypto_pwhash */
#include <sodium.h>

#include "alloc_fault.h"
#include "unit.h"

#include "crypto/keyslot_codec.h"

/*
 * Argon2id with the costs of a server takes half a second.  Except where a test asks for the real
 * ones, this stands in: the same function with low costs, and the costs asked for are mixed into
 * the salt, so that a changed cost still gives another key.
 */
static bool real_costs;
static struct {
    unsigned calls;
    unsigned long long passes;
    size_t bytes;
    bool fail;
} argon;

int __real_crypto_pwhash(unsigned char *out, unsigned long long outlen, const char *passwd,
                         unsigned long long passwdlen, const unsigned char *salt,
                         unsigned long long opslimit, size_t memlimit, int alg);
int __wrap_crypto_pwhash(unsigned char *out, unsigned long long outlen, const char *passwd,
                         unsigned long long passwdlen, const unsigned char *salt,
                         unsigned long long opslimit, size_t memlimit, int alg);

int
__wrap_crypto_pwhash(unsigned char *out, unsigned long long outlen, const char *passwd,
                     unsigned long long passwdlen, const unsigned char *salt,
                     unsigned long long opslimit, size_t memlimit, int alg)
{
    uint8_t mixed[crypto_pwhash_SALTBYTES];

    argon.calls++;
    argon.passes = opslimit;
    argon.bytes = memlimit;
    if (argon.fail)
        return -1;
    if (real_costs)
        return __real_crypto_pwhash(out, outlen, passwd, passwdlen, salt, opslimit, memlimit, alg);
    memcpy(mixed, salt, sizeof mixed);
    mixed[0] ^= (uint8_t)opslimit;
    mixed[1] ^= (uint8_t)(memlimit >> 20);
    mixed[2] ^= (uint8_t)(memlimit >> 28);
    return __real_crypto_pwhash(out, outlen, passwd, passwdlen, mixed, crypto_pwhash_OPSLIMIT_MIN,
                                crypto_pwhash_MEMLIMIT_MIN, alg);
}

static const uint8_t VAULT[KEYSLOT_VAULT] = {1, 2, 3};
static const uint8_t FILE_KEY[KEYSLOT_FILE_LEN] = {4, 5}, OTHER_FILE[KEYSLOT_FILE_LEN] = {4, 6};

#define PASS(s) (&(struct keyslot_secret){KEYSLOT_PASSPHRASE, BYTES_LIT(s)})
#define KEYFILE(array) (&(struct keyslot_secret){KEYSLOT_KEYFILE, BYTES_OF(array)})

struct fixture {
    struct keyslot_table *table;
    struct secret *root;
};

static struct fixture
fixture(const struct keyslot_secret *with)
{
    struct fixture f;

    assert_int_equal(keyslot_create(VAULT, with, &f.table, &f.root), COFRE_OK);
    return f;
}

static void
fixture_free(struct fixture *f)
{
    keyslot_free(f->table);
    secret_free(f->root);
}

/* Unlocks; OK only with the fixture's root key. */
static enum cofre_err
unlock(const struct keyslot_table *t, const struct keyslot_secret *with,
       const struct secret *expected)
{
    struct secret *root = (struct secret *)&argon;
    enum cofre_err err = keyslot_unlock(t, with, &root);

    if (err != COFRE_OK)
        assert_null(root);
    else
        assert_true(secret_equal(secret_bytes(root), secret_bytes(expected)));
    secret_free(root);
    return err;
}

static struct buf
written(const struct fixture *f)
{
    struct buf b = BUF_INIT;

    keyslot_write(f->table, secret_bytes(f->root), &b);
    assert_int_equal(buf_error(&b), COFRE_OK);
    return b;
}

static enum cofre_err
read_exact(struct bytes file, struct keyslot_table **out)
{
    struct bytes exact = unit_exact(file);
    enum cofre_err err = keyslot_read(exact, out);

    assert_int_equal(err == COFRE_OK, *out != NULL);
    unit_exact_free(exact);
    return err;
}

static void
each_secret_opens_the_same_root(void **state)
{
    struct fixture f = fixture(KEYFILE(FILE_KEY));
    struct keyslot_table *t;
    enum keyslot_type type;
    struct buf b;
    uint32_t id;

    (void)state;
    assert_int_equal(keyslot_add(f.table, secret_bytes(f.root), PASS("correct horse"), &id),
                     COFRE_OK);
    assert_int_equal(id, 2);
    b = written(&f);
    assert_int_equal(read_exact(buf_bytes(&b), &t), COFRE_OK);
    assert_int_equal(unlock(t, KEYFILE(FILE_KEY), f.root), COFRE_OK);
    assert_int_equal(unlock(t, PASS("correct horse"), f.root), COFRE_OK);
    assert_int_equal(unlock(f.table, PASS("correct horse"), f.root), COFRE_OK);
    assert_int_equal(unlock(t, PASS("correct horsf"), f.root), COFRE_EAUTH);
    assert_int_equal(unlock(t, KEYFILE(OTHER_FILE), f.root), COFRE_EAUTH);

    assert_int_equal(keyslot_count(t), 2);
    assert_true(keyslot_get(t, 0, &type, &id) && type == KEYSLOT_KEYFILE && id == 1);
    assert_true(keyslot_get(t, 1, &type, &id) && type == KEYSLOT_PASSPHRASE && id == 2);
    assert_false(keyslot_get(t, 2, &type, &id));
    assert_memory_equal(keyslot_vault(t), VAULT, sizeof VAULT);
    keyslot_free(t);
    keyslot_free(NULL);
    buf_free(&b);
    fixture_free(&f);
}

static void
a_passphrase_pays_the_stated_costs(void **state)
{
    struct fixture f;

    (void)state;
    real_costs = true;
    argon.calls = 0;
    f = fixture(PASS("correct horse"));
    assert_int_equal(argon.calls, 1);
    assert_true(argon.passes == 3 && argon.bytes == (size_t)256 * 1024 * 1024);
    assert_int_equal(unlock(f.table, PASS("correct horse"), f.root), COFRE_OK);
    real_costs = false;
    fixture_free(&f);
}

static void
a_key_file_is_no_passphrase(void **state)
{
    struct fixture f = fixture(KEYFILE(FILE_KEY));

    (void)state;
    argon.calls = 0;
    assert_int_equal(
        unlock(f.table, &(struct keyslot_secret){KEYSLOT_PASSPHRASE, BYTES_OF(FILE_KEY)}, f.root),
        COFRE_EAUTH);
    assert_int_equal(argon.calls, 0);
    fixture_free(&f);
}

static void
secrets_have_bounds(void **state)
{
    static uint8_t pass[KEYSLOT_PASS_MAX + 1];
    static const struct {
        enum keyslot_type type;
        size_t len;
        bool good;
    } rows[] = {
        {KEYSLOT_PASSPHRASE, 0, false},
        {KEYSLOT_PASSPHRASE, KEYSLOT_PASS_MIN - 1, false},
        {KEYSLOT_PASSPHRASE, KEYSLOT_PASS_MIN, true},
        {KEYSLOT_PASSPHRASE, KEYSLOT_PASS_MAX, true},
        {KEYSLOT_PASSPHRASE, KEYSLOT_PASS_MAX + 1, false},
        {KEYSLOT_KEYFILE, KEYSLOT_FILE_LEN - 1, false},
        {KEYSLOT_KEYFILE, KEYSLOT_FILE_LEN, true},
        {KEYSLOT_KEYFILE, KEYSLOT_FILE_LEN + 1, false},
        {(enum keyslot_type)3, KEYSLOT_FILE_LEN, false},
    };
    struct fixture f = fixture(KEYFILE(FILE_KEY));

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct keyslot_secret with = {rows[i].type, {pass, rows[i].len}};
        struct keyslot_table *t = f.table;
        struct secret *root = f.root;
        enum cofre_err err = keyslot_create(VAULT, &with, &t, &root);
        size_t count = keyslot_count(f.table);
        uint32_t id;

        assert_int_equal(err, rows[i].good ? COFRE_OK : COFRE_EINVAL);
        assert_int_equal(t != NULL, rows[i].good);
        assert_int_equal(root != NULL, rows[i].good);
        keyslot_free(t);
        secret_free(root);
        if (rows[i].good)
            continue;
        assert_int_equal(keyslot_add(f.table, secret_bytes(f.root), &with, &id), COFRE_EINVAL);
        assert_int_equal(keyslot_reset(f.table, secret_bytes(f.root), &with), COFRE_EINVAL);
        assert_int_equal(keyslot_count(f.table), count);
        assert_int_equal(unlock(f.table, &with, f.root), COFRE_EAUTH);
    }
    assert_int_equal(unlock(f.table, KEYFILE(FILE_KEY), f.root), COFRE_OK);
    fixture_free(&f);
}

/* Nobody may open it after a change; whether reading or unlocking notices is all the same. */
static enum cofre_err
open_file(struct bytes file, const struct keyslot_secret *with, const struct secret *root)
{
    struct keyslot_table *t = NULL;
    enum cofre_err err = read_exact(file, &t);

    if (err == COFRE_OK)
        err = unlock(t, with, root);
    keyslot_free(t);
    return err;
}

static void
any_flipped_bit_or_other_length_is_noticed(void **state)
{
    struct fixture f = fixture(KEYFILE(FILE_KEY));
    struct buf b;
    uint32_t id;

    (void)state;
    assert_int_equal(keyslot_add(f.table, secret_bytes(f.root), PASS("passphrase"), &id), COFRE_OK);
    b = written(&f);
    assert_int_equal(b.len, KEYSLOT_CODEC_HEADER + 2 * KEYSLOT_CODEC_SLOT + HASH_LEN);
    for (size_t bit = 0; bit < b.len * 8; bit++) {
        enum cofre_err err;

        b.p[bit / 8] ^= (uint8_t)(1U << bit % 8);
        err = open_file(buf_bytes(&b), KEYFILE(FILE_KEY), f.root);
        if (err != COFRE_EFORMAT && err != COFRE_EAUTH && err != COFRE_EINTEGRITY)
            fail_msg("bit %zu: %s", bit, cofre_err_text(err));
        b.p[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    for (size_t len = 0; len < b.len; len++)
        assert_int_equal(open_file((struct bytes){b.p, len}, KEYFILE(FILE_KEY), f.root),
                         COFRE_EFORMAT);
    buf_putc(&b, '\0');
    assert_int_equal(open_file(buf_bytes(&b), KEYFILE(FILE_KEY), f.root), COFRE_EFORMAT);
    buf_free(&b);
    fixture_free(&f);
}

enum { SECOND = KEYSLOT_CODEC_HEADER + KEYSLOT_CODEC_SLOT };

static void
a_weakened_added_or_removed_slot_is_refused(void **state)
{
    struct fixture f = fixture(KEYFILE(FILE_KEY)), g = fixture(KEYFILE(OTHER_FILE));
    struct buf b, other;
    uint32_t id;

    (void)state;
    assert_int_equal(keyslot_add(f.table, secret_bytes(f.root), PASS("passphrase"), &id), COFRE_OK);

    b = written(&f); /* weakened: costs that are in bounds, yet lower */
    bytes_set_le32(b.p + SECOND + 8, KEYSLOT_ARGON_MIB_MIN);
    assert_int_equal(open_file(buf_bytes(&b), KEYFILE(FILE_KEY), f.root), COFRE_EINTEGRITY);
    assert_int_equal(open_file(buf_bytes(&b), PASS("passphrase"), f.root), COFRE_EAUTH);
    buf_free(&b);

    b = written(&f); /* removed: the second */
    bytes_set_le32(b.p + 12, 1);
    memmove(b.p + SECOND, b.p + SECOND + KEYSLOT_CODEC_SLOT, HASH_LEN);
    b.len -= KEYSLOT_CODEC_SLOT;
    assert_int_equal(open_file(buf_bytes(&b), KEYFILE(FILE_KEY), f.root), COFRE_EINTEGRITY);
    buf_free(&b);

    b = written(&f); /* replaced: by a slot of another table */
    other = written(&g);
    memcpy(b.p + SECOND, other.p + KEYSLOT_CODEC_HEADER, KEYSLOT_CODEC_SLOT);
    bytes_set_le32(b.p + SECOND, 2);
    assert_int_equal(open_file(buf_bytes(&b), KEYFILE(FILE_KEY), f.root), COFRE_EINTEGRITY);
    assert_int_equal(open_file(buf_bytes(&b), KEYFILE(OTHER_FILE), f.root), COFRE_EAUTH);
    buf_free(&b);
    buf_free(&other);
    fixture_free(&f);
    fixture_free(&g);
}

/* Whoever has the secret can make a box for any commitment; only the right one may open. */
static void
a_false_commitment_does_not_open(void **state)
{
    struct fixture f = fixture(KEYFILE(FILE_KEY));
    struct keyslot_codec_slot *s = &f.table->slots[0];
    uint8_t ad[KEYSLOT_VAULT + KEYSLOT_CODEC_HEAD], pair[2 * KEY_LEN];
    const struct bytes pieces[] = {BYTES_OF(VAULT), {ad + KEYSLOT_VAULT, 32}};
    const struct box_key key = {BOX_SLOT, 1, pair};
    struct hmac_key prk;

    (void)state;
    memcpy(ad, VAULT, KEYSLOT_VAULT);
    keyslot_codec_head(s, ad + KEYSLOT_VAULT);
    kdf_extract(&prk, BYTES_OF(s->salt), BYTES_OF(FILE_KEY));
    kdf_derive_pair(&prk, "cofre/v1/keyslot", pieces, 2, pair);
    for (uint8_t flip = 0; flip < 2; flip++) {
        struct secret *root = NULL;
        enum cofre_err err;

        s->commitment[0] ^= flip;
        keyslot_codec_head(s, ad + KEYSLOT_VAULT);
        box_seal_to(s->box, &key, BYTES_OF(ad), secret_bytes(f.root));
        err = keyslot_unlock(f.table, KEYFILE(FILE_KEY), &root);
        /* Without the flip it opens, and only the MAC, which is not made anew, refuses. */
        assert_int_equal(err, flip == 0 ? COFRE_EINTEGRITY : COFRE_EAUTH);
        assert_null(root);
    }
    fixture_free(&f);
}

static void
costs_out_of_bounds_are_refused_before_any_work(void **state)
{
    static const struct {
        size_t at;
        uint32_t value;
    } rows[] = {
        {8, KEYSLOT_ARGON_MIB_MIN - 1},
        {8, KEYSLOT_ARGON_MIB_MAX + 1},
        {8, 0},
        {8, UINT32_MAX},
        {12, KEYSLOT_ARGON_PASSES_MIN - 1},
        {12, UINT32_MAX},
        {12, KEYSLOT_ARGON_PASSES_MAX + 1},
        {4, 0},
        {4, 3},
        {4, KEYSLOT_KEYFILE},
        {4, 0x101},
        {0, 0},
        {0, 2},
    };
    struct fixture f = fixture(PASS("passphrase"));
    struct buf b = written(&f);
    struct keyslot_table *t;

    (void)state;
    argon.calls = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t *at = b.p + KEYSLOT_CODEC_HEADER + rows[i].at;
        uint32_t before = bytes_get_le32(at);

        bytes_set_le32(at, rows[i].value);
        if (read_exact(buf_bytes(&b), &t) != COFRE_EFORMAT)
            fail_msg("row %zu is taken", i);
        bytes_set_le32(at, before);
    }
    assert_int_equal(read_exact(buf_bytes(&b), &t), COFRE_OK);
    assert_int_equal(argon.calls, 0);
    keyslot_free(t);
    buf_free(&b);
    fixture_free(&f);
}

static void
a_headers_members_are_checked(void **state)
{
    static const size_t places[] = {0, 7, 8, 10, 12, 15, 20, 23};
    struct fixture f = fixture(KEYFILE(FILE_KEY));
    struct buf b = written(&f);
    struct keyslot_table *t;

    (void)state;
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        b.p[places[i]] ^= 2;
        assert_int_equal(read_exact(buf_bytes(&b), &t), COFRE_EFORMAT);
        b.p[places[i]] ^= 2;
    }
    bytes_set_le32(b.p + 12, 0);
    assert_int_equal(read_exact((struct bytes){b.p, KEYSLOT_CODEC_HEADER + HASH_LEN}, &t),
                     COFRE_EFORMAT);
    buf_free(&b);
    fixture_free(&f);
}

static void
ids_are_never_used_again(void **state)
{
    struct fixture f = fixture(KEYFILE(FILE_KEY));
    struct secret *root;
    enum keyslot_type type;
    uint32_t id = 0;

    (void)state;
    for (uint32_t i = 2; i <= KEYSLOT_MAX; i++) {
        assert_int_equal(keyslot_add(f.table, secret_bytes(f.root), KEYFILE(OTHER_FILE), &id),
                         COFRE_OK);
        assert_int_equal(id, i);
    }
    assert_int_equal(keyslot_add(f.table, secret_bytes(f.root), KEYFILE(OTHER_FILE), &id),
                     COFRE_ELIMIT);
    assert_int_equal(keyslot_count(f.table), KEYSLOT_MAX);
    assert_int_equal(secret_random(KEY_LEN, &root), COFRE_OK);
    assert_int_equal(keyslot_reset(f.table, secret_bytes(root), KEYFILE(OTHER_FILE)), COFRE_OK);
    assert_int_equal(keyslot_count(f.table), 1);
    assert_true(keyslot_get(f.table, 0, &type, &id));
    assert_int_equal(id, KEYSLOT_MAX + 1);
    assert_int_equal(unlock(f.table, KEYFILE(OTHER_FILE), root), COFRE_OK);
    assert_int_equal(unlock(f.table, KEYFILE(FILE_KEY), root), COFRE_EAUTH);

    /* The old root is not this table's any more. */
    assert_int_equal(keyslot_add(f.table, secret_bytes(f.root), KEYFILE(FILE_KEY), &id),
                     COFRE_EINVAL);
    assert_int_equal(keyslot_count(f.table), 1);
    secret_free(root);
    fixture_free(&f);
}

static void
any_failing_allocation_changes_nothing(void **state)
{
    struct fixture f;
    struct keyslot_table *t;
    struct secret *root;
    struct buf b;
    enum cofre_err err;
    unsigned failures = 0;
    uint32_t id;

    (void)state;
    ALLOC_FAULT_EACH
    {
        f.table = (struct keyslot_table *)&argon;
        f.root = (struct secret *)&argon;
        err = keyslot_create(VAULT, KEYFILE(FILE_KEY), &f.table, &f.root);
        if (!alloc_fault_hit())
            break;
        failures++;
        assert_int_equal(err, COFRE_ENOMEM);
        assert_null(f.table);
        assert_null(f.root);
    }
    assert_int_equal(err, COFRE_OK);
    b = written(&f);
    ALLOC_FAULT_EACH
    {
        err = keyslot_read(buf_bytes(&b), &t);
        if (!alloc_fault_hit())
            break;
        failures++;
        assert_int_equal(err, COFRE_ENOMEM);
        assert_null(t);
    }
    ALLOC_FAULT_EACH
    {
        root = (struct secret *)&argon;
        err = keyslot_unlock(t, KEYFILE(FILE_KEY), &root);
        if (!alloc_fault_hit())
            break;
        failures++;
        assert_int_equal(err, COFRE_ENOMEM);
        assert_null(root);
    }
    assert_int_equal(err, COFRE_OK);
    assert_int_equal(failures, 3 + 1 + 2);
    secret_free(root);

    /* Argon2 takes its memory itself. */
    assert_int_equal(keyslot_add(t, secret_bytes(f.root), PASS("passphrase"), &id), COFRE_OK);
    argon.fail = true;
    assert_int_equal(keyslot_add(t, secret_bytes(f.root), PASS("another one"), &id), COFRE_ENOMEM);
    assert_int_equal(keyslot_reset(t, secret_bytes(f.root), PASS("another one")), COFRE_ENOMEM);
    assert_int_equal(unlock(t, PASS("passphrase"), f.root), COFRE_ENOMEM);
    argon.fail = false;
    assert_int_equal(keyslot_count(t), 2);
    assert_int_equal(unlock(t, PASS("passphrase"), f.root), COFRE_OK);
    keyslot_free(t);
    buf_free(&b);
    fixture_free(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_secret_opens_the_same_root),
        cmocka_unit_test(a_passphrase_pays_the_stated_costs),
        cmocka_unit_test(a_key_file_is_no_passphrase),
        cmocka_unit_test(secrets_have_bounds),
        cmocka_unit_test(any_flipped_bit_or_other_length_is_noticed),
        cmocka_unit_test(a_weakened_added_or_removed_slot_is_refused),
        cmocka_unit_test(a_false_commitment_does_not_open),
        cmocka_unit_test(costs_out_of_bounds_are_refused_before_any_work),
        cmocka_unit_test(a_headers_members_are_checked),
        cmocka_unit_test(ids_are_never_used_again),
        cmocka_unit_test(any_failing_allocation_changes_nothing),
    };

    return cmocka_run_group_tests(tests, unit_setup, NULL);
}
