#include <string.h>

#include "audit/verify_keys.h"

/* The next line, of which the end may be missing. */
static struct bytes
next_line(struct bytes *text)
{
    const uint8_t *end = memchr(text->p, '\n', text->len);
    const struct bytes line = {text->p, end != NULL ? (size_t)(end - text->p) : text->len};
    const size_t taken = line.len + (end != NULL);

    text->p += taken;
    text->len -= taken;
    return line;
}

enum cofre_err
verify_keys_add(struct verify_keys *k, struct bytes text)
{
    size_t n = k->n;

    while (text.len > 0) {
        if (n == VERIFY_KEYS_MAX)
            return COFRE_ELIMIT;
        if (note_vkey_parse(next_line(&text), &k->key[n]) != COFRE_OK)
            return COFRE_EFORMAT;
        n++;
    }
    if (n == k->n)
        return COFRE_EFORMAT;
    k->n = n;
    return COFRE_OK;
}

/* One witness counts once, under whatever name. */
static bool
is_new(const struct verify_keys *k, size_t i)
{
    for (size_t j = 0; j < i; j++) {
        if (memcmp(k->key[j].public_key, k->key[i].public_key, NOTE_PUBLIC) == 0)
            return false;
    }
    return true;
}

enum cofre_err
verify_keys_witness(struct verify_keys *k, struct bytes text)
{
    const size_t before = k->n;
    enum cofre_err err = verify_keys_add(k, text);

    for (size_t i = before; i < k->n && err == COFRE_OK; i++) {
        if (k->key[i].algorithm == NOTE_COSIGNATURE && is_new(k, i))
            continue;
        err = k->key[i].algorithm == NOTE_COSIGNATURE ? COFRE_EEXIST : COFRE_EFORMAT;
        k->n = before;
    }
    return err;
}

static int
digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

enum cofre_err
verify_keys_hash(struct bytes text, uint8_t out[static HASH_LEN])
{
    int high, low;

    if (text.len != 2 * (size_t)HASH_LEN)
        return COFRE_EFORMAT;
    for (size_t i = 0; i < HASH_LEN; i++) {
        high = digit(text.p[2 * i]);
        low = digit(text.p[2 * i + 1]);
        if (high < 0 || low < 0)
            return COFRE_EFORMAT;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return COFRE_OK;
}
