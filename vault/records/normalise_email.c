#include <stdlib.h>
#include <utf8proc.h>

#include "cofre/secret.h"
#include "vault/records/normalise_internal.h"

enum { EMAIL_MAX = 254, LOCAL_MAX = 64, LABEL_MAX = 63 };

/* What neither side of an address has, in any script: white space, controls, marks that do not show. */
static bool
is_hidden(int32_t c)
{
    switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
        return true;
    default:
        return false;
    }
}

/* Full stops, dashes, quotes and brackets of other scripts, but for the two dots that domains may have. */
static bool
is_foreign_punctuation(int32_t c)
{
    utf8proc_category_t category = utf8proc_category(c);

    return category >= UTF8PROC_CATEGORY_PC && category <= UTF8PROC_CATEGORY_PO && c != 0xb7 &&
           c != 0x30fb;
}

/* An unquoted local part (RFC 5321, 6531). */
static bool
local_allows(int32_t c)
{
    if (c < 0x80)
        return c > ' ' && c < 0x7f && strchr("\"(),:;<>@[\\]", c) == NULL;
    return !is_hidden(c);
}

static bool
domain_allows(int32_t c)
{
    if (c < 0x80)
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-';
    return !is_hidden(c) && !is_foreign_punctuation(c);
}

/* Runs of what is allowed, with one dot between any two. */
static bool
is_dotted(struct bytes in, bool (*allows)(int32_t), bool domain)
{
    size_t label = 0;
    int32_t code;
    size_t n;

    for (size_t i = 0; i < in.len; i += n) {
        utf8proc_ssize_t got = utf8proc_iterate(in.p + i, (utf8proc_ssize_t)(in.len - i), &code);

        n = got > 0 ? (size_t)got : 1;
        if (code == '.') {
            if (i == label || (domain && (in.p[i - 1] == '-' || i - label > LABEL_MAX)))
                return false;
            label = i + 1;
        } else if (!allows(code) || (domain && code == '-' && i == label)) {
            return false;
        }
    }
    return label < in.len && !(domain && (in.p[in.len - 1] == '-' || in.len - label > LABEL_MAX));
}

static utf8proc_int32_t
lower(utf8proc_int32_t c, void *unused)
{
    (void)unused;
    return utf8proc_tolower(c);
}

/*
 * Lower case by character, composed again.  Not case folding, which would make one domain of two
 * that IDNA keeps apart (with sharp s, with a final sigma).
 */
static enum cofre_err
put_lower(struct bytes domain, bool ascii, struct buf *out)
{
    utf8proc_uint8_t *lowered;
    utf8proc_ssize_t len;

    if (ascii) {
        for (size_t i = 0; i < domain.len; i++)
            buf_putc(out, (char)utf8proc_tolower(domain.p[i]));
        return buf_error(out);
    }
    len = utf8proc_map_custom(domain.p, (utf8proc_ssize_t)domain.len, &lowered,
                              UTF8PROC_STABLE | UTF8PROC_COMPOSE, lower, NULL);
    if (len < 0)
        return COFRE_ENOMEM; /* the input is valid UTF-8: nothing else is left to fail */
    buf_put(out, lowered, (size_t)len);
    secret_wipe(lowered, (size_t)len);
    free(lowered);
    return buf_error(out);
}

static enum cofre_err
put_email(const struct normalise_text *t, struct buf *out, const char **reason)
{
    const uint8_t *at = memchr(t->text.p, '@', t->text.len);
    size_t start = out->len;
    struct bytes local;
    struct bytes domain;
    enum cofre_err err;

    if (at == NULL)
        return normalise_refuse(reason, "is not an e-mail address");
    local = (struct bytes){t->text.p, (size_t)(at - t->text.p)};
    domain = (struct bytes){at + 1, t->text.len - local.len - 1};
    if (local.len > LOCAL_MAX)
        return normalise_refuse(reason, "is longer than 64 bytes before the @");
    if (domain.len > EMAIL_MAX)
        return normalise_refuse(reason, "is longer than 254 bytes");
    if (!is_dotted(local, local_allows, false) || !is_dotted(domain, domain_allows, true))
        return normalise_refuse(reason, "is not an e-mail address");

    buf_putb(out, local);
    buf_putc(out, '@');
    if ((err = put_lower(domain, t->ascii, out)) != COFRE_OK)
        return err;
    if (out->len - start > EMAIL_MAX)
        return normalise_refuse(reason, "is longer than 254 bytes");
    return COFRE_OK;
}

enum cofre_err
normalise_email(struct bytes in, struct buf *out, const char **reason)
{
    struct normalise_text t;
    enum cofre_err err;

    if ((err = normalise_text_open(in, &t, reason)) != COFRE_OK)
        return err;
    err = put_email(&t, out, reason);
    normalise_text_close(&t);
    return err;
}
