/* A view document: refused, or a view that shows no identifier and reads back as it is written. */
#include <stdlib.h>

#include "vault/views/view.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct schema *
usual_schema(void)
{
    static struct schema *schema;

    if (schema == NULL && (schema_parse(bytes_str(schema_default), &schema, NULL) != COFRE_OK ||
                           schema_merge(NULL, schema, NULL) != COFRE_OK))
        abort();
    return schema;
}

static void
check_fields(const struct view *v)
{
    for (size_t i = 0; i < v->n_fields; i++) {
        enum transform_as as = v->fields[i].as.as;

        if (v->fields[i].identifier && as != TRANSFORM_DROP && as != TRANSFORM_MASK &&
            (as != TRANSFORM_DOMAIN || v->fields[i].type != SCHEMA_EMAIL))
            abort();
        if (v->fields[i].identifier && as != TRANSFORM_DROP && !v->needs_identifiers)
            abort();
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct schema *schema = usual_schema();
    struct cofre_why why = {.text = ""};
    struct buf first = BUF_INIT;
    struct buf second = BUF_INIT;
    struct view *v;

    if (view_parse((struct bytes){data, size}, schema, &v, &why) != COFRE_OK) {
        if (v != NULL || why.text[0] == '\0')
            abort();
        return 0;
    }
    check_fields(v);
    view_write(v, schema, &first);
    view_free(v);
    if (view_parse(buf_bytes(&first), schema, &v, &why) != COFRE_OK)
        abort();
    view_write(v, schema, &second);
    view_free(v);
    if (!bytes_equal(buf_bytes(&first), buf_bytes(&second)))
        abort();
    buf_free(&first);
    buf_free(&second);
    return 0;
}
