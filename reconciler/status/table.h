/*
 * Tables for people: columns as wide as what is in them, and on a narrow terminal without the ones
 * that matter least.
 */
#ifndef TSE_STATUS_TABLE_H
#define TSE_STATUS_TABLE_H

#include "base/text.h"

#include <stdio.h>

struct table_column {
    const char *title;
    int drop; /* 0: always there; else the highest is left out first when space is short */
};

struct table_cell {
    const char *text; /* NULL or "": empty */
    enum style style;
};

struct table {
    const struct table_column *columns;
    size_t column_count;
    const struct table_cell *cells; /* row after row */
    size_t row_count;
};

struct table_look {
    size_t width; /* columns of the screen; 0: no limit, nothing is left out or cut */
    bool colour, utf8;
};

/* Writes the titles and the rows, each on a line. Columns in which every cell is empty are left
 * out. */
void table_write(const struct table *table, const struct table_look *look, FILE *out);

#endif
