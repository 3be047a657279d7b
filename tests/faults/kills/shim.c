/*
 * Stands between a program and the C library (LD_PRELOAD), counts what it changes in one folder,
 * in all its threads, and does harm at one of those calls.
 *
 *   OPOSSUM_FAULT_FOLDER   the folder, an absolute path without symbolic links
 *   OPOSSUM_FAULT_AT       which call, from 1
 *   OPOSSUM_FAULT_KIND     before, half, after: kill the process with SIGKILL, before the call, in
 *                          the middle of it (of a write: half of it is done) or after it.
 *                          EIO, ENOSPC, EDQUOT: let the call fail with that error, once; of a
 *                          write that finds no room half is done, and the next one fails.
 *   OPOSSUM_FAULT_CALL     sync: only fsync and fdatasync count
 *   OPOSSUM_FAULT_KILL_AFTER  kill the process before that many calls after the one that failed, the
 *                          next one being 1
 *
 * What was done is told in one line on standard error: "opossum-fault KIND CALL FILE".
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum fault { NONE, BEFORE, HALF, AFTER, FAIL_EIO, FAIL_ENOSPC, FAIL_EDQUOT };

static const char *const FAULTS[] = {"none", "before", "half",  "after",
                                     "EIO",  "ENOSPC", "EDQUOT"};
static const int ERRORS[] = {0, 0, 0, 0, EIO, ENOSPC, EDQUOT};

static char folder[PATH_MAX];
static size_t folder_length;
static long fault_at;
static enum fault fault_kind;
static int only_syncs;
static long kill_after;
static atomic_long calls;
static atomic_int has_struck;
static atomic_long calls_since;
/* After a short write on a full disk: the next one fails. */
static atomic_int is_full;

#define REAL(name) ((__typeof__(name) *)real_##name)
#define DECLARE(name) static void *real_##name
DECLARE(open);
DECLARE(open64);
DECLARE(openat);
DECLARE(openat64);
DECLARE(write);
DECLARE(pwrite);
DECLARE(pwrite64);
DECLARE(writev);
DECLARE(pwritev);
DECLARE(pwritev64);
DECLARE(fsync);
DECLARE(fdatasync);
DECLARE(ftruncate);
DECLARE(ftruncate64);
DECLARE(rename);
DECLARE(renameat);
DECLARE(renameat2);
DECLARE(unlink);
DECLARE(unlinkat);
DECLARE(mkdir);
DECLARE(mkdirat);

#define LOAD(name) real_##name = dlsym(RTLD_NEXT, #name)

__attribute__((constructor)) static void load(void) {
  LOAD(open), LOAD(open64), LOAD(openat), LOAD(openat64);
  LOAD(write), LOAD(pwrite), LOAD(pwrite64);
  LOAD(writev), LOAD(pwritev), LOAD(pwritev64);
  LOAD(fsync), LOAD(fdatasync), LOAD(ftruncate), LOAD(ftruncate64);
  LOAD(rename), LOAD(renameat), LOAD(renameat2);
  LOAD(unlink), LOAD(unlinkat), LOAD(mkdir), LOAD(mkdirat);
  const char *path = getenv("OPOSSUM_FAULT_FOLDER");
  const char *at = getenv("OPOSSUM_FAULT_AT");
  const char *kind = getenv("OPOSSUM_FAULT_KIND");
  if (path == NULL || at == NULL || kind == NULL) return;
  folder_length = (size_t)snprintf(folder, sizeof folder, "%s", path);
  fault_at = atol(at);
  const char *only = getenv("OPOSSUM_FAULT_CALL");
  const char *after = getenv("OPOSSUM_FAULT_KILL_AFTER");
  only_syncs = only != NULL && strcmp(only, "sync") == 0;
  kill_after = after == NULL ? 0 : atol(after);
  for (int i = BEFORE; i <= FAIL_EDQUOT; i++) {
    if (strcmp(kind, FAULTS[i]) == 0) fault_kind = i;
  }
}

