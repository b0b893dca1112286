/* Collecting and printing problems. */
#include "base/memory.h"
#include "spec/diagnostics.h"
#include "spec/node.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct diagnostics *diagnostics;
static char *printed;

static void setup(void) {
    diagnostics = diagnostics_new();
}

static void teardown(void) {
    diagnostics_free(diagnostics);
    free(printed);
}

TestSuite(collect, .init = setup, .fini = teardown);
TestSuite(print, .init = setup, .fini = teardown);
TestSuite(secrets, .init = setup, .fini = teardown);

static void add(enum severity severity, const char *file, unsigned line, unsigned column,
                unsigned width, const char *message) {
    struct diagnostic diagnostic = {severity, {file, line, column}, width, NULL, message, NULL};
    diagnostics_add(diagnostics, &diagnostic);
}

static void add_error(const char *file, unsigned line, unsigned column, const char *message) {
    add(SEVERITY_ERROR, file, line, column, 1, message);
}

static void keep(const char *file, const char *text) {
    diagnostics_keep_text(diagnostics, file, text, strlen(text));
}

static const char *print(bool colour) {
    size_t size = 0;
    free(printed);
    printed = NULL;
    FILE *out = open_memstream(&printed, &size);
    diagnostics_print(diagnostics, out, colour);
    fclose(out);
    return printed;
}

/* --- collecting ------------------------------------------------------------------------------- */

Test(collect, sorted) {
    add_error("b.yaml", 1, 1, "fourth");
    add_error("a.yaml", 2, 5, "third");
    add_error("a.yaml", 2, 4, "second");
    add_error("a.yaml", 1, 9, "first");
    add_error("b.yaml", 1, 1, "fifth"); /* same place: in the order they came */
    add_error(NULL, 0, 0, "zeroth");
    static const char *const order[] = {"zeroth", "first", "second", "third", "fourth", "fifth"};
    cr_assert_eq(diagnostics_count(diagnostics), 6);
    for (size_t i = 0; i < 6; i++)
        cr_expect_str_eq(diagnostics_get(diagnostics, i)->message, order[i]);
}

Test(collect, once) {
    add_error("a.yaml", 1, 1, "same");
    add_error("a.yaml", 1, 1, "same");
    add_error("a.yaml", 1, 2, "same");
    add_error("a.yaml", 1, 1, "other");
    cr_expect_eq(diagnostics_count(diagnostics), 3);
    cr_expect_eq(diagnostics_errors(diagnostics), 3);
}

Test(collect, copies) {
    char text[] = "message";
    struct diagnostic diagnostic = {SEVERITY_WARNING, {text, 1, 1}, 0, text, text, text};
    diagnostics_add(diagnostics, &diagnostic);
    memset(text, 'x', sizeof text - 1);
    const struct diagnostic *kept = diagnostics_get(diagnostics, 0);
    cr_expect_str_eq(kept->at.file, "message");
    cr_expect_str_eq(kept->path, "message");
    cr_expect_str_eq(kept->message, "message");
    cr_expect_str_eq(kept->help, "message");
    cr_expect_eq(kept->width, 1);
    cr_expect_eq(diagnostics_errors(diagnostics), 0);
    cr_expect_eq(diagnostics_warnings(diagnostics), 1);
}

Test(collect, at_most_a_hundred) {
    for (unsigned i = 1; i <= 150; i++)
        add(SEVERITY_WARNING, "a.yaml", i, 1, 1, "warning");
    cr_expect_eq(diagnostics_count(diagnostics), 100);
    cr_expect_eq(diagnostics_warnings(diagnostics), 150);
    for (unsigned i = 1; i <= 103; i++)
        add_error("b.yaml", i, 1, "error");
    /* Errors matter more than warnings. */
    cr_expect_eq(diagnostics_count(diagnostics), 100);
    cr_expect_eq(diagnostics_errors(diagnostics), 103);
    cr_expect_eq(diagnostics_get(diagnostics, 0)->severity, SEVERITY_ERROR);
    cr_expect_eq(diagnostics_get(diagnostics, 99)->at.line, 100);
    cr_expect(strstr(print(false), "\n153 more problems are not shown: correct these first\n"));
}

