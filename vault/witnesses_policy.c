#include <stdio.h>

#include "vault/witnesses_policy.h"

enum { WORDS_MAX = 5 };

struct line {
    struct bytes word[WORDS_MAX];
    size_t n; /* WORDS_MAX: perhaps more */
};

static void
split(struct bytes text, struct line *out)
{
    out->n = 0;
    while (text.len > 0 && out->n < WORDS_MAX) {
        size_t len = 0;

        while (len < text.len && text.p[len] != ' ' && text.p[len] != '\t')
            len++;
        if (len > 0)
            out->word[out->n++] = (struct bytes){text.p, len};
        len += len < text.len;
        text.p += len;
        text.len -= len;
    }
}

static bool
is_word(struct bytes word, const char *text)
{
    return bytes_equal(word, bytes_str(text));
}

static bool
copy(struct bytes word, char *out, size_t room)
{
    if (word.len >= room)
        return false;
    memcpy(out, word.p, word.len);
    out[word.len] = '\0';
    return true;
}

/* http or https, and nothing that belongs to a query, to a password, or to no URL. */
static bool
url_valid(const char *url)
{
    const char *rest = strncmp(url, "https://", 8) == 0  ? url + 8
                       : strncmp(url, "http://", 7) == 0 ? url + 7
                                                         : NULL;

    if (rest == NULL || *rest == '\0' || *rest == '/' || strpbrk(rest, "?#@\\\"'<>{}|^`") != NULL)
        return false;
    for (; *rest != '\0'; rest++)
        if (*rest <= 0x20 || *rest > 0x7e)
            return false;
    return true;
}

/* What is wrong with a line, or NULL. */
static const char *
take_witness(const struct line *line, struct witnesses_policy *out)
{
    struct witnesses_policy_one *w = &out->one[out->n];
    size_t len;

    if (line->n != 4)
        return "must be: witness NAME VKEY URL";
    if (out->n == WITNESSES_POLICY_MAX)
        return "too many witnesses";
    if (!note_name_valid(line->word[1]) || !copy(line->word[1], w->name, sizeof w->name))
        return "the name is not valid";
    if (note_vkey_parse(line->word[2], &w->key) != COFRE_OK || w->key.algorithm != NOTE_COSIGNATURE)
        return "not the key of a witness";
    if (!copy(line->word[3], w->url, sizeof w->url) || !url_valid(w->url))
        return "not a URL of http or https";
    for (len = strlen(w->url); len > 0 && w->url[len - 1] == '/'; len--)
        w->url[len - 1] = '\0';
    for (size_t i = 0; i < out->n; i++)
        if (strcmp(out->one[i].name, w->name) == 0 ||
            memcmp(out->one[i].key.public_key, w->key.public_key, NOTE_PUBLIC) == 0)
            return "a witness is named twice";
    out->n++;
    return NULL;
}

/* The count is checked at the end, when all witnesses are known. */
static const char *
take_quorum(const struct line *line, struct witnesses_policy *out, bool *all)
{
    size_t k = 0;

    if (line->n != 2)
        return "must be: quorum K";
    if (out->quorum != SIZE_MAX || *all)
        return "a second quorum";
    *all = is_word(line->word[1], "all");
    if (*all || is_word(line->word[1], "none") || is_word(line->word[1], "any")) {
        out->quorum = is_word(line->word[1], "any");
        return NULL;
    }
    for (size_t i = 0; i < line->word[1].len; i++) {
        uint8_t digit = (uint8_t)(line->word[1].p[i] - '0');

        if (digit > 9 || k > WITNESSES_POLICY_MAX)
            return "must be: quorum K, or none, any, all";
        k = k * 10 + digit;
    }
    out->quorum = k;
    return NULL;
}

static const char *
take_line(struct bytes text, struct witnesses_policy *out, bool *all)
{
    struct line line;

    split(text, &line);
    if (line.n == 0 || line.word[0].p[0] == '#' || is_word(line.word[0], "log"))
        return NULL;
    if (is_word(line.word[0], "witness"))
        return take_witness(&line, out);
    if (is_word(line.word[0], "quorum"))
        return take_quorum(&line, out, all);
    if (is_word(line.word[0], "group"))
        return "groups are not supported: say quorum K";
    return "must begin with witness or quorum";
}

enum cofre_err
witnesses_policy_parse(struct bytes text, struct witnesses_policy *out, struct cofre_why *why)
{
    const char *wrong;
    bool all = false;
    unsigned number = 0;

    out->n = 0;
    out->quorum = SIZE_MAX;
    while (text.len > 0) {
        const uint8_t *end = memchr(text.p, '\n', text.len);
        struct bytes line = {text.p, end != NULL ? (size_t)(end - text.p) : text.len};
        size_t taken = line.len + (end != NULL);

        number++;
        if ((wrong = take_line(line, out, &all)) != NULL)
            return cofre_why_set(why, COFRE_EINVAL, "line %u: %s", number, wrong);
        text.p += taken;
        text.len -= taken;
    }
    if (all)
        out->quorum = out->n;
    if (out->quorum == SIZE_MAX || out->quorum > out->n || out->n == 0)
        return cofre_why_set(why, COFRE_EINVAL,
                             out->n == 0               ? "names no witness"
                             : out->quorum == SIZE_MAX ? "has no quorum"
                                                       : "asks for more than there are");
    return COFRE_OK;
}
