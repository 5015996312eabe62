#include "unit.h"

#include <pthread.h>
#include <string.h>

#include "vault/cache.h"
#include "vault/records/person.h"

/* The table of unwrapped secrets. */

static struct person
someone(uint8_t seed)
{
    struct person p;

    memset(&p, seed, sizeof p);
    return p;
}

static struct bytes
sealed_as(uint8_t buf[static BUNDLE_SEALED], uint8_t seed)
{
    memset(buf, seed, BUNDLE_SEALED);
    return (struct bytes){buf, BUNDLE_SEALED};
}

static void
what_was_put_is_found_under_the_same_bundle_alone(void **state)
{
    uint8_t id[BUNDLE_ID] = {1, 2, 3};
    uint8_t buf[BUNDLE_SEALED];
    struct person p = someone(7);
    struct person got = someone(0);
    struct cache *c;

    (void)state;
    assert_int_equal(cache_new(&c), COFRE_OK);
    assert_false(cache_get(c, id, sealed_as(buf, 9), &got));
    cache_put(c, id, sealed_as(buf, 9), &p);
    assert_true(cache_get(c, id, sealed_as(buf, 9), &got));
    assert_memory_equal(&got, &p, sizeof p);

    /* Every byte of commitment and salt counts; so do length and id. */
    got = someone(0);
    for (size_t i = 0; i < HASH_LEN + BUNDLE_SALT; i++) {
        struct bytes other = sealed_as(buf, 9);
        buf[i] ^= 1;
        assert_false(cache_get(c, id, other, &got));
    }
    assert_false(cache_get(c, id, (struct bytes){buf, BUNDLE_SEALED - 1}, &got));
    for (size_t i = 0; i < BUNDLE_ID; i++) {
        id[i] ^= 1;
        assert_false(cache_get(c, id, sealed_as(buf, 9), &got));
        id[i] ^= 1;
    }
    assert_int_equal(got.tag_key[0], 0);
    cache_free(c);
}

static void
it_is_bounded_and_the_last_one_stays(void **state)
{
    uint8_t id[BUNDLE_ID] = {0};
    uint8_t buf[BUNDLE_SEALED];
    struct person p = someone(1);
    struct person q = someone(2);
    struct person got;
    struct cache *c;

    (void)state;
    assert_int_equal(cache_new(&c), COFRE_OK);
    cache_put(c, id, sealed_as(buf, 9), &p);
    id[15] = 1; /* the same slot */
    cache_put(c, id, sealed_as(buf, 9), &q);
    assert_true(cache_get(c, id, sealed_as(buf, 9), &got));
    assert_memory_equal(&got, &q, sizeof q);
    id[15] = 0;
    assert_false(cache_get(c, id, sealed_as(buf, 9), &got));
    cache_free(c);
    cache_free(NULL);
}

/* Two persons in one slot, many threads: whoever finds one finds a whole one. */
static void *
put_and_get(void *arg)
{
    struct cache *c = arg;
    uint8_t id[BUNDLE_ID] = {0};
    uint8_t buf[BUNDLE_SEALED];
    uintptr_t wrong = 0;

    for (unsigned i = 0; i < 20000; i++) {
        uint8_t who = (uint8_t)(1 + i % 2);
        struct person p = someone(who);
        struct person got;

        id[15] = who;
        cache_put(c, id, sealed_as(buf, who), &p);
        if (cache_get(c, id, sealed_as(buf, who), &got) && memcmp(&got, &p, sizeof p) != 0)
            wrong++;
    }
    return (void *)wrong;
}

static void
threads_find_whole_persons(void **state)
{
    pthread_t thread[4];
    struct cache *c;

    (void)state;
    assert_int_equal(cache_new(&c), COFRE_OK);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, put_and_get, c), 0);
    for (unsigned i = 0; i < 4; i++) {
        void *wrong;
        assert_int_equal(pthread_join(thread[i], &wrong), 0);
        assert_null(wrong);
    }
    cache_free(c);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_put_is_found_under_the_same_bundle_alone),
        cmocka_unit_test(it_is_bounded_and_the_last_one_stays),
        cmocka_unit_test(threads_find_whole_persons),
    };

    return cmocka_run_group_tests(tests, unit_setup, NULL);
}
