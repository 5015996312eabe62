/*
 * A process that appends is killed at any moment: every entry that it had acknowledged is there,
 * at its place, and the chain holds.  Twenty times on the same log.
 */
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "../unit/audit_dir.h"

#include "audit/verify.h"

enum { KILLS = 20, BATCH = 16 };

struct ack {
    uint64_t seq;
    uint8_t leaf[HASH_LEN];
};

/* Appends until it is killed, and writes an ack for each entry once it is durable. */
static void
child(const struct audit_dir *d, int pipe_fd)
{
    struct ack acks[BATCH];
    struct bytes line;
    struct entry e;
    struct log *l;

    if (log_open(&d->config, &l, NULL) != COFRE_OK)
        _exit(1);
    for (uint64_t n = 0;; n++) {
        for (size_t i = 0; i < BATCH; i++) {
            e = audit_dir_entry(n);
            if (log_stage(l, &e, acks[i].leaf, &line) != COFRE_OK)
                _exit(2);
            acks[i].seq = e.seq;
        }
        if (log_commit(l, NULL) != COFRE_OK)
            _exit(3);
        if (write(pipe_fd, acks, sizeof acks) != (ssize_t)sizeof acks)
            _exit(4);
    }
}

struct acks {
    struct ack *all;
    size_t n;
};

static void
keep(struct acks *a, const struct ack *one)
{
    if ((a->n & (a->n - 1)) == 0)
        a->all = realloc(a->all, (a->n == 0 ? 1 : 2 * a->n) * sizeof *one);
    assert_non_null(a->all);
    a->all[a->n++] = *one;
}

/* Reads what the child says for so many ms, kills it, and reads the rest. */
static void
listen_and_kill(pid_t pid, int fd, int ms, struct acks *acks)
{
    struct timespec start, now;
    struct ack one;
    bool killed = false;
    ssize_t n;

    clock_gettime(CLOCK_MONOTONIC, &start);
    for (;;) {
        clock_gettime(CLOCK_MONOTONIC, &now);
        if (!killed &&
            (now.tv_sec - start.tv_sec) * 1000 + (now.tv_nsec - start.tv_nsec) / 1000000 >= ms) {
            assert_int_equal(kill(pid, SIGKILL), 0);
            killed = true;
        }
        if (!killed && poll(&(struct pollfd){fd, POLLIN, 0}, 1, 1) == 0)
            continue;
        /* PIPE_BUF is larger than a write of acks: they come whole. */
        n = read(fd, &one, sizeof one);
        if (n == 0)
            break;
        assert_int_equal(n, sizeof one);
        keep(acks, &one);
    }
}

static enum cofre_err
check(void *ctx, uint64_t seq, struct bytes line)
{
    const struct acks *acks = ctx;
    uint8_t leaf[HASH_LEN];

    if (seq >= acks->n)
        return COFRE_OK; /* durable, but killed before it said so */
    tree_leaf(line, leaf);
    assert_int_equal(acks->all[seq].seq, seq);
    assert_memory_equal(acks->all[seq].leaf, leaf, HASH_LEN);
    return COFRE_OK;
}

/* What was not acknowledged but is there now is part of the log, and must stay. */
static enum cofre_err
adopt(void *ctx, uint64_t seq, struct bytes line)
{
    struct ack one = {.seq = seq};

    tree_leaf(line, one.leaf);
    keep(ctx, &one);
    return COFRE_OK;
}

static void
check_log(const struct audit_dir *d, struct acks *acks)
{
    struct verify_config config = {.dir = d->dir, .keys = &d->signer.verifier, .n_keys = 1};
    struct verify_report report;
    struct cofre_why why = {""};
    struct log *l;

    /* As it was left: good, torn at most. */
    assert_int_equal(verify_log(&config, &report), COFRE_OK);
    if (report.verdict != VERIFY_GOOD)
        fail_msg("verify: %s", report.reason);
    assert_true(report.size >= acks->n);
    if (log_open(&d->config, &l, &why) != COFRE_OK)
        fail_msg("log_open: %s", why.text);
    assert_int_equal(log_entries(l, 0, UINT64_MAX, check, acks, &why), COFRE_OK);
    assert_int_equal(log_entries(l, acks->n, UINT64_MAX, adopt, acks, &why), COFRE_OK);
    assert_int_equal(log_close(l, &why), COFRE_OK);
    assert_int_equal(verify_log(&config, &report), COFRE_OK);
    assert_int_equal(report.verdict, VERIFY_GOOD);
    assert_int_equal(report.signed_size, acks->n);
}

static void
what_was_acknowledged_survives_kill_9(void **state)
{
    struct acks acks = {NULL, 0};
    struct audit_dir d;
    int pipe_fd[2];
    int status;
    pid_t pid;

    (void)state;
    srand((unsigned)time(NULL));
    audit_dir_make(&d);
    assert_int_equal(log_create(&d.config, NULL), COFRE_OK);
    for (int i = 0; i < KILLS; i++) {
        assert_int_equal(pipe(pipe_fd), 0);
        assert_true((pid = fork()) >= 0);
        if (pid == 0) {
            close(pipe_fd[0]);
            child(&d, pipe_fd[1]);
        }
        close(pipe_fd[1]);
        listen_and_kill(pid, pipe_fd[0], 20 + rand() % 100, &acks);
        close(pipe_fd[0]);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        check_log(&d, &acks);
        assert_true(i < KILLS / 2 || acks.n > 0);
    }
    print_message("%zu entries\n", acks.n);
    free(acks.all);
    audit_dir_remove(&d);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_was_acknowledged_survives_kill_9)};

    return cmocka_run_group_tests(tests, unit_setup, NULL);
}
