#ifndef ON_AUDIT_H
#define ON_AUDIT_H

struct request;

/* The log; see route.c for the paths and include/cofre/audit.h for the replies. */
void on_audit_checkpoint(struct request *req);
void on_audit_tile(struct request *req);
void on_audit_entries(struct request *req);
void on_audit_proof(struct request *req);

#endif
