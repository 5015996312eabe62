#ifndef PRELOAD_PLAN_H
#define PRELOAD_PLAN_H

/* What COFRE_FAULT asks for (preload.c says how), and what is to happen at a call. */
enum preload_op { OPEN, WRITE, FSYNC, RENAME, LINK, UNLINK, TRUNC, ALLOC, MKDIR, LOOK, READ, OPS };

enum preload_deed { NOTHING, FAIL, SHORT, HALF, KILL, TORN, AFTER, SKIP, FLIP };

/* For a call on a descriptor, and for one on a path below a directory; errno is left alone. */
enum preload_deed preload_plan_fd(enum preload_op op, int fd);
enum preload_deed preload_plan_path(enum preload_op op, int dir, const char *path);
/* errno of FAIL and HALF. */
int preload_plan_error(void);

#endif
