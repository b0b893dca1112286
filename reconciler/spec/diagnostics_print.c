/*
 * Printing problems: like a compiler for people, as JSON for programs. Source lines are looked up
 * only here, so that reading costs nothing while all is well.
 */
#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "spec/diagnostics_internal.h"
#include "spec/node.h"
#include "spec/source.h"
#include "spec/utf8.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <utstring.h>

/* Of a longer source line only the part around the problem is shown. */
#define LINE_COLUMNS 120

/* Appends text that is safe to show: no control characters, valid UTF-8. */
static void append_safe(UT_string *out, const char *text, size_t size) {
    for (size_t at = 0; at < size;) {
        uint32_t code_point;
        size_t length = utf8_decode(text + at, size - at, &code_point);
        if (length == 0) {
            utstring_bincpy(out, "?", 1);
            length = 1;
        } else if (code_point == '\t') {
            utstring_bincpy(out, " ", 1);
        } else if (utf8_is_control(code_point)) {
            utstring_printf(out, "\\x%02x", (unsigned)code_point);
        } else {
            utstring_bincpy(out, text + at, length);
        }
        at += length;
    }
}

static void append_safe_text(UT_string *out, const char *text) {
    append_safe(out, text, strlen(text));
}

/* A walk over the lines of one text. Problems come sorted, so it only ever goes forward. */
struct lines {
    const char *file;
    struct source source; /* owns the text when it was read again */
    const char *text;
    size_t size;
    size_t start; /* of the line below */
    unsigned line;
};

static size_t line_break(const struct lines *lines, size_t at) {
    return utf8_line_break(lines->text + at, lines->size - at);
}

static void lines_close(struct lines *lines) {
    source_free(&lines->source);
    *lines = (struct lines){0};
}

static void lines_open(struct lines *lines, const struct diagnostics *diagnostics,
                       const char *file) {
    if (lines->file && strcmp(lines->file, file) == 0)
        return;
    lines_close(lines);
    lines->file = file;
    lines->line = 1;
    const struct diagnostics_file *known = diagnostics_file(diagnostics, file);
    if (known && known->text) {
        lines->text = known->text;
        lines->size = known->size;
        return;
    }
    cleanup_error struct error error = ERROR_INIT;
    if (source_read(file, YAML_MAX_BYTES, &lines->source, &error) != 0)
        return;
    if (known && known->has_identity &&
        !source_unchanged(&known->identity, &lines->source.identity))
        return;
    lines->text = lines->source.text;
    lines->size = lines->source.size;
}

/* Finds a line; returns false when the text does not have it. */
static bool lines_find(struct lines *lines, unsigned line, const char **start, size_t *length) {
    if (!lines->text || line < lines->line)
        return false;
    size_t at = lines->start;
    for (; lines->line < line; at++) {
        if (at >= lines->size)
            return false;
        size_t width = line_break(lines, at);
        if (width == 0)
            continue;
        at += width - 1;
        lines->start = at + 1;
        lines->line++;
    }
    size_t end = lines->start;
    while (end < lines->size && line_break(lines, end) == 0)
        end++;
    *start = lines->text + lines->start;
    *length = end - lines->start;
    return true;
}

/* Bytes that the first `count` columns (code points) of a text take, at most all. */
static size_t columns_size(const char *text, size_t size, size_t count) {
    size_t at = 0;
    while (at < size && count > 0) {
        uint32_t code_point;
        size_t length = utf8_decode(text + at, size - at, &code_point);
        at += length ? length : 1;
        count--;
    }
    return at;
}

/* A source line cut to fit and taken apart around what is to be underlined. */
struct excerpt {
    UT_string before, marked, after;
};

static void excerpt_init(struct excerpt *excerpt) {
    utstring_init(&excerpt->before);
    utstring_init(&excerpt->marked);
    utstring_init(&excerpt->after);
}

static void excerpt_free(struct excerpt *excerpt) {
    utstring_done(&excerpt->before);
    utstring_done(&excerpt->marked);
    utstring_done(&excerpt->after);
}

static void excerpt_take(struct excerpt *excerpt, const char *line, size_t size, size_t column,
                         size_t width) {
    if (size > 0 && column == 1 && size >= 3 && memcmp(line, "\xEF\xBB\xBF", 3) == 0) {
        line += 3; /* a byte order mark has no column */
        size -= 3;
    }
    size_t skip = column > LINE_COLUMNS / 2 ? column - LINE_COLUMNS / 2 : 0;
    if (columns_size(line, size, LINE_COLUMNS) == size)
        skip = 0;
    size_t from = columns_size(line, size, skip);
    size_t mark = columns_size(line, size, column - 1);
    size_t mark_end = mark + columns_size(line + mark, size - mark, width);
    size_t end = from + columns_size(line + from, size - from, LINE_COLUMNS);
    if (mark_end > end)
        mark_end = end;
    if (skip > 0)
        utstring_bincpy(&excerpt->before, "...", 3);
    append_safe(&excerpt->before, line + from, mark - from);
    append_safe(&excerpt->marked, line + mark, mark_end - mark);
    append_safe(&excerpt->after, line + mark_end, end - mark_end);
    if (end < size)
        utstring_bincpy(&excerpt->after, "...", 3);
}

