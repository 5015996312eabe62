#ifndef UNIT_H
#define UNIT_H

/* cmocka, with the headers that it wants before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cofre/bytes.h"
#include "cofre/secret.h"

/* For cmocka_run_group_tests: whoever asks for a secret needs it.  Locked memory may be scarce. */
static inline int
unit_setup(void **state)
{
    (void)state;
    return secret_setup(true, NULL) == COFRE_OK ? 0 : -1;
}

/* Appends the bytes of a hexadecimal text, in either case; blanks are skipped. */
static inline void
unit_hex(struct buf *out, const char *text)
{
    unsigned digits = 0, value = 0;

    for (; *text != '\0'; text++) {
        const char *all = "0123456789abcdef0123456789ABCDEF";
        const char *at = strchr(all, *text);

        if (*text == ' ' || *text == '\n')
            continue;
        assert_non_null(at);
        value = value << 4 | (unsigned)((at - all) & 15);
        if (++digits % 2 == 0)
            buf_putc(out, (char)value);
    }
    assert_int_equal(digits % 2, 0);
    assert_int_equal(buf_error(out), COFRE_OK);
}

/* Says what differs, in hexadecimal. */
static inline void
unit_bytes_are(struct bytes got, const char *hex)
{
    struct buf want = BUF_INIT, text = BUF_INIT;

    unit_hex(&want, hex);
    if (!bytes_equal(got, buf_bytes(&want))) {
        buf_put_hex(&text, got);
        buf_putc(&text, '\0');
        print_error("got %s\nnot %s\n", (const char *)text.p, hex);
        fail();
    }
    buf_free(&want);
    buf_free(&text);
}

/* A copy in a block of exactly b.len bytes, so that the address sanitizer sees a read past it. */
static inline struct bytes
unit_exact(struct bytes b)
{
    uint8_t *p = test_malloc(b.len > 0 ? b.len : 1);

    if (b.len > 0)
        memcpy(p, b.p, b.len);
    return (struct bytes){p, b.len};
}

static inline void
unit_exact_free(struct bytes b)
{
    test_free((void *)(uintptr_t)b.p);
}

#endif
