#include <stddef.h>
#include <strings.h>

#include "headers.h"

/* name with a colon, as faults point to it */
static const struct {
    const char *name;
    size_t len;
    size_t offset;
} known[] = {
#define KNOWN(name, member)                                          \
    {                                                                \
        name ":", sizeof(name) - 1, offsetof(struct headers, member) \
    }
    KNOWN("Authorization", authorization),
    KNOWN("Content-Type", content_type),
    KNOWN("Content-Length", content_length),
    KNOWN("Transfer-Encoding", transfer_encoding),
    KNOWN("Expect", expect),
    KNOWN("Idempotency-Key", idempotency_key),
    KNOWN("If-Match", if_match),
#undef KNOWN
};

static enum MHD_Result
on_header(void *cls, enum MHD_ValueKind kind, const char *key, size_t key_len, const char *value,
          size_t value_len)
{
    struct headers *out = cls;

    (void)kind;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        struct bytes *at;
        if (key_len != known[i].len || strncasecmp(key, known[i].name, key_len) != 0)
            continue;
        at = (struct bytes *)(void *)((char *)out + known[i].offset);
        if (at->p != NULL)
            out->twice = known[i].name;
        else
            *at = (struct bytes){(const uint8_t *)(value != NULL ? value : ""), value_len};
        break;
    }
    return MHD_YES;
}

void
headers_read(struct MHD_Connection *connection, struct headers *out)
{
    *out = (struct headers){0};
    (void)MHD_get_connection_values_n(connection, MHD_HEADER_KIND, on_header, out);
}

uint64_t
headers_length(const struct headers *h)
{
    uint64_t n = 0;

    if (h->content_length.len == 0 || h->content_length.len > 18)
        return UINT64_MAX;
    for (size_t i = 0; i < h->content_length.len; i++) {
        uint8_t c = h->content_length.p[i];
        if (c < '0' || c > '9')
            return UINT64_MAX;
        n = n * 10 + (c - '0');
    }
    return n;
}

bool
headers_body(const struct headers *h)
{
    return h->transfer_encoding.p != NULL || (h->content_length.p != NULL && headers_length(h) > 0);
}

static struct bytes
trimmed(struct bytes b)
{
    while (b.len > 0 && (*b.p == ' ' || *b.p == '\t'))
        b = (struct bytes){b.p + 1, b.len - 1};
    while (b.len > 0 && (b.p[b.len - 1] == ' ' || b.p[b.len - 1] == '\t'))
        b.len--;
    return b;
}

static bool
is_text(struct bytes b, const char *text)
{
    return b.len == strlen(text) && strncasecmp((const char *)b.p, text, b.len) == 0;
}

/* RFC 7396 gives merge patches a type of their own; plain JSON is taken for one as well. */
static bool
is_json(struct bytes type, bool patch)
{
    return is_text(trimmed(type), "application/json") ||
           (patch && is_text(trimmed(type), "application/merge-patch+json"));
}

bool
headers_json(const struct headers *h, bool patch)
{
    const uint8_t *semicolon;
    struct bytes type = h->content_type;
    struct bytes parameter;

    if (type.len == 0)
        return false;
    semicolon = memchr(type.p, ';', type.len);
    if (semicolon == NULL)
        return is_json(type, patch);
    type.len = (size_t)(semicolon - type.p);
    parameter.p = semicolon + 1;
    parameter.len = h->content_type.len - type.len - 1;
    parameter = trimmed(parameter);
    return is_json(type, patch) &&
           (is_text(parameter, "charset=utf-8") || is_text(parameter, "charset=\"utf-8\""));
}
