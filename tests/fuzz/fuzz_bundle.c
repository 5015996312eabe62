/* A sealed bundle: as it comes, and with the input as the bundle's secrets. */
#include <stdlib.h>

#include "crypto/bundle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t VAULT[BUNDLE_ID] = {1}, CUSTOMER[BUNDLE_ID] = {2};

/* Only what bundle_seal made opens, and opens as it was. */
static void
round_trip(const struct bundle_kek *kek, const struct bundle_place *place, const uint8_t *data)
{
    uint8_t sealed[BUNDLE_SEALED];
    struct bundle in, out;

    memcpy(&in, data, sizeof in);
    bundle_seal(sealed, kek, place, &in);
    if (bundle_open(&out, kek, place, BYTES_OF(sealed)) != COFRE_OK ||
        memcmp(&in, &out, sizeof in) != 0)
        abort();
    sealed[data[0] % sizeof sealed] ^= 1;
    if (bundle_open(&out, kek, place, BYTES_OF(sealed)) == COFRE_OK)
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct bundle_place place = {VAULT, CUSTOMER};
    struct bundle_kek kek = {.epoch = 1};
    struct bundle b;
    uint32_t epoch;

    hmac_key_init(&kek.key, BYTES_LIT("a fixed key"));
    if (bundle_open(&b, &kek, &place, (struct bytes){data, size}) == COFRE_OK &&
        bundle_epoch((struct bytes){data, size}, &epoch) != COFRE_OK)
        abort();
    if (size >= sizeof b)
        round_trip(&kek, &place, data);
    return 0;
}
