#include "lib/kube/exec_credential.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/utf8.h"
#include "lib/base/vec.h"

#include "lib/base/banned.h"

#define INFO_NAME "KUBERNETES_EXEC_INFO"

static const char *const api_versions[] = {
    "client.authentication.k8s.io/v1",
    "client.authentication.k8s.io/v1beta1",
};

static void free_list(char **list)
{
    for (size_t i = 0; list && list[i]; i++)
        mem_free_secret(list[i]);
    free(list);
}

void exec_plugin_free(struct exec_plugin *p)
{
    if (!p)
        return;
    free(p->api_version);
    free(p->command);
    free(p->install_hint);
    free_list(p->args);
    free_list(p->env);
    json_decref(p->cluster);
    free(p);
}

void exec_credential_done(struct exec_credential *c)
{
    mem_free_secret(c->token);
    mem_free_secret(c->cert_pem);
    mem_free_secret(c->key_pem);
    memset(c, 0, sizeof(*c));
}

int exec_plugin_check(const struct exec_plugin *p, struct err *err)
{
    if (!p->command || !*p->command)
        return err_set(err, ERR_INVALID, "a credential plugin needs a command");
    if (!p->api_version || !*p->api_version)
        return err_set(err, ERR_INVALID, "credential plugin %s: apiVersion must be given",
                       p->command);
    for (size_t i = 0; i < ARRAY_LEN(api_versions); i++)
        if (!strcmp(p->api_version, api_versions[i]))
            return 0;
    return err_set(err, ERR_INVALID,
                   "credential plugin %s: apiVersion \"%s\" isn't supported (%s or %s); a newer "
                   "release of the plugin has them",
                   p->command, p->api_version, api_versions[0], api_versions[1]);
}

/* --- what it printed ---------------------------------------------------------------------------- */

static const char *str_member(const json_t *object, const char *name)
{
    const char *s = json_string_value(json_object_get(object, name));

    return s ? s : "";
}

static int check_kind(const json_t *root, const char *api_version, struct err *err)
{
    if (strcmp(str_member(root, "kind"), "ExecCredential"))
        return err_set(err, ERR_UNAUTHENTICATED, "it didn't print an ExecCredential");
    if (strcmp(str_member(root, "apiVersion"), api_version))
        return err_set(err, ERR_UNAUTHENTICATED, "it is configured for %s and printed %s",
                       api_version, str_member(root, "apiVersion"));
    return 0;
}

int exec_credential_parse(const char *text, size_t len, const char *api_version,
                          struct exec_credential *ret, struct err *err)
{
    json_t *root = json_loadb(text, len, 0, NULL);
    const json_t *status = json_object_get(root, "status");
    const char *token = str_member(status, "token"), *expires;
    const char *cert = str_member(status, "clientCertificateData");
    const char *key = str_member(status, "clientKeyData");
    int64_t expires_ms = 0;
    int rc = check_kind(root, api_version, err);

    if (!rc && !*token && !*cert && !*key)
        rc = err_set(err, ERR_UNAUTHENTICATED, "it printed neither a token nor a certificate");
    if (!rc && !*cert != !*key)
        rc = err_set(err, ERR_UNAUTHENTICATED, "it printed only one of certificate and key");
    expires = str_member(status, "expirationTimestamp");
    if (!rc && *expires && clock_parse_stamp(expires, &expires_ms))
        rc = err_set(err, ERR_UNAUTHENTICATED, "its expirationTimestamp \"%.40s\" isn't a time",
                     expires);
    if (!rc) {
        ret->token = *token ? mem_strdup(token) : NULL;
        ret->cert_pem = *cert ? mem_strdup(cert) : NULL;
        ret->key_pem = *key ? mem_strdup(key) : NULL;
        ret->expires_ms = expires_ms;
    }
    json_decref(root);
    return rc;
}

/* --- running ------------------------------------------------------------------------------------ */

struct child {
    pid_t pid; /* 0 = reaped, or never started */
    int out, err, wake;
};

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void child_done(struct child *c)
{
    int status;

    if (c->pid > 0) {
        /* Its whole group: a plugin is often a shell script around the real program. */
        kill(-c->pid, SIGKILL);
        while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
            ;
    }
    c->pid = 0;
    close_fd(&c->out);
    close_fd(&c->err);
    close_fd(&c->wake);
}

