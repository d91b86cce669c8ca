/* status: what is installed, how far it is, and what keeps it.
 *
 * 0 when everything is ready, 1 when it isn't, 2 when that can't be said. --watch draws again until
 * all is ready; Ctrl-C ends it as it ends any program. */
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/base/cancel.h"
#include "lib/base/mem.h"
#include "provider/cli/cli.h"
#include "provider/cli/connect.h"
#include "provider/cli/status_table.h"

#include "lib/base/banned.h"

#define WATCH_MS 2000

/* What was read: one installation, or all of them. */
struct view {
    struct status *at;
    size_t n;
    bool several; /* nobody said which */
};

struct watcher {
    struct cli *cli;
    const struct cli_target *o;
    struct kube_client *client;
    bool terminal;
    size_t lines; /* drawn the last time */
    char *said;   /* the last text of a pipe */
};

/* --- reading ------------------------------------------------------------------------------------- */

static void view_done(struct view *v)
{
    for (size_t i = 0; i < v->n; i++)
        status_done(&v->at[i]);
    free(v->at);
    memset(v, 0, sizeof(*v));
}

static int read_some(struct kube_client *c, const struct applyset_list *list, const char *name,
                     struct view *v, struct err *err)
{
    const struct applyset_listed *one = name ? status_find(list, name) : NULL;
    int rc = 0;

    v->several = !name && list->len > 1;
    v->at = mem_calloc(list->len, sizeof(*v->at));
    for (size_t i = 0; i < list->len && !rc; i++) {
        if (name && &list->at[i] != one)
            continue;
        rc = status_read(c, &list->at[i], NULL, &v->at[v->n], err);
        v->n += !rc;
    }
    return rc;
}

static int view_read(struct kube_client *c, const char *name, struct view *ret, struct err *err)
{
    struct applyset_list list = {0};
    struct view v = {0};
    int rc = applyset_list(c, NULL, &list, err);

    if (!rc)
        rc = read_some(c, &list, name, &v, err);
    applyset_list_done(&list);
    if (rc)
        view_done(&v);
    else
        *ret = v;
    return rc;
}

static bool is_ready(const struct view *v)
{
    for (size_t i = 0; i < v->n; i++)
        if (!status_is_ready(&v->at[i]))
            return false;
    return v->n > 0;
}

/* --- printing ------------------------------------------------------------------------------------ */

static void put_nothing(const struct cli_target *o, struct buf *out)
{
    if (o->word)
        buf_printf(out, "nothing of the name \"%s\" is installed in this cluster\n", o->word);
    else
        buf_puts(out, "nothing is installed in this cluster\n");
}

static size_t put_view(const struct view *v, const struct cli_target *o,
                       const struct status_screen *screen, struct buf *out)
{
    if (v->several)
        return status_summary(v->at, v->n, screen, out);
    if (v->n)
        return status_table(&v->at[0], screen, out);
    put_nothing(o, out);
    return 1;
}

/* The table in the place of the one before. */
static void draw(struct watcher *w, const struct view *v)
{
    struct buf text CLEANUP(buf_done) = BUF_INIT;
    struct status_screen screen = {.width = 80, .height = 24};
    struct winsize size;

    if (!ioctl(fileno(w->cli->out), TIOCGWINSZ, &size) && size.ws_col && size.ws_row)
        screen = (struct status_screen){.width = size.ws_col, .height = size.ws_row};
    screen.height--; /* for the cursor */
    if (w->lines)    /* to its first line, and all below it goes */
        buf_printf(&text, "\033[%zuA\033[J", w->lines);
    w->lines = put_view(v, w->o, &screen, &text);
    fputs(buf_str(&text), w->cli->out);
}

/* Only what is new. */
static void say(struct watcher *w, const struct view *v)
{
    struct buf text CLEANUP(buf_done) = BUF_INIT;

    for (size_t i = 0; i < v->n; i++)
        status_line(&v->at[i], &text);
    if (!v->n)
        put_nothing(w->o, &text);
    if (w->said && !strcmp(w->said, buf_str(&text)))
        return;
    fputs(buf_str(&text), w->cli->out);
    free(w->said);
    w->said = buf_take(&text);
}

static int watch(struct watcher *w, struct err *err)
{
    bool ready = false;

    while (true) {
        struct view v;
        int rc = view_read(w->client, w->o->word, &v, err);

        if (rc)
            return rc;
        if (w->terminal)
            draw(w, &v);
        else
            say(w, &v);
        fflush(w->cli->out);
        ready = is_ready(&v);
        view_done(&v);
        if (ready)
            return 0;
        cancel_sleep(NULL, WATCH_MS);
    }
}

static int print_once(struct watcher *w, bool *ret_ready, struct err *err)
{
    struct buf text CLEANUP(buf_done) = BUF_INIT;
    struct status_screen any = {0};
    struct view v;
    int rc = view_read(w->client, w->o->word, &v, err);

    if (rc)
        return rc;
    put_view(&v, w->o, &any, &text);
    fputs(buf_str(&text), v.n ? w->cli->out : w->cli->err);
    *ret_ready = is_ready(&v);
    view_done(&v);
    return 0;
}

static int run_status(struct cli *cli, int argc, char **argv)
{
    struct cli_target o;
    struct err err CLEANUP(err_done) = ERR_INIT;
    struct watcher w = {.cli = cli, .o = &o, .terminal = isatty(fileno(cli->out))};
    bool ready = true;
    int rc = ERR_FAIL;

    if (!cli_read_target(argc, argv, "watch", &o))
        return CLI_USAGE;
    w.client = cli_connect(&o, &err);
    if (w.client)
        rc = o.flag ? watch(&w, &err) : print_once(&w, &ready, &err);
    kube_client_free(w.client);
    free(w.said);
    if (rc) {
        fprintf(cli->err, "error: %s\n", err_msg(&err));
        return CLI_TROUBLE;
    }
    return ready ? CLI_OK : CLI_FAILED;
}

const struct cli_command cli_status = {
    .name = "status",
    .arguments = "[name] [--watch] [--config-path FILE] [--context NAME]",
    .summary = "what is installed, and what isn't ready; 0 when all is",
    .run = run_status,
};
