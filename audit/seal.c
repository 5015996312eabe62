#include <assert.h>
#include <string.h>

#include <sodium.h>

#include "cofre/encode.h"

#include "audit/lines.h"

#include "audit/seal.h"

static const char seal_tag[] = "cofre-seal/v1 ";
static const char pruned_tag[] = "cofre-pruned/v1 ";
static const char *const kinds[] = {[SEAL_ROTATE] = " rotate", [SEAL_RECOVER] = " recover"};
enum { N_KINDS = sizeof kinds / sizeof *kinds };

/* The three lines that every checkpoint begins with. */
struct head {
    struct bytes origin;
    uint64_t size;
    uint8_t root[HASH_LEN];
};

static void
put_head(struct buf *out, const char *origin, uint64_t size, const uint8_t root[static HASH_LEN])
{
    buf_puts(out, origin);
    buf_putc(out, '\n');
    buf_put_u64_dec(out, size);
    buf_putc(out, '\n');
    encode_base64(out, (struct bytes){root, HASH_LEN});
    buf_putc(out, '\n');
}

/* There is an entry before SIZE that says what the note is for: no note is of size 0. */
static enum cofre_err
take_head(struct bytes *text, struct head *h)
{
    struct bytes size;
    struct bytes root;

    if (!lines_take(text, &h->origin) || !note_name_valid(h->origin) || !lines_take(text, &size) ||
        !lines_number(size, &h->size) || h->size == 0 || !lines_take(text, &root))
        return COFRE_EFORMAT;
    return lines_hash(root, h->root);
}

/* A line that is a literal and a number of at least min. */
static bool
numbered(struct bytes line, struct bytes literal, uint64_t min, uint64_t *out)
{
    return lines_skip(&line, literal) && lines_number(line, out) && *out >= min;
}

static bool
is_by(const struct note_signature *s, const struct note_verifier *v)
{
    return bytes_equal(s->name, bytes_str(v->name)) && memcmp(s->id, v->id, NOTE_KEY_ID) == 0;
}

static bool
same_key(const struct note_verifier *a, const struct note_verifier *b)
{
    return memcmp(a->public_key, b->public_key, NOTE_PUBLIC) == 0;
}

void
seal_vkey_hash(const struct note_verifier *v, uint8_t out[static HASH_LEN])
{
    uint8_t raw[1 + NOTE_PUBLIC];
    char id[2 * NOTE_KEY_ID + 1];
    char key[sodium_base64_ENCODED_LEN(sizeof raw, sodium_base64_VARIANT_ORIGINAL)];
    struct hash h;

    raw[0] = v->algorithm;
    memcpy(raw + 1, v->public_key, NOTE_PUBLIC);
    sodium_bin2hex(id, sizeof id, v->id, sizeof v->id);
    sodium_bin2base64(key, sizeof key, raw, sizeof raw, sodium_base64_VARIANT_ORIGINAL);
    hash_init(&h);
    hash_update(&h, bytes_str(v->name));
    hash_update(&h, BYTES_LIT("+"));
    hash_update(&h, bytes_str(id));
    hash_update(&h, BYTES_LIT("+"));
    hash_update(&h, bytes_str(key));
    hash_final(&h, out);
}

/* ---- seals ---- */

static void
put_seal_text(struct buf *text, const struct seal *s)
{
    put_head(text, s->next.name, s->size, s->root);
    buf_puts(text, seal_tag);
    buf_put_u64_dec(text, s->epoch);
    buf_puts(text, kinds[s->kind]);
    buf_putc(text, '\n');
    note_vkey_put(text, &s->next);
    buf_putc(text, '\n');
}

void
seal_make(struct buf *out, const struct seal *s, const struct note_signer *certifier,
          const struct note_signer *next)
{
    struct buf text = BUF_INIT;

    assert(s->size > 0 && s->epoch >= 1 && s->epoch <= SEAL_EPOCHS_MAX);
    assert(same_key(&s->next, &next->verifier) && !same_key(&s->next, &certifier->verifier));
    assert(strcmp(s->next.name, certifier->verifier.name) == 0);
    put_seal_text(&text, s);
    if (buf_error(&text) == COFRE_OK) {
        note_sign(out, certifier, buf_bytes(&text));
        note_sign_add(out, next, buf_bytes(&text));
    } else {
        out->failed = true;
    }
    buf_free(&text);
}

