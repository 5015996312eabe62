#ifndef VECTORS_H
#define VECTORS_H

/*
 * Known answers.  A file in tests/vectors/ has one case a line, as NAME=VALUE pairs with a blank
 * between them (values have none; bytes are hexadecimal), and comments after "#".  The whole
 * Wycheproof files, where they are at hand ($COFRE_SHARED, default ../shared), have the same
 * names, so that one check serves both.
 */
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "unit.h"

struct vector {
    const char *line; /* or, when NULL: */
    json_t *test, *group;
};

/* The value of name, or NULL; it ends at a blank or at the text's end. */
static inline const char *
vector_text(const struct vector *v, const char *name)
{
    size_t len = strlen(name);
    json_t *value;

    if (v->line == NULL) {
        value = json_object_get(v->test, name);
        if (value == NULL)
            value = json_object_get(json_object_get(v->group, "publicKey"), name);
        return json_string_value(value);
    }
    for (const char *at = v->line; at != NULL; at = strchr(at, ' ')) {
        at += strspn(at, " ");
        if (strncmp(at, name, len) == 0 && at[len] == '=')
            return at + len + 1;
    }
    return NULL;
}

static inline bool
vector_is(const struct vector *v, const char *name, const char *value)
{
    const char *text = vector_text(v, name);

    assert_non_null(text);
    return strcspn(text, " ") == strlen(value) && strncmp(text, value, strlen(value)) == 0;
}

/* Replaces what is in out by the bytes of name. */
static inline struct bytes
vector_bytes(const struct vector *v, const char *name, struct buf *out)
{
    const char *text = vector_text(v, name);
    char *hex;

    assert_non_null(text);
    hex = strndup(text, strcspn(text, " "));
    buf_reset(out);
    unit_hex(out, hex);
    free(hex);
    return buf_bytes(out);
}

static inline size_t
vector_number(const struct vector *v, const char *name)
{
    if (v->line != NULL)
        return (size_t)strtoull(vector_text(v, name), NULL, 10);
    return (size_t)json_integer_value(json_object_get(v->test, name));
}

static inline const char *
vector_source(void)
{
    const char *src = getenv("COFRE_SRC");

    return src != NULL ? src : ".";
}

typedef void vector_check(const struct vector *v);

/* Calls check for each case of tests/vectors/NAME; returns how many there were. */
static inline size_t
vectors_each(const char *name, vector_check *check)
{
    char path[4096];
    char *line = NULL;
    size_t room = 0, n = 0;
    ssize_t len;
    FILE *file;

    snprintf(path, sizeof path, "%s/tests/vectors/%s", vector_source(), name);
    file = fopen(path, "r");
    if (file == NULL)
        print_error("cannot open %s\n", path);
    assert_non_null(file);
    while ((len = getline(&line, &room, file)) > 0) {
        line[strcspn(line, "\n")] = '\0';
        if (line[0] == '#' || line[0] == '\0')
            continue;
        check(&(struct vector){.line = line});
        n++;
    }
    free(line);
    fclose(file);
    return n;
}

/* Calls check for each case of a whole Wycheproof file; 0 when it is not there. */
static inline size_t
vectors_wycheproof(const char *name, vector_check *check)
{
    const char *shared = getenv("COFRE_SHARED");
    char path[4096];
    json_t *root, *group, *test;
    size_t i, j, n = 0;

    if (shared != NULL)
        snprintf(path, sizeof path, "%s/vectors/wycheproof/%s", shared, name);
    else
        snprintf(path, sizeof path, "%s/../shared/vectors/wycheproof/%s", vector_source(), name);
    if ((root = json_load_file(path, 0, NULL)) == NULL) {
        print_message("%s is not at hand: only the compact copy was tried\n", name);
        return 0;
    }
    json_array_foreach(json_object_get(root, "testGroups"), i, group)
    {
        json_array_foreach(json_object_get(group, "tests"), j, test)
        {
            check(&(struct vector){.test = test, .group = group});
            n++;
        }
    }
    assert_int_equal(n, json_integer_value(json_object_get(root, "numberOfTests")));
    json_decref(root);
    return n;
}

#endif
