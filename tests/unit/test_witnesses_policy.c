#include "unit.h"

#include "crypto/cosign.h"
#include "vault/witnesses_policy.h"

#define W1 "witness.example/w1+20324abe+BCmsuuFBvMrwsi4alNNNC8c2HlJtC/4SyJeUvJMilm3X"
#define LOG "vault.example/audit+99f33cb1+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"

static struct witnesses_policy p;

static enum cofre_err
parse(const char *text, struct cofre_why *why)
{
    struct bytes exact = unit_exact(bytes_str(text));
    enum cofre_err err;

    why->text[0] = '\0';
    err = witnesses_policy_parse(exact, &p, why);
    unit_exact_free(exact);
    return err;
}

static void
a_policy_names_witnesses_and_a_quorum(void **state)
{
    struct cofre_why why;

    (void)state;
    assert_int_equal(parse("# ours\n\n  log " LOG " https://vault.example/\n"
                           "witness one\t" W1 "  https://witness.example/a/\nquorum 1",
                           &why),
                     COFRE_OK);
    assert_int_equal(p.n, 1);
    assert_int_equal(p.quorum, 1);
    assert_string_equal(p.one[0].name, "one");
    assert_string_equal(p.one[0].url, "https://witness.example/a");
    assert_string_equal(p.one[0].key.name, "witness.example/w1");
    assert_int_equal(parse("quorum none\nwitness one " W1 " http://127.0.0.1:1/\n", &why),
                     COFRE_OK);
    assert_int_equal(p.quorum, 0);
    assert_int_equal(parse("quorum any\nwitness one " W1 " http://localhost:1/\n", &why), COFRE_OK);
    assert_int_equal(p.quorum, 1);
    assert_int_equal(parse("quorum all\nwitness one " W1 " http://w.example/\n", &why), COFRE_OK);
    assert_int_equal(p.quorum, 1);
}

static void
what_is_wrong_is_said_with_its_line(void **state)
{
    static const struct {
        const char *text;
        const char *says;
    } bad[] = {
        {"", "names no witness"},
        {"quorum none\n", "names no witness"},
        {"witness one " W1 " http://w.example/\n", "has no quorum"},
        {"witness one " W1 " http://w.example/\nquorum 2\n", "asks for more"},
        {"witness one " W1 " http://w.example/\nquorum 1\nquorum 1\n", "line 3"},
        {"witness one " W1 " http://w.example/\nquorum all\nquorum 1\n", "line 3"},
        {"witness one " W1 " http://w.example/\nquorum x\n", "line 2"},
        {"witness one " W1 " http://w.example/\nquorum 99999999999999999999\n", "line 2"},
        {"witness one " W1 " http://w.example/\nquorum\n", "line 2"},
        {"witness one " W1 "\nquorum 1\n", "line 1"},
        {"witness one " W1 " http://w.example extra\nquorum 1\n", "line 1"},
        {"witness one+ " W1 " http://w.example/\nquorum 1\n", "line 1"},
        {"witness one " LOG " http://w.example/\nquorum 1\n", "line 1"},
        {"witness one nonsense http://w.example/\nquorum 1\n", "line 1"},
        {"witness one " W1 " ftp://w.example\nquorum 1\n", "line 1"},
        {"witness one " W1 " http:"
         "//\nquorum 1\n",
         "line 1"},
        {"witness one " W1 " http:///x\nquorum 1\n", "line 1"},
        {"witness one " W1 " http://localhost:p@w.example\nquorum 1\n", "line 1"},
        {"witness one " W1 " http://w.example?x\nquorum 1\n", "line 1"},
        {"witness one " W1 " http://w.example/\nwitness two " W1 " http://x.example/\nquorum 1\n",
         "line 2: a witness"},
        {"group g all one\n", "line 1: groups"},
        {"Witness one\n", "line 1"},
    };
    struct cofre_why why;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (parse(bad[i].text, &why) != COFRE_EINVAL || strstr(why.text, bad[i].says) == NULL)
            fail_msg("case %zu: %s", i, why.text);
        /* Nothing of the file is shown. */
        assert_null(strstr(why.text, "witness.example"));
    }
}

static void
there_are_as_many_as_a_note_can_hold(void **state)
{
    struct buf text = BUF_INIT;
    struct cofre_why why;

    (void)state;
    for (uint8_t i = 0; i <= WITNESSES_POLICY_MAX; i++) {
        uint8_t seed[NOTE_SEED] = {i};
        struct note_signer s;
        size_t before = text.len;

        assert_int_equal(cosign_signer_init(&s, "w", seed), COFRE_OK);
        buf_putf(&text, "witness w%u ", i);
        note_vkey_put(&text, &s.verifier);
        buf_puts(&text, " http://w.example/\n");
        note_signer_free(&s);
        if (i < WITNESSES_POLICY_MAX)
            continue;
        buf_puts(&text, "quorum all\n");
        assert_int_equal(witnesses_policy_parse(buf_bytes(&text), &p, &why), COFRE_EINVAL);
        text.len = before;
    }
    buf_puts(&text, "quorum all\n");
    assert_int_equal(witnesses_policy_parse(buf_bytes(&text), &p, &why), COFRE_OK);
    assert_int_equal(p.quorum, WITNESSES_POLICY_MAX);
    buf_free(&text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_policy_names_witnesses_and_a_quorum),
        cmocka_unit_test(what_is_wrong_is_said_with_its_line),
        cmocka_unit_test(there_are_as_many_as_a_note_can_hold),
    };

    return cmocka_run_group_tests(tests, unit_setup, NULL);
}