Test(collect, one_more) {
    for (unsigned i = 1; i <= 101; i++)
        add_error("a.yaml", i, 1, "error");
    cr_expect(strstr(print(false), "\n1 more problem is not shown: correct these first\n"));
}

Test(collect, add_all) {
    struct diagnostics *from = diagnostics_new();
    struct diagnostic diagnostic = {SEVERITY_ERROR, {"a.yaml", 1, 1}, 1, NULL, "error", NULL};
    for (unsigned i = 1; i <= 120; i++) {
        diagnostic.at.line = i;
        diagnostics_add(from, &diagnostic);
    }
    add_error("a.yaml", 1, 1, "error"); /* there already */
    diagnostics_add_all(diagnostics, from);
    cr_expect_eq(diagnostics_count(diagnostics), 100);
    cr_expect_eq(diagnostics_errors(diagnostics), 120);
    cr_expect_eq(diagnostics_count(from), 100);
    diagnostics_free(from);
}

Test(collect, long_texts_are_cut) {
    char text[5000];
    memset(text, 'x', sizeof text - 1);
    memcpy(text + 3999, "\u00e9", 2); /* across the place of the cut */
    text[sizeof text - 1] = '\0';
    add_error("a.yaml", 1, 1, text);
    add_error("a.yaml", 1, 1, text);
    cr_expect_eq(diagnostics_count(diagnostics), 1);
    const char *message = diagnostics_get(diagnostics, 0)->message;
    cr_expect_eq(strlen(message), 3999 + 3);
    cr_expect_str_eq(message + 3999, "...");
}

/* --- printing --------------------------------------------------------------------------------- */

Test(print, like_a_compiler) {
    keep("environments/dev.yaml", "a: 1\nb: 2\n  ports: [\"70000:6379\"]\n");
    struct diagnostic diagnostic = {
        .severity = SEVERITY_ERROR,
        .at = {"environments/dev.yaml", 3, 11},
        .width = 12,
        .path = "services.redis.ports[0]",
        .message = "\"70000\" is not a port (1-65535)",
        .help = "did you mean \"7000\"?",
    };
    diagnostics_add(diagnostics, &diagnostic);
    cr_expect_str_eq(print(false),
                     "environments/dev.yaml:3:11: error: services.redis.ports[0]: \"70000\" is not "
                     "a port (1-65535)\n"
                     "    3 |   ports: [\"70000:6379\"]\n"
                     "      |           ^~~~~~~~~~~~\n"
                     "      help: did you mean \"7000\"?\n");
}

Test(print, without_a_place) {
    struct diagnostic diagnostic = {.severity = SEVERITY_WARNING, .message = "all is odd"};
    diagnostics_add(diagnostics, &diagnostic);
    cr_expect_str_eq(print(false), "warning: all is odd\n");
    add_error("no/such/file.yaml", 0, 0, "is missing");
    add_error("no/such/file.yaml", 7, 3, "is odd");
    cr_expect_str_eq(print(false), "warning: all is odd\n"
                                   "no/such/file.yaml: error: is missing\n"
                                   "no/such/file.yaml:7:3: error: is odd\n");
}

Test(print, colour) {
    keep("a.yaml", "abc\n");
    add(SEVERITY_ERROR, "a.yaml", 1, 2, 2, "bad");
    const char *coloured = print(true);
    cr_expect(strstr(coloured, "\x1b["));
    cr_expect(strstr(coloured, "error:"));
    cr_expect_null(strstr(print(false), "\x1b["));
}

