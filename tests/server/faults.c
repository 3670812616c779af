/* Faults from within, in one file because it is one library: it is loaded before a server (LD_PRELOAD) and stands between it and the system.

   It is steered while the server runs, by a file that both sides map (`struct control`; the other is `preload.py`):
   interrupted calls, a clock that is off, no threads or processes, a thread that is held at a moment of a job. With
   CLEARCUT_FAULTS_LOG it writes down every change below CLEARCUT_FAULTS_FOLDER, in the order in which it happened, for
   `disk.py`. All of it holds in the one process that was started with it: children inherit nothing.

   What it does itself goes to the system directly (`syscall`), so that it never meets its own functions. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SLOTS = 1 << 14 };

struct control {
    int64_t interrupt_every; /* one of so many calls that may wait; 0 for none */
    int64_t interrupted;     /* calls that were, so far */
    int64_t clock_shift;     /* seconds */
    int64_t shifted_at;      /* what is written from this second on bears the shifted time */
    int64_t refuse_threads;
    int64_t refused;
    int64_t log_bytes;
    int64_t held;
    char hold[128]; /* a letter for the kind of moment, then what its text must hold; empty for none */
    /* What follows is the library's own: all processes that work on the folder write one log. */
    int64_t begun;
    pthread_mutex_t lock;
    uint64_t known[SLOTS]; /* inodes of the folder's files and folders; those that went stay: nothing has their names */
};

static struct control nothing, *control = &nothing;
static pid_t owner;
static char folder[PATH_MAX];
static size_t folder_length;
static struct statx folder_found;
static int log_file = -1;

static int ours(void) { return owner && getpid() == owner; }
static int logs(void) { return log_file >= 0 && ours(); }

static int look(int at, const char *path, int flags, struct statx *found) {
    return (int)syscall(SYS_statx, at, path, flags, STATX_BASIC_STATS, found);
}

/* ---- Interrupted calls ---------------------------------------------------------------------------------------- */

static __thread int was_interrupted;
static int64_t calls;

/* Whether a call is interrupted. One that cannot wait never is, as on a real system; no thread's is twice in a row. */
static int interrupts(int fd) {
    int64_t every = control->interrupt_every;
    if (!every || !ours()) return 0;
    if (was_interrupted) return was_interrupted = 0;
    if (fd >= 0 && (syscall(SYS_fcntl, fd, F_GETFL, 0) & O_NONBLOCK)) return 0;
    if (__atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED) % every) return 0;
    __atomic_add_fetch(&control->interrupted, 1, __ATOMIC_RELAXED);
    errno = EINTR;
    return was_interrupted = 1;
}

#define MAY_WAIT(fd) if (interrupts(fd)) return -1

