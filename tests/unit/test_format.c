/*
 * The worked example of the formats: what the code makes of the inputs that the text names is what
 * another program computed, and what the text prints.
 *
 * wrap: randombytes_buf
 */
#include <ctype.h>

#include "fixed_random.h"
#include "vectors.h"

#include "cofre/encode.h"
#include "crypto/note.h"
#include "crypto/pseudonym.h"
#include "crypto/token.h"

enum { VALUES_MAX = 16 };

static struct {
    const char *name;
    struct buf value; /* as text */
} made[VALUES_MAX];
static size_t count;

static void
made_text(const char *name, const char *text)
{
    assert_true(count < VALUES_MAX);
    made[count].name = name;
    buf_puts(&made[count++].value, text);
}

static void
made_hex(const char *name, struct bytes bytes)
{
    struct buf hex = BUF_INIT;

    buf_put_hex(&hex, bytes);
    buf_putc(&hex, '\0');
    made_text(name, (const char *)hex.p);
    buf_free(&hex);
}

/* len bytes that count up from first: every input of the example is made so. */
struct run {
    uint8_t p[32];
};

static struct run
run(uint8_t first)
{
    struct run r;

    for (size_t i = 0; i < sizeof r.p; i++)
        r.p[i] = (uint8_t)(first + i);
    return r;
}

static struct hmac_key
key(uint8_t first)
{
    struct hmac_key k;

    hmac_key_init(&k, BYTES_OF(run(first).p));
    return k;
}

static void
make_box(void)
{
    struct run raw = run(0x80);
    const struct box_key k = {BOX_COMPARTMENT, 7, raw.p};
    struct buf out = BUF_INIT;

    fixed_random_from(0xa0);
    box_seal(&out, &k, BYTES_LIT("row 5"), BYTES_LIT("hello"));
    fixed_random_off();
    made_hex("box", buf_bytes(&out));
    buf_free(&out);
}

static void
make_bundle(void)
{
    struct run vault = run(0), customer = run(16);
    const struct bundle_kek kek = {3, key(0x60)};
    const struct bundle_place place = {vault.p, customer.p};
    uint8_t out[BUNDLE_SEALED];
    struct bundle b;

    memcpy(b.dek, run(32).p, KEY_LEN);
    memcpy(b.ps, run(64).p, KEY_LEN);
    fixed_random_from(0xa0);
    bundle_seal(out, &kek, &place, &b);
    fixed_random_off();
    made_hex("bundle", BYTES_OF(out));
    assert_int_equal(bundle_open(&b, &kek, &place, BYTES_OF(out)), COFRE_OK);
}

static void
make_pseudonyms(void)
{
    struct run vault = run(0), customer = run(16), ps = run(64), secret = run(0x33);
    const struct pseudonym_log log = {vault.p, secret.p, 2};
    const struct hmac_key view = key(0xe0), index = key(0x11);
    uint8_t out[PSEUDONYM_LEN], subject[KEY_LEN];
    char id[ENCODE_ID_MAX];

    pseudonym_of(&view, customer.p, ps.p, out);
    made_hex("pseudonym", BYTES_OF(out));
    encode_id(id, "ps_", out);
    made_text("pseudonym-text", id);
    encode_id(id, "cus_", customer.p);
    made_text("customer-text", id);
    pseudonym_event_ref(&view, BYTES_LIT("order-1001"), out);
    made_hex("event-ref", BYTES_OF(out));
    pseudonym_index(&index, BYTES_LIT("email"), BYTES_LIT("ana@example.org"), out);
    made_hex("index", BYTES_OF(out));
    pseudonym_subject_key(&log, ps.p, subject);
    made_hex("subject-key", BYTES_OF(subject));
    pseudonym_subject(subject, run(0x70).p, out);
    made_hex("subject", BYTES_OF(out));
}

static void
make_token(void)
{
    const struct hmac_key pepper = key(0x22);
    uint8_t hash[HASH_LEN];
    char text[TOKEN_MAX];

    token_text(run(0x44).p, text);
    made_text("token", text);
    token_hash(&pepper, run(0x44).p, hash);
    made_hex("token-hash", BYTES_OF(hash));
}

static void
make_note(void)
{
    static const char text[] =
        "vault.example/log\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n";
    struct buf out = BUF_INIT;
    struct note_signer s;
    size_t head;

    assert_int_equal(note_signer_init(&s, "vault.example/log", run(0x55).p), COFRE_OK);
    note_vkey_put(&out, &s.verifier);
    buf_putc(&out, '\0');
    made_text("vkey", (const char *)out.p);

    buf_reset(&out);
    note_sign(&out, &s, bytes_str(text));
    head = strlen(text) + strlen("\n\xe2\x80\x94 vault.example/log ");
    assert_true(out.len > head);
    out.p[out.len - 1] = '\0'; /* the line end */
    made_text("note-signature", (const char *)out.p + head);
    buf_free(&out);
    note_signer_free(&s);
}

static void
check_value(const struct vector *v)
{
    const char *value = vector_text(v, "value");
    size_t len = strcspn(value, " ");

    for (size_t i = 0; i < count; i++)
        if (vector_is(v, "name", made[i].name)) {
            struct bytes got = buf_bytes(&made[i].value);

            if (got.len != len || memcmp(got.p, value, len) != 0)
                fail_msg("%s is %.*s", made[i].name, (int)got.len, (const char *)got.p);
            return;
        }
    fail_msg("not made: %s", v->line);
}

static void
the_example_is_what_the_code_makes(void **state)
{
    (void)state;
    make_box();
    make_bundle();
    make_pseudonyms();
    make_token();
    make_note();
    assert_int_equal(vectors_each("format-example.txt", check_value), count);
}

/* The text of a document without white space, NUL-terminated; false when there is none. */
static bool
document(const char *name, struct buf *out)
{
    char path[4096];
    FILE *file;
    int c;

    snprintf(path, sizeof path, "%s/docs/%s", vector_source(), name);
    if ((file = fopen(path, "r")) == NULL)
        return false;
    while ((c = getc(file)) != EOF)
        if (!isspace(c))
            buf_putc(out, (char)c);
    fclose(file);
    buf_putc(out, '\0');
    return true;
}

static void
the_document_prints_the_example(void **state)
{
    struct buf text = BUF_INIT;

    (void)state;
    assert_true(document("FORMAT.md", &text));
    for (size_t i = 0; i < count; i++) {
        buf_putc(&made[i].value, '\0');
        if (strstr((const char *)text.p, (const char *)made[i].value.p) == NULL)
            fail_msg("the value of %s is not in the document", made[i].name);
        buf_free(&made[i].value);
    }
    buf_free(&text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_is_what_the_code_makes),
        cmocka_unit_test(the_document_prints_the_example),
    };

    return cmocka_run_group_tests(tests, unit_setup, NULL);
}
