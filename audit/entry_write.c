#include <assert.h>
#include <string.h>

#include "audit/entry.h"

/* The committer writes each entry alone, so text goes straight into memory: no printf here. */

static const uint64_t number_max = ((uint64_t)1 << 53) - 1;

static const char hex_digits[] = "0123456789abcdef";

/* An upper bound for all that is neither a name nor a subject: keys, hex, five numbers. */
enum { FIXED_MAX = 512, NUMBER_CHARS = 20 };

static_assert(ENTRY_VERSION == 1, "put_entry writes it as a literal");
static_assert(FIXED_MAX + 5 * ENTRY_NAME_MAX + ENTRY_FIELDS_MAX * (ENTRY_NAME_MAX + 3) +
                      ENTRY_SUBJECTS_MAX * (2 * ENTRY_TAG + 3) <=
                  ENTRY_MAX,
              "the limits of the parts keep the whole below ENTRY_MAX");

/* Each put_* returns where the next byte goes. */

static uint8_t *
put(uint8_t *p, struct bytes b)
{
    if (b.len > 0)
        memcpy(p, b.p, b.len);
    return p + b.len;
}

#define PUT(p, literal) put(p, BYTES_LIT(literal))

static uint8_t *
put_hex(uint8_t *p, const uint8_t *in, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        *p++ = (uint8_t)hex_digits[in[i] >> 4];
        *p++ = (uint8_t)hex_digits[in[i] & 15];
    }
    return p;
}

static uint8_t *
put_number(uint8_t *p, uint64_t n)
{
    uint8_t digits[NUMBER_CHARS];
    size_t at = sizeof digits;

    do {
        digits[--at] = (uint8_t)('0' + n % 10);
        n /= 10;
    } while (n > 0);
    return put(p, (struct bytes){digits + at, sizeof digits - at});
}

/* The names as members of a JSON array: "a","b". */
static uint8_t *
put_fields(uint8_t *p, const struct entry *e)
{
    for (size_t i = 0; i < e->n_fields; i++) {
        p = i == 0 ? PUT(p, "\"") : PUT(p, ",\"");
        p = put(p, e->fields[i]);
        *p++ = '"';
    }
    return p;
}

static uint8_t *
put_subjects(uint8_t *p, const struct entry *e)
{
    for (size_t i = 0; i < e->n_subjects; i++) {
        p = i == 0 ? PUT(p, "\"") : PUT(p, ",\"");
        p = put_hex(p, e->subjects + i * ENTRY_TAG, ENTRY_TAG);
        *p++ = '"';
    }
    return p;
}

static uint8_t *
put_entry(uint8_t *p, const struct entry *e)
{
    p = PUT(p, "{\"prev\":\"");
    p = put_hex(p, e->prev, HASH_LEN);
    p = PUT(p, "\",\"seq\":");
    p = put_number(p, e->seq);
    p = PUT(p, ",\"ts\":");
    p = put_number(p, e->ts);
    p = PUT(p, ",\"v\":1,\"act\":\"");
    p = put(p, e->act);
    p = e->ok ? PUT(p, "\",\"ok\":true,\"code\":") : PUT(p, "\",\"ok\":false,\"code\":");
    p = put_number(p, e->code);
    p = PUT(p, ",\"actor\":\"");
    p = put(p, e->actor);
    p = PUT(p, "\",\"role\":\"");
    p = put(p, e->role);
    p = PUT(p, "\",\"view\":\"");
    p = put(p, e->view);
    p = PUT(p, "\",\"purpose\":\"");
    p = put(p, e->purpose);
    p = PUT(p, "\",\"fields\":[");
    p = put_fields(p, e);
    p = PUT(p, "],\"n\":");
    p = put_number(p, e->n);
    p = PUT(p, ",\"reply\":\"");
    p = put_hex(p, e->reply, e->has_reply ? HASH_LEN : 0);
    p = PUT(p, "\",\"nonce\":\"");
    p = put_hex(p, e->nonce, ENTRY_NONCE);
    p = PUT(p, "\",\"subj\":[");
    p = put_subjects(p, e);
    return PUT(p, "]}");
}

/* Checks e, and adds up how much room its names, fields and subjects need. */
static enum cofre_err
check(const struct entry *e, size_t *room)
{
    const struct bytes names[] = {e->act, e->actor, e->role, e->view, e->purpose};

    if (e->n_fields > ENTRY_FIELDS_MAX || e->n_subjects > ENTRY_SUBJECTS_MAX)
        return COFRE_ERANGE;
    if (e->seq > number_max || e->ts > number_max || e->n > number_max)
        return COFRE_EINVAL;
    *room = FIXED_MAX + e->n_subjects * (2 * ENTRY_TAG + 3);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (names[i].len > 0 && !entry_name_valid(names[i]))
            return COFRE_EINVAL;
        *room += names[i].len;
    }
    for (size_t i = 0; i < e->n_fields; i++) {
        if (!entry_name_valid(e->fields[i]))
            return COFRE_EINVAL;
        *room += e->fields[i].len + 3;
    }
    return COFRE_OK;
}

enum cofre_err
entry_write(struct buf *out, const struct entry *e)
{
    enum cofre_err err;
    uint8_t *start;
    size_t room;
    size_t len;

    if ((err = check(e, &room)) != COFRE_OK)
        return err;
    if ((start = buf_reserve(out, room)) == NULL)
        return COFRE_ENOMEM;
    len = (size_t)(put_entry(start, e) - start);
    assert(len <= room);
    out->len += len;
    return COFRE_OK;
}
