#include "provider/plugin/crash.h"

#include <execinfo.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/base/mem.h"

#include "lib/base/banned.h"

/* Terraform shows 100 lines; the deepest frames of a runaway recursion are all alike. */
#define CRASH_MAX_FRAMES 60
#define CRASH_STACK_SIZE ((size_t)64 << 10)

static const struct {
    int number;
    const char *name;
} fatal_signals[] = {
    {SIGSEGV, "SIGSEGV: invalid memory access"},
    {SIGBUS, "SIGBUS: invalid memory access"},
    {SIGILL, "SIGILL: illegal instruction"},
    {SIGFPE, "SIGFPE: arithmetic error"},
    {SIGABRT, "SIGABRT: aborted"},
};

/* A signal handler gets no argument: the only place for these is static. Written before there are
 * threads, or by the main thread alone. */
static const char *program_name = "", *program_version = "";
static const char *socket_path, *socket_dir;
static char main_stack[CRASH_STACK_SIZE];

/* Signal-safe string building. */
struct line {
    char text[512];
    size_t len;
};

static void line_add(struct line *l, const char *s)
{
    while (*s && l->len < sizeof(l->text))
        l->text[l->len++] = *s++;
}

static void line_add_hex(struct line *l, uintptr_t v)
{
    char digits[2 * sizeof(v) + 1];
    size_t i = sizeof(digits) - 1;

    digits[i] = '\0';
    do {
        digits[--i] = "0123456789abcdef"[v & 15];
        v >>= 4;
    } while (v);
    line_add(l, "0x");
    line_add(l, digits + i);
}

static void write_all(const char *s, size_t n)
{
    while (n > 0) {
        ssize_t w = write(STDERR_FILENO, s, n);

        if (w <= 0)
            return;
        s += w;
        n -= (size_t)w;
    }
}

static void on_fatal_signal(int number, siginfo_t *info, void *context)
{
    void *frames[CRASH_MAX_FRAMES];
    struct line l = {.len = 0};
    const char *what = "fatal signal";

    (void)context;
    for (size_t i = 0; i < ARRAY_LEN(fatal_signals); i++)
        if (fatal_signals[i].number == number)
            what = fatal_signals[i].name;
    line_add(&l, "panic: ");
    line_add(&l, what);
    if (number == SIGSEGV || number == SIGBUS) {
        line_add(&l, " at ");
        line_add_hex(&l, (uintptr_t)info->si_addr);
    }
    line_add(&l, "\n\n");
    line_add(&l, program_name);
    line_add(&l, " ");
    line_add(&l, program_version);
    line_add(&l, "\n");
    write_all(l.text, l.len);
    backtrace_symbols_fd(frames, backtrace(frames, CRASH_MAX_FRAMES), STDERR_FILENO);
    if (socket_path)
        unlink(socket_path);
    if (socket_dir)
        rmdir(socket_dir);
    /* SA_RESETHAND has restored the default action, which this delivers on return. */
    raise(number);
}

void crash_setup(const char *name, const char *version)
{
    struct sigaction sa = {.sa_flags = (int)(SA_SIGINFO | SA_ONSTACK | SA_RESETHAND)};
    stack_t alt = {.ss_sp = main_stack, .ss_size = sizeof(main_stack)};
    void *frame[1];

    program_name = name;
    program_version = version;
    /* The first call may load the unwinder, which must not happen inside a handler. */
    if (!backtrace(frame, 1))
        return;
    sigaltstack(&alt, NULL);
    sa.sa_sigaction = on_fatal_signal;
    sigemptyset(&sa.sa_mask);
    for (size_t i = 0; i < ARRAY_LEN(fatal_signals); i++)
        sigaction(fatal_signals[i].number, &sa, NULL);
}

void crash_removes(const char *socket, const char *dir)
{
    socket_path = socket;
    socket_dir = dir;
}

void *crash_thread_enter(void)
{
    stack_t alt = {.ss_sp = mem_alloc(CRASH_STACK_SIZE), .ss_size = CRASH_STACK_SIZE};

    sigaltstack(&alt, NULL);
    return alt.ss_sp;
}

void crash_thread_leave(void *stack)
{
    stack_t none = {.ss_flags = SS_DISABLE};

    sigaltstack(&none, NULL);
    free(stack);
}
