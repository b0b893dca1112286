/*
 * Reading env files in the syntax of docker compose (docs.docker.com/compose/how-tos/
 * environment-variables/variable-interpolation, "env file syntax"): comments, "export", three sorts
 * of quoting, values of several lines in quotes, variables in values. Such files hold secrets, so
 * their lines are never quoted, in messages neither.
 */
#include "base/error.h"
#include "base/memory.h"
#include "spec/diagnostics.h"
#include "spec/interpolate_internal.h"
#include "spec/source.h"
#include "spec/utf8.h"
#include "spec/variables.h"

#include <string.h>
#include <utarray.h>
#include <utstring.h>

#define ENVFILE_MAX_BYTES (1u << 20)
/* What all values of a file may grow to: variables of variables multiply. */
#define ENVFILE_MAX_VALUES (16u << 20)

struct envfile {
    struct variables *variables;
    const char *file;
    const char *text;
    size_t size;
    size_t at;
    size_t line_start;
    unsigned line;
    size_t value_bytes;
    struct diagnostics *diagnostics;
    int status;
};

static struct position position_at(const struct envfile *in, size_t at) {
    return (struct position){in->file, in->line,
                             (unsigned)utf8_length(in->text + in->line_start, at - in->line_start) +
                                 1};
}

static int problem(struct envfile *in, struct position at, const char *message, const char *help) {
    struct diagnostic diagnostic = {
        .severity = SEVERITY_ERROR, .at = at, .width = 1, .message = message, .help = help};
    diagnostics_add(in->diagnostics, &diagnostic);
    in->status = -1;
    return -1;
}

static bool at_end(const struct envfile *in) {
    return in->at >= in->size;
}

/* The byte at the place of reading; NUL, which no env file holds, at the end. */
static char peek(const struct envfile *in) {
    return at_end(in) ? '\0' : in->text[in->at];
}

static void advance(struct envfile *in) {
    if (in->text[in->at++] == '\n') {
        in->line++;
        in->line_start = in->at;
    }
}

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\v' || c == '\f' || c == '\r';
}

static void skip_blanks(struct envfile *in) {
    while (is_blank(peek(in)))
        in->at++;
}

static void skip_line(struct envfile *in) {
    while (!at_end(in) && peek(in) != '\n')
        in->at++;
}

/* --- names ------------------------------------------------------------------------------------ */

static bool is_name(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("_.-[]", c)) || (unsigned char)c >= 0x80;
}

static void skip_export(struct envfile *in) {
    static const char word[] = "export";
    size_t length = sizeof word - 1;
    if (in->size - in->at > length && memcmp(in->text + in->at, word, length) == 0 &&
        is_blank(in->text[in->at + length])) {
        in->at += length;
        skip_blanks(in);
    }
}

/* Reads up to the value. *name is NULL when the line has none: "NAME" alone passes a variable on
 * from the process environment, which holds anyway. */
static int read_name(struct envfile *in, const char **name) {
    size_t start = in->at;
    while (is_name(peek(in)))
        in->at++;
    size_t length = in->at - start;
    skip_blanks(in);
    char following = peek(in);
    *name = NULL;
    if (length == 0 || (following != '=' && following != ':' && following != '\n' && !at_end(in)))
        return problem(in, position_at(in, length == 0 ? start : in->at),
                       length == 0 ? "a variable's name is missing or holds a character it cannot"
                                   : "a variable's name is not followed by \"=\"",
                       "write NAME=value; a comment starts with \"#\"");
    if (following == '\n' || at_end(in))
        return 0;
    in->at++;
    skip_blanks(in);
    *name = arena_copy_n(variables_arena(in->variables), in->text + start, length);
    return 0;
}

/* --- values ----------------------------------------------------------------------------------- */

/* A value as written, and whether "$" in it means something. */
struct value {
    UT_string text;
    struct position at;
    bool literal;
    bool direct; /* text is what stands in the file, byte by byte */
};

/* Up to the end of the line, or a "#" with a space before it. */
static void read_unquoted(struct envfile *in, struct value *value) {
    size_t start = in->at;
    skip_line(in);
    size_t end = in->at;
    for (size_t i = start; i < end; i++) {
        if (in->text[i] == '#' && in->text[i - 1] == ' ') {
            end = i;
            break;
        }
    }
    while (end > start && is_blank(in->text[end - 1]))
        end--;
    utstring_bincpy(&value->text, in->text + start, end - start);
    value->direct = true;
}

