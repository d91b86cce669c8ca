/* meter: what a program costs, for tests/bench/run.
 *
 *     meter run FILE PROGRAM [ARGUMENT...]   runs it with our own stdin, stdout and stderr, and appends
 *                                            "MS KB CPU" to FILE; its exit status
 *     meter line PROGRAM [ARGUMENT...]       "MS KB CPU" up to its first line on stdout, the memory
 *                                            that is resident shortly after it; ends it
 *
 * MS is the time on the wall in milliseconds, CPU that on processors, which hardly depends on what
 * else the machine does. *
 * KB of `run` is the largest resident set of the program and of those that it waited for.
 * A program started here dies with us, since Terraform may kill what it takes for its plugin. */
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/banned.h"

#define FAILED       125
#define IDLE_AFTER   50 /* ms */
#define MAX_PROC_TXT 8192

static double now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double cpu_ms(const struct rusage *u)
{
    return (double)(u->ru_utime.tv_sec + u->ru_stime.tv_sec) * 1e3 +
           (double)(u->ru_utime.tv_usec + u->ru_stime.tv_usec) / 1e3;
}

static int failed(const char *what)
{
    perror(what);
    return FAILED;
}

/* stdout < 0: ours. */
static pid_t start(char **argv, int out)
{
    pid_t pid = fork();

    if (pid)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (out >= 0)
        dup2(out, STDOUT_FILENO);
    execvp(argv[0], argv);
    _exit(failed(argv[0]));
}

static int run(const char *path, char **argv)
{
    double begin = now_ms();
    pid_t pid = start(argv, -1);
    struct rusage usage;
    int status;
    FILE *f;

    signal(SIGINT, SIG_IGN); /* the program decides */
    if (pid < 0 || wait4(pid, &status, 0, &usage) < 0)
        return failed(argv[0]);
    if (!(f = fopen(path, "a")))
        return failed(path);
    fprintf(f, "%.2f %ld %.2f\n", now_ms() - begin, usage.ru_maxrss, cpu_ms(&usage));
    fclose(f);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* In kB; -1 if it can't be had. */
static long resident(pid_t pid)
{
    char path[64], text[MAX_PROC_TXT];
    const char *at;
    size_t n;
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%ld/status", (long)pid);
    if (!(f = fopen(path, "r")))
        return -1;
    n = fread(text, 1, sizeof(text) - 1, f);
    fclose(f);
    text[n] = '\0';
    at = strstr(text, "VmRSS:");
    return at ? strtol(at + strlen("VmRSS:"), NULL, 10) : -1;
}

static bool read_line(int fd)
{
    char c;

    while (read(fd, &c, 1) == 1)
        if (c == '\n')
            return true;
    return false;
}

static int first_line(char **argv)
{
    const struct timespec idle = {.tv_nsec = IDLE_AFTER * 1000000L};
    double begin, taken = 0;
    struct rusage usage;
    int out[2], rc = 0;
    long kb = -1;
    pid_t pid;

    if (pipe2(out, O_CLOEXEC))
        return failed("pipe");
    begin = now_ms();
    if ((pid = start(argv, out[1])) < 0)
        return failed("fork");
    close(out[1]);
    if (read_line(out[0])) {
        taken = now_ms() - begin;
        nanosleep(&idle, NULL);
        kb = resident(pid);
    } else {
        fprintf(stderr, "%s ended without a line\n", argv[0]);
        rc = FAILED;
    }
    kill(pid, SIGKILL);
    wait4(pid, NULL, 0, &usage);
    if (!rc)
        printf("%.2f %ld %.2f\n", taken, kb, cpu_ms(&usage));
    return rc;
}

int main(int argc, char **argv)
{
    if (argc > 3 && !strcmp(argv[1], "run"))
        return run(argv[2], argv + 3);
    if (argc > 2 && !strcmp(argv[1], "line"))
        return first_line(argv + 2);
    fputs("usage: meter run FILE PROGRAM... | meter line PROGRAM...\n", stderr);
    return FAILED;
}
