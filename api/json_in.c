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

static void
fault_member(struct json_in *in, const struct json_at *at, const char *name, const char *reason)
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

/* ---- values ---- */

static struct bytes
text_of(const json_t *value)
{
    return (struct bytes){(const uint8_t *)json_string_value(value), json_string_length(value)};
}

static const char *
wants(json_type type)
{
    switch (type) {
    case JSON_OBJECT:
        return "must be an object";
    case JSON_ARRAY:
        return "must be an array";
    default:
        return "must be a string";
    }
}

static const struct json_member *
member_find(const struct json_member *members, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(members[i].name, name) == 0)
            return &members[i];
    return NULL;
}

static bool
member_read(struct json_in *in, const struct json_at *at, const struct json_member *m,
            json_t *value)
{
    json_type type = m->text != NULL ? JSON_STRING : m->type;

    /* JSON_NULL stands for any type. */
    if (json_typeof(value) != type && type != JSON_NULL) {
        fault_member(in, at, m->name, wants(type));
        return false;
    }
    if (m->text != NULL)
        *m->text = text_of(value);
    else
        *m->value = value;
    return true;
}

bool
json_in_object(struct json_in *in, const struct json_at *at, const json_t *value,
               const struct json_member *members, size_t n)
{
    bool ok = true;
    json_t *object = (json_t *)(uintptr_t)value; /* iterating does not change it */

    if (!json_is_object(value)) {
        json_in_fault(in, at, wants(JSON_OBJECT));
        return false;
    }
    for (void *it = json_object_iter(object); it != NULL; it = json_object_iter_next(object, it)) {
        const char *name = json_object_iter_key(it);
        const struct json_member *m = member_find(members, n, name);
        if (m == NULL)
            fault_member(in, at, name, "a member that is not known here");
        ok = m != NULL && member_read(in, at, m, json_object_iter_value(it)) && ok;
    }
    for (size_t i = 0; i < n; i++) {
        if (members[i].required && json_object_get(value, members[i].name) == NULL) {
            fault_member(in, at, members[i].name, "is missing");
            ok = false;
        }
    }
    return ok;
}

size_t
json_in_array(struct json_in *in, const struct json_at *at, const json_t *value, size_t min,
              size_t max)
{
    char reason[64];
    size_t n = json_array_size(value);

    if (!json_is_array(value)) {
        json_in_fault(in, at, wants(JSON_ARRAY));
        return 0;
    }
    if (n < min || n > max) {
        snprintf(reason, sizeof reason, "must hold %zu to %zu items", min, max);
        json_in_fault(in, at, reason);
        return 0;
    }
    return n;
}

bool
json_in_strings(struct json_in *in, const struct json_at *at, const json_t *value, size_t min,
                size_t max, struct bytes **out, size_t *n)
{
    size_t count = json_in_array(in, at, value, min, max);
    bool ok = true;

    *n = 0;
    if (count == 0 || (*out = json_in_alloc(in, count, sizeof **out)) == NULL)
        return count == 0 && min == 0 && cofre_call_ok(in->call);
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(value, i);
        struct json_at place = {at, NULL, i};
        if (!json_is_string(item)) {
            json_in_fault(in, &place, wants(JSON_STRING));
            ok = false;
        }
        (*out)[i] = text_of(item);
    }
    *n = count;
    return ok;
}

/* ---- field values ---- */

static bool
integer_text(struct json_in *in, json_int_t n, struct bytes *text)
{
    enum { INTEGER_CHARS = 24 };
    char *p = json_in_alloc(in, 1, INTEGER_CHARS);

    if (p == NULL)
        return false;
    text->p = (const uint8_t *)p;
    text->len = (size_t)snprintf(p, INTEGER_CHARS, "%" JSON_INTEGER_FORMAT, n);
    return true;
}

bool
json_in_field(struct json_in *in, const char *name, const json_t *value, struct cofre_field *out)
{
    *out = (struct cofre_field){.name = bytes_str(name)};
    switch (json_typeof(value)) {
    case JSON_STRING:
        out->form = COFRE_FORM_STRING;
        out->text = text_of(value);
        return true;
    case JSON_INTEGER:
        out->form = COFRE_FORM_INTEGER;
        return integer_text(in, json_integer_value(value), &out->text);
    case JSON_REAL:
        out->form = COFRE_FORM_NUMBER;
        return true;
    case JSON_TRUE:
    case JSON_FALSE:
        out->form = COFRE_FORM_BOOL;
        out->text = json_is_true(value) ? BYTES_LIT("true") : BYTES_LIT("false");
        return true;
    case JSON_NULL:
        out->form = COFRE_FORM_NULL;
        return true;
    default:
        out->form = COFRE_FORM_OTHER;
        return true;
    }
}

bool
json_in_fields(struct json_in *in, const struct json_at *at, const json_t *value,
               struct cofre_field **out, size_t *n)
{
    json_t *object = (json_t *)(uintptr_t)value; /* iterating does not change it */
    size_t count = json_object_size(value);
    size_t i = 0;

    *n = 0;
    if (count > JSON_IN_FIELDS) {
        json_in_fault(in, at, "too many members: at most 256");
        return false;
    }
    if (count == 0)
        return true;
    if ((*out = json_in_alloc(in, count, sizeof **out)) == NULL)
        return false;
    for (void *it = json_object_iter(object); it != NULL; it = json_object_iter_next(object, it))
        if (!json_in_field(in, json_object_iter_key(it), json_object_iter_value(it), &(*out)[i++]))
            return false;
    *n = count;
    return true;
}
