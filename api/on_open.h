#ifndef ON_OPEN_H
#define ON_OPEN_H

struct request;

/* What needs no token and leaves no entry. */
void on_open_healthz(struct request *req);
void on_open_readyz(struct request *req);
void on_open_metrics(struct request *req);
void on_open_openapi(struct request *req);

#endif