/* Appends the character with the code of three octal digits, if they are that. */
static bool append_octal(UT_string *out, const char *digits) {
    for (size_t i = 0; i < 3; i++) {
        if (digits[i] < '0' || digits[i] > (i == 0 ? '3' : '7'))
            return false;
    }
    unsigned code = (unsigned)(digits[0] - '0') * 64 + (unsigned)(digits[1] - '0') * 8 +
                    (unsigned)(digits[2] - '0');
    if (code == 0)
        return false;
    if (code < 0x80)
        utstring_printf(out, "%c", (int)code);
    else
        utstring_printf(out, "%c%c", (int)(0xC0 | code >> 6), (int)(0x80 | (code & 0x3F)));
    return true;
}

/* Appends what an escape in double quotes stands for; `at` is behind the backslash. Returns how
 * many bytes it takes. Unknown ones stay as they are, as in a shell. */
static size_t append_escape(UT_string *out, const char *at, size_t left) {
    static const char letters[] = "abfnrtv\\\"";
    static const char meanings[] = "\a\b\f\n\r\t\v\\\"";
    const char *letter = *at ? strchr(letters, *at) : NULL;
    if (letter) {
        utstring_bincpy(out, &meanings[letter - letters], 1);
        return 1;
    }
    if (*at == '$') {
        utstring_bincpy(out, "$$", 2); /* a dollar sign once variables are replaced */
        return 1;
    }
    if (*at == '0' && left >= 4 && append_octal(out, at + 1))
        return 4;
    utstring_bincpy(out, "\\", 1);
    return 0;
}

/* Up to the closing quote, over lines. */
static int read_quoted(struct envfile *in, struct value *value, char quote) {
    advance(in);
    for (; !at_end(in); advance(in)) {
        char c = peek(in);
        if (c == quote)
            break;
        if (c != '\\' || in->at + 1 >= in->size) {
            utstring_bincpy(&value->text, &c, 1);
            continue;
        }
        const char *behind = in->text + in->at + 1;
        if (quote == '"') {
            in->at += append_escape(&value->text, behind, in->size - in->at - 1);
        } else {
            /* Between single quotes a backslash only keeps the quote from closing. */
            if (*behind != quote)
                utstring_bincpy(&value->text, "\\", 1);
            utstring_bincpy(&value->text, behind, 1);
            advance(in);
        }
    }
    if (at_end(in))
        return problem(in, value->at, "a quote opened here is never closed",
                       "add the closing quote; write one inside of the value as a backslash and a "
                       "quote");
    in->at++;
    skip_blanks(in);
    if (!at_end(in) && peek(in) != '\n' && peek(in) != '#')
        return problem(in, position_at(in, in->at), "there is text behind the closing quote",
                       "remove it, or put a \"#\" before it");
    value->literal = quote == '\'';
    return 0;
}

static int read_value(struct envfile *in, struct value *value) {
    char first = peek(in);
    if (first == '"' || first == '\'')
        return read_quoted(in, value, first);
    read_unquoted(in, value);
    return 0;
}

/* Names a value is made from; kept in the variables' arena. */
struct uses {
    UT_array names;
};

static void note_use(void *context, const char *name) {
    struct uses *uses = context;
    utarray_push_back(&uses->names, &name);
}

/* Where a byte of a value is, as far as that can be told. */
static struct position place_in(const struct value *value, size_t offset) {
    struct position at = value->at;
    if (value->direct)
        at.column += (unsigned)utf8_length(utstring_body(&value->text), offset);
    return at;
}

static void warn_unset(struct envfile *in, const struct value *value,
                       const struct interpolation *result) {
    for (const struct interpolation_note *note = result->unset; note; note = note->next) {
        cleanup_free char *message =
            format_text("variable \"%s\" is not set; it is replaced by nothing", note->text);
        struct diagnostic diagnostic = {
            .severity = SEVERITY_WARNING,
            .at = place_in(value, note->at),
            .width = 1,
            .message = message,
            .help = "set it in the environment or further up, or write a dollar sign as \"$$\""};
        diagnostics_add(in->diagnostics, &diagnostic);
    }
}

