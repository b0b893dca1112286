/*
 * Explaining syntax errors: libyaml says what its grammar expected, a user needs to know what to
 * change.
 */
#include "base/memory.h"
#include "spec/utf8.h"
#include "spec/yaml_internal.h"

#include <stdlib.h>
#include <string.h>

void yaml_problem(struct diagnostics *diagnostics, struct position at, unsigned width,
                  const char *help, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    cleanup_free char *message = format_va(format, arguments);
    va_end(arguments);
    struct diagnostic diagnostic = {.severity = SEVERITY_ERROR,
                                    .at = at,
                                    .width = width ? width : 1,
                                    .message = message,
                                    .help = help};
    diagnostics_add(diagnostics, &diagnostic);
}

/* What libyaml says, what we say, what helps. */
struct explanation {
    const char *problem;
    const char *message;
    const char *help;
    bool opens; /* the line where what is meant was opened is worth saying */
};

static const struct explanation explanations[] = {
    {"found a tab character", "tabs are not allowed as indentation; use spaces", NULL, false},
    {"mapping values are not allowed in this context", "a \":\" is not allowed here",
     "put a text that holds \": \" in quotes, or correct the indentation", false},
    {"could not find expected ':'", "this line has no \"key: value\"",
     "add the \":\", or correct the indentation; a text of several lines needs quotes or \"|\"",
     false},
    {"did not find expected key", "this does not fit the map above it",
     "keys of one map start in the same column; check the indentation and the quotes above", true},
    {"did not find expected '-' indicator", "this does not fit the list above it",
     "items of one list start with \"- \" in the same column; check the indentation", true},
    {"block sequence entries are not allowed in this context", "a \"- \" is not allowed here",
     "start the list on a line of its own, or put the text in quotes", false},
    {"block mapping entries are not allowed in this context", "a \"? \" is not allowed here",
     "put the text in quotes", false},
    {"did not find expected ',' or ']'", "a list opened with \"[\" is not closed",
     "add the missing \",\" or \"]\"", true},
    {"did not find expected ',' or '}'", "a map opened with \"{\" is not closed",
     "add the missing \",\" or \"}\"", true},
    {"found unknown escape character", "this is not an escape that YAML knows",
     "write a backslash as \"\\\\\", or use single quotes", false},
    {"found unexpected ':'", "a \":\" is not allowed here", "put the text in quotes", false},
    {"did not find expected alphabetic or numeric character", "a name is missing here",
     "put a text that starts with \"*\" or \"&\" in quotes", false},
    {"did not find expected <document start>", "the file goes on after its document has ended",
     "correct the indentation, or remove what is left over", false},
    {"did not find expected node content", "a value is missing here",
     "write a value, or \"null\" for none; put special characters in quotes", false},
    {"found undefined tag handle", "this tag is not known",
     "remove the tag; put a text that starts with \"!\" in quotes", false},
};

static const struct explanation *explain(const char *problem) {
    for (size_t i = 0; i < sizeof explanations / sizeof explanations[0]; i++) {
        if (strstr(problem, explanations[i].problem))
            return &explanations[i];
    }
    return NULL;
}

/* Where a line and a column (code points, both from 0) are in a text. */
static size_t offset_of(const char *text, size_t size, const yaml_mark_t *mark) {
    size_t at = 0;
    for (size_t line = 0; line < mark->line && at < size;) {
        size_t width = utf8_line_break(text + at, size - at);
        line += width > 0;
        at += width ? width : 1;
    }
    for (size_t column = 0; column < mark->column && at < size; column++) {
        uint32_t code_point;
        size_t length = utf8_decode(text + at, size - at, &code_point);
        at += length ? length : 1;
    }
    return at;
}

static struct position position_of(const char *file, const yaml_mark_t *mark) {
    return (struct position){file, (unsigned)mark->line + 1, (unsigned)mark->column + 1};
}

/* A character at which nothing can begin: a tab, or one that YAML reserves. */
static void report_character(const yaml_parser_t *parser, const char *file, const char *text,
                             size_t size, struct diagnostics *diagnostics) {
    size_t at = offset_of(text, size, &parser->problem_mark);
    struct position position = position_of(file, &parser->problem_mark);
    if (at < size && text[at] == '\t') {
        yaml_problem(diagnostics, position, 1, NULL,
                     "tabs are not allowed as indentation; use spaces");
        return;
    }
    uint32_t code_point = 0;
    size_t length = at < size ? utf8_decode(text + at, size - at, &code_point) : 0;
    yaml_problem(diagnostics, position, 1, "put the text in quotes",
                 "a text without quotes cannot start with \"%.*s\"", (int)length, text + at);
}