Test(print, line_breaks) {
    /* The lines of YAML: also ended by CR, NEL and the Unicode separators. */
    keep("a.yaml", "one\rtwo\r\nthree\xC2\x85"
                   "four\u2028five\n\nseven");
    add_error("a.yaml", 1, 1, "m1");
    add_error("a.yaml", 2, 1, "m2");
    add_error("a.yaml", 3, 1, "m3");
    add_error("a.yaml", 4, 1, "m4");
    add_error("a.yaml", 5, 1, "m5");
    add_error("a.yaml", 6, 1, "m6"); /* an empty line is not shown */
    add_error("a.yaml", 7, 1, "m7");
    add_error("a.yaml", 8, 1, "m8"); /* there is none */
    cr_expect_str_eq(print(false), "a.yaml:1:1: error: m1\n    1 | one\n      | ^\n"
                                   "a.yaml:2:1: error: m2\n    2 | two\n      | ^\n"
                                   "a.yaml:3:1: error: m3\n    3 | three\n      | ^\n"
                                   "a.yaml:4:1: error: m4\n    4 | four\n      | ^\n"
                                   "a.yaml:5:1: error: m5\n    5 | five\n      | ^\n"
                                   "a.yaml:6:1: error: m6\n"
                                   "a.yaml:7:1: error: m7\n    7 | seven\n      | ^\n"
                                   "a.yaml:8:1: error: m8\n");
}

Test(print, wide_characters) {
    keep("a.yaml", "\u6f22\u5b57: \u00e9\u00e9 x\n");
    add(SEVERITY_ERROR, "a.yaml", 1, 5, 2, "bad");
    cr_expect(strstr(print(false), "    1 | \u6f22\u5b57: \u00e9\u00e9 x\n      |       ^~\n"));
}

Test(print, underline_stays_in_the_line) {
    keep("a.yaml", "abc\ndef\n");
    add(SEVERITY_ERROR, "a.yaml", 1, 2, 4000000000u, "bad");
    add(SEVERITY_ERROR, "a.yaml", 2, 4000000000u, 9, "worse");
    cr_expect_str_eq(print(false), "a.yaml:1:2: error: bad\n    1 | abc\n      |  ^~\n"
                                   "a.yaml:2:4000000000: error: worse\n    2 | def\n"
                                   "      |    ^\n");
}

Test(print, long_lines_are_cut) {
    char text[1001];
    memset(text, 'a', 1000);
    text[500] = 'X';
    text[1000] = '\0';
    keep("a.yaml", text);
    add_error("a.yaml", 1, 501, "bad");
    const char *lines = print(false);
    const char *source = strstr(lines, "    1 | ...");
    cr_assert_not_null(source);
    const char *caret = strstr(source, "\n      | ");
    cr_assert_not_null(caret);
    size_t column = strcspn(caret + 1, "^");
    cr_expect_eq(source[column], 'X');
    cr_expect_lt(strcspn(source, "\n"), 140);
    add(SEVERITY_ERROR, "a.yaml", 1, 502, 400, "wide");
    for (const char *line = print(false); *line; line += strcspn(line, "\n") + 1)
        cr_expect_lt(strcspn(line, "\n"), 140);
}

Test(print, nothing_reaches_the_terminal) {
    keep("a\x1b[2J.yaml", "a: \x1b[31m\x7f\xff\t\xC2\x85"
                          "b\n");
    struct diagnostic diagnostic = {.severity = SEVERITY_ERROR,
                                    .at = {"a\x1b[2J.yaml", 1, 4},
                                    .width = 1,
                                    .path = "x\r\ny",
                                    .message = "bad \a \xC2\x9B \xff",
                                    .help = "\x1b]0;x\a"};
    diagnostics_add(diagnostics, &diagnostic);
    cr_expect_str_eq(print(false), "a\\x1b[2J.yaml:1:4: error: x\\x0d\\x0ay: bad \\x07 \\x9b ?\n"
                                   "    1 | a: \\x1b[31m\\x7f? \n"
                                   "      |    ^~~~\n"
                                   "      help: \\x1b]0;x\\x07\n");
}

