#include <stdlib.h>

#include "cofre/encode.h"
#include "vault/records/normalise.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_time(struct bytes text)
{
    const char *reason = NULL;
    int64_t ms;
    int year;
    int week;

    if (normalise_time(text, &ms, &reason) != COFRE_OK) {
        if (reason == NULL)
            abort();
        return;
    }
    normalise_week_of(ms, &year, &week);
    if (normalise_date_of(ms).year < 1000 || week < 1 || week > 53)
        abort();
}

/* First byte: the type; second: the form.  What comes out is UTF-8, and its own canonical text. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct normalise_in in = {.default_country = "ES", .today = "2026-03-01"};
    struct buf once = BUF_INIT;
    struct buf twice = BUF_INIT;
    const char *reason = NULL;

    if (size < 2)
        return 0;
    in.type = (enum schema_type)(data[0] % SCHEMA_TYPES);
    in.form = (enum normalise_form)(data[1] % (NORMALISE_BOOL + 1));
    in.text = (struct bytes){data + 2, size - 2};
    check_time(in.text);
    if (normalise_value(&in, &once, &reason) != COFRE_OK) {
        if (reason == NULL || once.len != 0)
            abort();
    } else {
        in.text = buf_bytes(&once);
        if (!encode_utf8_valid(in.text) || once.len == 0 || once.len > NORMALISE_MAX ||
            normalise_value(&in, &twice, &reason) != COFRE_OK ||
            !bytes_equal(buf_bytes(&once), buf_bytes(&twice)))
            abort();
    }
    buf_free(&once);
    buf_free(&twice);
    return 0;
}
