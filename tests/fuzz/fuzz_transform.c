/*
 * Each transform on any bytes: nothing, or one JSON value, the same each time; and what is masked or
 * cut is never the whole.  The input is transform, type and parameter (a byte each), then the value;
 * the value is also read as `since`.
 */
#include <stdlib.h>
#include <jansson.h>

#include "vault/views/transform.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Is value to be seen whole in shown?  Bullets in a value would be found in the mask's own. */
static bool
is_whole(const json_t *shown, struct bytes value)
{
    return memmem(value.p, value.len, "\u2022", sizeof "\u2022" - 1) == NULL &&
           memmem(json_string_value(shown), json_string_length(shown), value.p, value.len) != NULL;
}

static void
check_json(const struct buf *out, struct bytes value, enum transform_as as)
{
    json_t *json =
        json_loadb((const char *)out->p, out->len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);

    if (json == NULL)
        abort();
    if ((as == TRANSFORM_MASK || as == TRANSFORM_PREFIX) && is_whole(json, value))
        abort();
    json_decref(json);
}

static void
check_put(const struct transform *t, enum schema_type type, struct bytes value)
{
    static const struct normalise_date today = {2026, 11, 22};
    struct buf first = BUF_INIT;
    struct buf second = BUF_INIT;

    if (transform_put(&first, t, type, value, &today)) {
        check_json(&first, value, t->as);
        if (!transform_put(&second, t, type, value, &today) ||
            !bytes_equal(buf_bytes(&first), buf_bytes(&second)))
            abort();
    } else if (first.len != 0) {
        abort();
    }
    buf_free(&first);
    buf_free(&second);
}

static void
check_since(enum transform_time time, struct bytes text)
{
    int64_t from;
    int64_t first;
    int64_t after;

    if (transform_since(time, text, &from) != COFRE_OK)
        return;
    transform_time_bucket(time, from, &first, &after);
    if (first != from || after <= first)
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct transform t = {.n_edges = 3, .edges = {-10, 0, 100}};
    struct bytes value;

    if (size < 3)
        return 0;
    value = (struct bytes){data + 3, size - 3};
    t.as = (enum transform_as)(data[0] % TRANSFORM_COUNT);
    t.width = data[2] % 50U + 1;
    t.chars = data[2] % 3U + 1;
    check_put(&t, (enum schema_type)(data[1] % SCHEMA_TYPES), value);
    check_since((enum transform_time)(data[2] % 3), value);
    return 0;
}