ssize_t read(int fd, void *to, size_t size) { MAY_WAIT(fd); return syscall(SYS_read, fd, to, size); }
ssize_t readv(int fd, const struct iovec *to, int count) { MAY_WAIT(fd); return syscall(SYS_readv, fd, to, count); }
ssize_t pread64(int fd, void *to, size_t size, off64_t at) {
    MAY_WAIT(fd);
    return syscall(SYS_pread64, fd, to, size, at);
}
ssize_t pread(int fd, void *to, size_t size, off_t at) { return pread64(fd, to, size, at); }
ssize_t recvfrom(int fd, void *to, size_t size, int flags, struct sockaddr *who, socklen_t *length) {
    if (!(flags & MSG_DONTWAIT)) MAY_WAIT(fd);
    return syscall(SYS_recvfrom, fd, to, size, flags, who, length);
}
ssize_t recv(int fd, void *to, size_t size, int flags) { return recvfrom(fd, to, size, flags, NULL, NULL); }
ssize_t recvmsg(int fd, struct msghdr *to, int flags) { MAY_WAIT(fd); return syscall(SYS_recvmsg, fd, to, flags); }
ssize_t sendto(int fd, const void *from, size_t size, int flags, const struct sockaddr *who, socklen_t length) {
    if (!(flags & MSG_DONTWAIT)) MAY_WAIT(fd);
    return syscall(SYS_sendto, fd, from, size, flags, who, length);
}
ssize_t send(int fd, const void *from, size_t size, int flags) { return sendto(fd, from, size, flags, NULL, 0); }
ssize_t sendmsg(int fd, const struct msghdr *from, int flags) {
    MAY_WAIT(fd);
    return syscall(SYS_sendmsg, fd, from, flags);
}
int accept4(int fd, struct sockaddr *who, socklen_t *length, int flags) {
    MAY_WAIT(fd);
    return (int)syscall(SYS_accept4, fd, who, length, flags);
}
int connect(int fd, const struct sockaddr *who, socklen_t length) {
    MAY_WAIT(fd);
    return (int)syscall(SYS_connect, fd, who, length);
}
int epoll_wait(int fd, struct epoll_event *to, int most, int milliseconds) {
    if (milliseconds) MAY_WAIT(-1);
    return (int)syscall(SYS_epoll_pwait, fd, to, most, milliseconds, NULL, 8);
}
int poll(struct pollfd *of, nfds_t count, int milliseconds) {
    if (milliseconds) MAY_WAIT(-1);
    struct timespec span = {milliseconds / 1000, milliseconds % 1000 * 1000000L};
    return (int)syscall(SYS_ppoll, of, count, milliseconds < 0 ? NULL : &span, NULL, 8);
}
int flock(int fd, int how) { if (!(how & 4 /* LOCK_NB */)) MAY_WAIT(-1); return (int)syscall(SYS_flock, fd, how); }
pid_t waitpid(pid_t pid, int *status, int options) {
    if (!(options & WNOHANG)) MAY_WAIT(-1);
    return (pid_t)syscall(SYS_wait4, pid, status, options, NULL);
}
int waitid(idtype_t kind, id_t id, siginfo_t *found, int options) {
    if (!(options & WNOHANG)) MAY_WAIT(-1);
    return (int)syscall(SYS_waitid, kind, id, found, options, NULL);
}
int nanosleep(const struct timespec *span, struct timespec *rest) {
    if (interrupts(-1)) { if (rest) *rest = *span; return -1; }
    return (int)syscall(SYS_nanosleep, span, rest);
}
int clock_nanosleep(clockid_t clock, int flags, const struct timespec *span, struct timespec *rest) {
    if (interrupts(-1)) { if (rest && !(flags & TIMER_ABSTIME)) *rest = *span; return EINTR; }
    return syscall(SYS_clock_nanosleep, clock, flags, span, rest) ? errno : 0;
}

/* ---- The clock ------------------------------------------------------------------------------------------------ */

int clock_gettime(clockid_t clock, struct timespec *now) {
    int failed = (int)syscall(SYS_clock_gettime, clock, now);
    int is_wall = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE;
    if (!failed && is_wall && ours()) now->tv_sec += control->clock_shift;
    return failed;
}
int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    (void)zone;
    struct timespec fine;
    clock_gettime(CLOCK_REALTIME, &fine);
    *now = (struct timeval){fine.tv_sec, fine.tv_nsec / 1000};
    return 0;
}
time_t time(time_t *to) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (to) *to = now.tv_sec;
    return now.tv_sec;
}
/* What was written since the clock jumped would bear the time of that clock. */
int statx(int at, const char *restrict path, int flags, unsigned mask, struct statx *restrict found) {
    int failed = (int)syscall(SYS_statx, at, path, flags, mask, found);
    int64_t shift = control->clock_shift;
    if (!failed && shift && ours() && found->stx_mtime.tv_sec >= control->shifted_at) found->stx_mtime.tv_sec += shift;
    return failed;
}

/* ---- Held moments --------------------------------------------------------------------------------------------- */

