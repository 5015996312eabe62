#include "vault/store/store_internal.h"

#ifdef COFRE_SQLCIPHER_BUNDLED

#include <openssl/evp.h>

#include "cofre/secret.h"
#include "crypto/hash.h"

/*
 * SQLCipher's own provider fetches and keys a MAC and a cipher for every page.  This one is the
 * same, bit for bit in the file, but keeps both keyed: one state for each connection, made with
 * it, wiped and freed with it, and like it used by one thread at a time.  Everything else is
 * passed to the provider that was there before.
 *
 * Keys and HMAC states lie in a struct secret.  The AES key schedules lie where OpenSSL puts
 * them, in ordinary heap that it wipes when freed; secret_setup keeps that out of core files.
 *
 * The declarations are SQLCipher 4.14's: its header does not publish them, and so this file is
 * compiled only with the bundled source, whose hash is pinned.
 */
struct sqlcipher_provider {
    int (*init)(void);
    void (*shutdown)(void);
    const char *(*get_provider_name)(void *ctx);
    int (*add_random)(void *ctx, const void *buffer, int length);
    int (*random)(void *ctx, void *buffer, int length);
    int (*hmac)(void *ctx, int algorithm, const unsigned char *key, int key_sz,
                const unsigned char *in, int in_sz, const unsigned char *in2, int in2_sz,
                unsigned char *out);
    int (*kdf)(void *ctx, int algorithm, const unsigned char *pass, int pass_sz,
               const unsigned char *salt, int salt_sz, int workfactor, int key_sz,
               unsigned char *key);
    int (*cipher)(void *ctx, int mode, const unsigned char *key, int key_sz,
                  const unsigned char *iv, const unsigned char *in, int in_sz,
                  unsigned char *out);
    const char *(*get_cipher)(void *ctx);
    int (*get_key_sz)(void *ctx);
    int (*get_iv_sz)(void *ctx);
    int (*get_block_sz)(void *ctx);
    int (*get_hmac_sz)(void *ctx, int algorithm);
    int (*ctx_init)(void **ctx);
    int (*ctx_free)(void **ctx);
    int (*fips_status)(void *ctx);
    const char *(*get_provider_version)(void *ctx);
    struct sqlcipher_provider *next;
};

extern struct sqlcipher_provider *sqlcipher_get_provider(void);
extern int sqlcipher_register_provider(struct sqlcipher_provider *);
extern void *sqlcipher_malloc(sqlite3_uint64);
extern void sqlcipher_free(void *, sqlite3_uint64);

enum { HMAC_SHA256 = 1, DECRYPT = 0, ENCRYPT = 1, PAGE_KEY = 32 };

/* Two of each: reading and writing have different keys while a database is being re-keyed. */
struct mac_slot {
    bool set;
    uint8_t key[PAGE_KEY];
    struct hmac_key ready;
};
struct cipher_slot {
    bool set;
    uint8_t key[PAGE_KEY];
    EVP_CIPHER_CTX *evp;
};

struct keyed {
    struct secret *self; /* the memory that this lies in */
    const struct sqlcipher_provider *stock;
    void *stock_ctx;
    unsigned replace; /* the mac slot to take next */
    struct mac_slot mac[2];
    struct cipher_slot cipher[2]; /* by mode */
};

static int
keyed_free(void **ctx)
{
    struct keyed *k = *ctx;
    int rc;

    if (k == NULL)
        return SQLITE_OK;
    EVP_CIPHER_CTX_free(k->cipher[DECRYPT].evp);
    EVP_CIPHER_CTX_free(k->cipher[ENCRYPT].evp);
    rc = k->stock->ctx_free(&k->stock_ctx);
    secret_free(k->self);
    *ctx = NULL;
    return rc;
}

static int
keyed_init(void **ctx)
{
    struct secret *memory = NULL;
    struct keyed *k;
    int rc;

    *ctx = NULL;
    if (secret_new(sizeof *k, &memory) != COFRE_OK)
        return SQLITE_NOMEM;
    k = (struct keyed *)(void *)secret_data(memory);
    k->self = memory;
    /* SQLCipher calls this through the default provider, that is, through ours. */
    k->stock = sqlcipher_get_provider()->next;
    if ((rc = k->stock->ctx_init(&k->stock_ctx)) != SQLITE_OK) {
        secret_free(memory);
        return rc;
    }
    *ctx = k;
    k->cipher[DECRYPT].evp = EVP_CIPHER_CTX_new();
    k->cipher[ENCRYPT].evp = EVP_CIPHER_CTX_new();
    if (k->cipher[DECRYPT].evp == NULL || k->cipher[ENCRYPT].evp == NULL) {
        (void)keyed_free(ctx);
        return SQLITE_NOMEM;
    }
    return SQLITE_OK;
}

