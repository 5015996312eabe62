#include <string.h>

#include "cofre/oplog.h"

#include "witness_answer.h"

enum { ORIGIN_HASH = 64 };

static const char text_plain[] = "text/plain; charset=utf-8";

static const struct {
    unsigned status;
    enum witness_refusal refusal;
    const char *content_type;
    const char *body; /* NULL: what the witness said */
} answers[COFRE_WITNESS_ANSWERS] = {
    [COFRE_WITNESS_COSIGNED] = {200, WITNESS_REFUSED_NOTHING, text_plain, NULL},
    [COFRE_WITNESS_MALFORMED] = {400, WITNESS_REFUSED_MALFORMED, text_plain,
                                 "malformed, or the old size is beyond the checkpoint's\n"},
    [COFRE_WITNESS_UNTRUSTED] = {403, WITNESS_REFUSED_UNTRUSTED, text_plain,
                                 "not signed by a trusted key of this origin\n"},
    [COFRE_WITNESS_UNKNOWN] = {404, WITNESS_REFUSED_UNKNOWN, text_plain, "unknown origin\n"},
    [COFRE_WITNESS_CONFLICT] = {409, WITNESS_REFUSED_CONFLICT, "text/x.tlog.size", NULL},
    [COFRE_WITNESS_UNPROVEN] = {422, WITNESS_REFUSED_UNPROVEN, text_plain,
                                "the proof does not hold\n"},
    [COFRE_WITNESS_FAILED] = {500, WITNESS_REFUSED_NOTHING, text_plain,
                              "the witness cannot remember it\n"},
};

static void
reply(struct witness_reply *out, unsigned status, enum witness_refusal refusal, const char *body)
{
    out->status = status;
    out->refusal = refusal;
    out->content_type = text_plain;
    buf_puts(&out->body, body);
}

static void
add(struct cofre_witness *w, const struct witness_ask *ask, struct witness_reply *out)
{
    struct cofre_why why = {""};
    enum cofre_witness_answer answer;

    if (ask->too_long) {
        reply(out, 413, WITNESS_REFUSED_TOO_LONG, "too long\n");
        return;
    }
    answer = cofre_witness_add(w, ask->body, &out->body, &why);
    if (answer == COFRE_WITNESS_FAILED)
        oplog_line(OPLOG_ERROR, "witness: %s", why.text);
    out->status = answers[answer].status;
    out->refusal = answers[answer].refusal;
    out->content_type = answers[answer].content_type;
    if (answers[answer].body != NULL)
        buf_puts(&out->body, answers[answer].body);
}

static void
health(struct cofre_witness *w, const struct witness_ask *ask, struct witness_reply *out)
{
    (void)w;
    (void)ask;
    reply(out, 200, WITNESS_REFUSED_NOTHING, "{\"status\":\"ok\"}");
    out->content_type = "application/json";
}

static void
newest(struct cofre_witness *w, const struct witness_ask *ask, struct witness_reply *out)
{
    const struct bytes hash = {(const uint8_t *)ask->path + 1, ORIGIN_HASH};

    if (cofre_witness_newest(w, hash, &out->body))
        reply(out, 200, WITNESS_REFUSED_NOTHING, "");
    else
        reply(out, 404, WITNESS_REFUSED_ROUTE, "no such checkpoint\n");
}

static bool
is_newest(const char *path)
{
    return path[0] == '/' && strspn(path + 1, "0123456789abcdef") == ORIGIN_HASH &&
           strcmp(path + 1 + ORIGIN_HASH, "/checkpoint") == 0;
}

static bool
is_add(const char *path)
{
    return strcmp(path, "/add-checkpoint") == 0;
}

static bool
is_health(const char *path)
{
    return strcmp(path, "/healthz") == 0;
}

static const struct {
    bool (*is)(const char *path);
    const char *method;
    void (*run)(struct cofre_witness *w, const struct witness_ask *ask, struct witness_reply *out);
} routes[] = {
    {is_add, "POST", add},
    {is_newest, "GET", newest},
    {is_health, "GET", health},
};

void
witness_answer(struct cofre_witness *w, const struct witness_ask *ask, struct witness_reply *out)
{
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        if (!routes[i].is(ask->path))
            continue;
        if (strcmp(routes[i].method, ask->method) == 0) {
            routes[i].run(w, ask, out);
        } else {
            reply(out, 405, WITNESS_REFUSED_ROUTE, "another method is wanted\n");
            out->allow = routes[i].method;
        }
        return;
    }
    reply(out, 404, WITNESS_REFUSED_ROUTE, "nothing is here\n");
}

/* ---- what was refused ---- */

static const char *const names[WITNESS_REFUSALS] = {
    [WITNESS_REFUSED_MALFORMED] = "malformed",
    [WITNESS_REFUSED_UNTRUSTED] = "not signed by a trusted key",
    [WITNESS_REFUSED_UNKNOWN] = "unknown origin",
    [WITNESS_REFUSED_CONFLICT] = "another size or root than cosigned last",
    [WITNESS_REFUSED_UNPROVEN] = "not proved to be a continuation",
    [WITNESS_REFUSED_TOO_LONG] = "too long",
    [WITNESS_REFUSED_ROUTE] = "no such route",
    [WITNESS_REFUSED_BY_LIBRARY] = "not HTTP",
};

void
witness_answer_count(struct witness_refusals *r, enum witness_refusal refusal)
{
    if (refusal != WITNESS_REFUSED_NOTHING)
        atomic_fetch_add(&r->n[refusal], 1);
}

void
witness_answer_tell(struct witness_refusals *r)
{
    struct buf line = BUF_INIT;

    for (size_t i = 1; i < WITNESS_REFUSALS; i++) {
        uint64_t n = atomic_exchange(&r->n[i], 0);

        if (n > 0)
            buf_putf(&line, "%s%s: %llu", line.len > 0 ? ", " : "", names[i],
                     (unsigned long long)n);
    }
    buf_putc(&line, '\0');
    if (line.len > 1 && buf_error(&line) == COFRE_OK)
        oplog_line(OPLOG_WARNING, "witness: requests refused: %s", (const char *)line.p);
    buf_free(&line);
}
