/* How decoding reports problems: paths, positions and the wording that all of them share. */
#include "base/memory.h"
#include "spec/decode.h"
#include "spec/quantity.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <utstring.h>

static void append_path(UT_string *text, const struct path *path) {
    if (path->parent)
        append_path(text, path->parent);
    if (!path->key)
        utstring_printf(text, "[%zu]", path->index);
    else
        utstring_printf(text, "%s%s", utstring_len(text) ? "." : "", path->key);
}

const char *path_text(struct arena *arena, const struct path *path) {
    if (!path)
        return NULL;
    UT_string text;
    utstring_init(&text);
    append_path(&text, path);
    const char *copy = arena_copy_n(arena, utstring_body(&text), utstring_len(&text));
    utstring_done(&text);
    return copy;
}

static void report(struct decoder *decoder, enum severity severity, const struct path *path,
                   struct position at, unsigned width, const char *help, const char *message) {
    cleanup_arena struct arena *scratch = arena_new();
    struct diagnostic diagnostic = {.severity = severity,
                                    .at = at,
                                    .width = width ? width : 1,
                                    .path = path_text(scratch, path),
                                    .message = message,
                                    .help = help};
    diagnostics_add(decoder->diagnostics, &diagnostic);
}

void problem_at(struct decoder *decoder, const struct path *path, const struct node *node,
                const char *help, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    cleanup_free char *message = format_va(format, arguments);
    va_end(arguments);
    report(decoder, SEVERITY_ERROR, path, node->at, node->width, help, message);
}

void warning_at(struct decoder *decoder, const struct path *path, const struct node *node,
                const char *help, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    cleanup_free char *message = format_va(format, arguments);
    va_end(arguments);
    report(decoder, SEVERITY_WARNING, path, node->at, node->width, help, message);
}

void problem_at_key(struct decoder *decoder, const struct path *path, const struct entry *entry,
                    const char *help, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    cleanup_free char *message = format_va(format, arguments);
    va_end(arguments);
    report(decoder, SEVERITY_ERROR, path, entry->at, (unsigned)strlen(entry->key), help, message);
}

/* What a node is, in a few words; long texts are cut. */
static char *describe(const struct node *node) {
    switch (node->kind) {
    case NODE_NULL:
        return copy_text("nothing");
    case NODE_LIST:
        return format_text("a list of %zu", node->count);
    case NODE_MAP:
        return copy_text("a map");
    case NODE_SCALAR:
        break;
    }
    if (node->sensitive)
        return copy_text("a text made from a secret's variable");
    if (strlen(node->text) > 60)
        return format_text("\"%.57s...\"", node->text);
    return format_text("\"%s\"", node->text);
}

void problem_mismatch(struct decoder *decoder, const struct path *path, const struct node *node,
                      const char *help, const char *expected) {
    if (node->unreadable)
        return; /* was reported */
    cleanup_free char *found = describe(node);
    problem_at(decoder, path, node, help, "expected %s, found %s", expected, found);
}

void problem_notation(struct decoder *decoder, const struct path *path, const struct node *node,
                      const char *expected) {
    cleanup_free char *found = describe(node);
    problem_at(decoder, path, node, NULL, "%s is not %s", found, expected);
}

bool worth_the_effort(const struct diagnostics *diagnostics) {
    /* As many problems as are kept. */
    return diagnostics_errors(diagnostics) < 100;
}

const char *did_you_mean(struct arena *arena, const char *word, const char *const *candidates) {
    const char *nearest = suggest(word, candidates);
    return nearest ? arena_format(arena, "did you mean \"%s\"?", nearest) : NULL;
}