Test(print, json) {
    struct diagnostic diagnostic = {.severity = SEVERITY_ERROR,
                                    .at = {"a.yaml", 3, 4},
                                    .width = 5,
                                    .path = "a.b",
                                    .message = "\"x\" is bad \xff",
                                    .help = "good"};
    diagnostics_add(diagnostics, &diagnostic);
    add(SEVERITY_WARNING, "b.yaml", 0, 0, 1, "odd");
    size_t size = 0;
    FILE *out = open_memstream(&printed, &size);
    diagnostics_print_json(diagnostics, out);
    fclose(out);
    json_t *root = json_loads(printed, 0, NULL);
    cr_assert_not_null(root, "%s", printed);
    json_t *expected =
        json_pack("{s:i, s:i, s:[{s:s,s:s,s:i,s:i,s:i,s:s,s:s,s:s},{s:s,s:s,s:s}]}", "errors", 1,
                  "warnings", 1, "diagnostics", "severity", "error", "file", "a.yaml", "line", 3,
                  "column", 4, "width", 5, "path", "a.b", "message", "\"x\" is bad ?", "help",
                  "good", "severity", "warning", "file", "b.yaml", "message", "odd");
    cr_expect(json_equal(root, expected), "%s", printed);
    json_decref(root);
    json_decref(expected);
}

/* --- secrets ---------------------------------------------------------------------------------- */

Test(secrets, hidden_lines_are_not_quoted) {
    keep("a.yaml", "a: one\nb: hunter2\nc: hunter3\nd: four\n");
    for (unsigned line = 1; line <= 4; line++)
        add_error("a.yaml", line, 4, "bad");
    cr_expect(strstr(print(false), "hunter2"));
    diagnostics_hide_lines(diagnostics, "a.yaml", 2, 2);
    diagnostics_hide_lines(diagnostics, "a.yaml", 3, 3);
    const char *text = print(false);
    cr_expect_null(strstr(text, "hunter"));
    cr_expect(strstr(text, "a.yaml:2:4: error: bad\na.yaml:3:4: error: bad\n"));
    cr_expect(strstr(text, "one") && strstr(text, "four"));
}

Test(secrets, hidden_lines_in_any_order) {
    keep("a.yaml", "l1\nl2\nl3\nl4\nl5\nl6\n");
    diagnostics_hide_lines(diagnostics, "a.yaml", 5, 6);
    diagnostics_hide_lines(diagnostics, "a.yaml", 1, 1);
    diagnostics_hide_lines(diagnostics, "a.yaml", 3, 3);
    for (unsigned line = 1; line <= 6; line++)
        add_error("a.yaml", line, 1, "bad");
    const char *text = print(false);
    static const bool shown[] = {false, true, false, true, false, false};
    for (unsigned line = 1; line <= 6; line++) {
        char source[] = "| l0\n";
        source[3] = (char)('0' + line);
        cr_expect_eq(strstr(text, source) != NULL, shown[line - 1], "line %u", line);
    }
}

Test(secrets, hidden_files_are_not_quoted) {
    keep("a.env", "A=hunter2\n");
    add_error("a.env", 1, 1, "bad");
    diagnostics_hide_file(diagnostics, "a.env");
    cr_expect_str_eq(print(false), "a.env:1:1: error: bad\n");
}

/* When a file changes after it was read, the numbers of its hidden lines mean other lines. */
Test(secrets, changed_files_are_not_quoted) {
    char path[] = "/tmp/tse-test-diagnostics-XXXXXX";
    int descriptor = mkstemp(path);
    cr_assert_geq(descriptor, 0);
    cr_assert_eq(write(descriptor, "a: hunter2\n", 11), 11);
    struct arena *arena = arena_new();
    cr_assert_not_null(yaml_read_file(arena, path, diagnostics));
    add_error(path, 1, 4, "bad");
    cr_expect(strstr(print(false), "    1 | a: hunter2\n      |    ^\n"));
    cr_assert_eq(write(descriptor, "b: 1\n", 5), 5);
    close(descriptor);
    cr_expect_null(strstr(print(false), "hunter2"));
    unlink(path);
    cr_expect_null(strstr(print(false), "hunter2"));
    arena_free(arena);
}
