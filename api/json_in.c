#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#include "cofre/secret.h"

#include "json_in.h"

struct json_in_block {
    struct json_in_block *next;
    size_t len;
    _Alignas(max_align_t) uint8_t bytes[];
};

/* ---- memory ---- */

/* The library's blocks do not know their length, the allocator does. */
static void
wiping_free(void *p)
{
    if (p != NULL)
        secret_wipe(p, malloc_usable_size(p));
    free(p);
}

void
json_in_setup(void)
{
    json_set_alloc_funcs(malloc, wiping_free);
    json_object_seed(0);
}

void *
json_in_alloc(struct json_in *in, size_t count, size_t size)
{
    struct json_in_block *block = NULL;

    if (count <= BUF_MAX / size)
        block = calloc(1, sizeof *block + count * size);
    if (block == NULL) {
        cofre_call_fail(in->call, COFRE_OUT_INTERNAL, NULL, "");
        return NULL;
    }
    block->next = in->blocks;
    block->len = count * size;
    in->blocks = block;
    return block->bytes;
}

void
json_in_free(struct json_in *in)
{
    struct json_in_block *next;

    json_decref(in->root);
    in->root = NULL;
    for (struct json_in_block *b = in->blocks; b != NULL; b = next) {
        next = b->next;
        secret_wipe(b->bytes, b->len);
        free(b);
    }
    in->blocks = NULL;
}

/* ---- places ---- */

static bool
name_looks_ours(const char *name)
{
    size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-");

    return len > 0 && len <= COFRE_NAME_MAX && name[len] == 0 && name[0] >= 'a' && name[0] <= 'z';
}

/* Appends the pointer of at; false when it does not fit. */
static bool
pointer_put(char *out, size_t room, size_t *len, const struct json_at *at)
{
    int n;

    if (at == NULL || at->up == NULL)
        return true;
    if (!pointer_put(out, room, len, at->up))
        return false;
    if (at->name != NULL)
        n = snprintf(out + *len, room - *len, "/%s", at->name);
    else
        n = snprintf(out + *len, room - *len, "/%zu", at->index);
    if (n < 0 || (size_t)n >= room - *len) {
        out[*len] = 0;
        return false;
    }
    *len += (size_t)n;
    return true;
}

void
json_in_fault(struct json_in *in, const struct json_at *at, const char *reason)
{
    char pointer[COFRE_POINTER_MAX] = "";
    size_t len = 0;

    (void)pointer_put(pointer, sizeof pointer, &len, at);
    cofre_call_fail(in->call, COFRE_OUT_INVALID, pointer, reason);
}

void
json_in_fault_member(struct json_in *in, const struct json_at *at, const char *name,
                     const char *reason)
{
    struct json_at member = {at, name, 0};

    json_in_fault(in, name_looks_ours(name) ? &member : at, reason);
}

/* ---- the text ---- */

/*
 * Depth and number of values, before a tree is made of them.  Brackets and commas outside of
 * strings are counted; what is malformed is left to the parser.
 */
static const char *
too_big(struct bytes body)
{
    size_t depth = 0;
    size_t values = 1;
    bool string = false;

    for (size_t i = 0; i < body.len; i++) {
        uint8_t c = body.p[i];
        if (string) {
            i += c == '\\';
            string = c != '"';
        } else if (c == '"') {
            string = true;
        } else if (c == '[' || c == '{') {
            values++;
            if (++depth > JSON_IN_DEPTH)
                return "nested too deeply: at most 16 levels";
        } else if (c == ']' || c == '}') {
            depth -= depth > 0;
        } else if (c == ',') {
            values++;
        }
    }
    return values > JSON_IN_VALUES ? "too many values" : NULL;
}

static const char *
error_reason(enum json_error_code code)
{
    static const struct {
        enum json_error_code code;
        const char *reason;
    } reasons[] = {
        {json_error_invalid_utf8, "not UTF-8"},
        {json_error_premature_end_of_input, "ends too early"},
        {json_error_end_of_input_expected, "something follows the JSON text"},
        {json_error_null_character, "U+0000 is not accepted"},
        {json_error_null_byte_in_key, "U+0000 is not accepted"},
        {json_error_duplicate_key, "a member occurs twice"},
        {json_error_numeric_overflow, "a number is out of range"},
    };

    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (reasons[i].code == code)
            return reasons[i].reason;
    return "not JSON";
}

bool
json_in_parse(struct json_in *in, struct cofre_call *call, struct bytes body)
{
    char reason[96];
    const char *why;
    json_error_t error;

    *in = (struct json_in){.call = call};
    if (body.len == 0) {
        json_in_fault(in, NULL, "a JSON body is missing");
        return false;
    }
    if ((why = too_big(body)) != NULL) {
        json_in_fault(in, NULL, why);
        return false;
    }
    in->root = json_loadb((const char *)body.p, body.len, JSON_REJECT_DUPLICATES, &error);
    if (in->root != NULL)
        return true;
    if (json_error_code(&error) == json_error_out_of_memory) {
        cofre_call_fail(call, COFRE_OUT_INTERNAL, NULL, "");
    } else {
        /* The library's own text quotes the input. */
        snprintf(reason, sizeof reason, "%s (line %d, column %d)",
                 error_reason(json_error_code(&error)), error.line, error.column);
        json_in_fault(in, NULL, reason);
    }
    secret_wipe(&error, sizeof error);
    return false;
}
