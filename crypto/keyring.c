#include <assert.h>
#include <stdlib.h>

#include <sodium.h>

#include "crypto/box.h"
#include "crypto/keyring_codec.h"

#include "crypto/keyring.h"

/*
 * Keys lie in locked chunks that never move, so that a pointer to one lasts; a page holds a chunk
 * and libsodium's canary.  The i-th entry's key is in chunk i / CHUNK_KEYS.
 */
enum { CHUNK_KEYS = 64, CHUNKS = KEYRING_ENTRIES_MAX / CHUNK_KEYS, FIRST_ENTRIES = 16 };

/* The header's key version: a new root key gives a new sealing key, and versions neither. */
enum { SEALING_VERSION = 1 };

struct keyring {
    uint8_t vault[KEYRING_ID];
    uint64_t generation;
    struct keyring_entry *entries;
    size_t count;
    size_t cap;
    struct secret *chunks[CHUNKS];
};

static const char *const class_texts[] = {
#define CLASS_TEXT(name, text, what) [KEYRING_##name] = (text),
    KEYRING_CLASS_LIST(CLASS_TEXT)
#undef CLASS_TEXT
};

static const char *const state_texts[] = {
    [KEYRING_PENDING] = "pending",           [KEYRING_ACTIVE] = "active",
    [KEYRING_DECRYPT_ONLY] = "decrypt-only", [KEYRING_RETIRED] = "retired",
    [KEYRING_DESTROYED] = "destroyed",
};

enum cofre_err
keyring_new(const uint8_t vault[static KEYRING_ID], struct keyring **out)
{
    struct keyring *k = calloc(1, sizeof *k);

    *out = k;
    if (k == NULL)
        return COFRE_ENOMEM;
    memcpy(k->vault, vault, KEYRING_ID);
    return COFRE_OK;
}

void
keyring_free(struct keyring *k)
{
    if (k == NULL)
        return;
    for (size_t i = 0; i < CHUNKS; i++)
        secret_free(k->chunks[i]);
    free(k->entries);
    free(k);
}

const uint8_t *
keyring_vault(const struct keyring *k)
{
    return k->vault;
}

uint64_t
keyring_generation(const struct keyring *k)
{
    return k->generation;
}

static uint8_t *
key_at(const struct keyring *k, size_t i)
{
    return secret_data(k->chunks[i / CHUNK_KEYS]) + i % CHUNK_KEYS * KEY_LEN;
}

/* Room for one more entry and its key; no entry is added. */
static enum cofre_err
make_room(struct keyring *k)
{
    size_t cap = k->cap > 0 ? k->cap * 2 : FIRST_ENTRIES;
    struct keyring_entry *entries;
    struct secret **chunk;

    if (k->count == KEYRING_ENTRIES_MAX)
        return COFRE_ELIMIT;
    if (k->count == k->cap) {
        if ((entries = realloc(k->entries, cap * sizeof *entries)) == NULL)
            return COFRE_ENOMEM;
        k->entries = entries;
        k->cap = cap;
    }
    chunk = &k->chunks[k->count / CHUNK_KEYS];
    return *chunk != NULL ? COFRE_OK : secret_new(CHUNK_KEYS * KEY_LEN, chunk);
}

static bool
same_kind(const struct keyring_entry *e, enum keyring_class class, uint32_t scope)
{
    return e->class == class && e->scope == scope;
}

/* The index of an entry, or -1. */
static ptrdiff_t
find(const struct keyring *k, enum keyring_class class, uint32_t scope, uint32_t version)
{
    for (size_t i = 0; i < k->count; i++)
        if (same_kind(&k->entries[i], class, scope) && k->entries[i].version == version)
            return (ptrdiff_t)i;
    return -1;
}

static ptrdiff_t
find_active(const struct keyring *k, enum keyring_class class, uint32_t scope)
{
    for (size_t i = 0; i < k->count; i++)
        if (same_kind(&k->entries[i], class, scope) && k->entries[i].state == KEYRING_ACTIVE)
            return (ptrdiff_t)i;
    return -1;
}

static uint32_t
highest_version(const struct keyring *k, enum keyring_class class, uint32_t scope)
{
    uint32_t highest = 0;

    for (size_t i = 0; i < k->count; i++)
        if (same_kind(&k->entries[i], class, scope) && k->entries[i].version > highest)
            highest = k->entries[i].version;
    return highest;
}

static void
activate(struct keyring *k, size_t i, int64_t now)
{
    struct keyring_entry *e = &k->entries[i];
    ptrdiff_t former = find_active(k, e->class, e->scope);

    if (former >= 0)
        k->entries[former].state = KEYRING_DECRYPT_ONLY;
    e->state = KEYRING_ACTIVE;
    e->activated = now;
}

enum cofre_err
keyring_add(struct keyring *k, enum keyring_class class, uint32_t scope, bool active, int64_t now,
            uint32_t *version)
{
    enum cofre_err err;
    size_t i = k->count;

    assert(class < KEYRING_CLASSES && (class == KEYRING_VIEW || scope == 0));
    if ((err = make_room(k)) != COFRE_OK)
        return err;
    k->entries[i] = (struct keyring_entry){
        .class = class,
        .scope = scope,
        .version = highest_version(k, class, scope) + 1,
        .state = KEYRING_PENDING,
        .created = now,
    };
    randombytes_buf(key_at(k, i), KEY_LEN);
    k->count++;
    if (active)
        activate(k, i, now);
    if (version != NULL)
        *version = k->entries[i].version;
    return COFRE_OK;
}

enum cofre_err
keyring_set_state(struct keyring *k, enum keyring_class class, uint32_t scope, uint32_t version,
                  enum keyring_state state, int64_t now)
{
    ptrdiff_t found = find(k, class, scope, version);
    struct keyring_entry *e;

