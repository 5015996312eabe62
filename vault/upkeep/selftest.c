#include <string.h>

#include <sodium.h>

#include "cofre/admin.h"
#include "crypto/box.h"
#include "crypto/kdf.h"
#include "crypto/note.h"

/* Known answers of every primitive, at every start of the server. */

struct answer {
    const char *name;
    bool (*good)(void);
};

static bool
is_hex(const uint8_t *p, size_t len, const char *hex)
{
    char text[2 * 64 + 1];

    sodium_bin2hex(text, sizeof text, p, len);
    return strcmp(text, hex) == 0;
}

/* FIPS 180-4, "abc". */
static bool
sha256_good(void)
{
    uint8_t out[HASH_LEN];

    hash_of(BYTES_LIT("abc"), out);
    return is_hex(out, sizeof out,
                  "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

/* RFC 4231, test case 2. */
static bool
hmac_good(void)
{
    struct hmac_key k;
    uint8_t out[HASH_LEN];

    hmac_key_init(&k, BYTES_LIT("Jefe"));
    hmac_of(&k, BYTES_LIT("what do ya want for nothing?"), out);
    return is_hex(out, sizeof out,
                  "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

/* RFC 5869, test case 3: no salt, no info. */
static bool
hkdf_good(void)
{
    uint8_t ikm[22];
    uint8_t out[42];

    memset(ikm, 0x0b, sizeof ikm);
    kdf_hkdf(BYTES_NONE, BYTES_OF(ikm), BYTES_NONE, out, sizeof out);
    return is_hex(out, sizeof out,
                  "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"
                  "9d201395faa4b61a96c8");
}

/* draft-irtf-cfrg-xchacha, section A.3.1: the tag of its ciphertext. */
static bool
xchacha_good(void)
{
    static const char plain[] = "Ladies and Gentlemen of the class of '99: If I could offer you only "
                                "one tip for the future, sunscreen would be it.";
    static const uint8_t ad[] = {0x50, 0x51, 0x52, 0x53, 0xc0, 0xc1,
                                 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7};
    uint8_t key[32];
    uint8_t nonce[24];
    uint8_t out[sizeof plain - 1 + 16];
    unsigned long long len = 0;

    for (unsigned i = 0; i < sizeof key; i++)
        key[i] = (uint8_t)(0x80 + i);
    for (unsigned i = 0; i < sizeof nonce; i++)
        nonce[i] = (uint8_t)(0x40 + i);
    crypto_aead_xchacha20poly1305_ietf_encrypt(out, &len, (const uint8_t *)plain,
                                               sizeof plain - 1, ad, sizeof ad, NULL, nonce, key);
    return len == sizeof out &&
           is_hex(out + sizeof plain - 1, 16, "c0875924c1c7987947deafd8780acf49");
}

/* RFC 8032, section 7.1, test 1. */
static bool
ed25519_good(void)
{
    static const char seed_hex[] =
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
    uint8_t seed[32];
    uint8_t public_key[32];
    uint8_t secret[64];
    uint8_t sig[64];
    bool good;

    if (sodium_hex2bin(seed, sizeof seed, seed_hex, 64, NULL, NULL, NULL) != 0)
        return false;
    crypto_sign_seed_keypair(public_key, secret, seed);
    crypto_sign_detached(sig, NULL, (const uint8_t *)"", 0, secret);
    good = is_hex(sig, sizeof sig,
                  "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
                  "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b") &&
           crypto_sign_verify_detached(sig, (const uint8_t *)"", 0, public_key) == 0;
    sig[0] ^= 1;
    return good && crypto_sign_verify_detached(sig, (const uint8_t *)"", 0, public_key) != 0;
}

/* A box of ours opens, and does not when a bit is flipped. */
static bool
box_good(void)
{
    static const uint8_t key[KEY_LEN] = {1};
    const struct box_key k = {.kind = BOX_CURSOR, .version = 7, .key = key};
    struct buf sealed = BUF_INIT;
    uint8_t out[16];
    size_t len = 0;
    bool good;

    box_seal(&sealed, &k, BYTES_LIT("ad"), BYTES_LIT("plain"));
    good = buf_error(&sealed) == COFRE_OK &&
           box_open(out, &len, &k, BYTES_LIT("ad"), buf_bytes(&sealed)) == COFRE_OK && len == 5 &&
           memcmp(out, "plain", 5) == 0;
    if (good) {
        sealed.p[sealed.len - 1] ^= 1;
        good = box_open(out, &len, &k, BYTES_LIT("ad"), buf_bytes(&sealed)) == COFRE_EAUTH;
    }
    buf_free(&sealed);
    return good;
}

/* Argon2id at libsodium's smallest cost; the answer was computed with the reference tool argon2. */
static bool
argon2_good(void)
{
    static const uint8_t salt[16] = {'s', 'o', 'm', 'e', 's', 'a', 'l', 't',
                                     's', 'o', 'm', 'e', 's', 'a', 'l', 't'};
    uint8_t a[32];
    uint8_t b[32];

    if (crypto_pwhash(a, sizeof a, "password", 8, salt, 1, 8192 * 8,
                      crypto_pwhash_ALG_ARGON2ID13) != 0 ||
        crypto_pwhash(b, sizeof b, "passwore", 8, salt, 1, 8192 * 8,
                      crypto_pwhash_ALG_ARGON2ID13) != 0)
        return false;
    return memcmp(a, b, sizeof a) != 0 && is_hex(a, sizeof a,
                  "e793d64ef75d58f503d4631b2b149f7f80127c5f3993d89b1c9b781e51d0b413");
}

static const struct answer answers[] = {
    {"SHA-256", sha256_good},   {"HMAC-SHA-256", hmac_good}, {"HKDF-SHA-256", hkdf_good},
    {"XChaCha20-Poly1305", xchacha_good}, {"Ed25519", ed25519_good}, {"box", box_good},
    {"Argon2id", argon2_good},
};

enum cofre_err
cofre_selftest(struct cofre_why *why)
{
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++)
        if (!answers[i].good())
            return cofre_why_set(why, COFRE_EINTEGRITY, "%s gives a wrong answer", answers[i].name);
    return COFRE_OK;
}