static char *exec_info(const struct exec_plugin *p)
{
    json_t *info = json_pack("{s:s, s:s, s:{s:b}}", "kind", "ExecCredential", "apiVersion",
                             p->api_version, "spec", "interactive", 0);
    char *text, *line;

    if (p->cluster)
        json_object_set(json_object_get(info, "spec"), "cluster", p->cluster);
    text = json_dumps(info, JSON_COMPACT);
    line = mem_printf(INFO_NAME "=%s", text);
    free(text);
    json_decref(info);
    return line;
}

static bool same_name(const char *a, const char *b)
{
    size_t n = strcspn(a, "=");

    return !strncmp(a, b, n) && b[n] == '=';
}

/* The environment of the child: ours, with the plugin's own in front of it. Borrowed strings. */
static char **child_environment(const struct exec_plugin *p, char *info)
{
    VEC(char *) env = VEC_INIT;
    size_t own;

    vec_push(&env, info);
    for (size_t i = 0; p->env && p->env[i]; i++)
        vec_push(&env, p->env[i]);
    own = env.len;
    for (size_t i = 0; environ[i]; i++) {
        bool replaced = false;

        for (size_t j = 0; j < own && !replaced; j++)
            replaced = same_name(env.at[j], environ[i]);
        if (!replaced)
            vec_push(&env, environ[i]);
    }
    vec_push(&env, NULL);
    return env.at;
}

static char **child_arguments(const struct exec_plugin *p)
{
    VEC(char *) argv = VEC_INIT;

    vec_push(&argv, p->command);
    for (size_t i = 0; p->args && p->args[i]; i++)
        vec_push(&argv, p->args[i]);
    vec_push(&argv, NULL);
    return argv.at;
}

static int spawn(const struct exec_plugin *p, int out, int err_fd, pid_t *ret_pid)
{
    char *info = exec_info(p);
    char **env = child_environment(p, info), **argv = child_arguments(p);
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    sigset_t none, normal;
    int rc;

    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&files, err_fd, STDERR_FILENO);
    posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
    /* Signals as a program expects them, whatever the calling thread blocks or ignores. */
    sigemptyset(&none);
    sigemptyset(&normal);
    sigaddset(&normal, SIGPIPE);
    sigaddset(&normal, SIGINT);
    sigaddset(&normal, SIGTERM);
    posix_spawnattr_init(&attr);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setsigdefault(&attr, &normal);
    posix_spawnattr_setpgroup(&attr, 0);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                        POSIX_SPAWN_SETPGROUP);
    rc = posix_spawnp(ret_pid, p->command, &files, &attr, argv, env);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&files);
    free(env);
    free(argv);
    free(info);
    return rc;
}

static int start(const struct exec_plugin *p, struct child *c, struct err *err)
{
    int out[2], problems[2], rc;

    c->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (c->wake < 0 || pipe2(out, O_CLOEXEC))
        return err_errno(err, ERR_FAIL, "can't run %s", p->command);
    c->out = out[0];
    if (pipe2(problems, O_CLOEXEC)) {
        close(out[1]);
        return err_errno(err, ERR_FAIL, "can't run %s", p->command);
    }
    c->err = problems[0];
    rc = spawn(p, out[1], problems[1], &c->pid);
    close(out[1]);
    close(problems[1]);
    if (!rc)
        return 0;
    c->pid = 0;
    errno = rc;
    if (rc != ENOENT)
        return err_errno(err, ERR_UNAUTHENTICATED, "can't run %s", p->command);
    return err_set(err, ERR_NOT_FOUND, "%s isn't installed, or not in PATH%s%s", p->command,
                   p->install_hint ? ": " : "", p->install_hint ? p->install_hint : "");
}

/* Reads what is there. 1 while more may come, 0 at the end, ERR_LIMIT. Overflow of a bounded text
 * that is only shown is dropped. */
static int read_some(int *fd, struct buf *b, bool may_drop)
{
    char chunk[8192];
    ssize_t n = read(*fd, chunk, sizeof(chunk));

    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return 1;
    if (n <= 0) {
        close_fd(fd);
        return 0;
    }
    if (buf_add(b, chunk, (size_t)n) && !may_drop)
        return ERR_LIMIT;
    mem_wipe(chunk, (size_t)n);
    return 1;
}

