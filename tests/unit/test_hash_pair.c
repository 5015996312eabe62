#include "crypto/hash_pair.h"
#include "unit.h"

static uint8_t text[HASH_PAIR_MAX];

/* By OpenSSL. */
static void
alone(uint8_t prefix, struct bytes message, uint8_t out[static HASH_LEN])
{
    struct hash h;

    hash_init(&h);
    hash_update(&h, (struct bytes){&prefix, 1});
    hash_update(&h, message);
    hash_final(&h, out);
}

static void
check(uint8_t prefix, size_t len0, size_t len1)
{
    const struct bytes message[2] = {unit_exact((struct bytes){text, len0}),
                                     unit_exact((struct bytes){text + 1, len1})};
    uint8_t got[2][HASH_LEN], want[2][HASH_LEN];
    uint8_t *const out[2] = {got[0], got[1]};

    hash_pair_of(prefix, message, out);
    alone(prefix, message[0], want[0]);
    alone(prefix, message[1], want[1]);
    assert_memory_equal(got[0], want[0], HASH_LEN);
    assert_memory_equal(got[1], want[1], HASH_LEN);
    unit_exact_free(message[0]);
    unit_exact_free(message[1]);
}

static int
setup(void **state)
{
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (uint8_t)(i * 167 + i / 256 * 31 + 5);
    return unit_setup(state);
}

static void
two_at_once_are_as_one_after_the_other(void **state)
{
    (void)state;
    if (!hash_pair_can())
        skip();
    for (size_t len = 0; len < 300; len++) {
        check(0x00, len, len);
        check(0x01, len, 300 - len);
        check(0xff, len * 5, 7);
        check(0x00, 64, len * 3);
    }
    for (size_t len = HASH_PAIR_MAX - 150; len < HASH_PAIR_MAX; len++)
        check(0x00, len, HASH_PAIR_MAX - 1);
}

/* As the rows of a tree are: what comes out goes to where it came from. */
static void
results_may_replace_messages(void **state)
{
    uint8_t row[4 * HASH_LEN], want[2][HASH_LEN];
    const struct bytes message[2] = {{row, 2 * HASH_LEN}, {row + 2 * HASH_LEN, 2 * HASH_LEN}};
    uint8_t *const out[2] = {row, row + HASH_LEN};

    (void)state;
    if (!hash_pair_can())
        skip();
    memcpy(row, text, sizeof row);
    alone(1, message[0], want[0]);
    alone(1, message[1], want[1]);
    hash_pair_of(1, message, out);
    assert_memory_equal(row, want[0], HASH_LEN);
    assert_memory_equal(row + HASH_LEN, want[1], HASH_LEN);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_at_once_are_as_one_after_the_other),
        cmocka_unit_test(results_may_replace_messages),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