/* A quote that is never closed is reported where it was opened, not at the end of the file. */
static void report_end(const yaml_parser_t *parser, const char *file,
                       struct diagnostics *diagnostics) {
    yaml_problem(diagnostics, position_of(file, &parser->context_mark), 1,
                 "add the closing quote; the file may have been cut off",
                 "a quote opened here is never closed");
}

/* Says what the table has, or libyaml's own words. */
static void report_problem(const yaml_parser_t *parser, const char *file, const char *problem,
                           struct diagnostics *diagnostics) {
    const char *context = parser->context;
    struct position at = position_of(file, &parser->problem_mark);
    size_t line = parser->context_mark.line;
    bool elsewhere = context && line != parser->problem_mark.line;
    const struct explanation *known = explain(problem);
    if (!known) {
        cleanup_free char *opened =
            elsewhere ? format_text(" (%s that starts on line %zu)", context, line + 1)
                      : copy_text("");
        yaml_problem(diagnostics, at, 1,
                     "compare with the YAML around it; a missing quote or indentation is the "
                     "usual cause",
                     "not valid YAML: %s%s", problem, opened);
        return;
    }
    /* libyaml notices a missing ":" only on the line after it. */
    if (strstr(problem, "could not find expected ':'") && context)
        at = position_of(file, &parser->context_mark);
    cleanup_free char *start = elsewhere && known->opens
                                   ? format_text(" (it starts on line %zu)", line + 1)
                                   : copy_text("");
    yaml_problem(diagnostics, at, 1, known->help, "%s%s", known->message, start);
}

void yaml_report_syntax(const yaml_parser_t *parser, const char *file, const char *text,
                        size_t size, struct diagnostics *diagnostics) {
    const char *problem = parser->problem ? parser->problem : "out of memory";
    if (parser->error == YAML_READER_ERROR || parser->error == YAML_MEMORY_ERROR) {
        yaml_problem(diagnostics, (struct position){.file = file}, 1, NULL,
                     "cannot be read as YAML: %s", problem);
        return;
    }
    if (strstr(problem, "found character that cannot start any token")) {
        report_character(parser, file, text, size, diagnostics);
        return;
    }
    if (strstr(problem, "found unexpected end of stream") && parser->context) {
        report_end(parser, file, diagnostics);
        return;
    }
    report_problem(parser, file, problem, diagnostics);
}

/* The characters of YAML 1.1 (section 4.1), as libyaml has them. */
static bool is_allowed(uint32_t code_point) {
    return code_point == '\t' || code_point == '\n' || code_point == '\r' ||
           (code_point >= 0x20 && code_point <= 0x7E) || code_point == 0x85 ||
           (code_point >= 0xA0 && code_point <= 0xD7FF) ||
           (code_point >= 0xE000 && code_point <= 0xFFFD && code_point != 0xFEFF) ||
           code_point >= 0x10000;
}

int yaml_check_characters(const char *file, const char *text, size_t size,
                          struct diagnostics *diagnostics) {
    struct position at = {file, 1, 1};
    for (size_t i = 0; i < size;) {
        uint32_t code_point;
        size_t length = utf8_decode(text + i, size - i, &code_point);
        if (length == 0) {
            yaml_problem(diagnostics, at, 1, "save the file as UTF-8", "byte 0x%02x is not UTF-8",
                         (unsigned)(unsigned char)text[i]);
            return -1;
        }
        if (!is_allowed(code_point)) {
            yaml_problem(diagnostics, at, 1,
                         code_point == 0 ? "this is no text file, or it is UTF-16: save it as UTF-8"
                                         : "remove it, or write it as an escape in double quotes",
                         "the character U+%04X%s is not allowed in YAML", (unsigned)code_point,
                         code_point == 0 ? " (a NUL byte)" : "");
            return -1;
        }
        size_t width = utf8_line_break(text + i, size - i);
        at.line += width > 0;
        at.column = width ? 1 : at.column + 1;
        i += width ? width : length;
    }
    return 0;
}
