#ifndef JUDGE_H
#define JUDGE_H

struct request;

/*
 * All that can be said of a request before its body is there: its route, who sends it, whether the role
 * may, and whether headers, query and the body's announced size will do.  In this order: who
 * has no token learns of no route, and who may not do a thing learns nothing of its rules.
 *
 * Fills headers, match, limit and the call's act and actor; a refusal is the call's outcome.
 * req->close is set when the request's end is not certain.
 */
void judge_headers(struct request *req, const char *method);

#endif