static bool
take_kind(struct bytes *line, enum seal_kind *kind)
{
    for (size_t i = 0; i < N_KINDS; i++)
        if (line->len > strlen(kinds[i]) &&
            memcmp(line->p + line->len - strlen(kinds[i]), kinds[i], strlen(kinds[i])) == 0) {
            line->len -= strlen(kinds[i]);
            *kind = (enum seal_kind)i;
            return true;
        }
    return false;
}

static enum cofre_err
parse_seal(struct bytes text, struct seal *s)
{
    struct head h;
    struct bytes line;
    uint64_t epoch;
    enum cofre_err err;

    if ((err = take_head(&text, &h)) != COFRE_OK)
        return err;
    if (!lines_take(&text, &line) || !take_kind(&line, &s->kind) ||
        !numbered(line, BYTES_LIT(seal_tag), 1, &epoch) || epoch > SEAL_EPOCHS_MAX)
        return COFRE_EFORMAT;
    if (!lines_take(&text, &line) || text.len > 0 || note_vkey_parse(line, &s->next) != COFRE_OK ||
        !bytes_equal(h.origin, bytes_str(s->next.name)))
        return COFRE_EFORMAT;
    s->size = h.size;
    memcpy(s->root, h.root, HASH_LEN);
    s->epoch = (uint32_t)epoch;
    return COFRE_OK;
}

/* Both signatures and no other, in their order; a key does not follow itself. */
static bool
sealed_by(const struct note *note, const struct seal *s, const struct note_verifier *certifier)
{
    return note->count == 2 && strcmp(certifier->name, s->next.name) == 0 &&
           !same_key(certifier, &s->next) && is_by(&note->signatures[0], certifier) &&
           is_by(&note->signatures[1], &s->next) && note_verify(note, certifier) &&
           note_verify(note, &s->next);
}

enum cofre_err
seal_open(struct bytes bytes, const struct note_verifier *present,
          const struct note_verifier *recovery, struct seal *out)
{
    const struct note_verifier *certifier;
    struct seal s = {0};
    struct note note;
    enum cofre_err err;

    if (bytes.len > SEAL_MAX)
        return COFRE_EFORMAT;
    if ((err = note_parse(bytes, &note)) != COFRE_OK ||
        (err = parse_seal(note.text, &s)) != COFRE_OK)
        return err;
    certifier = s.kind == SEAL_RECOVER ? recovery : present;
    if (certifier == NULL || strcmp(present->name, s.next.name) != 0 || same_key(present, &s.next) ||
        !sealed_by(&note, &s, certifier))
        return COFRE_EAUTH;
    *out = s;
    return COFRE_OK;
}

/* ---- pruning ---- */

static void
put_restored(struct buf *text, const struct seal_restored *r)
{
    buf_puts(text, "restored ");
    buf_put_u64_dec(text, r->seq);
    buf_putc(text, ' ');
    buf_put_hex(text, BYTES_OF(r->leaf));
    buf_putc(text, ' ');
    buf_put_u64_dec(text, r->size);
    buf_putc(text, ' ');
    buf_put_hex(text, BYTES_OF(r->root));
    buf_putc(text, '\n');
}

void
seal_pruned_make(struct buf *out, const struct seal_pruned *p, const struct note_signer *s)
{
    struct buf text = BUF_INIT;

    assert(p->size > 0 && p->bundles > 0 && p->n_restored <= SEAL_RESTORED_MAX);
    put_head(&text, s->verifier.name, p->size, p->root);
    buf_puts(&text, pruned_tag);
    buf_put_u64_dec(&text, p->bundles);
    buf_puts(&text, "\nrecovery ");
    if (p->has_recovery)
        buf_put_hex(&text, BYTES_OF(p->recovery));
    else
        buf_puts(&text, "none");
    buf_putc(&text, '\n');
    for (size_t i = 0; i < p->n_restored; i++)
        put_restored(&text, &p->restored[i]);
    if (buf_error(&text) == COFRE_OK)
        note_sign(out, s, buf_bytes(&text));
    else
        out->failed = true;
    buf_free(&text);
}

