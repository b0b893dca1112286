/* What a terminal can do, and text made to fit it. */
#include "base/memory.h"
#include "base/text.h"
#include "commands/terminal.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdint.h>
#include <stdlib.h>

static struct terminal decide(struct terminal_facts facts) {
    struct terminal terminal = {0};
    terminal_decide(&terminal, &facts);
    return terminal;
}

Test(terminal, colour_on_a_terminal_only) {
    struct terminal_facts facts = {.tty = true, .term = "xterm", .codeset = "UTF-8"};
    cr_assert(decide(facts).live);
    cr_assert(decide(facts).colour);
    cr_assert(decide(facts).utf8);
    facts.tty = false;
    cr_assert_not(decide(facts).live);
    cr_assert_not(decide(facts).colour);
}

Test(terminal, no_color_keeps_the_live_view) {
    struct terminal_facts facts = {.tty = true, .term = "xterm", .no_color = "1"};
    cr_assert(decide(facts).live);
    cr_assert_not(decide(facts).colour);
    facts.no_color = ""; /* no-color.org: only when not empty */
    cr_assert(decide(facts).colour);
}

Test(terminal, dumb_and_unnamed_terminals_cannot_redraw) {
    struct terminal_facts facts = {.tty = true, .term = "dumb"};
    cr_assert_not(decide(facts).live);
    cr_assert_not(decide(facts).colour);
    facts.term = NULL;
    cr_assert_not(decide(facts).live);
}

Test(terminal, ascii_unless_the_locale_is_utf8) {
    cr_assert_not(decide((struct terminal_facts){.codeset = "ANSI_X3.4-1968"}).utf8);
    cr_assert_not(decide((struct terminal_facts){0}).utf8);
}

Test(terminal, unknown_size_is_80_by_24) {
    struct terminal terminal = decide((struct terminal_facts){0});
    cr_assert(eq(uint, terminal.columns, 80));
    cr_assert(eq(uint, terminal.rows, 24));
    terminal = decide((struct terminal_facts){.columns = 7, .rows = 2});
    cr_assert(eq(uint, terminal.columns, 7));
    cr_assert(eq(uint, terminal.rows, 2));
}

static void fits(const char *text, size_t columns, bool utf8, const char *expected) {
    char *fit = text_fit(text, columns, utf8);
    cr_assert_str_eq(fit, expected);
    cr_assert_leq(text_columns(fit), columns);
    free(fit);
}

Test(text, columns_are_what_the_screen_shows) {
    cr_assert(eq(sz, text_columns(""), 0));
    cr_assert(eq(sz, text_columns("redis"), 5));
    cr_assert(eq(sz, text_columns("naïve"), 5));
    cr_assert(eq(sz, text_columns("日本"), 4));
    cr_assert(eq(sz, text_columns("e\xCC\x81"), 1)); /* a combining accent */
    cr_assert(eq(sz, text_columns("✓ ok"), 4));
}

Test(text, cut_to_fit) {
    fits("redis", 5, true, "redis");
    fits("redis", 4, true, "red…");
    fits("redis", 1, true, "r");
    fits("redis", 0, true, "");
    fits("service", 6, false, "ser...");
    fits("service", 3, false, "ser");
    fits("日本語", 6, true, "日本語");
    fits("日本語", 5, true, "日本…");
    fits("日本語", 4, true, "日…"); /* half a character is never shown */
}

Test(text, cannot_move_the_cursor) {
    fits("a\x1b[2Jb\r\nc\td", SIZE_MAX, true, "a [2Jb  c d");
    fits("bad \xff\xfe byte", SIZE_MAX, true, "bad ?? byte");
    fits("cut \xe2\x82", SIZE_MAX, true, "cut ??");
    fits("c1 \xc2\x9b"
         "2J",
         SIZE_MAX, true, "c1  2J"); /* the 8-bit form of ESC [ */
}

Test(text, ascii_only) {
    fits("256Mi → 128Mi", SIZE_MAX, false, "256Mi ? 128Mi");
    fits("日本", SIZE_MAX, false, "??");
}

Test(text, bytes) {
    char buffer[32];
    cr_assert_str_eq(text_bytes(buffer, sizeof(buffer), 0), "0 B");
    cr_assert_str_eq(text_bytes(buffer, sizeof(buffer), 999), "999 B");
    cr_assert_str_eq(text_bytes(buffer, sizeof(buffer), 1000), "1.0 kB");
    cr_assert_str_eq(text_bytes(buffer, sizeof(buffer), 40100000), "40.1 MB");
    cr_assert_str_eq(text_bytes(buffer, sizeof(buffer), 999960000), "1.0 GB");
    cr_assert_str_eq(text_bytes(buffer, sizeof(buffer), INT64_MAX), "9.2 EB");
}

Test(text, elapsed) {
    char buffer[32];
    cr_assert_str_eq(text_elapsed(buffer, sizeof(buffer), -5), "0.0s");
    cr_assert_str_eq(text_elapsed(buffer, sizeof(buffer), 99), "0.0s");
    cr_assert_str_eq(text_elapsed(buffer, sizeof(buffer), 59999), "59.9s");
    cr_assert_str_eq(text_elapsed(buffer, sizeof(buffer), 60000), "1m00s");
    cr_assert_str_eq(text_elapsed(buffer, sizeof(buffer), 3599999), "59m59s");
    cr_assert_str_eq(text_elapsed(buffer, sizeof(buffer), 3600000), "1h00m");
    cr_assert_str_eq(text_elapsed(buffer, sizeof(buffer), 90000000), "1d1h");
}

Test(text, no_style_without_colour) {
    cr_assert_str_eq(style_begin(STYLE_RED, false), "");
    cr_assert_str_eq(style_end(STYLE_RED, false), "");
    cr_assert_str_eq(style_begin(STYLE_RED, true), "\x1b[31m");
    cr_assert_str_eq(style_end(STYLE_PLAIN, true), "");
}
