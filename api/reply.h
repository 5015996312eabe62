#ifndef REPLY_H
#define REPLY_H

#include <microhttpd.h>

struct request;

/*
 * Queues the reply that the call (or the open route) holds, and counts it.  The bytes stay the
 * request's until request_completed.  MHD_NO: out of memory, and the connection ends.
 */
enum MHD_Result reply_send(struct request *req);

#endif
