#include <assert.h>
#include <endian.h>
#include <string.h>

#include "audit/verify_form.h"

/* A cursor that has gone wrong stands at its end, where nothing more can be taken. */
struct cursor {
    const uint8_t *p;
    const uint8_t *end;
    bool bad;
};

static const uint64_t number_max = (UINT64_C(1) << 53) - 1;

/* The characters of names. */
static const bool name_char[256] = {
    ['-'] = 1, ['0'] = 1, ['1'] = 1, ['2'] = 1, ['3'] = 1, ['4'] = 1, ['5'] = 1, ['6'] = 1,
    ['7'] = 1, ['8'] = 1, ['9'] = 1, ['_'] = 1, ['a'] = 1, ['b'] = 1, ['c'] = 1, ['d'] = 1,
    ['e'] = 1, ['f'] = 1, ['g'] = 1, ['h'] = 1, ['i'] = 1, ['j'] = 1, ['k'] = 1, ['l'] = 1,
    ['m'] = 1, ['n'] = 1, ['o'] = 1, ['p'] = 1, ['q'] = 1, ['r'] = 1, ['s'] = 1, ['t'] = 1,
    ['u'] = 1, ['v'] = 1, ['w'] = 1, ['x'] = 1, ['y'] = 1, ['z'] = 1};

static void
go_bad(struct cursor *c)
{
    c->bad = true;
    c->p = c->end;
}

static size_t
left(const struct cursor *c)
{
    return (size_t)(c->end - c->p);
}

/* In line, so that the compiler sees the length and needs no call to compare. */
static inline __attribute__((always_inline)) void
take(struct cursor *c, const char *literal, size_t len)
{
    if (left(c) >= len && memcmp(c->p, literal, len) == 0)
        c->p += len;
    else
        go_bad(c);
}

#define TAKE(c, literal) take(c, literal, sizeof(literal) - 1)

static bool
next_is(const struct cursor *c, uint8_t byte)
{
    return c->p < c->end && *c->p == byte;
}

static bool
skip_comma(struct cursor *c)
{
    const bool is_next = next_is(c, ',');

    c->p += is_next;
    return is_next;
}

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/*
 * Eight characters at once, one in each byte of x; *bad gets bits where one is not a lower-case
 * hexadecimal digit.  Below 0x80, adding 0x80 - n sets a byte's top bit when it is at least n.
 */
static inline uint64_t
hex_values(uint64_t x, uint64_t *bad)
{
    const uint64_t ascii = x & EACH(0x7f);
    const uint64_t digit = (ascii + EACH(0x80 - '0')) & ~(ascii + EACH(0x80 - '9' - 1));
    const uint64_t letter = (ascii + EACH(0x80 - 'a')) & ~(ascii + EACH(0x80 - 'f' - 1));

    *bad |= (~(digit | letter) | x) & EACH(0x80);
    return (x & EACH(0x0f)) + (letter >> 7 & EACH(0x01)) * 9;
}

static inline uint64_t
load(const uint8_t *p)
{
    uint64_t x;

    memcpy(&x, p, sizeof x);
    return x;
}

/* Sixteen characters; the compiler makes of it what the processor has. */
typedef uint8_t sixteen __attribute__((vector_size(16)));

/* Takes n hexadecimal digits; n is a multiple of 16. */
static inline __attribute__((always_inline)) void
take_hex(struct cursor *c, size_t n)
{
    sixteen good = ~(sixteen){0};
    uint64_t halves[2];
    sixteen x;

    if (left(c) < n) {
        go_bad(c);
        return;
    }
    for (size_t i = 0; i < n; i += sizeof x) {
        memcpy(&x, c->p + i, sizeof x);
        good &= (sixteen)(x - '0' <= 9) | (sixteen)(x - 'a' <= 5);
    }
    memcpy(halves, &good, sizeof halves);
    c->p += n;
    if ((halves[0] & halves[1]) != UINT64_MAX)
        go_bad(c);
}

static void
take_prev(struct cursor *c, uint8_t out[static HASH_LEN])
{
    uint64_t bad = 0;

    static_assert(HASH_LEN % 4 == 0, "eight digits make four bytes");
    memset(out, 0, HASH_LEN);
    if (left(c) < 2 * HASH_LEN) {
        go_bad(c);
        return;
    }
    for (size_t i = 0; i < HASH_LEN; i += 4) {
        uint64_t v = hex_values(be64toh(load(c->p + 2 * i)), &bad);
        uint32_t four;

        v = (v | v >> 4) & UINT64_C(0x00ff00ff00ff00ff); /* a byte in every other place */
        v = (v | v >> 8) & UINT64_C(0x0000ffff0000ffff);
        v |= v >> 16;
        four = htobe32((uint32_t)v);
        memcpy(out + i, &four, sizeof four);
    }
    c->p += 2 * HASH_LEN;
    if (bad != 0)
        go_bad(c);
}