static void print_excerpt(const struct diagnostics *diagnostics, struct lines *lines,
                          const struct diagnostic *diagnostic, FILE *out, bool colour) {
    const char *line;
    size_t size;
    if (!diagnostic->at.file || diagnostic->at.line == 0 || diagnostic->at.column == 0 ||
        diagnostics_line_hidden(diagnostics, diagnostic->at.file, diagnostic->at.line))
        return;
    lines_open(lines, diagnostics, diagnostic->at.file);
    if (!lines_find(lines, diagnostic->at.line, &line, &size) || size == 0)
        return;
    struct excerpt excerpt;
    excerpt_init(&excerpt);
    excerpt_take(&excerpt, line, size, diagnostic->at.column, diagnostic->width);
    fprintf(out, "%5u | %s%s%s\n", diagnostic->at.line, utstring_body(&excerpt.before),
            utstring_body(&excerpt.marked), utstring_body(&excerpt.after));
    size_t marked = text_columns(utstring_body(&excerpt.marked));
    fprintf(out, "      | %*s%s^", (int)text_columns(utstring_body(&excerpt.before)), "",
            style_begin(STYLE_GREEN, colour));
    for (size_t i = 1; i < marked; i++)
        putc('~', out);
    fprintf(out, "%s\n", style_end(STYLE_GREEN, colour));
    excerpt_free(&excerpt);
}

static void print_heading(const struct diagnostic *diagnostic, FILE *out, bool colour) {
    UT_string place;
    UT_string words;
    utstring_init(&place);
    utstring_init(&words);
    if (diagnostic->at.file) {
        append_safe_text(&place, diagnostic->at.file);
        utstring_bincpy(&place, ":", 1);
    }
    if (diagnostic->at.line) {
        utstring_printf(&place, "%u:", diagnostic->at.line);
        if (diagnostic->at.column)
            utstring_printf(&place, "%u:", diagnostic->at.column);
    }
    if (diagnostic->path && *diagnostic->path) {
        append_safe_text(&words, diagnostic->path);
        utstring_bincpy(&words, ": ", 2);
    }
    append_safe_text(&words, diagnostic->message);
    bool error = diagnostic->severity == SEVERITY_ERROR;
    enum style style = error ? STYLE_RED : STYLE_YELLOW;
    if (utstring_len(&place))
        fprintf(out, "%s%s%s ", style_begin(STYLE_BOLD, colour), utstring_body(&place),
                style_end(STYLE_BOLD, colour));
    fprintf(out, "%s%s:%s %s\n", style_begin(style, colour), error ? "error" : "warning",
            style_end(style, colour), utstring_body(&words));
    utstring_done(&place);
    utstring_done(&words);
}

static void print_help(const char *text, FILE *out, bool colour) {
    UT_string help;
    utstring_init(&help);
    append_safe_text(&help, text);
    fprintf(out, "      %shelp:%s %s\n", style_begin(STYLE_CYAN, colour),
            style_end(STYLE_CYAN, colour), utstring_body(&help));
    utstring_done(&help);
}

static void print_rest(const struct diagnostics *diagnostics, FILE *out) {
    size_t rest = diagnostics->errors + diagnostics->warnings - diagnostics->count;
    if (rest > 0)
        fprintf(out, "%zu more %s not shown: correct these first\n", rest,
                rest == 1 ? "problem is" : "problems are");
}

void diagnostics_print(const struct diagnostics *diagnostics, FILE *out, bool colour) {
    __attribute__((cleanup(lines_close))) struct lines lines = {0};
    for (size_t i = 0; i < diagnostics->count; i++) {
        const struct diagnostic *diagnostic = diagnostics->items[i];
        print_heading(diagnostic, out, colour);
        print_excerpt(diagnostics, &lines, diagnostic, out, colour);
        if (diagnostic->help)
            print_help(diagnostic->help, out, colour);
    }
    print_rest(diagnostics, out);
}

static void set_text(json_t *object, const char *key, const char *text) {
    if (!text)
        return;
    UT_string safe;
    utstring_init(&safe);
    append_safe_text(&safe, text);
    json_object_set_new(object, key, json_string(utstring_body(&safe)));
    utstring_done(&safe);
}

static void set_number(json_t *object, const char *key, size_t number) {
    json_object_set_new(object, key, json_integer((json_int_t)number));
}

static json_t *to_json(const struct diagnostic *diagnostic) {
    json_t *object = json_object();
    set_text(object, "severity", diagnostic->severity == SEVERITY_ERROR ? "error" : "warning");
    set_text(object, "file", diagnostic->at.file);
    if (diagnostic->at.line) {
        set_number(object, "line", diagnostic->at.line);
        set_number(object, "column", diagnostic->at.column);
        set_number(object, "width", diagnostic->width);
    }
    set_text(object, "path", diagnostic->path);
    set_text(object, "message", diagnostic->message);
    set_text(object, "help", diagnostic->help);
    return object;
}

json_t *diagnostics_json(const struct diagnostics *diagnostics) {
    json_t *list = json_array();
    for (size_t i = 0; i < diagnostics->count; i++)
        json_array_append_new(list, to_json(diagnostics->items[i]));
    json_t *root = json_object();
    set_number(root, "errors", diagnostics->errors);
    set_number(root, "warnings", diagnostics->warnings);
    json_object_set_new(root, "diagnostics", list);
    return root;
}

void diagnostics_print_json(const struct diagnostics *diagnostics, FILE *out) {
    json_t *root = diagnostics_json(diagnostics);
    json_dumpf(root, out, JSON_INDENT(2));
    json_decref(root);
    putc('\n', out);
}
