#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "infiles.h"

#include "pem.h"

enum cofre_err
pem_read(const char *path, bool secret, struct buf *out, struct cofre_why *why)
{
    struct stat st;
    enum cofre_err err;
    int fd;

    if (*path == 0)
        return COFRE_OK;
    if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)) < 0)
        return cofre_why_os(why, errno == ENOENT ? COFRE_ENOENT : COFRE_EIO, errno, "%s", path);
    if (secret && (fstat(fd, &st) != 0 || (st.st_mode & S_IRWXO) != 0))
        err = cofre_why_set(why, COFRE_EREFUSED, "everyone may use %s; chmod 600 it", path);
    else if ((err = infiles_read(fd, out, why)) != COFRE_OK)
        err = cofre_why_add(why, err, "%s", path);
    close(fd);
    return err;
}
