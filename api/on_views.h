#ifndef ON_VIEWS_H
#define ON_VIEWS_H

struct request;

/* What a CRM service reads; see route.c for the paths and include/cofre/views.h for the replies. */
void on_views_contract(struct request *req);
void on_views_records(struct request *req);
void on_views_record(struct request *req);
void on_views_batch_get(struct request *req);
void on_views_record_events(struct request *req);
void on_views_events(struct request *req);

#endif
