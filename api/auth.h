#ifndef AUTH_H
#define AUTH_H

struct request;

/*
 * Who sends this request?  On success the call's actor is filled and req->authenticated is set; else the
 * outcome is TOKEN, and the failure is counted.  Where clients must show a certificate, one
 * without a valid one does not pass, whatever its token.
 */
void auth_check(struct request *req);

#endif
