#ifndef PROBLEM_H
#define PROBLEM_H

#include "cofre/call.h"

/*
 * Writes an RFC 9457 problem document for the outcome of a call, of which request_id is the request's, into
 * call->body (which is empty), and sets content_type:
 *
 *   {"type":"urn:cofre:problem:<code>","title":…,"status":…,"code":…,"request_id":…,
 *    "errors":[{"pointer":…,"detail":…}]}
 */
void problem_write(struct cofre_call *call, const char *request_id);

#endif