/* Gathers both outputs until the command has closed them. */
static int gather(struct child *c, const char *command, int64_t deadline, struct cancel *cancel,
                  struct buf *out, struct buf *problems, struct err *err)
{
    while (c->out >= 0 || c->err >= 0) {
        struct pollfd fds[] = {{c->out, POLLIN, 0}, {c->err, POLLIN, 0}, {c->wake, POLLIN, 0}};
        int64_t left = clock_left_ms(deadline);

        if (cancel_fired(cancel))
            return err_set(err, ERR_CANCELLED, "cancelled while %s ran", command);
        if (left <= 0)
            return err_set(err, ERR_TIMEOUT, "%s took too long", command);
        if (poll(fds, ARRAY_LEN(fds), (int)left) < 0 && errno != EINTR)
            return err_errno(err, ERR_FAIL, "waiting for %s", command);
        if (fds[0].revents && read_some(&c->out, out, false) < 0)
            return err_set(err, ERR_LIMIT, "%s printed more than %zu bytes", command, out->max);
        if (fds[1].revents)
            read_some(&c->err, problems, true);
    }
    return 0;
}

/* Waits for the end; the outputs are closed, so it is at hand unless the command goes on silently. */
static int reap(struct child *c, const char *command, int64_t deadline, struct cancel *cancel,
                int *ret_status, struct err *err)
{
    for (;;) {
        pid_t pid = waitpid(c->pid, ret_status, WNOHANG);

        if (pid == c->pid) {
            c->pid = 0;
            return 0;
        }
        if (pid < 0 && errno != EINTR)
            return err_errno(err, ERR_FAIL, "waiting for %s", command);
        if (clock_left_ms(deadline) <= 0)
            return err_set(err, ERR_TIMEOUT, "%s took too long", command);
        if (cancel_sleep(cancel, 5))
            return err_set(err, ERR_CANCELLED, "cancelled while %s ran", command);
    }
}

static int tell_failure(const char *command, int status, const struct buf *problems,
                        struct err *err)
{
    char *words CLEANUP(mem_cleanup) = utf8_sanitize(buf_str(problems), problems->len);
    size_t n = strlen(words);

    while (n && strchr(" \r\n\t", words[n - 1]))
        words[--n] = '\0';
    if (WIFEXITED(status))
        return err_set(err, ERR_UNAUTHENTICATED, "%s failed with exit code %d%s%s", command,
                       WEXITSTATUS(status), n ? ": " : "", words);
    return err_set(err, ERR_UNAUTHENTICATED, "%s was ended by signal %d%s%s", command,
                   WTERMSIG(status), n ? ": " : "", words);
}

static void wake_child_wait(void *arg)
{
    const struct child *c = arg;
    uint64_t one = 1;

    /* The counter can't overflow, so there is nothing to be done about a failure. */
    if (write(c->wake, &one, sizeof(one)) < 0)
        return;
}

static void wipe_buf(struct buf *b)
{
    if (b->data)
        mem_wipe(b->data, b->len);
    buf_done(b);
}

int exec_credential_run(const struct exec_plugin *p, int64_t timeout_ms, struct cancel *cancel,
                        struct exec_credential *ret, struct err *err)
{
    struct child c CLEANUP(child_done) = {.pid = 0, .out = -1, .err = -1, .wake = -1};
    struct buf out CLEANUP(wipe_buf) = BUF_INIT, problems CLEANUP(buf_done) = BUF_INIT;
    int64_t deadline = clock_deadline(timeout_ms);
    uint64_t watch = 0;
    int status = 0, rc;

    out.max = KUBE_EXEC_MAX_OUTPUT;
    problems.max = KUBE_EXEC_MAX_STDERR;
    rc = start(p, &c, err);
    if (rc)
        return rc;
    if (cancel)
        watch = cancel_watch(cancel, wake_child_wait, &c);
    rc = gather(&c, p->command, deadline, cancel, &out, &problems, err);
    if (!rc)
        rc = reap(&c, p->command, deadline, cancel, &status, err);
    if (cancel)
        cancel_unwatch(cancel, watch);
    if (rc)
        return rc;
    if (status)
        return tell_failure(p->command, status, &problems, err);
    rc = exec_credential_parse(buf_str(&out), out.len, p->api_version, ret, err);
    return rc ? err_wrap(err, "%s", p->command) : 0;
}
