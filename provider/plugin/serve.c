#include "provider/plugin/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "provider/plugin/crash.h"
#include "provider/plugin/endpoint.h"
#include "provider/plugin/server.h"

#include "lib/base/banned.h"

/* One per call in flight: far above any -parallelism in use, and each costs little while it waits.
 */
#define MAX_WORKERS 256

#define SIGNAL_GRACE_MS 5000

/* Only to wake the thread that waits for signals when the process ends. */
#define WAKE_SIGNAL SIGUSR1

struct process {
    const struct serve_options *options;
    struct mtls_identity identity;
    struct endpoint endpoint;
    struct server *server;
    int host_pipe; /* the host's end of our stdout: an error there means that it is gone; or -1 */

    sigset_t signals;
    pthread_t signal_thread;
    bool has_signal_thread;
    atomic_bool ending;
};

/* --- signals -----------------------------------------------------------------------------------
 */

/* Ctrl-C reaches the whole process group; Terraform then says StopProvider, and dying instead would
 * lose what is being created. SIGTERM is a request to stop, first the work, then the process. */
static void block_signals(struct process *p)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};

    sigemptyset(&p->signals);
    sigaddset(&p->signals, SIGTERM);
    sigaddset(&p->signals, WAKE_SIGNAL);
    sigaction(SIGPIPE, &ignore, NULL);
    if (p->options->mode == SERVE_MANAGED) {
        sigaction(SIGINT, &ignore, NULL);
        sigaction(SIGHUP, &ignore, NULL);
    } else {
        sigaddset(&p->signals, SIGINT);
        sigaddset(&p->signals, SIGHUP);
    }
    pthread_sigmask(SIG_BLOCK, &p->signals, NULL);
}

static void *wait_for_signals(void *arg)
{
    struct process *p = arg;
    bool asked_before =
        p->options->mode == SERVE_REATTACH; /* a developer means it the first time */
    int number;

    while (!sigwait(&p->signals, &number)) {
        if (atomic_load(&p->ending))
            return NULL;
        if (number == WAKE_SIGNAL)
            continue;
        log_info("plugin", "signal %d: %s", number,
                 asked_before ? "stopping" : "cancelling all calls");
        p->options->cancel_all(p->options->arg);
        if (asked_before)
            server_stop(p->server, SIGNAL_GRACE_MS);
        asked_before = true;
    }
    return NULL;
}

static void start_signal_thread(struct process *p)
{
    p->has_signal_thread = !pthread_create(&p->signal_thread, NULL, wait_for_signals, p);
}

static void end_signal_thread(struct process *p)
{
    if (!p->has_signal_thread)
        return;
    atomic_store(&p->ending, true);
    pthread_kill(p->signal_thread, WAKE_SIGNAL);
    pthread_join(p->signal_thread, NULL);
}

/* --- stdout ------------------------------------------------------------------------------------
 */

static int write_stdout(const struct buf *line, struct err *err)
{
    for (size_t done = 0; done < line->len;) {
        ssize_t n = write(STDOUT_FILENO, line->data + done, line->len - done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_errno(err, ERR_FAIL, "writing to stdout");
        done += (size_t)n;
    }
    return 0;
}

/* After the line stdout belongs to nobody: what a library prints there becomes a log line. stdin is
 * the user's terminal, which only Terraform reads. */
static void detach_stdio(struct process *p)
{
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

    p->host_pipe = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    dup2(STDERR_FILENO, STDOUT_FILENO);
    if (null >= 0) {
        dup2(null, STDIN_FILENO);
        close(null);
    }
}

static bool host_gone(void *arg)
{
    const struct process *p = arg;
    struct pollfd fd = {.fd = p->host_pipe, .events = 0};

    return p->host_pipe >= 0 && poll(&fd, 1, 0) == 1 && (fd.revents & (POLLERR | POLLHUP));
}

static int announce(struct process *p, struct err *err)
{
    const struct serve_options *o = p->options;
    struct handshake_address address = {"unix", p->endpoint.name};
    struct buf line CLEANUP(buf_done) = BUF_INIT;
    int rc;

    if (o->mode == SERVE_REATTACH) {
        fputs("Serving. Start Terraform in a shell with this in its environment; Ctrl-C ends.\n",
              stderr);
        handshake_reattach_line(o->source, &address, getpid(), &line);
        return write_stdout(&line, err);
    }
    handshake_line(o->handshake, &address, p->identity.cert_base64, &line);
    rc = write_stdout(&line, err);
    if (!rc)
        detach_stdio(p);
    return rc;
}

/* --- the whole ---------------------------------------------------------------------------------
 */

static void overdue(void *arg)
{
    const struct process *p = arg;

    endpoint_unlink(&p->endpoint);
    p->options->overdue();
}

static int listen_on_socket(struct process *p, struct err *err)
{
    const struct serve_options *o = p->options;
    bool tls = o->mode == SERVE_MANAGED && o->handshake->client_cert;
    const char *dirs[] = {o->handshake->socket_dir, o->temp_dir, "/tmp"};
    struct server_options so = {
        .identity = tls ? &p->identity : NULL,
        .client_cert = o->handshake->client_cert,
        .max_workers = MAX_WORKERS,
        .find = o->find,
        .handle = o->handle,
        .forget_peer = o->mode == SERVE_REATTACH ? o->forget_peer : NULL,
        .arg = o->arg,
        .host_gone = o->mode == SERVE_MANAGED ? host_gone : NULL,
        .host_arg = p,
        .overdue = overdue,
        .overdue_arg = p,
    };
    int rc;

    if (tls && (rc = mtls_identity_new(&p->identity, err)))
        return rc;
    if ((rc = endpoint_new(&p->endpoint, dirs, ARRAY_LEN(dirs), tls, err)))
        return rc;
    if (p->endpoint.dir)
        crash_removes(p->endpoint.name, p->endpoint.dir);
    so.listen = p->endpoint.listen;
    return server_new(&p->server, &so, err);
}

int serve(const struct serve_options *o, struct err *err)
{
    struct process p = {.options = o, .host_pipe = -1};
    int rc;

    block_signals(&p); /* before the first thread, which all others inherit from */
    rc = listen_on_socket(&p, err);
    if (!rc)
        rc = announce(&p, err);
    if (!rc) {
        start_signal_thread(&p);
        server_run(p.server);
        end_signal_thread(&p);
    }
    server_free(p.server);
    crash_removes(NULL, NULL);
    endpoint_done(&p.endpoint);
    mtls_identity_done(&p.identity);
    if (p.host_pipe >= 0)
        close(p.host_pipe);
    return rc;
}