static int replace_variables(struct envfile *in, const struct value *value, const char *name,
                             struct uses *uses) {
    struct arena *arena = variables_arena(in->variables);
    struct interpolation result =
        interpolate_watched(arena, utstring_body(&value->text), utstring_len(&value->text),
                            in->variables, NULL, NULL, note_use, uses);
    if (!result.text) {
        for (const struct interpolation_note *note = result.problems; note; note = note->next)
            problem(in, place_in(value, note->at), note->text, NULL);
        return -1;
    }
    warn_unset(in, value, &result);
    in->value_bytes += result.length;
    const char **names = NULL;
    size_t count = utarray_len(&uses->names);
    if (count > 0) {
        names = arena_array(arena, const char *, count + 1);
        memcpy(names, uses->names.d, count * sizeof *names);
    }
    variables_set(in->variables, name, result.text, names, result.sensitive);
    return 0;
}

static int set_value(struct envfile *in, const char *name, const struct value *value) {
    static const UT_icd icd = {sizeof(const char *), NULL, NULL, NULL};
    if (value->literal) {
        struct arena *arena = variables_arena(in->variables);
        variables_set(in->variables, name,
                      arena_copy_n(arena, utstring_body(&value->text), utstring_len(&value->text)),
                      NULL, false);
        return 0;
    }
    struct uses uses;
    utarray_init(&uses.names, &icd);
    int status = replace_variables(in, value, name, &uses);
    utarray_done(&uses.names);
    return status;
}

static int read_statement(struct envfile *in) {
    const char *name;
    skip_export(in);
    if (read_name(in, &name) != 0)
        return -1;
    if (!name)
        return 0;
    struct value value = {.at = position_at(in, in->at)};
    utstring_init(&value.text);
    int status = read_value(in, &value);
    if (status == 0)
        status = set_value(in, name, &value);
    utstring_done(&value.text);
    return status;
}

/* --- files ------------------------------------------------------------------------------------ */

static int check_bytes(struct envfile *in) {
    for (size_t at = 0; at < in->size;) {
        uint32_t code_point;
        size_t length = utf8_decode(in->text + at, in->size - at, &code_point);
        if (length == 0 || code_point == 0) {
            for (; in->at < at;)
                advance(in);
            return problem(in, position_at(in, at),
                           length == 0 ? "the file is not UTF-8" : "the file holds a NUL byte",
                           "save it as text in UTF-8");
        }
        at += length;
    }
    return 0;
}

int variables_read_text(struct variables *variables, const char *file, const char *text,
                        size_t size, struct diagnostics *diagnostics) {
    diagnostics_hide_file(diagnostics, file);
    if (size >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) {
        text += 3;
        size -= 3;
    }
    struct envfile in = {.variables = variables,
                         .file = file,
                         .text = text,
                         .size = size,
                         .line = 1,
                         .diagnostics = diagnostics};
    if (check_bytes(&in) != 0)
        return -1;
    while (!at_end(&in)) {
        if (is_blank(peek(&in)) || peek(&in) == '\n')
            advance(&in);
        else if (peek(&in) == '#' || read_statement(&in) != 0)
            skip_line(&in);
        if (in.value_bytes > ENVFILE_MAX_VALUES) {
            cleanup_free char *message =
                format_text("the values grow beyond %u MiB once their variables are replaced",
                            ENVFILE_MAX_VALUES >> 20);
            return problem(&in, position_at(&in, in.at), message, "use shorter values");
        }
    }
    return in.status;
}

int variables_read_file(struct variables *variables, const char *file,
                        struct diagnostics *diagnostics) {
    cleanup_source struct source source = {0};
    cleanup_error struct error error = ERROR_INIT;
    if (source_read(file, ENVFILE_MAX_BYTES, &source, &error) != 0) {
        struct diagnostic diagnostic = {.severity = SEVERITY_ERROR,
                                        .at = {file, 0, 0},
                                        .width = 1,
                                        .message = error_text(&error)};
        diagnostics_add(diagnostics, &diagnostic);
        return -1;
    }
    return variables_read_text(variables, file, source.text, source.size, diagnostics);
}
