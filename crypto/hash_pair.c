#include <assert.h>

#include "crypto/hash_pair.h"

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>

/* For a function that uses these instructions; always_inline, so that every i below is a constant. */
#define WITH_SHA __attribute__((target("sha,ssse3,sse4.1")))
#define PART_OF_IT WITH_SHA __attribute__((always_inline))

enum { BLOCK = 64, PADDED_MAX = (1 + HASH_PAIR_MAX + 1 + 8 + BLOCK - 1) / BLOCK * BLOCK };

/* FIPS 180-4, 4.2.2 and 5.3.3. */
static const uint32_t constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

bool
hash_pair_can(void)
{
    unsigned a, b, c, d;

    if (!__get_cpuid(1, &a, &b, &c, &d) || (c & bit_SSSE3) == 0 || (c & bit_SSE4_1) == 0)
        return false;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_SHA) != 0;
}

/* One message under way.  The state is in the order that the instructions want. */
struct lane {
    __m128i abef, cdgh;
    __m128i w[4]; /* the last sixteen words of the schedule */
};

static inline PART_OF_IT __m128i
load(const uint8_t *p)
{
    return _mm_loadu_si128((const __m128i *)(const void *)p);
}

/* Rounds 4 * i to 4 * i + 3. */
static inline PART_OF_IT void
step(struct lane *l, const uint8_t *block, unsigned i)
{
    const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    __m128i *w = l->w;
    __m128i k;

    if (i < 4)
        w[i] = _mm_shuffle_epi8(load(block + 16 * i), swap);
    else
        w[i & 3] =
            _mm_sha256msg2_epu32(_mm_add_epi32(_mm_sha256msg1_epu32(w[i & 3], w[(i + 1) & 3]),
                                               _mm_alignr_epi8(w[(i + 3) & 3], w[(i + 2) & 3], 4)),
                                 w[(i + 3) & 3]);
    k = _mm_add_epi32(w[i & 3], load((const uint8_t *)&constants[4 * i]));
    l->cdgh = _mm_sha256rnds2_epu32(l->cdgh, l->abef, k);
    l->abef = _mm_sha256rnds2_epu32(l->abef, l->cdgh, _mm_shuffle_epi32(k, 0x0e));
}

static inline PART_OF_IT void
steps(struct lane *a, struct lane *b, const uint8_t *const block[static 2], unsigned i)
{
    step(a, block[0], i);
    step(b, block[1], i);
    step(a, block[0], i + 1);
    step(b, block[1], i + 1);
    step(a, block[0], i + 2);
    step(b, block[1], i + 2);
    step(a, block[0], i + 3);
    step(b, block[1], i + 3);
}

static WITH_SHA void
compress(struct lane *first, struct lane *second, const uint8_t *const block[static 2])
{
    struct lane a = *first, b = *second;

    steps(&a, &b, block, 0);
    steps(&a, &b, block, 4);
    steps(&a, &b, block, 8);
    steps(&a, &b, block, 12);
    first->abef = _mm_add_epi32(first->abef, a.abef);
    first->cdgh = _mm_add_epi32(first->cdgh, a.cdgh);
    second->abef = _mm_add_epi32(second->abef, b.abef);
    second->cdgh = _mm_add_epi32(second->cdgh, b.cdgh);
}

static inline PART_OF_IT void
begin(struct lane *l)
{
    l->abef = _mm_set_epi32(0x6a09e667, (int)0xbb67ae85, 0x510e527f, (int)0x9b05688c);
    l->cdgh = _mm_set_epi32(0x3c6ef372, (int)0xa54ff53a, 0x1f83d9ab, 0x5be0cd19);
}

static WITH_SHA void
end(const struct lane *l, uint8_t out[static HASH_LEN])
{
    const uint32_t h[8] = {
        (uint32_t)_mm_extract_epi32(l->abef, 3), (uint32_t)_mm_extract_epi32(l->abef, 2),
        (uint32_t)_mm_extract_epi32(l->cdgh, 3), (uint32_t)_mm_extract_epi32(l->cdgh, 2),
        (uint32_t)_mm_extract_epi32(l->abef, 1), (uint32_t)_mm_extract_epi32(l->abef, 0),
        (uint32_t)_mm_extract_epi32(l->cdgh, 1), (uint32_t)_mm_extract_epi32(l->cdgh, 0)};

    for (size_t i = 0; i < 8; i++)
        bytes_set_be32(out + 4 * i, h[i]);
}

/* prefix, message, a one bit, zeros, the length in bits; returns the number of blocks. */
static size_t
pad(uint8_t prefix, struct bytes message, uint8_t out[static PADDED_MAX])
{
    const size_t len = 1 + message.len;
    const size_t blocks = (len + 1 + 8 + BLOCK - 1) / BLOCK;

    assert(message.len <= HASH_PAIR_MAX);
    out[0] = prefix;
    if (message.len > 0)
        memcpy(out + 1, message.p, message.len);
    memset(out + len, 0, blocks * BLOCK - len);
    out[len] = 0x80;
    bytes_set_be64(out + blocks * BLOCK - 8, 8 * (uint64_t)len);
    return blocks;
}

WITH_SHA void
hash_pair_of(uint8_t prefix, const struct bytes message[static 2], uint8_t *const out[static 2])
{
    uint8_t padded[2][PADDED_MAX];
    const size_t n[2] = {pad(prefix, message[0], padded[0]), pad(prefix, message[1], padded[1])};
    struct lane lane[2], spare;

    begin(&lane[0]);
    begin(&lane[1]);
    begin(&spare);
    for (size_t i = 0; i < n[0] || i < n[1]; i++) {
        /* The one that is longer goes on beside one that nobody asked for. */
        struct lane *const a = i < n[0] ? &lane[0] : &spare, *const b =
                                                                 i < n[1] ? &lane[1] : &spare;
        const uint8_t *const block[2] = {padded[0] + (i < n[0] ? i * BLOCK : 0),
                                         padded[1] + (i < n[1] ? i * BLOCK : 0)};

        compress(a, b, block);
    }
    end(&lane[0], out[0]);
    end(&lane[1], out[1]);
}

#else

bool
hash_pair_can(void)
{
    return false;
}

void
hash_pair_of(uint8_t prefix, const struct bytes message[static 2], uint8_t *const out[static 2])
{
    (void)prefix;
    (void)message;
    (void)out;
    assert(false && "hash_pair_can says no");
}

#endif
