/*
 * SIGINT and SIGTERM: the first asks the work to stop where it is safe, the second ends the program
 * at once. Whichever way it ends, a hidden cursor comes back.
 */
#ifndef TSE_COMMANDS_INTERRUPT_H
#define TSE_COMMANDS_INTERRUPT_H

#include <stdbool.h>

/* Installs the handlers. `cursor_hidden` says that the live view hides the terminal's cursor (on
 * `fd`), so that dying and stopping (SIGTSTP) must show it. */
void interrupt_install(int fd, bool cursor_hidden);

/* Non-zero once a stop was asked for. */
const volatile int *interrupt_flag(void);

#endif