/* Stands still as long as the control file says so. `kind`: p a program starts with the word `text`, c a file of that
   name is created, r one was renamed to it. */
static void hold(char kind, const char *text) {
    if (control->hold[0] != kind || !ours() || !strstr(text, control->hold + 1)) return;
    control->held = 1;
    struct timespec span = {0, 1000000};
    while (control->hold[0] == kind) syscall(SYS_nanosleep, &span, NULL);
}

/* ---- No threads, no processes --------------------------------------------------------------------------------- */

static int refuses(void) {
    if (!control->refuse_threads || !ours()) return 0;
    __atomic_add_fetch(&control->refused, 1, __ATOMIC_RELAXED);
    return 1;
}

#define NEXT(name) static __typeof__(name) *next; if (!next) next = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

int pthread_create(pthread_t *thread, const pthread_attr_t *how, void *(*work)(void *), void *with) {
    NEXT(pthread_create);
    return refuses() ? EAGAIN : next(thread, how, work, with);
}
pid_t fork(void) {
    NEXT(fork);
    if (refuses()) { errno = EAGAIN; return -1; }
    return next();
}
static int hold_and_refuse(char *const words[]) {
    for (char *const *word = words; *word; word++) hold('p', *word);
    return refuses();
}
int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *files, const posix_spawnattr_t *how,
                char *const words[], char *const environment[]) {
    NEXT(posix_spawn);
    return hold_and_refuse(words) ? EAGAIN : next(pid, path, files, how, words, environment);
}
int posix_spawnp(pid_t *pid, const char *path, const posix_spawn_file_actions_t *files, const posix_spawnattr_t *how,
                 char *const words[], char *const environment[]) {
    NEXT(posix_spawnp);
    return hold_and_refuse(words) ? EAGAIN : next(pid, path, files, how, words, environment);
}

/* ---- The write log -------------------------------------------------------------------------------------------- */

/* One change. `disk.py` reads them. A file is known by its inode until a C or a D gives the inode to another. */
struct record {
    char kind;         /* C file, D folder made, L name added, R renamed, U name removed, W written, T cut, S synced */
    uint32_t size;     /* of what follows: a name, two names with a zero between them, or bytes */
    uint64_t file, in; /* the inode; that of the folder of the (first) name */
    uint64_t at;       /* W: where; T: the new length; R: the folder of the second name */
} __attribute__((packed));

static void note(char kind, uint64_t file, uint64_t in, uint64_t at, const void *bytes, size_t size) {
    struct record record = {kind, (uint32_t)size, file, in, at};
    struct iovec parts[] = {{&record, sizeof record}, {(void *)bytes, size}};
    if (syscall(SYS_writev, log_file, parts, 2) != (ssize_t)(sizeof record + size)) abort();
    control->log_bytes += (int64_t)(sizeof record + size);
}

static void know(uint64_t inode) {
    uint64_t *known = control->known;
    size_t slot = inode % SLOTS;
    for (size_t tried = 0; known[slot] && known[slot] != inode; slot = (slot + 1) % SLOTS)
        if (++tried == SLOTS) abort();
    known[slot] = inode;
}
static int is_known(const struct statx *found) {
    const uint64_t *known = control->known;
    if (found->stx_dev_minor != folder_found.stx_dev_minor) return 0;
    if (found->stx_dev_major != folder_found.stx_dev_major) return 0;
    for (size_t slot = found->stx_ino % SLOTS; known[slot]; slot = (slot + 1) % SLOTS)
        if (known[slot] == found->stx_ino) return 1;
    return 0;
}

/* A process that was killed in the middle of a change leaves the lock behind. */
static void take_lock(void) {
    if (pthread_mutex_lock(&control->lock) == EOWNERDEAD) pthread_mutex_consistent(&control->lock);
}

/* A name below the folder: the inode of the folder it is in, and where its last word begins. */
struct place { uint64_t in; const char *name; char path[PATH_MAX]; };

