#ifndef OPENAPI_H
#define OPENAPI_H

#include "cofre/bytes.h"

/* api/openapi.json, as it was when this was built. */
struct bytes openapi_document(void);

#endif