static enum cofre_err
parse_hash(struct bytes hex, uint8_t out[static HASH_LEN])
{
    struct buf raw = BUF_INIT;
    enum cofre_err err;

    if (hex.len != 2 * (size_t)HASH_LEN)
        return COFRE_EFORMAT;
    if ((err = encode_hex_decode(&raw, hex)) == COFRE_OK)
        memcpy(out, raw.p, HASH_LEN);
    buf_free(&raw);
    return err;
}

static enum cofre_err
parse_recovery(struct bytes line, struct seal_pruned *p)
{
    if (!lines_skip(&line, BYTES_LIT("recovery ")))
        return COFRE_EFORMAT;
    p->has_recovery = !bytes_equal(line, BYTES_LIT("none"));
    return p->has_recovery ? parse_hash(line, p->recovery) : COFRE_OK;
}

/* What stands before the next space, or all of it. */
static struct bytes
take_word(struct bytes *line)
{
    const uint8_t *space = line->len > 0 ? memchr(line->p, ' ', line->len) : NULL;
    struct bytes word = *line;

    if (space == NULL) {
        *line = BYTES_NONE;
        return word;
    }
    word.len = (size_t)(space - line->p);
    *line = (struct bytes){space + 1, line->len - word.len - 1};
    return word;
}

static enum cofre_err
parse_restored(struct bytes line, struct seal_pruned *p)
{
    struct seal_restored *r = &p->restored[p->n_restored];
    const struct seal_restored *before = p->n_restored > 0 ? r - 1 : NULL;
    struct bytes word[4];
    enum cofre_err err;

    if (p->n_restored == SEAL_RESTORED_MAX || !lines_skip(&line, BYTES_LIT("restored ")))
        return COFRE_EFORMAT;
    for (size_t i = 0; i < 3; i++)
        word[i] = take_word(&line);
    word[3] = line;
    if (!lines_number(word[0], &r->seq) || r->seq / 256 >= p->bundles ||
        (before != NULL && r->seq <= before->seq) || !lines_number(word[2], &r->size))
        return COFRE_EFORMAT;
    if ((err = parse_hash(word[1], r->leaf)) != COFRE_OK ||
        (err = parse_hash(word[3], r->root)) != COFRE_OK)
        return err;
    p->n_restored++;
    return COFRE_OK;
}

/* name, where it is not NULL, is what the origin must be. */
static enum cofre_err
parse_pruned(struct bytes text, struct seal_pruned *p, const char *name)
{
    struct head h;
    struct bytes line;
    enum cofre_err err;

    if ((err = take_head(&text, &h)) != COFRE_OK)
        return err;
    if (name != NULL && !bytes_equal(h.origin, bytes_str(name)))
        return COFRE_EAUTH;
    /* What is given up lies before the note itself. */
    if (!lines_take(&text, &line) || !numbered(line, BYTES_LIT(pruned_tag), 1, &p->bundles) ||
        p->bundles > (h.size - 1) / 256 || !lines_take(&text, &line))
        return COFRE_EFORMAT;
    p->size = h.size;
    memcpy(p->root, h.root, HASH_LEN);
    err = parse_recovery(line, p);
    while (err == COFRE_OK && text.len > 0)
        err = lines_take(&text, &line) ? parse_restored(line, p) : COFRE_EFORMAT;
    return err;
}

static enum cofre_err
open_pruned(struct bytes bytes, const struct note_verifier *v, struct seal_pruned *out)
{
    struct seal_pruned p = {0};
    struct note note;
    enum cofre_err err;

    if (bytes.len > SEAL_PRUNED_MAX)
        return COFRE_EFORMAT;
    if ((err = note_parse(bytes, &note)) != COFRE_OK ||
        (err = parse_pruned(note.text, &p, v != NULL ? v->name : NULL)) != COFRE_OK)
        return err;
    if (v != NULL && (note.count != 1 || !is_by(&note.signatures[0], v) || !note_verify(&note, v)))
        return COFRE_EAUTH;
    *out = p;
    return COFRE_OK;
}

enum cofre_err
seal_pruned_open(struct bytes note, const struct note_verifier *v, struct seal_pruned *out)
{
    return open_pruned(note, v, out);
}

enum cofre_err
seal_pruned_peek(struct bytes note, struct seal_pruned *out)
{
    return open_pruned(note, NULL, out);
}