/* Eight decimal digits at once: pairs, fours, all of them. */
static inline bool
eight_digits(uint64_t text, uint64_t *n)
{
    uint64_t x = le64toh(text) - EACH('0');

    if ((((x + EACH(0x80 - 10)) | x) & EACH(0x80)) != 0)
        return false;
    x = (x * 10 + (x >> 8)) & UINT64_C(0x00ff00ff00ff00ff);
    x = (x * 100 + (x >> 16)) & UINT64_C(0x0000ffff0000ffff);
    *n = (x * 10000 + (x >> 32)) & UINT32_MAX;
    return true;
}

/* Without leading zeros, at most max. */
static uint64_t
take_number(struct cursor *c, uint64_t max)
{
    const uint8_t *start = c->p;
    uint64_t n = 0;

    if (left(c) >= 8 && eight_digits(load(c->p), &n))
        c->p += 8;
    for (; c->p < c->end && (uint8_t)(*c->p - '0') <= 9 && n <= max; c->p++)
        n = n * 10 + (uint64_t)(*c->p - '0');
    if (n > max || c->p == start || (*start == '0' && c->p - start > 1))
        go_bad(c);
    return n;
}

/* How many of eight characters, from the first on, may stand in a name. */
static inline unsigned
name_run(const uint8_t *p)
{
    const uint64_t x = le64toh(load(p));
    const uint64_t ascii = x & EACH(0x7f);
    const uint64_t digit = (ascii + EACH(0x80 - '0')) & ~(ascii + EACH(0x80 - '9' - 1));
    const uint64_t letter = (ascii + EACH(0x80 - 'a')) & ~(ascii + EACH(0x80 - 'z' - 1));
    const uint64_t dash = ~((ascii ^ EACH('-')) + EACH(0x7f));
    const uint64_t line = ~((ascii ^ EACH('_')) + EACH(0x7f));
    const uint64_t bad = (~(digit | letter | dash | line) | x) & EACH(0x80);

    return bad == 0 ? 8 : (unsigned)__builtin_ctzll(bad) / 8;
}

/* A name and its closing quote; returns the name's length. */
static inline __attribute__((always_inline)) size_t
take_name(struct cursor *c)
{
    const uint8_t *start = c->p;
    unsigned run = 8;
    size_t len;

    while (run == 8 && left(c) >= 8) {
        run = name_run(c->p);
        c->p += run;
    }
    while (run == 8 && c->p < c->end && name_char[*c->p])
        c->p++;
    len = (size_t)(c->p - start);
    if (len > ENTRY_NAME_MAX || !next_is(c, '"'))
        go_bad(c);
    else
        c->p++;
    return len;
}

static void
take_fields(struct cursor *c)
{
    size_t n = 0;

    TAKE(c, ",\"fields\":[");
    if (next_is(c, ']'))
        return;
    do {
        TAKE(c, "\"");
        if (take_name(c) == 0 || ++n > ENTRY_FIELDS_MAX)
            go_bad(c);
    } while (skip_comma(c));
}

static void
take_subjects(struct cursor *c)
{
    size_t n = 0;

    TAKE(c, ",\"subj\":[");
    if (next_is(c, ']'))
        return;
    do {
        TAKE(c, "\"");
        take_hex(c, 2 * ENTRY_TAG);
        TAKE(c, "\"");
        if (++n > ENTRY_SUBJECTS_MAX)
            go_bad(c);
    } while (skip_comma(c));
}

static void
take_reply(struct cursor *c)
{
    TAKE(c, ",\"reply\":\"");
    if (!next_is(c, '"'))
        take_hex(c, 2 * HASH_LEN);
    TAKE(c, "\"");
}

static void
take_who(struct cursor *c, struct verify_form *out)
{
    TAKE(c, ",\"v\":1,\"act\":\"");
    out->act.p = c->p;
    out->act.len = take_name(c);
    out->ok = left(c) > 6 && c->p[6] == 't';
    if (out->ok)
        TAKE(c, ",\"ok\":true,\"code\":");
    else
        TAKE(c, ",\"ok\":false,\"code\":");
    (void)take_number(c, UINT32_MAX);
    TAKE(c, ",\"actor\":\"");
    (void)take_name(c);
    TAKE(c, ",\"role\":\"");
    (void)take_name(c);
    TAKE(c, ",\"view\":\"");
    (void)take_name(c);
    TAKE(c, ",\"purpose\":\"");
    (void)take_name(c);
}

bool
verify_form_check(struct bytes line, struct verify_form *out)
{
    struct cursor c = {line.p, line.p + line.len, false};

    static_assert(ENTRY_VERSION == 1, "the version is part of a literal");
    if (line.len == 0 || line.len > ENTRY_MAX)
        return false;
    TAKE(&c, "{\"prev\":\"");
    take_prev(&c, out->prev);
    TAKE(&c, "\",\"seq\":");
    out->seq = take_number(&c, number_max);
    TAKE(&c, ",\"ts\":");
    out->ts = take_number(&c, number_max);
    take_who(&c, out);
    take_fields(&c);
    TAKE(&c, "],\"n\":");
    (void)take_number(&c, number_max);
    take_reply(&c);
    TAKE(&c, ",\"nonce\":\"");
    take_hex(&c, 2 * ENTRY_NONCE);
    TAKE(&c, "\"");
    take_subjects(&c);
    TAKE(&c, "]}");
    return !c.bad && c.p == c.end;
}