/*
 * The path within the folder; NULL for one that is elsewhere. SQLite's shared memory is none of
 * it: it is made anew after a crash, and mostly written to without any call.
 */
static const char *inside(const char *path) {
  if (folder_length == 0 || path == NULL) return NULL;
  if (strncmp(path, folder, folder_length) != 0) return NULL;
  const char *rest = path + folder_length;
  size_t length = strlen(rest);
  if (length >= 4 && strcmp(rest + length - 4, "-shm") == 0) return NULL;
  return *rest == '\0' ? "." : *rest == '/' ? rest + 1 : NULL;
}

static const char *inside_fd(int fd, char *buffer) {
  if (folder_length == 0) return NULL;
  char link[32];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  int saved = errno;
  ssize_t length = readlink(link, buffer, PATH_MAX - 1);
  errno = saved;
  if (length < 0) return NULL;
  buffer[length] = '\0';
  return inside(buffer);
}

static void tell(const char *call, const char *file) {
  char line[PATH_MAX + 64];
  int length = snprintf(line, sizeof line, "opossum-fault %s %s %s\n",
                        FAULTS[fault_kind], call, file);
  if (real_write != NULL) (void)!REAL(write)(STDERR_FILENO, line, (size_t)length);
}

static void end(const char *call, const char *file) {
  tell(call, file);
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

/* What to do at this call; `file` is NULL for one that is none of our business. */
static enum fault strike(const char *call, const char *file) {
  if (file == NULL || fault_at == 0) return NONE;
  if (atomic_load(&has_struck)) {
    long since = atomic_fetch_add(&calls_since, 1) + 1;
    return since == kill_after ? BEFORE : NONE;
  }
  if (only_syncs && strstr(call, "sync") == NULL) return NONE;
  if (atomic_fetch_add(&calls, 1) + 1 != fault_at) return NONE;
  atomic_store(&has_struck, 1);
  return fault_kind;
}

static int failing(enum fault fault, const char *call, const char *file) {
  if (fault < FAIL_EIO) return 0;
  tell(call, file);
  errno = ERRORS[fault];
  return 1;
}

/* A call that is done or not, and has no middle. */
#define WHOLE(call, file, action)                          \
  do {                                                     \
    const char *file_ = (file);                            \
    enum fault fault_ = strike(call, file_);                     \
    if (fault_ == BEFORE || fault_ == HALF) end(call, file_); \
    if (failing(fault_, call, file_)) return -1;           \
    __typeof__(action) result_ = (action);                 \
    if (fault_ == AFTER) end(call, file_);                 \
    return result_;                                        \
  } while (0)

/* A write of `count` bytes; `action` writes the first `length` of them. */
#define WRITE(call, fd, count, action)                     \
  do {                                                     \
    char buffer_[PATH_MAX];                                \
    const char *file_ = inside_fd(fd, buffer_);            \
    size_t length = (count);                               \
    enum fault fault_ = strike(call, file_);                     \
    if (file_ != NULL && atomic_exchange(&is_full, 0)) {   \
      errno = ERRORS[fault_kind];                          \
      return -1;                                           \
    }                                                      \
    if (fault_ == BEFORE) end(call, file_);                \
    if (fault_ >= FAIL_ENOSPC && length > 1) {             \
      tell(call, file_);                                   \
      atomic_store(&is_full, 1);                           \
      length /= 2;                                         \
      return (action);                                     \
    }                                                      \
    if (failing(fault_, call, file_)) return -1;           \
    if (fault_ == HALF) length /= 2;                       \
    ssize_t result_ = length == 0 ? 0 : (action);          \
    if (fault_ == HALF || fault_ == AFTER) end(call, file_); \
    return result_;                                        \
  } while (0)

ssize_t write(int fd, const void *bytes, size_t count) {
  WRITE("write", fd, count, REAL(write)(fd, bytes, length));
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at) {
  WRITE("pwrite", fd, count, REAL(pwrite)(fd, bytes, length, at));
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t at) {
  WRITE("pwrite", fd, count, REAL(pwrite64)(fd, bytes, length, at));
}

/* Of several pieces, half a write is the first of them. */
ssize_t writev(int fd, const struct iovec *pieces, int count) {
  WRITE("writev", fd, (size_t)count, REAL(writev)(fd, pieces, (int)length));
}

ssize_t pwritev(int fd, const struct iovec *pieces, int count, off_t at) {
  WRITE("pwritev", fd, (size_t)count,
        REAL(pwritev)(fd, pieces, (int)length, at));
}

ssize_t pwritev64(int fd, const struct iovec *pieces, int count, off64_t at) {
  WRITE("pwritev", fd, (size_t)count,
        REAL(pwritev64)(fd, pieces, (int)length, at));
}

int fsync(int fd) {
  char buffer[PATH_MAX];
  WHOLE("fsync", inside_fd(fd, buffer), REAL(fsync)(fd));
}

int fdatasync(int fd) {
  char buffer[PATH_MAX];
  WHOLE("fdatasync", inside_fd(fd, buffer), REAL(fdatasync)(fd));
}

int ftruncate(int fd, off_t size) {
  char buffer[PATH_MAX];
  WHOLE("ftruncate", inside_fd(fd, buffer), REAL(ftruncate)(fd, size));
}

int ftruncate64(int fd, off64_t size) {
  char buffer[PATH_MAX];
  WHOLE("ftruncate", inside_fd(fd, buffer), REAL(ftruncate64)(fd, size));
}

int rename(const char *from, const char *to) {
  WHOLE("rename", inside(to), REAL(rename)(from, to));
}

int renameat(int from_fd, const char *from, int to_fd, const char *to) {
  WHOLE("rename", inside(to), REAL(renameat)(from_fd, from, to_fd, to));
}

int renameat2(int from_fd, const char *from, int to_fd, const char *to,
              unsigned int flags) {
  WHOLE("rename", inside(to),
        REAL(renameat2)(from_fd, from, to_fd, to, flags));
}

int unlink(const char *path) {
  WHOLE("unlink", inside(path), REAL(unlink)(path));
}

int unlinkat(int fd, const char *path, int flags) {
  WHOLE("unlink", inside(path), REAL(unlinkat)(fd, path, flags));
}

int mkdir(const char *path, mode_t mode) {
  WHOLE("mkdir", inside(path), REAL(mkdir)(path, mode));
}

int mkdirat(int fd, const char *path, mode_t mode) {
  WHOLE("mkdir", inside(path), REAL(mkdirat)(fd, path, mode));
}

/* Only a file that may come into being changes anything. */
#define MODE(mode, flags)                 \
  mode_t mode = 0;                        \
  if ((flags) & O_CREAT) {                \
    va_list list;                         \
    va_start(list, flags);                \
    mode = (mode_t)va_arg(list, int);     \
    va_end(list);                         \
  }

static const char *created(const char *path, int flags) {
  const char *file = flags & O_CREAT ? inside(path) : NULL;
  return file != NULL && access(path, F_OK) != 0 ? file : NULL;
}

int open(const char *path, int flags, ...) {
  MODE(mode, flags)
  int saved = errno;
  const char *file = created(path, flags);
  errno = saved;
  WHOLE("create", file, REAL(open)(path, flags, mode));
}

int open64(const char *path, int flags, ...) {
  MODE(mode, flags)
  int saved = errno;
  const char *file = created(path, flags);
  errno = saved;
  WHOLE("create", file, REAL(open64)(path, flags, mode));
}

int openat(int fd, const char *path, int flags, ...) {
  MODE(mode, flags)
  int saved = errno;
  const char *file = created(path, flags);
  errno = saved;
  WHOLE("create", file, REAL(openat)(fd, path, flags, mode));
}

int openat64(int fd, const char *path, int flags, ...) {
  MODE(mode, flags)
  int saved = errno;
  const char *file = created(path, flags);
  errno = saved;
  WHOLE("create", file, REAL(openat64)(fd, path, flags, mode));
}
