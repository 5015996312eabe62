#ifndef AUDIT_VERIFY_FORM_H
#define AUDIT_VERIFY_FORM_H

#include "audit/entry.h"

/*
 * What a verifier wants of an entry, and nothing else: that its bytes are in the one form, its
 * link, its number, its time, and what was done.  True for exactly the lines that entry_parse accepts (a test and a fuzzer
 * hold the two against each other), in a third of the time, and without its 18 KB.
 */
struct verify_form {
    uint8_t prev[HASH_LEN];
    uint64_t seq;
    uint64_t ts;
    struct bytes act; /* borrows the line */
    bool ok;
};

bool verify_form_check(struct bytes line, struct verify_form *out);

#endif
