/* Tables for people; see table.h. */
#include "status/table.h"

#include "base/memory.h"

#include <stdint.h>

#define GAP    3  /* spaces between columns */
#define NARROW 20 /* columns narrower than this are not made narrower */

static const char *cell_text(const struct table_cell *cell) {
    return cell->text ? cell->text : "";
}

/* Columns a column takes: 0 when it is left out. */
static size_t natural_width(const struct table *table, size_t column) {
    size_t widest = 0;
    for (size_t row = 0; row < table->row_count; row++) {
        const struct table_cell *cell = &table->cells[row * table->column_count + column];
        size_t width = text_columns(cell_text(cell));
        widest = width > widest ? width : widest;
    }
    size_t title = text_columns(table->columns[column].title);
    return widest == 0 ? 0 : widest > title ? widest : title;
}

static size_t total_width(const size_t *widths, size_t count) {
    size_t total = 0;
    for (size_t i = 0; i < count; i++)
        if (widths[i] > 0)
            total += widths[i] + (total > 0 ? GAP : 0);
    return total;
}

static size_t find_droppable(const struct table *table, const size_t *widths, int least) {
    size_t found = SIZE_MAX;
    for (size_t i = 0; i < table->column_count; i++) {
        if (widths[i] == 0 || table->columns[i].drop < least)
            continue;
        if (found == SIZE_MAX || table->columns[i].drop > table->columns[found].drop)
            found = i;
    }
    return found;
}

/* Narrows the widest column, whose texts are then cut; false when all are narrow. */
static bool narrow(const struct table *table, size_t *widths, size_t excess) {
    size_t widest = 0;
    for (size_t i = 1; i < table->column_count; i++)
        widest = widths[i] > widths[widest] ? i : widest;
    if (widths[widest] <= NARROW)
        return false;
    size_t spare = widths[widest] - NARROW;
    widths[widest] -= spare < excess ? spare : excess;
    return true;
}

static void fit_widths(const struct table *table, size_t *widths, size_t limit) {
    for (size_t i = 0; i < table->column_count; i++)
        widths[i] = natural_width(table, i);
    size_t total;
    while (limit > 0 && (total = total_width(widths, table->column_count)) > limit) {
        size_t drop = find_droppable(table, widths, 2);
        if (drop == SIZE_MAX && narrow(table, widths, total - limit))
            continue;
        if (drop == SIZE_MAX)
            drop = find_droppable(table, widths, 1);
        if (drop == SIZE_MAX)
            return;
        widths[drop] = 0;
    }
}

static void write_cell(const struct table_cell *cell, size_t width, bool last,
                       const struct table_look *look, size_t room, FILE *out) {
    size_t limit = look->width > 0 && room < width ? room : width;
    cleanup_free char *text = text_fit(cell_text(cell), limit, look->utf8);
    fprintf(out, "%s%s%s", *text ? style_begin(cell->style, look->colour) : "", text,
            *text ? style_end(cell->style, look->colour) : "");
    size_t used = text_columns(text);
    for (; !last && used < limit; used++)
        fputc(' ', out);
}

static size_t last_filled(const struct table *table, const size_t *widths,
                          const struct table_cell *cells) {
    size_t last = 0;
    for (size_t i = 0; i < table->column_count; i++)
        if (widths[i] > 0 && *cell_text(&cells[i]))
            last = i;
    return last;
}

static void write_row(const struct table *table, const size_t *widths,
                      const struct table_cell *cells, const struct table_look *look, FILE *out) {
    size_t room = look->width > 0 ? look->width : SIZE_MAX;
    size_t last = last_filled(table, widths, cells); /* no spaces at the end of a line */
    bool first = true;
    for (size_t i = 0; i <= last && i < table->column_count; i++) {
        if (widths[i] == 0)
            continue;
        for (size_t gap = 0; !first && gap < GAP && room > 0; gap++, room--)
            fputc(' ', out);
        write_cell(&cells[i], widths[i], i == last, look, room, out);
        room -= widths[i] < room ? widths[i] : room;
        first = false;
    }
    fputc('\n', out);
}

void table_write(const struct table *table, const struct table_look *look, FILE *out) {
    size_t count = table->column_count;
    cleanup_free size_t *widths = memory_alloc(sizeof(size_t) * count);
    cleanup_free struct table_cell *titles = memory_alloc(sizeof(struct table_cell) * count);
    for (size_t i = 0; i < count; i++)
        titles[i] = (struct table_cell){table->columns[i].title, STYLE_DIM};
    fit_widths(table, widths, look->width);
    write_row(table, widths, titles, look, out);
    for (size_t row = 0; row < table->row_count; row++)
        write_row(table, widths, &table->cells[row * count], look, out);
}