    if (found < 0)
        return COFRE_ENOENT;
    e = &k->entries[found];
    if (state <= e->state || state > KEYRING_DESTROYED)
        return COFRE_EINVAL;
    if (state == KEYRING_ACTIVE)
        activate(k, (size_t)found, now);
    if (state == KEYRING_DESTROYED)
        secret_wipe(key_at(k, (size_t)found), KEY_LEN);
    e->state = state;
    return COFRE_OK;
}

const uint8_t *
keyring_key(const struct keyring *k, enum keyring_class class, uint32_t scope, uint32_t version)
{
    ptrdiff_t i = find(k, class, scope, version);

    if (i < 0 || k->entries[i].state == KEYRING_DESTROYED)
        return NULL;
    return key_at(k, (size_t)i);
}

const uint8_t *
keyring_active(const struct keyring *k, enum keyring_class class, uint32_t scope, uint32_t *version)
{
    ptrdiff_t i = find_active(k, class, scope);

    if (i < 0)
        return NULL;
    if (version != NULL)
        *version = k->entries[i].version;
    return key_at(k, (size_t)i);
}

bool
keyring_entry(const struct keyring *k, size_t i, struct keyring_entry *out)
{
    if (i >= k->count)
        return false;
    *out = k->entries[i];
    return true;
}

const char *keyring_class_text(enum keyring_class class)
{
    return class < KEYRING_CLASSES ? class_texts[class] : "unknown";
}

enum cofre_err
keyring_class_parse(const char *text, enum keyring_class *class)
{
    for (unsigned i = 0; i < KEYRING_CLASSES; i++)
        if (strcmp(text, class_texts[i]) == 0) {
            *class = (enum keyring_class)i;
            return COFRE_OK;
        }
    return COFRE_ENOENT;
}

const char *
keyring_state_text(enum keyring_state state)
{
    return state <= KEYRING_DESTROYED ? state_texts[state] : "unknown";
}

static void
encode(const struct keyring *k, uint64_t generation, uint8_t *out)
{
    keyring_codec_put_header(out, generation, k->count);
    out += KEYRING_CODEC_HEADER;
    for (size_t i = 0; i < k->count; i++, out += KEYRING_CODEC_ENTRY)
        keyring_codec_put_entry(out, &k->entries[i], key_at(k, i));
}

enum cofre_err
keyring_seal(struct keyring *k, struct bytes sealing, struct buf *out)
{
    const struct box_key key = {BOX_KEYRING, SEALING_VERSION, sealing.p};
    struct secret *plain;
    enum cofre_err err;

    assert(sealing.len == KEY_LEN);
    err = secret_new(KEYRING_CODEC_HEADER + k->count * KEYRING_CODEC_ENTRY, &plain);
    if (err != COFRE_OK)
        return err;
    encode(k, k->generation + 1, secret_data(plain));
    box_seal(out, &key, BYTES_OF(k->vault), secret_bytes(plain));
    secret_free(plain);

    if ((err = buf_error(out)) == COFRE_OK)
        k->generation++;
    return err;
}

/* Appends one entry that was read, if it fits to those before it. */
static enum cofre_err
take_entry(struct keyring *k, const uint8_t *in)
{
    struct keyring_entry e;
    const uint8_t *key;
    enum cofre_err err;

    if ((err = keyring_codec_get_entry(in, &e, &key)) != COFRE_OK)
        return err;
    if (e.version != highest_version(k, e.class, e.scope) + 1)
        return COFRE_EFORMAT;
    if (e.state == KEYRING_ACTIVE && find_active(k, e.class, e.scope) >= 0)
        return COFRE_EFORMAT;
    if ((err = make_room(k)) != COFRE_OK)
        return err;
    memcpy(key_at(k, k->count), key, KEY_LEN);
    k->entries[k->count++] = e;
    return COFRE_OK;
}

static enum cofre_err
decode(const uint8_t vault[static KEYRING_ID], struct bytes plain, struct keyring **out)
{
    struct keyring *k = NULL;
    uint64_t generation;
    enum cofre_err err;
    size_t count;

    if ((err = keyring_codec_get_header(plain, &generation, &count)) != COFRE_OK ||
        (err = keyring_new(vault, &k)) != COFRE_OK)
        return err;
    k->generation = generation;
    for (size_t i = 0; i < count && err == COFRE_OK; i++)
        err = take_entry(k, plain.p + KEYRING_CODEC_HEADER + i * KEYRING_CODEC_ENTRY);
    if (err == COFRE_OK) {
        *out = k;
        k = NULL; /* moved to *out */
    }
    keyring_free(k);
    return err;
}

enum cofre_err
keyring_open(const uint8_t vault[static KEYRING_ID], struct bytes sealing, struct bytes sealed,
             struct keyring **out)
{
    const struct box_key key = {BOX_KEYRING, SEALING_VERSION, sealing.p};
    const struct bytes ad = {vault, KEYRING_ID};
    struct secret *plain;
    enum cofre_err err;
    size_t len;

    assert(sealing.len == KEY_LEN);
    *out = NULL;
    if (sealed.len < BOX_OVERHEAD || sealed.len > BOX_OVERHEAD + KEYRING_CODEC_MAX)
        return COFRE_EAUTH;
    if ((err = secret_new(sealed.len - BOX_OVERHEAD, &plain)) != COFRE_OK)
        return err;
    err = box_open(secret_data(plain), &len, &key, ad, sealed);
    if (err == COFRE_OK)
        err = decode(vault, secret_bytes(plain), out);
    secret_free(plain);
    return err;
}
