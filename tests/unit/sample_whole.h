#ifndef SAMPLE_WHOLE_H
#define SAMPLE_WHOLE_H

/* What a log may have besides entries and tiles, made by hand onto a sample log. */
#include "audit/seal.h"
#include "audit/verify.h"
#include "crypto/cosign.h"
#include "tsa_authority.h"

enum { WHOLE_EPOCHS = 8 };

struct whole {
    struct sample_log s; /* s.signer signs at present */
    struct note_signer key[WHOLE_EPOCHS];
    uint32_t epoch; /* the present one, from 1 */
    bool has_recovery;
    struct note_signer recovery;
    struct note_signer witness[2];
    struct note_verifier witnesses[2];
    struct tsa_authority authority;
    struct buf ca;
};

static inline void
whole_key(struct note_signer *out, const char *name, unsigned n)
{
    uint8_t seed[NOTE_SEED] = {0xee, (uint8_t)n};

    SAMPLE_MUST(note_signer_init(out, name, seed) == COFRE_OK);
}

static inline void
whole_root(struct whole *w, uint8_t root[static HASH_LEN])
{
    uint64_t size;

    tiles_builder_root(w->s.builder, &size, root);
    SAMPLE_MUST(size == w->s.size);
}

/* Appends an entry of this act and these fields, NULL after the last, into journal and tiles. */
static inline void
whole_act(struct whole *w, const char *act, const char *const *words)
{
    struct sample_log *s = &w->s;
    struct bytes fields[ENTRY_FIELDS_MAX];
    struct entry e = {.seq = s->size,
                      .ts = UINT64_C(1780000000000) + 7 * s->size,
                      .act = bytes_str(act),
                      .ok = true,
                      .actor = BYTES_LIT("uid-0"),
                      .role = BYTES_LIT("admin"),
                      .fields = fields};
    struct buf line = BUF_INIT;

    for (; words[e.n_fields] != NULL; e.n_fields++)
        fields[e.n_fields] = bytes_str(words[e.n_fields]);
    memcpy(e.prev, s->prev, HASH_LEN);
    SAMPLE_MUST(entry_write(&line, &e) == COFRE_OK);
    tree_leaf(buf_bytes(&line), s->prev);
    journal_record(&s->batch, buf_bytes(&line), s->prev);
    SAMPLE_MUST(tiles_builder_add(s->builder, buf_bytes(&line), s->prev, NULL) == COFRE_OK);
    SAMPLE_MUST(journal_append(s->journal, s->durable, buf_bytes(&s->batch), NULL) == COFRE_OK);
    s->batch.len = 0;
    s->durable = ++s->size;
    buf_free(&line);
}

static inline void
whole_hex(const uint8_t hash[static HASH_LEN], char out[static 2 * HASH_LEN + 1])
{
    for (size_t i = 0; i < HASH_LEN; i++)
        snprintf(out + 2 * i, 3, "%02x", hash[i]);
}

static inline struct buf
whole_read(const struct whole *w, const char *path)
{
    struct buf b = BUF_INIT;

    SAMPLE_MUST(files_read(w->s.dir, path, BUF_MAX, &b, NULL) == COFRE_OK);
    return b;
}

/* Begins a log; its first entry names a recovery key, if it has one. */
static inline void
whole_open(struct whole *w, bool recovery)
{
    uint8_t hash[HASH_LEN];
    char hex[2 * HASH_LEN + 1];
    const char *const words[] = {recovery ? "recovery" : NULL, hex, NULL};
    struct buf vkey = BUF_INIT;

    memset(w, 0, sizeof *w);
    sample_open(&w->s, 0);
    w->has_recovery = recovery;
    w->epoch = 1;
    w->key[0] = w->s.signer;
    whole_key(&w->recovery, SAMPLE_ORIGIN, 100);
    for (unsigned i = 0; i < 2; i++) {
        const uint8_t seed[NOTE_SEED] = {0xdd, (uint8_t)i};
        const char *const names[] = {"witness.example/a", "witness.example/b"};

        SAMPLE_MUST(cosign_signer_init(&w->witness[i], names[i], seed) == COFRE_OK);
        w->witnesses[i] = w->witness[i].verifier;
    }
    tsa_authority_open(&w->authority, "Time of day", 1780000000);
    tsa_authority_ca(&w->authority, &w->ca);
    seal_vkey_hash(&w->recovery.verifier, hash);
    whole_hex(hash, hex);
    if (recovery) {
        note_vkey_put(&vkey, &w->recovery.verifier);
        buf_putc(&vkey, '\n');
        sample_write(w->s.dir, "keys/recovery", buf_bytes(&vkey));
    }
    whole_act(w, "init", words);
    buf_free(&vkey);
}

static inline void
whole_close(struct whole *w)
{
    w->s.signer = w->key[0];
    for (unsigned i = 1; i < WHOLE_EPOCHS; i++)
        note_signer_free(&w->key[i]);
    note_signer_free(&w->recovery);
    note_signer_free(&w->witness[0]);
    note_signer_free(&w->witness[1]);
    tsa_authority_close(&w->authority);
    buf_free(&w->ca);
    sample_close(&w->s);
}

/* ---- an epoch's end, step by step ---- */

static inline void
whole_end_entry(struct whole *w, enum seal_kind kind)
{
    uint8_t hash[HASH_LEN];
    char epoch[32], hex[2 * HASH_LEN + 1];
    const char *const words[] = {epoch, hex, NULL};

    whole_key(&w->key[w->epoch], SAMPLE_ORIGIN, w->epoch);
    seal_vkey_hash(&w->key[w->epoch].verifier, hash);
    whole_hex(hash, hex);
    snprintf(epoch, sizeof epoch, "epoch-%" PRIu32, w->epoch + 1);
    whole_act(w, kind == SEAL_ROTATE ? "audit-rotate" : "audit-recover", words);
}

