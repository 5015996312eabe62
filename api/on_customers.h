#ifndef ON_CUSTOMERS_H
#define ON_CUSTOMERS_H

struct request;

/* What shop and support desk do; see route.c for the paths and include/cofre/customers.h for the replies. */
void on_customers_create(struct request *req);
void on_customers_batch(struct request *req);
void on_customers_patch(struct request *req);
void on_customers_events(struct request *req);
void on_customers_events_batch(struct request *req);
void on_customers_consent(struct request *req);
void on_customers_lookup(struct request *req);
void on_customers_reveal(struct request *req);
void on_customers_accesses(struct request *req);

#endif
