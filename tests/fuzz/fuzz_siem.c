/* Whatever an entry and a log are called: each output is one line within its bounds, and OCSF is JSON. */
#include <stdlib.h>

#include <jansson.h>

#include "audit/siem.h"
#include "cofre/encode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
    if (!holds)
        abort();
}

static void
check_json(const struct buf *out)
{
    json_t *event = json_loadb((const char *)out->p, out->len, JSON_REJECT_DUPLICATES, NULL);

    must(event != NULL);
    json_decref(event);
}

/* The first byte says how many of the next are the log's name; then comes an entry. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const size_t most[SIEM_FORMATS] = {ENTRY_MAX, SIEM_CEF_MAX, SIEM_OCSF_MAX};
    static struct siem_item item;
    struct siem_source source = {.version = BYTES_LIT("1")};
    struct buf out = BUF_INIT;
    size_t name;

    if (size == 0 || (name = data[0]) > size - 1)
        return 0;
    source.origin = (struct bytes){data + 1, name};
    if (!encode_utf8_valid(source.origin) || (name > 0 && memchr(data + 1, '\n', name) != NULL) ||
        siem_read((struct bytes){data + 1 + name, size - 1 - name}, &item) != COFRE_OK)
        return 0;
    for (unsigned f = 0; f < SIEM_FORMATS; f++) {
        buf_reset(&out);
        siem_write(&out, (enum siem_format)f, &source, &item);
        must(buf_error(&out) == COFRE_OK && out.len > 0 && out.len <= most[f]);
        must(memchr(out.p, '\n', out.len) == NULL);
        if (f == SIEM_OCSF)
            check_json(&out);
        buf_reset(&out);
        siem_syslog(&out, (enum siem_format)f, &source, &item);
        must(buf_error(&out) == COFRE_OK && out.len <= SIEM_SYSLOG_MAX);
        must(memchr(out.p, '\n', out.len) == NULL);
    }
    buf_free(&out);
    return 0;
}
