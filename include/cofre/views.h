#ifndef COFRE_VIEWS_H
#define COFRE_VIEWS_H

#include "cofre/call.h"

/*
 * What a CRM service reads.  A view that is not the token's is NOT_FOUND like one that does not exist.  An
 * unknown, foreign, expired or consent-withdrawn pseudonym gets one and the same NOT_FOUND.
 * The contract of arguments and results is that of customers.h.
 */
enum { COFRE_PAGE_DEFAULT = 100, COFRE_PAGE_MAX = 1000 };

struct cofre_page {
    uint64_t limit;       /* 1..COFRE_PAGE_MAX; the caller has checked */
    struct bytes cursor;  /* empty: from the beginning */
    struct bytes kind;    /* events: empty for all */
    struct bytes since;   /* events: empty for all */
};

/* {"view","version","purpose","pseudonym","epoch","fields":{...},"events":{...},"write_back":[...]} */
void cofre_view_contract(struct cofre_vault *vault, struct cofre_call *call, struct bytes view);
/* {"records":[{"pseudonym","fields":{...}}],"next":cursor or null}, by pseudonym */
void cofre_view_records(struct cofre_vault *vault, struct cofre_call *call, struct bytes view,
                        const struct cofre_page *page);
/* {"pseudonym","fields":{...}} */
void cofre_view_record(struct cofre_vault *vault, struct cofre_call *call, struct bytes view,
                       struct bytes ps);
/* {"records":[...]} without the missing; n <= COFRE_PAGE_MAX */
void cofre_view_batch_get(struct cofre_vault *vault, struct cofre_call *call, struct bytes view,
                          const struct bytes *ps, size_t n);
/* {"events":[{"pseudonym","ref","kind","time","attributes":{...}}],"next"} of one record (ps), or of all (ps
 * empty), by generalised time, then by ref */
void cofre_view_events(struct cofre_vault *vault, struct cofre_call *call, struct bytes view,
                       struct bytes ps, const struct cofre_page *page);

#endif
