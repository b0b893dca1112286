/*
 * What the terminal can do: whether it is one, its size, whether colours and UTF-8 are wanted. The
 * decision is a pure function of a few facts, so that it can be tested without a terminal.
 */
#ifndef TSE_COMMANDS_TERMINAL_H
#define TSE_COMMANDS_TERMINAL_H

#include <stdbool.h>
#include <stdio.h>

struct terminal {
    FILE *out;
    bool live;              /* lines can be redrawn in place */
    bool colour;            /* a terminal, and NO_COLOR (no-color.org) is not set */
    bool utf8;              /* the locale's character set is UTF-8 */
    unsigned columns, rows; /* 80 by 24 when the kernel does not know */
};

struct terminal_facts {
    bool tty;
    const char *term;       /* TERM, or NULL */
    const char *no_color;   /* NO_COLOR, or NULL; empty counts as not set */
    const char *codeset;    /* nl_langinfo(CODESET) */
    unsigned columns, rows; /* as the kernel knows them; 0: unknown */
};

void terminal_decide(struct terminal *terminal, const struct terminal_facts *facts);

/* Fills `terminal` for a stream. Needs setlocale(LC_CTYPE, "") to have been called. */
void terminal_open(struct terminal *terminal, FILE *out);

/* Asks for the size again; returns whether it changed. */
bool terminal_measure(struct terminal *terminal);

#endif
