#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "cofre/call.h"
#include "cofre/secret.h"

static const char *const role_texts[COFRE_ROLES] = {
    [COFRE_ROLE_INGEST] = "ingest",         [COFRE_ROLE_CRM] = "crm",
    [COFRE_ROLE_SUPPORT] = "support",       [COFRE_ROLE_COMPLIANCE] = "compliance",
    [COFRE_ROLE_ADMIN] = "admin",           [COFRE_ROLE_SYSTEM] = "system",
};

struct act_info {
    const char *text;
    unsigned roles;
    bool mutates;
};

static const struct act_info acts[COFRE_ACTS] = {
#define ACT_INFO(name, text, roles, mutates) {text, roles, mutates},
    COFRE_ACT_LIST(ACT_INFO)
#undef ACT_INFO
};

static const struct cofre_outcome_info outcomes[COFRE_OUTS] = {
#define OUT_INFO(name, http, exit, code, title) {http, exit, code, title},
    COFRE_OUT_LIST(OUT_INFO)
#undef OUT_INFO
};

const char *
cofre_role_text(enum cofre_role role)
{
    return (unsigned)role < COFRE_ROLES ? role_texts[role] : "";
}

enum cofre_err
cofre_role_parse(struct bytes text, enum cofre_role *role)
{
    for (unsigned i = 0; i <= COFRE_ROLE_COMPLIANCE; i++) {
        if (bytes_equal(text, bytes_str(role_texts[i]))) {
            *role = (enum cofre_role)i;
            return COFRE_OK;
        }
    }
    return COFRE_ENOENT;
}

const char *
cofre_act_text(enum cofre_act act)
{
    return (unsigned)act < COFRE_ACTS ? acts[act].text : "";
}

bool
cofre_act_allowed(enum cofre_act act, enum cofre_role role)
{
    return (unsigned)act < COFRE_ACTS && (acts[act].roles & (1U << role)) != 0;
}

bool
cofre_act_mutates(enum cofre_act act)
{
    return (unsigned)act < COFRE_ACTS && acts[act].mutates;
}

enum cofre_err
cofre_act_parse(struct bytes text, enum cofre_act *act)
{
    for (unsigned i = 0; i < COFRE_ACTS; i++) {
        if (bytes_equal(text, bytes_str(acts[i].text))) {
            *act = (enum cofre_act)i;
            return COFRE_OK;
        }
    }
    return COFRE_ENOENT;
}

const struct cofre_outcome_info *
cofre_outcome(enum cofre_outcome out)
{
    return &outcomes[(unsigned)out < COFRE_OUTS ? out : COFRE_OUT_INTERNAL];
}

void
cofre_call_init(struct cofre_call *call)
{
    uint8_t random[sizeof call->nonce + sizeof call->salt];

    *call = (struct cofre_call){.body = BUF_INIT, .fields = BUF_INIT, .subjects = BUF_INIT};
    randombytes_buf(random, sizeof random);
    memcpy(call->nonce, random, sizeof call->nonce);
    memcpy(call->salt, random + sizeof call->nonce, sizeof call->salt);
    secret_wipe(random, sizeof random);
}

void
cofre_call_free(struct cofre_call *call)
{
    if (call->op_free != NULL)
        call->op_free(call->op);
    call->op = NULL;
    call->op_free = NULL;
    buf_free(&call->body);
    buf_free(&call->fields);
    buf_free(&call->subjects);
    secret_wipe(call->salt, sizeof call->salt);
}

void
cofre_call_fail(struct cofre_call *call, enum cofre_outcome outcome, const char *pointer,
                const char *reason)
{
    struct cofre_fault *f;
    size_t n;

    if (cofre_call_ok(call))
        call->outcome = outcome;
    if (pointer == NULL || call->n_faults == COFRE_FAULTS_MAX)
        return;
    f = &call->faults[call->n_faults++];
    n = strnlen(pointer, sizeof f->pointer - 1);
    memcpy(f->pointer, pointer, n);
    f->pointer[n] = 0;
    n = strnlen(reason, sizeof f->reason - 1);
    memcpy(f->reason, reason, n);
    f->reason[n] = 0;
}

void
cofre_call_field(struct cofre_call *call, struct bytes name)
{
    buf_putb(&call->fields, name);
    buf_putc(&call->fields, 0);
}

bool
cofre_call_ok(const struct cofre_call *call)
{
    return *cofre_outcome(call->outcome)->code == 0;
}
