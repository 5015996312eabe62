#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "secretin.h"

/*
 * Signals that would leave the terminal without echo wait, in a descriptor that wakes us: the
 * terminal is put right first, then they do what they do.
 */
struct asking {
    int tty;
    int signals;
    sigset_t before;
    struct termios settings;
};

static enum cofre_err
asking_begin(struct asking *a, struct cofre_why *why)
{
    static const int minded[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};
    struct termios quiet;
    sigset_t set;

    a->tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (a->tty < 0 || tcgetattr(a->tty, &a->settings) != 0)
        return cofre_why_set(why, COFRE_EINVAL,
                             "no secret, and no terminal to ask for one; give --key-file, "
                             "--passphrase-file or --passphrase-fd");
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof minded / sizeof *minded; i++)
        sigaddset(&set, minded[i]);
    pthread_sigmask(SIG_BLOCK, &set, &a->before);
    a->signals = signalfd(-1, &set, SFD_CLOEXEC);

    quiet = a->settings;
    quiet.c_lflag = (quiet.c_lflag & ~(tcflag_t)(ECHO | ECHOE | ECHOK)) | ECHONL | ICANON;
    if (a->signals < 0 || tcsetattr(a->tty, TCSAFLUSH, &quiet) != 0)
        return cofre_why_os(why, COFRE_EIO, errno, "the terminal's echo cannot be turned off");
    return COFRE_OK;
}

static void
asking_end(struct asking *a)
{
    if (a->signals >= 0) {
        tcsetattr(a->tty, TCSAFLUSH, &a->settings);
        close(a->signals);
        pthread_sigmask(SIG_SETMASK, &a->before, NULL);
    }
    if (a->tty >= 0)
        close(a->tty);
}

/* One line.  COFRE_EAGAIN: a signal came, and waits. */
static enum cofre_err
read_line(const struct asking *a, struct secret *room, size_t *len, struct cofre_why *why)
{
    struct pollfd ready[] = {{.fd = a->tty, .events = POLLIN},
                             {.fd = a->signals, .events = POLLIN}};
    size_t max = secret_bytes(room).len;
    uint8_t *p = secret_data(room);
    ssize_t n;

    for (*len = 0; *len < max;) {
        if (poll(ready, 2, -1) < 0 && errno != EINTR)
            return cofre_why_os(why, COFRE_EIO, errno, "the terminal cannot be read");
        if (ready[1].revents != 0)
            return cofre_why_set(why, COFRE_EAGAIN, "interrupted");
        if (ready[0].revents == 0)
            continue;
        if ((n = read(a->tty, p + *len, max - *len)) <= 0)
            return cofre_why_set(why, COFRE_EINVAL, "no passphrase was given");
        *len += (size_t)n;
        if (p[*len - 1] == '\n') {
            --*len;
            return COFRE_OK;
        }
    }
    return cofre_why_set(why, COFRE_EINVAL, "the passphrase is longer than %d bytes",
                         SECRETIN_PASSPHRASE_MAX);
}

enum cofre_err
secretin_ask(const char *prompt, struct secret **out, struct cofre_why *why)
{
    struct asking a = {.tty = -1, .signals = -1};
    struct secret *room = NULL;
    size_t len = 0;
    enum cofre_err err;

    if ((err = asking_begin(&a, why)) != COFRE_OK)
        goto out;
    if ((err = secret_new(SECRETIN_PASSPHRASE_MAX + 1, &room)) != COFRE_OK)
        goto out;
    if (write(a.tty, prompt, strlen(prompt)) < 0) {
        err = cofre_why_os(why, COFRE_EIO, errno, "the terminal cannot be written");
        goto out;
    }
    if ((err = read_line(&a, room, &len, why)) != COFRE_OK)
        goto out;
    if (len == 0)
        err = cofre_why_set(why, COFRE_EINVAL, "no passphrase was given");
    else
        err = secret_copy((struct bytes){secret_data(room), len}, out);
out:
    asking_end(&a);
    secret_free(room);
    return err;
}
