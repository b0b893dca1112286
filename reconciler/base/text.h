/*
 * Text for people: how many columns it takes on a terminal, cutting it to fit, colours, and the
 * short forms of sizes and times. Text that came from elsewhere (an engine's message, a container's
 * last line) goes through here before it is shown, so that it cannot move the cursor or break a
 * line.
 */
#ifndef TSE_BASE_TEXT_H
#define TSE_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Columns a text takes: wide characters count two, combining ones none; control characters and
 * bytes that are not UTF-8 count one, as text_fit() shows them. */
size_t text_columns(const char *text);

/* The text made fit for one line of `columns` (malloc'd, the caller frees it): control characters
 * become spaces, what is not UTF-8 becomes "?", and so does what is not ASCII unless `utf8`; longer
 * text is cut and ends in "…" ("..." without `utf8`). SIZE_MAX: never cut. */
char *text_fit(const char *text, size_t columns, bool utf8);

/* "812 B", "40.1 MB": decimal units, as docker shows them. Returns the buffer (16 bytes or more).
 */
char *text_bytes(char *buffer, size_t size, long long bytes);

/* "0.4s", "12.3s", "2m05s", "3h02m", "5d3h". Returns the buffer (16 bytes or more). */
char *text_elapsed(char *buffer, size_t size, long long milliseconds);

/* Select Graphic Rendition (ECMA-48, 8.3.117). */
enum style { STYLE_PLAIN, STYLE_BOLD, STYLE_DIM, STYLE_RED, STYLE_GREEN, STYLE_YELLOW, STYLE_CYAN };

/* The sequence that switches a style on, and the one that ends any; "" unless `colour`. */
const char *style_begin(enum style style, bool colour);
const char *style_end(enum style style, bool colour);

#endif