static inline void
whole_end_last(struct whole *w)
{
    struct buf last = whole_read(w, "checkpoint");
    char path[32];

    snprintf(path, sizeof path, "keys/last.%" PRIu32, w->epoch);
    sample_write(w->s.dir, path, buf_bytes(&last));
    buf_free(&last);
}

static inline void
whole_end_seal(struct whole *w, enum seal_kind kind)
{
    struct seal seal = {
        .size = w->s.size, .epoch = w->epoch, .kind = kind, .next = w->key[w->epoch].verifier};
    struct buf note = BUF_INIT;
    char path[32];

    whole_root(w, seal.root);
    seal_make(&note, &seal, kind == SEAL_ROTATE ? &w->s.signer : &w->recovery, &w->key[w->epoch]);
    snprintf(path, sizeof path, "keys/seal.%" PRIu32, w->epoch);
    sample_write(w->s.dir, path, buf_bytes(&note));
    buf_free(&note);
}

static inline void
whole_end_vkeys(struct whole *w)
{
    struct buf vkeys = whole_read(w, "keys/vkeys");

    note_vkey_put(&vkeys, &w->key[w->epoch].verifier);
    buf_putc(&vkeys, '\n');
    sample_write(w->s.dir, "keys/vkeys", buf_bytes(&vkeys));
    w->s.signer = w->key[w->epoch++];
    buf_free(&vkeys);
}

static inline void
whole_end(struct whole *w, enum seal_kind kind)
{
    whole_end_entry(w, kind);
    if (kind == SEAL_RECOVER)
        whole_end_last(w);
    whole_end_seal(w, kind);
    whole_end_vkeys(w);
    sample_sign(&w->s);
}

/* ---- the rest ---- */

/* Signs, and lets witnesses do so: into `checkpoint` and `witnessed`. */
static inline void
whole_witness(struct whole *w, unsigned n, uint64_t seconds)
{
    struct buf text;
    struct note note;

    sample_sign(&w->s);
    text = whole_read(w, "checkpoint");
    SAMPLE_MUST(note_parse(buf_bytes(&text), &note) == COFRE_OK);
    for (unsigned i = 0; i < n; i++) {
        struct buf line = BUF_INIT;

        cosign_put(&line, &w->witness[i], (struct bytes){text.p, note.text.len}, seconds + i);
        buf_putb(&text, buf_bytes(&line));
        buf_free(&line);
    }
    sample_write(w->s.dir, "checkpoint", buf_bytes(&text));
    sample_write(w->s.dir, "witnessed", buf_bytes(&text));
    buf_free(&text);
}

/* Lets the authority stamp the present checkpoint. */
static inline void
whole_stamp(struct whole *w)
{
    uint8_t digest[HASH_LEN], reply_digest[HASH_LEN];
    char size[32], first[2 * HASH_LEN + 1], second[2 * HASH_LEN + 1], path[64];
    const char *const words[] = {size, first, second, NULL};
    struct buf text, reply = BUF_INIT;

    sample_sign(&w->s);
    text = whole_read(w, "checkpoint");
    hash_of(buf_bytes(&text), digest);
    tsa_authority_reply(&w->authority, digest, &reply);
    hash_of(buf_bytes(&reply), reply_digest);
    whole_hex(digest, first);
    whole_hex(reply_digest, second);
    (void)mkdirat(w->s.dir, "time", 0700);
    snprintf(path, sizeof path, "time/%" PRIu64 ".checkpoint", w->s.size);
    sample_write(w->s.dir, path, buf_bytes(&text));
    snprintf(path, sizeof path, "time/%" PRIu64 ".tsr", w->s.size);
    sample_write(w->s.dir, path, buf_bytes(&reply));
    snprintf(size, sizeof size, "size-%" PRIu64, w->s.size);
    whole_act(w, "audit-timestamp", words);
    buf_free(&text);
    buf_free(&reply);
}

/* Announces that bundles go; the caller removes them. */
static inline void
whole_prune(struct whole *w, uint64_t bundles)
{
    struct seal_pruned p = {.bundles = bundles, .has_recovery = w->has_recovery};
    char word[32];
    const char *const words[] = {word, NULL};
    struct buf note = BUF_INIT;

    snprintf(word, sizeof word, "bundles-%" PRIu64, bundles);
    whole_act(w, "audit-prune", words);
    p.size = w->s.size;
    whole_root(w, p.root);
    seal_vkey_hash(&w->recovery.verifier, p.recovery);
    seal_pruned_make(&note, &p, &w->s.signer);
    sample_write(w->s.dir, "keys/pruned", buf_bytes(&note));
    buf_free(&note);
}

/* Declares a restore: so many entries were known.  leaf: its hash. */
static inline void
whole_restore(struct whole *w, uint64_t known, const uint8_t root[static HASH_LEN],
              uint8_t leaf[static HASH_LEN])
{
    char size[32], hex[2 * HASH_LEN + 1];
    const char *const words[] = {"incarnation-2", size,        hex, "generation-9",
                                 "older-log",     "no-anchor", NULL};

    snprintf(size, sizeof size, "size-%" PRIu64, known);
    whole_hex(root, hex);
    whole_act(w, "restore", words);
    memcpy(leaf, w->s.prev, HASH_LEN);
}

static inline void
whole_remove(struct whole *w, const char *path)
{
    SAMPLE_MUST(unlinkat(w->s.dir, path, 0) == 0);
}

#endif