/* Whether the name is below the folder. What jobs and previews leave to children is not: each start throws it away. */
static int place_of(int at, const char *path, struct place *place) {
    char of[64], base[PATH_MAX] = "";
    if (path[0] != '/') {
        snprintf(of, sizeof of, at == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d", at);
        ssize_t length = syscall(SYS_readlinkat, AT_FDCWD, of, base, sizeof base - 2);
        if (length < 0) return 0;
        strcpy(base + length, "/");
    }
    if ((size_t)snprintf(place->path, sizeof place->path, "%s%s", base, path) >= sizeof place->path) return 0;
    const char *below = place->path + folder_length;
    if (strncmp(place->path, folder, folder_length) || *below != '/') return 0;
    for (const char *const *apart = (const char *const[]){"/scratch", "/previews", NULL}; *apart; apart++) {
        size_t length = strlen(*apart);
        if (!strncmp(below, *apart, length) && (below[length] == '/' || !below[length])) return 0;
    }
    char *last = strrchr(place->path, '/');
    struct statx found;
    *last = 0;
    int failed = look(AT_FDCWD, place->path, 0, &found);
    *last = '/';
    place->in = found.stx_ino;
    place->name = last + 1;
    return !failed;
}

static void note_name(char kind, int at, const char *path) {
    struct place place;
    struct statx found;
    if (!place_of(at, path, &place) || look(at, path, AT_SYMLINK_NOFOLLOW, &found)) return;
    know(found.stx_ino);
    note(kind, found.stx_ino, place.in, 0, place.name, strlen(place.name));
}

#define LOCKED(type, call, after) do { \
    if (!logs()) return call; \
    take_lock(); \
    type done = call; \
    int error = errno; \
    if (done >= 0) { after; } \
    pthread_mutex_unlock(&control->lock); \
    errno = error; \
    return done; \
} while (0)

/* The inode of an open file of the folder, or 0. */
static uint64_t file_of(int fd) {
    struct statx found;
    return !look(fd, "", AT_EMPTY_PATH, &found) && is_known(&found) ? found.stx_ino : 0;
}
static void note_if_ours(char kind, int fd, uint64_t at) {
    uint64_t file = file_of(fd);
    if (file) note(kind, file, 0, at, NULL, 0);
}

static int open_at(int at, const char *path, int flags, mode_t mode) {
    MAY_WAIT(-1);
    if (flags & O_CREAT) hold('c', path);
    if (!(flags & (O_CREAT | O_TRUNC)) || !logs()) return (int)syscall(SYS_openat, at, path, flags | O_LARGEFILE, mode);
    struct statx before;
    uint64_t cut;
    take_lock();
    int existed = !look(at, path, 0, &before);
    int fd = (int)syscall(SYS_openat, at, path, flags | O_LARGEFILE, mode), error = errno;
    if (fd >= 0 && !existed) note_name('C', at, path);
    else if (fd >= 0 && flags & O_TRUNC && (cut = file_of(fd))) note('T', cut, 0, 0, NULL, 0);
    pthread_mutex_unlock(&control->lock);
    errno = error;
    return fd;
}

#define MODE(flags) \
    mode_t mode = 0; \
    if ((flags) & (O_CREAT | O_TMPFILE)) { \
        va_list more; \
        va_start(more, flags); \
        mode = va_arg(more, mode_t); \
        va_end(more); \
    }
