/* Any bytes as the key file of a person, and as an entry that is searched. */
#include <stdlib.h>

#include "audit/subject.h"
#include "cofre/secret.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool ready;
    static const uint8_t key[HASH_LEN] = {1};
    const struct bytes text = {data, size};
    struct subject *s = NULL;

    if (!ready && secret_setup(true, NULL) != COFRE_OK)
        abort();
    ready = true;
    if (subject_parse(text, &s, NULL) == COFRE_OK && subject_last_epoch(s) == 0)
        abort();
    if (s == NULL && subject_new(key, 1, &s) != COFRE_OK)
        abort();
    (void)subject_matches(s, text);
    subject_free(s);
    return 0;
}
