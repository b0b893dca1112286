/* Stopping on request; see interrupt.h. Handlers use async-signal-safe calls only. */
#include "commands/interrupt.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

static volatile int interrupted;
static volatile int cursor_fd = -1;

const volatile int *interrupt_flag(void) {
    return &interrupted;
}

static void show_cursor(void) {
    static const char show[] = "\x1b[?25h";
    if (cursor_fd >= 0 && write(cursor_fd, show, sizeof(show) - 1) < 0)
        return; /* the terminal is gone: nothing to put right */
}

/* Lets the default action of a signal happen: the shell then sees what ended or stopped us. */
static void default_action(int number) {
    struct sigaction action = {.sa_handler = SIG_DFL};
    sigset_t set;
    sigaction(number, &action, NULL);
    sigemptyset(&set);
    sigaddset(&set, number);
    raise(number);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static void on_end(int number) {
    show_cursor();
    default_action(number);
}

static void on_request(int number) {
    if (interrupted)
        on_end(number);
    interrupted = 1;
}

static void install(int number, void (*handler)(int)) {
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    struct sigaction old;
    sigemptyset(&action.sa_mask);
    if (sigaction(number, NULL, &old) == 0 && old.sa_handler == SIG_IGN)
        return; /* nohup, or a shell's background job: stays ignored */
    sigaction(number, &action, NULL);
}

static void on_stop(int number) {
    int saved = errno;
    show_cursor();
    default_action(number);
    install(number, on_stop); /* continued: the next frame hides the cursor again */
    errno = saved;
}

void interrupt_install(int fd, bool cursor_hidden) {
    cursor_fd = cursor_hidden ? fd : -1;
    install(SIGINT, on_request);
    install(SIGTERM, on_request);
    if (!cursor_hidden)
        return;
    install(SIGHUP, on_end);
    install(SIGQUIT, on_end);
    install(SIGTSTP, on_stop);
}
