#include "lib/kube/lease_holder.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "lib/base/clock.h"

#include "lib/base/banned.h"

#define START_FIELD 22 /* of /proc/PID/stat, counted from 1; the state is the third */
#define STATE_FIELD 3

struct holder {
    char host[65], boot[64], nonce[33];
    uint64_t namespace, start;
    pid_t pid;
};

struct process {
    char state;     /* as ps shows it */
    uint64_t start; /* 0 = unknown */
};

static bool read_text(const char *path, char *out, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, out, size - 1);

    if (fd >= 0)
        close(fd);
    if (n <= 0)
        return false;
    out[n] = '\0';
    out[strcspn(out, "\n")] = '\0';
    return true;
}

/* /proc may be that of another pid namespace than ours: its numbers are others then. */
static bool proc_is_ours(void)
{
    char text[32];
    ssize_t n = readlink("/proc/self", text, sizeof(text) - 1);

    if (n <= 0)
        return false;
    text[n] = '\0';
    return strtol(text, NULL, 10) == getpid();
}

static struct process process_of(pid_t pid)
{
    struct process p = {'?', 0};
    char path[64], text[1024];
    const char *at;

    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    if (!proc_is_ours() || !read_text(path, text, sizeof(text)))
        return p;
    /* The second field is the program's name in parentheses, with whatever it holds. */
    if (!(at = strrchr(text, ')')) || at[1] != ' ' || !at[2])
        return p;
    at += 2;
    p.state = *at;
    for (int field = STATE_FIELD; at && field < START_FIELD; field++)
        at = strchr(at + 1, ' ');
    if (at)
        p.start = strtoull(at, NULL, 10);
    return p;
}

static void read_self(struct holder *h)
{
    char text[64];
    ssize_t n;

    memset(h, 0, sizeof(*h));
    if (gethostname(h->host, sizeof(h->host) - 1) || !h->host[0])
        memcpy(h->host, "unknown", sizeof("unknown"));
    for (char *p = h->host; (p = strchr(p, '/'));)
        *p = '-';
    if (!read_text("/proc/sys/kernel/random/boot_id", h->boot, sizeof(h->boot)))
        memcpy(h->boot, "unknown", sizeof("unknown"));
    n = readlink("/proc/self/ns/pid", text, sizeof(text) - 1); /* "pid:[4026531836]" */
    if (n > 0) {
        text[n] = '\0';
        h->namespace = strtoull(text + strcspn(text, "0123456789"), NULL, 10);
    }
    h->pid = getpid();
    h->start = process_of(h->pid).start;
}

void lease_holder_self(char out[LEASE_HOLDER_SIZE])
{
    struct holder h;
    uint64_t nonce;

    read_self(&h);
    if (getrandom(&nonce, sizeof(nonce), 0) != sizeof(nonce))
        nonce = (uint64_t)clock_now_ms() ^ (uint64_t)(uintptr_t)&h;
    snprintf(out, LEASE_HOLDER_SIZE, "%s/%s/%" PRIu64 "/%d/%" PRIu64 "/%016" PRIx64, h.host, h.boot,
             h.namespace, (int)h.pid, h.start, nonce);
}

/* Copies what is before the next slash, or the end, and moves *p behind it. */
static bool next_part(const char **p, char *out, size_t size)
{
    size_t len = strcspn(*p, "/");

    if (!len || len >= size)
        return false;
    memcpy(out, *p, len);
    out[len] = '\0';
    *p += len + ((*p)[len] == '/');
    return true;
}

static bool next_number(const char **p, uint64_t *ret)
{
    char text[24];

    if (!next_part(p, text, sizeof(text)) || strspn(text, "0123456789") != strlen(text))
        return false;
    *ret = strtoull(text, NULL, 10);
    return true;
}

static bool parse(const char *text, struct holder *h)
{
    const char *p = text;
    uint64_t pid;

    memset(h, 0, sizeof(*h));
    if (!next_part(&p, h->host, sizeof(h->host)) || !next_part(&p, h->boot, sizeof(h->boot)) ||
        !next_number(&p, &h->namespace) || !next_number(&p, &pid) || !next_number(&p, &h->start) ||
        !next_part(&p, h->nonce, sizeof(h->nonce)) || *p || !pid || pid > INT_MAX)
        return false;
    h->pid = (pid_t)pid;
    return true;
}

bool lease_holder_gone(const char *holder)
{
    struct holder self, other;
    struct process p;

    read_self(&self);
    if (!parse(holder, &other) || strcmp(self.host, other.host) != 0 ||
        strcmp(self.boot, other.boot) != 0 || !strcmp(self.boot, "unknown") || !self.namespace ||
        self.namespace != other.namespace)
        return false;
    if (kill(other.pid, 0) && errno == ESRCH)
        return true;
    p = process_of(other.pid);
    return p.state == 'Z' || p.state == 'X' || (p.start && other.start && p.start != other.start);
}

void lease_holder_words(const char *holder, struct buf *out)
{
    struct holder h;

    if (parse(holder, &h))
        buf_printf(out, "process %d on %s", (int)h.pid, h.host);
    else
        buf_puts(out, holder);
}