int open(const char *path, int flags, ...) { MODE(flags) return open_at(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE(flags) return open_at(AT_FDCWD, path, flags, mode); }
int openat(int at, const char *path, int flags, ...) { MODE(flags) return open_at(at, path, flags, mode); }
int openat64(int at, const char *path, int flags, ...) { MODE(flags) return open_at(at, path, flags, mode); }
int creat(const char *path, mode_t mode) { return open_at(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); }
int creat64(const char *path, mode_t mode) { return creat(path, mode); }

static void note_write(int fd, const void *bytes, ssize_t size, off64_t at) {
    uint64_t file = file_of(fd);
    /* Where it went is known by where the file stands now. */
    if (file && size > 0) note('W', file, 0, at < 0 ? syscall(SYS_lseek, fd, 0, SEEK_CUR) - size : at, bytes, size);
}
static void note_parts(int fd, const struct iovec *parts, ssize_t size, off64_t at) {
    off64_t begin = at < 0 ? syscall(SYS_lseek, fd, 0, SEEK_CUR) - size : at;
    for (; size > 0; parts++) {
        ssize_t length = (size_t)size < parts->iov_len ? size : (ssize_t)parts->iov_len;
        note_write(fd, parts->iov_base, length, begin);
        begin += length, size -= length;
    }
}
ssize_t write(int fd, const void *from, size_t size) {
    MAY_WAIT(fd);
    LOCKED(ssize_t, syscall(SYS_write, fd, from, size), note_write(fd, from, done, -1));
}
ssize_t writev(int fd, const struct iovec *from, int count) {
    MAY_WAIT(fd);
    LOCKED(ssize_t, syscall(SYS_writev, fd, from, count), if (file_of(fd)) note_parts(fd, from, done, -1));
}
ssize_t pwrite64(int fd, const void *from, size_t size, off64_t at) {
    MAY_WAIT(fd);
    LOCKED(ssize_t, syscall(SYS_pwrite64, fd, from, size, at), note_write(fd, from, done, at));
}
ssize_t pwrite(int fd, const void *from, size_t size, off_t at) { return pwrite64(fd, from, size, at); }
ssize_t pwritev(int fd, const struct iovec *from, int count, off_t at) {
    MAY_WAIT(fd);
    LOCKED(ssize_t, syscall(SYS_pwritev, fd, from, count, at, 0), if (file_of(fd)) note_parts(fd, from, done, at));
}
ssize_t pwritev64(int fd, const struct iovec *from, int count, off64_t at) { return pwritev(fd, from, count, at); }
int ftruncate64(int fd, off64_t length) {
    MAY_WAIT(-1);
    LOCKED(int, (int)syscall(SYS_ftruncate, fd, length), note_if_ours('T', fd, length));
}
int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }

static int sync_with(long call, int fd) {
    MAY_WAIT(-1);
    LOCKED(int, (int)syscall(call, fd), note_if_ours('S', fd, 0));
}
int fsync(int fd) { return sync_with(SYS_fsync, fd); }
int fdatasync(int fd) { return sync_with(SYS_fdatasync, fd); }

int mkdirat(int at, const char *path, mode_t mode) {
    LOCKED(int, (int)syscall(SYS_mkdirat, at, path, mode), note_name('D', at, path));
}
int mkdir(const char *path, mode_t mode) { return mkdirat(AT_FDCWD, path, mode); }
int linkat(int from_at, const char *from, int at, const char *path, int flags) {
    LOCKED(int, (int)syscall(SYS_linkat, from_at, from, at, path, flags), note_name('L', at, path));
}
int link(const char *from, const char *to) { return linkat(AT_FDCWD, from, AT_FDCWD, to, 0); }
int unlinkat(int at, const char *path, int flags) {
    struct place place;
    int below = logs() && place_of(at, path, &place);
    size_t length = below ? strlen(place.name) : 0;
    LOCKED(int, (int)syscall(SYS_unlinkat, at, path, flags), if (below) note('U', 0, place.in, 0, place.name, length));
}
int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }
int rmdir(const char *path) { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }

