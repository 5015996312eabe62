/*
 * A vault that writes is killed at any moment: every change that it acknowledged is there, under its
 * entry, and the log verifies.  Ten times on the same vault.
 */
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include "../unit/vault_fixture.h"

enum { KILLS = 10, WRITERS = 3 };

struct ack {
    char id[40]; /* of the customer */
    uint64_t seq;
    uint8_t leaf[HASH_LEN];
};

struct writer {
    struct cofre_vault *v;
    unsigned round;
    unsigned n;
    int fd;
};

static void *
write_on(void *arg)
{
    const struct writer *w = arg;

    for (unsigned i = 0;; i++) {
        struct ack ack = {.seq = 0};
        struct cofre_call c;
        char name[48];
        char id[128];

        snprintf(name, sizeof name, "k%u-%u-%u", w->round, w->n, i);
        if (vf_customer_call(w->v, name, &c) != COFRE_OUT_CREATED)
            _exit(2);
        vf_member(vf_body(&c), "id", id);
        memcpy(ack.id, id, sizeof ack.id - 1);
        ack.seq = c.seq;
        memcpy(ack.leaf, c.leaf, HASH_LEN);
        cofre_call_free(&c);
        if (write(w->fd, &ack, sizeof ack) != (ssize_t)sizeof ack)
            _exit(3);
        /* A view now and then: a key, links, a document. */
        if (w->n == 0 && i % 16 == 15 && vf_apply(w->v, vf_view, false) != COFRE_OUT_OK)
            _exit(4);
    }
    return NULL;
}

static void
child(struct vf *f, unsigned round, int fd)
{
    struct writer writers[WRITERS];
    pthread_t thread;

    if (vf_try_open(f) != COFRE_OK)
        _exit(1);
    for (unsigned i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){.v = f->v, .round = round, .n = i, .fd = fd};
        if (pthread_create(&thread, NULL, write_on, &writers[i]) != 0)
            _exit(5);
    }
    for (;;)
        pause();
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

static void
listen_and_kill(pid_t pid, int fd, int64_t ms, struct acks *acks)
{
    int64_t end = 0;
    struct ack one;
    bool killed = false;
    ssize_t n;

    for (;;) {
        if (!killed && end > 0 && vault_clock() >= end) {
            assert_int_equal(kill(pid, SIGKILL), 0);
            killed = true;
        }
        if (!killed && poll(&(struct pollfd){fd, POLLIN, 0}, 1, 1) == 0)
            continue;
        if ((n = read(fd, &one, sizeof one)) == 0)
            break;
        assert_int_equal(n, sizeof one);
        if (end == 0) /* it is open: the time begins */
            end = vault_clock() + ms;
        keep(acks, &one);
    }
}

static void
check(struct vf *f, const struct acks *acks)
{
    struct cofre_call c;

    vf_open(f);
    for (size_t i = 0; i < acks->n; i++) {
        const struct ack *a = &acks->all[i];
        struct buf line = vf_entry(f->v, a->seq);
        uint8_t leaf[HASH_LEN];

        tree_leaf((struct bytes){line.p, line.len - 1}, leaf);
        assert_memory_equal(leaf, a->leaf, HASH_LEN);
        buf_free(&line);
        vf_call(&c, COFRE_ROLE_ADMIN, COFRE_ACT_CUSTOMER_SHOW);
        cofre_customer_show(f->v, &c, bytes_str(a->id));
        if (!cofre_call_ok(&c))
            fail_msg("%s was acknowledged and is gone", a->id);
        cofre_call_free(&c);
    }
    vf_close(f);
    vf_verify(f);
}

static void
what_was_acknowledged_survives_kill_9(void **state)
{
    struct vf *f = *state;
    struct acks acks = {NULL, 0};
    int pipe_fd[2];
    int status;
    pid_t pid;

    srand((unsigned)time(NULL));
    vf_close(f);
    for (unsigned i = 0; i < KILLS; i++) {
        assert_int_equal(pipe(pipe_fd), 0);
        assert_true((pid = fork()) >= 0);
        if (pid == 0) {
            close(pipe_fd[0]);
            child(f, i, pipe_fd[1]);
        }
        close(pipe_fd[1]);
        listen_and_kill(pid, pipe_fd[0], rand() % 400, &acks);
        close(pipe_fd[0]);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
            fail_msg("the child ended by itself, status %d", status);
        check(f, &acks);
    }
    print_message("%zu customers\n", acks.n);
    free(acks.all);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {TEST(what_was_acknowledged_survives_kill_9)};

    return cmocka_run_group_tests(tests, vf_group, NULL);
}
