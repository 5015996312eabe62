#include <assert.h>
#include <stdlib.h>

#include "cofre/secret.h"

#include "audit/subject.h"

enum { TAG_HEX = 2 * ENTRY_TAG, TAG_QUOTED = TAG_HEX + 2, NONCE_HEX = 2 * ENTRY_NONCE };

static const char head[] = "cofre-subject/v1\n";

struct subject {
    struct secret *memory; /* n keys, each made ready */
    const struct hmac_key *keys;
    size_t n;
    uint32_t last_epoch;
};

enum cofre_err
subject_new(const uint8_t *keys, size_t n, struct subject **out)
{
    struct subject *s = calloc(1, sizeof *s);
    struct hmac_key *ready;

    assert(n > 0 && n <= SUBJECT_EPOCHS_MAX);
    *out = NULL;
    if (s == NULL || secret_new(n * sizeof *ready, &s->memory) != COFRE_OK) {
        free(s);
        return COFRE_ENOMEM;
    }
    ready = (struct hmac_key *)(void *)secret_data(s->memory);
    for (size_t i = 0; i < n; i++)
        hmac_key_init(&ready[i], (struct bytes){keys + i * HASH_LEN, HASH_LEN});
    s->keys = ready;
    s->n = n;
    *out = s;
    return COFRE_OK;
}

void
subject_free(struct subject *s)
{
    if (s == NULL)
        return;
    secret_free(s->memory);
    free(s);
}

uint32_t
subject_last_epoch(const struct subject *s)
{
    return s->last_epoch;
}

/* ---- the key file ---- */

void
subject_put_head(struct buf *out, const uint8_t vault[static 16])
{
    buf_puts(out, head);
    buf_puts(out, "vault ");
    buf_put_hex(out, (struct bytes){vault, 16});
    buf_putc(out, '\n');
}

void
subject_put_epoch(struct buf *out, uint32_t epoch, const uint8_t key[static HASH_LEN])
{
    buf_puts(out, "epoch ");
    buf_put_u64_dec(out, epoch);
    buf_putc(out, ' ');
    buf_put_hex(out, (struct bytes){key, HASH_LEN});
    buf_putc(out, '\n');
}

/* 0 to 15, or 16 for what is no lower-case hexadecimal digit. */
static unsigned
nibble(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10) : 16;
}

/* Reads 2 * len digits. */
static bool
hex_read(const uint8_t *text, uint8_t *out, size_t len)
{
    unsigned all = 0;

    for (size_t i = 0; i < len; i++) {
        unsigned high = nibble(text[2 * i]);
        unsigned low = nibble(text[2 * i + 1]);

        all |= high | low;
        out[i] = (uint8_t)(high << 4 | (low & 15));
    }
    return all < 16;
}

static bool
starts_with(struct bytes text, struct bytes start)
{
    return text.len >= start.len && memcmp(text.p, start.p, start.len) == 0;
}

/* The next line without its end; false when there is none, or its end is missing. */
static bool
next_line(struct bytes *text, struct bytes *line)
{
    const uint8_t *end = text->len > 0 ? memchr(text->p, '\n', text->len) : NULL;

    if (end == NULL)
        return false;
    *line = (struct bytes){text->p, (size_t)(end - text->p)};
    *text = (struct bytes){end + 1, text->len - line->len - 1};
    return true;
}

/* "epoch N K", N above the one before. */
static bool
epoch_line(struct bytes line, uint32_t *epoch, uint8_t key[static HASH_LEN])
{
    const struct bytes word = BYTES_LIT("epoch ");
    uint64_t n = 0;
    size_t at = word.len;

    if (!starts_with(line, word))
        return false;
    for (; at < line.len && line.p[at] >= '0' && line.p[at] <= '9' && n <= UINT32_MAX; at++)
        n = n * 10 + (uint64_t)(line.p[at] - '0');
    if (at == word.len || line.p[word.len] == '0' || n <= *epoch || n > UINT32_MAX)
        return false;
    if (line.len - at != 1 + 2 * HASH_LEN || line.p[at] != ' ')
        return false;
    *epoch = (uint32_t)n;
    return hex_read(line.p + at + 1, key, HASH_LEN);
}

static bool
vault_line(struct bytes line)
{
    const struct bytes word = BYTES_LIT("vault ");
    uint8_t id[16];

    return line.len == word.len + 2 * sizeof id && starts_with(line, word) &&
           hex_read(line.p + word.len, id, sizeof id);
}

