#include "openapi.h"

/* Made of openapi.json by cmake/embed.cmake. */
extern const unsigned char openapi_json[];
extern const size_t openapi_json_len;

struct bytes
openapi_document(void)
{
    return (struct bytes){openapi_json, openapi_json_len};
}