static bool
same_key(const uint8_t a[static PAGE_KEY], const uint8_t b[static PAGE_KEY])
{
    return secret_equal((struct bytes){a, PAGE_KEY}, (struct bytes){b, PAGE_KEY});
}

static const struct hmac_key *
mac_for(struct keyed *k, const uint8_t key[static PAGE_KEY])
{
    struct mac_slot *slot;

    for (unsigned i = 0; i < 2; i++)
        if (k->mac[i].set && same_key(k->mac[i].key, key))
            return &k->mac[i].ready;
    slot = &k->mac[k->replace++ % 2];
    memcpy(slot->key, key, PAGE_KEY);
    hmac_key_init(&slot->ready, (struct bytes){key, PAGE_KEY});
    slot->set = true;
    return &slot->ready;
}

static int
keyed_hmac(void *ctx, int algorithm, const unsigned char *key, int key_sz, const unsigned char *in,
           int in_sz, const unsigned char *in2, int in2_sz, unsigned char *out)
{
    struct keyed *k = ctx;
    struct hmac m;

    if (algorithm != HMAC_SHA256 || key_sz != PAGE_KEY || in == NULL)
        return k->stock->hmac(k->stock_ctx, algorithm, key, key_sz, in, in_sz, in2, in2_sz, out);
    hmac_init(&m, mac_for(k, key));
    hmac_update(&m, (struct bytes){in, (size_t)in_sz});
    if (in2 != NULL)
        hmac_update(&m, (struct bytes){in2, (size_t)in2_sz});
    hmac_final(&m, out);
    return SQLITE_OK;
}

static bool
rekey(struct cipher_slot *slot, int mode, const uint8_t key[static PAGE_KEY])
{
    slot->set = EVP_CipherInit_ex(slot->evp, EVP_aes_256_cbc(), NULL, key, NULL, mode) == 1 &&
                EVP_CIPHER_CTX_set_padding(slot->evp, 0) == 1;
    memcpy(slot->key, key, PAGE_KEY);
    return slot->set;
}

static int
keyed_cipher(void *ctx, int mode, const unsigned char *key, int key_sz, const unsigned char *iv,
             const unsigned char *in, int in_sz, unsigned char *out)
{
    struct keyed *k = ctx;
    struct cipher_slot *slot;
    int len = 0;

    if ((mode != ENCRYPT && mode != DECRYPT) || key_sz != PAGE_KEY)
        return k->stock->cipher(k->stock_ctx, mode, key, key_sz, iv, in, in_sz, out);
    slot = &k->cipher[mode];
    if ((!slot->set || !same_key(slot->key, key)) && !rekey(slot, mode, key))
        return SQLITE_ERROR;
    /* Whole blocks without padding: the update gives all, there is nothing for a final call. */
    if (EVP_CipherInit_ex(slot->evp, NULL, NULL, NULL, iv, mode) != 1 ||
        EVP_CipherUpdate(slot->evp, out, &len, in, in_sz) != 1 || len != in_sz) {
        slot->set = false;
        return SQLITE_ERROR;
    }
    return SQLITE_OK;
}

static enum cofre_err
register_once(void)
{
    struct sqlcipher_provider *stock = sqlcipher_get_provider();
    struct sqlcipher_provider *p;

    for (p = stock; p != NULL; p = p->next)
        if (p->hmac == keyed_hmac)
            return COFRE_OK;
    /* SQLCipher frees it at the end. */
    if (stock == NULL || (p = sqlcipher_malloc(sizeof *p)) == NULL)
        return COFRE_ENOMEM;
    *p = *stock;
    p->init = NULL;
    p->shutdown = NULL;
    p->hmac = keyed_hmac;
    p->cipher = keyed_cipher;
    p->ctx_init = keyed_init;
    p->ctx_free = keyed_free;
    p->next = NULL;
    if (sqlcipher_register_provider(p) != SQLITE_OK) {
        sqlcipher_free(p, sizeof *p);
        return COFRE_EIO;
    }
    return COFRE_OK;
}

enum cofre_err
store_provider_register(void)
{
    sqlite3_mutex *lock;
    enum cofre_err err;

    if (sqlite3_initialize() != SQLITE_OK)
        return COFRE_ENOMEM;
    /* The mutex that SQLite sets aside for its applications. */
    lock = sqlite3_mutex_alloc(SQLITE_MUTEX_STATIC_APP1);
    sqlite3_mutex_enter(lock);
    err = register_once();
    sqlite3_mutex_leave(lock);
    return err;
}

#else

enum cofre_err
store_provider_register(void)
{
    return sqlite3_initialize() == SQLITE_OK ? COFRE_OK : COFRE_ENOMEM;
}

#endif
