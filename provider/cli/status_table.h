/* What `status` prints. Pure. Whatever comes from a cluster is made fit for a terminal: no control
 * characters, no line longer than asked for. */
#ifndef CLI_STATUS_TABLE_H
#define CLI_STATUS_TABLE_H

#include "lib/base/buf.h"
#include "resources/kubeflow/status.h"

struct status_screen {
    size_t width;  /* bytes of a line; 0 = any */
    size_t height; /* lines; 0 = any. What is ready is folded, and troubles are cut, to fit */
};

/* Appends an installation's table. Returns the number of lines. */
size_t status_table(const struct status *s, const struct status_screen *screen, struct buf *out);

/* Appends several installations, a line for each. */
size_t status_summary(const struct status *all, size_t n, const struct status_screen *screen,
                      struct buf *out);

/* Appends one line of the news, for output that isn't a terminal. */
void status_line(const struct status *s, struct buf *out);

#endif
