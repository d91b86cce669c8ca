/* A crash that the user gets to see.
 *
 * Terraform collects what follows a line that starts with "panic: " on a plugin's stderr and prints
 * it under "Stack trace from the ... plugin" when the call fails. So fatal signals write such a
 * line and a backtrace before the process dies of the signal as it would have anyway. */
#ifndef PLUGIN_CRASH_H
#define PLUGIN_CRASH_H

/* Installs the handlers and prepares the calling thread. name and version have static lifetime. */
void crash_setup(const char *name, const char *version);

/* What a crash must not leave behind: a socket and its directory. The texts must live until
 * NULL, NULL is given instead. */
void crash_removes(const char *socket, const char *dir);

/* An alternative signal stack for the calling thread, so that a stack overflow is reported too.
 * crash_thread_leave gets what enter returned, from the same thread. */
void *crash_thread_enter(void);
void crash_thread_leave(void *stack);

#endif
