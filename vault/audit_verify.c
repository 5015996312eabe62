#include <stdlib.h>
#include <string.h>

#include "audit/verify_keys.h"
#include "audit/verify_report.h"
#include "cofre/audit.h"
#include "cofre/encode.h"
#include "vault/vault_internal.h"

/* The vault verifies its own log, as anybody may with cofre-verify. */

enum { ACCEPTED_MAX = 64 };

struct verifying {
    struct note_verifier first; /* it walks on from here */
    struct verify_keys witnesses;
    uint8_t accepted[ACCEPTED_MAX][HASH_LEN];
    struct verify_findings findings;
    struct verify_report report;
};

static bool
refused(struct cofre_call *call, const char *place, const char *what)
{
    cofre_call_fail(call, COFRE_OUT_INVALID, place, what);
    return false;
}

static bool
read_given(struct verifying *w, const struct cofre_verify_in *in, struct cofre_call *call)
{
    for (size_t i = 0; i < in->n_witnesses; i++) {
        if (verify_keys_witness(&w->witnesses, in->witnesses[i]) != COFRE_OK)
            return refused(call, "/witness", "not a key of a witness on every line, or one twice");
    }
    if (in->quorum > w->witnesses.n)
        return refused(call, "/quorum", "more than there are witnesses");
    if (in->n_accepted > ACCEPTED_MAX)
        return refused(call, "/accept-incarnation", "too many");
    for (size_t i = 0; i < in->n_accepted; i++) {
        if (verify_keys_hash(bytes_str(in->accepted[i]), w->accepted[i]) != COFRE_OK)
            return refused(call, "/accept-incarnation", "not 64 hexadecimal digits");
    }
    return true;
}

static enum cofre_err
verify_once(struct cofre_vault *v, struct verifying *w, const struct cofre_verify_in *in)
{
    const struct verify_config config = {.dir = v->audit_fd,
                                         .keys = &w->first,
                                         .n_keys = 1,
                                         .since = in->since,
                                         .n_since = in->n_since,
                                         .witnesses = w->witnesses.key,
                                         .n_witnesses = w->witnesses.n,
                                         .quorum = in->quorum,
                                         .tsa_ca = in->tsa_ca,
                                         .accepted = (const uint8_t(*)[HASH_LEN])w->accepted,
                                         .n_accepted = in->n_accepted,
                                         .max_age = in->max_age,
                                         .found = verify_report_found,
                                         .found_ctx = &w->findings};

    verify_report_free(&w->findings);
    (void)log_epoch(v->log, 1, &w->first, NULL);
    return verify_log(&config, &w->report);
}

/*
 * The builder works on meanwhile: proofs, witnesses and readers do not wait for a long log to be read.
 * Only when it does not verify is it read again standing still (entries go on into the journal), so
 * that what moved under the reader is not taken for tampering.
 */
static enum cofre_err
verify(struct cofre_vault *v, struct verifying *w, const struct cofre_verify_in *in)
{
    enum cofre_err err = verify_once(v, w, in);

    if (err != COFRE_OK ||
        (w->report.verdict != VERIFY_TAMPERED && w->report.verdict != VERIFY_UNREADABLE))
        return err;
    log_pause(v->log);
    err = verify_once(v, w, in);
    log_resume(v->log);
    return err;
}

static enum cofre_err
put_report(const struct verifying *w, struct cofre_call *call, bool text)
{
    struct buf lines = BUF_INIT;

    verify_report_json(&call->body, &w->report, &w->findings, w->first.name);
    if (text && call->body.len > 0) {
        verify_report_text(&lines, &w->report, &w->findings, w->first.name);
        call->body.len--; /* its closing brace */
        buf_puts(&call->body, ",\"text\":");
        encode_json_string(&call->body, buf_bytes(&lines));
        buf_putc(&call->body, '}');
        if (buf_error(&lines) != COFRE_OK)
            call->body.failed = true;
    }
    buf_free(&lines);
    return buf_error(&call->body);
}

static void
run(struct cofre_vault *v, struct cofre_call *call, const struct cofre_verify_in *in,
    struct verifying *w)
{
    enum cofre_err err;

    if (!read_given(w, in, call))
        return;
    if ((err = verify(v, w, in)) == COFRE_OK)
        err = put_report(w, call, in->text);
    if (err != COFRE_OK) {
        policy_error(call, err, NULL);
        return;
    }
    call->n = w->report.size;
}

void
cofre_audit_verify(struct cofre_vault *v, struct cofre_call *call, const struct cofre_verify_in *in,
                   unsigned *verdict)
{
    struct verifying *w;

    *verdict = VERIFY_UNREADABLE;
    if (!policy_role(call))
        return;
    if ((w = calloc(1, sizeof *w)) == NULL) {
        policy_error(call, COFRE_ENOMEM, NULL);
        return;
    }
    run(v, call, in, w);
    if (cofre_call_ok(call)) {
        *verdict = w->report.verdict;
        /* Without a kept checkpoint that is a declared restore, which is no news to the doctor. */
        if (*verdict != VERIFY_GOOD &&
            !(*verdict == VERIFY_ROLLED_BACK && call->act == COFRE_ACT_DOCTOR))
            cofre_call_fail(call, COFRE_OUT_INTEGRITY, "audit/", "does not verify");
    }
    verify_report_free(&w->findings);
    free(w);
}