/* The lines behind the head; number is that of the line before. */
static enum cofre_err
read_epochs(struct bytes text, struct secret *keys, struct subject **out, struct cofre_why *why)
{
    struct bytes line;
    uint32_t epoch = 0;
    size_t n = 0;
    enum cofre_err err;

    for (; text.len > 0; n++) {
        if (n == SUBJECT_EPOCHS_MAX || !next_line(&text, &line) ||
            !epoch_line(line, &epoch, secret_data(keys) + n * HASH_LEN))
            return cofre_why_set(why, COFRE_EFORMAT,
                                 "line %zu of the key file is no epoch, or not behind the last",
                                 n + 3);
    }
    if (n == 0)
        return cofre_why_set(why, COFRE_EFORMAT, "line 3 of the key file is missing: an epoch");
    if ((err = subject_new(secret_data(keys), n, out)) == COFRE_OK)
        (*out)->last_epoch = epoch;
    return err;
}

enum cofre_err
subject_parse(struct bytes text, struct subject **out, struct cofre_why *why)
{
    struct secret *keys = NULL;
    struct bytes line;
    enum cofre_err err;

    *out = NULL;
    if (text.len > SUBJECT_FILE_MAX || !starts_with(text, bytes_str(head)))
        return cofre_why_set(why, COFRE_EFORMAT, "line 1 of the key file is not cofre-subject/v1");
    text = (struct bytes){text.p + sizeof head - 1, text.len - (sizeof head - 1)};
    if (!next_line(&text, &line) || !vault_line(line))
        return cofre_why_set(why, COFRE_EFORMAT, "line 2 of the key file names no vault");
    if ((err = secret_new(SUBJECT_EPOCHS_MAX * HASH_LEN, &keys)) == COFRE_OK)
        err = read_epochs(text, keys, out, why);
    secret_free(keys);
    return err;
}

/* ---- the search ---- */

/* Takes the text from the end of line; false when line does not end so. */
static bool
take_end(struct bytes *line, struct bytes text)
{
    if (line->len < text.len || memcmp(line->p + line->len - text.len, text.p, text.len) != 0)
        return false;
    line->len -= text.len;
    return true;
}

/* Takes all tags from the end of line, up to the bracket before them. */
static bool
take_tags(struct bytes *line, size_t *n)
{
    for (*n = 0; *n < ENTRY_SUBJECTS_MAX; ++*n) {
        if (line->len <= TAG_QUOTED || line->p[line->len - 1] != '"' ||
            line->p[line->len - TAG_QUOTED] != '"')
            return *n == 0;
        line->len -= TAG_QUOTED;
        if (line->p[line->len - 1] != ',') {
            ++*n;
            return true;
        }
        line->len--;
    }
    return false;
}

static bool
holds(const uint8_t *tags, size_t n, const uint8_t tag[static ENTRY_TAG])
{
    static const char digits[] = "0123456789abcdef";
    uint8_t text[TAG_HEX];

    for (size_t i = 0; i < ENTRY_TAG; i++) {
        text[2 * i] = (uint8_t)digits[tag[i] >> 4];
        text[2 * i + 1] = (uint8_t)digits[tag[i] & 15];
    }
    for (size_t i = 0; i < n; i++)
        if (memcmp(tags + i * (TAG_QUOTED + 1) + 1, text, TAG_HEX) == 0)
            return true;
    return false;
}

bool
subject_matches(const struct subject *s, struct bytes line)
{
    uint8_t nonce[ENTRY_NONCE];
    uint8_t tag[HASH_LEN];
    const uint8_t *tags;
    size_t n;

    if (!take_end(&line, BYTES_LIT("]}")) || !take_tags(&line, &n) || n == 0)
        return false;
    tags = line.p + line.len;
    if (!take_end(&line, BYTES_LIT("\",\"subj\":[")) || line.len < NONCE_HEX ||
        !hex_read(line.p + line.len - NONCE_HEX, nonce, sizeof nonce))
        return false;
    line.len -= NONCE_HEX;
    if (!take_end(&line, BYTES_LIT(",\"nonce\":\"")))
        return false;
    for (size_t i = 0; i < s->n; i++) {
        hmac_of(&s->keys[i], BYTES_OF(nonce), tag);
        if (holds(tags, n, tag))
            return true;
    }
    return false;
}
