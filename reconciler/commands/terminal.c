/* What the terminal can do; see terminal.h. */
#include "commands/terminal.h"

#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* A size of nothing is what serial lines and some recorders report. */
static void set_size(struct terminal *terminal, unsigned columns, unsigned rows) {
    terminal->columns = columns ? columns : 80;
    terminal->rows = rows ? rows : 24;
}

void terminal_decide(struct terminal *terminal, const struct terminal_facts *facts) {
    bool capable = facts->term && *facts->term && strcmp(facts->term, "dumb") != 0;
    terminal->live = facts->tty && capable;
    terminal->colour = terminal->live && !(facts->no_color && *facts->no_color);
    terminal->utf8 = facts->codeset && strcmp(facts->codeset, "UTF-8") == 0;
    set_size(terminal, facts->columns, facts->rows);
}

void terminal_open(struct terminal *terminal, FILE *out) {
    struct winsize size = {0};
    int fd = fileno(out);
    bool tty = isatty(fd);
    if (tty)
        ioctl(fd, TIOCGWINSZ, &size);
    struct terminal_facts facts = {.tty = tty,
                                   .term = getenv("TERM"),
                                   .no_color = getenv("NO_COLOR"),
                                   .codeset = nl_langinfo(CODESET),
                                   .columns = size.ws_col,
                                   .rows = size.ws_row};
    terminal->out = out;
    terminal_decide(terminal, &facts);
}

bool terminal_measure(struct terminal *terminal) {
    struct winsize size = {0};
    if (!terminal->out || ioctl(fileno(terminal->out), TIOCGWINSZ, &size) != 0)
        return false;
    unsigned columns = terminal->columns, rows = terminal->rows;
    set_size(terminal, size.ws_col, size.ws_row);
    return columns != terminal->columns || rows != terminal->rows;
}