static void note_rename(struct place *from, int at, const char *to) {
    struct place target;
    struct statx found;
    char names[2 * NAME_MAX + 2];
    if (!place_of(at, to, &target) || look(at, to, AT_SYMLINK_NOFOLLOW, &found)) return;
    int size = snprintf(names, sizeof names, "%s%c%s", from->name, 0, target.name);
    note('R', found.stx_ino, from->in, target.in, names, size);
}
static int rename_at(int from_at, const char *from, int at, const char *to, unsigned flags) {
    struct place source;
    int below = logs() && place_of(from_at, from, &source);
    LOCKED(int, (int)syscall(SYS_renameat2, from_at, from, at, to, flags), if (below) note_rename(&source, at, to));
}
int renameat2(int from_at, const char *from, int at, const char *to, unsigned flags) {
    int failed = rename_at(from_at, from, at, to, flags);
    if (!failed) hold('r', to);
    return failed;
}
int renameat(int from_at, const char *from, int at, const char *to) { return renameat2(from_at, from, at, to, 0); }
int rename(const char *from, const char *to) { return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0); }

/* Ways that copy within the system, or promise less than a sync: while a log is kept, the long way is taken instead. */
ssize_t copy_file_range(int from, off64_t *from_at, int to, off64_t *to_at, size_t size, unsigned flags) {
    if (logs()) { errno = ENOSYS; return -1; }
    return syscall(SYS_copy_file_range, from, from_at, to, to_at, size, flags);
}
ssize_t sendfile64(int to, int from, off64_t *at, size_t size) {
    if (logs()) { errno = EINVAL; return -1; }
    return syscall(SYS_sendfile, to, from, at, size);
}
ssize_t sendfile(int to, int from, off_t *at, size_t size) { return sendfile64(to, from, at, size); }
int fallocate64(int fd, int mode, off64_t at, off64_t size) {
    if (logs()) { errno = EOPNOTSUPP; return -1; }
    return (int)syscall(SYS_fallocate, fd, mode, at, size);
}
int fallocate(int fd, int mode, off_t at, off_t size) { return fallocate64(fd, mode, at, size); }
int sync_file_range(int fd, off64_t at, off64_t size, unsigned flags) {
    if (logs()) { errno = ENOSYS; return -1; }
    return (int)syscall(SYS_sync_file_range, fd, at, size, flags);
}

/* ---- The start ------------------------------------------------------------------------------------------------ */

__attribute__((constructor)) static void begin(void) {
    const char *file = getenv("CLEARCUT_FAULTS");
    const char *of = getenv("CLEARCUT_FAULTS_FOLDER"), *to = getenv("CLEARCUT_FAULTS_LOG");
    int fd = file ? (int)syscall(SYS_openat, AT_FDCWD, file, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0) return;
    void *mapped = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    syscall(SYS_close, fd);
    if (mapped == MAP_FAILED) abort();
    control = mapped;
    owner = getpid();
    if (of && to) {
        int opened = (int)syscall(SYS_openat, AT_FDCWD, to, O_WRONLY | O_APPEND | O_CLOEXEC);
        /* Out of the way of numbers that the server counts. */
        log_file = (int)syscall(SYS_fcntl, opened, F_DUPFD_CLOEXEC, 500);
        syscall(SYS_close, opened);
        if (log_file < 0 || !realpath(of, folder) || look(AT_FDCWD, folder, 0, &folder_found)) abort();
        folder_length = strlen(folder);
        if (!control->begun) {
            control->begun = 1;
            pthread_mutexattr_t how;
            pthread_mutexattr_init(&how);
            pthread_mutexattr_setpshared(&how, PTHREAD_PROCESS_SHARED);
            pthread_mutexattr_setrobust(&how, PTHREAD_MUTEX_ROBUST);
            pthread_mutex_init(&control->lock, &how);
            know(folder_found.stx_ino);
            note('D', folder_found.stx_ino, 0, 0, "", 0);
        }
    }
    unsetenv("LD_PRELOAD");
    unsetenv("CLEARCUT_FAULTS");
    unsetenv("CLEARCUT_FAULTS_FOLDER");
    unsetenv("CLEARCUT_FAULTS_LOG");
}
