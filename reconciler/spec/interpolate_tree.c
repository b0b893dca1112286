/* Interpolating the scalars of a tree, and writing down what that tree can be read from again. */
#include "base/memory.h"
#include "spec/decode.h"
#include "spec/interpolate_internal.h"
#include "spec/node.h"
#include "spec/utf8.h"

#include <string.h>

/* What all texts of a tree may grow to together. */
#define TREE_MAX_BYTES (32u << 20)

struct walk {
    struct arena *arena;
    const struct variables *variables;
    struct diagnostics *diagnostics;
    size_t bytes; /* of all results */
    int status;
};

static void report(struct walk *walk, const struct path *path, const struct diagnostic *problem) {
    cleanup_arena struct arena *scratch = arena_new();
    struct diagnostic diagnostic = *problem;
    diagnostic.path = path_text(scratch, path);
    diagnostics_add(walk->diagnostics, &diagnostic);
    if (problem->severity == SEVERITY_ERROR)
        walk->status = -1;
}

/* Where a byte of a scalar's text is in the file. Known for a text on one line that was written as
 * it is; for any other it is the start of the scalar. */
static void locate(const struct node *node, const char *text, size_t offset,
                   struct diagnostic *diagnostic) {
    size_t length = strlen(text);
    unsigned columns = (unsigned)utf8_length(text, length);
    unsigned quotes = node->quoted ? 2 : 0;
    diagnostic->at = node->at;
    diagnostic->width = node->width;
    if (node->width != columns + quotes)
        return;
    unsigned before = (unsigned)utf8_length(text, offset);
    diagnostic->at.column += before + quotes / 2;
    diagnostic->width = columns - before;
    const char *close = strchr(text + offset, '}');
    if (close)
        diagnostic->width =
            (unsigned)utf8_length(text + offset, (size_t)(close + 1 - text) - offset);
}

static void report_problems(struct walk *walk, const struct path *path, const struct node *node,
                            const struct interpolation *result) {
    for (const struct interpolation_note *note = result->problems; note; note = note->next) {
        struct diagnostic diagnostic = {.severity = SEVERITY_ERROR, .message = note->text};
        locate(node, node->text, note->at, &diagnostic);
        report(walk, path, &diagnostic);
    }
}

static void warn_unset(struct walk *walk, const struct path *path, const struct node *node,
                       const struct interpolation *result) {
    for (const struct interpolation_note *note = result->unset; note; note = note->next) {
        cleanup_free char *message =
            format_text("variable \"%s\" is not set; it is replaced by nothing", note->text);
        cleanup_free char *help = format_text(
            "set it in the environment or in an env file, or give a default: ${%s:-…}", note->text);
        struct diagnostic diagnostic = {
            .severity = SEVERITY_WARNING, .message = message, .help = help};
        locate(node, node->text, note->at, &diagnostic);
        diagnostic.width = (unsigned)strlen(note->text) + 1;
        report(walk, path, &diagnostic);
    }
}

static void report_text(struct walk *walk, const struct path *path, const struct node *node,
                        const char *message) {
    struct diagnostic diagnostic = {
        .severity = SEVERITY_ERROR, .at = node->at, .width = node->width, .message = message};
    report(walk, path, &diagnostic);
}

static void mark_sensitive(struct diagnostics *diagnostics, struct node *node) {
    unsigned last = node->last_line > node->at.line ? node->last_line : node->at.line;
    node->sensitive = true;
    if (node->at.file)
        diagnostics_hide_lines(diagnostics, node->at.file, node->at.line, last);
}

static void interpolate_scalar(struct walk *walk, const struct path *path, struct node *node) {
    if (node->interpolated)
        return;
    node->interpolated = true;
    if (!strchr(node->text, '$'))
        return;
    struct interpolation result =
        interpolate_text(walk->arena, node->text, strlen(node->text), walk->variables, NULL, NULL);
    if (result.sensitive)
        mark_sensitive(walk->diagnostics, node);
    if (!result.text) {
        node->unreadable = true;
        report_problems(walk, path, node, &result);
        warn_unset(walk, path, node, &result);
        return;
    }
    warn_unset(walk, path, node, &result);
    if (!utf8_valid(result.text, result.length)) {
        report_text(walk, path, node,
                    "the text is not UTF-8 once its variables are replaced: correct their values");
        return;
    }
    walk->bytes += result.length;
    if (walk->bytes > TREE_MAX_BYTES) {
        cleanup_free char *message =
            format_text("the file's texts grow beyond %u MiB once their variables are replaced: "
                        "use shorter values",
                        TREE_MAX_BYTES >> 20);
        report_text(walk, path, node, message);
        return;
    }
    node->template = node->text;
    node->text = result.text;
}

static void interpolate_node(struct walk *walk, const struct path *parent, struct node *node) {
    if (walk->bytes > TREE_MAX_BYTES)
        return;
    if (node->kind == NODE_SCALAR)
        interpolate_scalar(walk, parent, node);
    for (size_t i = 0; node->kind == NODE_LIST && i < node->count; i++) {
        struct path path = {parent, NULL, i};
        interpolate_node(walk, &path, node->items[i]);
    }
    for (size_t i = 0; node->kind == NODE_MAP && i < node->count; i++) {
        struct path path = {parent, node->entries[i].key, 0};
        interpolate_node(walk, &path, node->entries[i].value);
    }
}

int interpolate_tree(struct arena *arena, struct node *root, const struct variables *variables,
                     struct diagnostics *diagnostics) {
    struct walk walk = {arena, variables, diagnostics, 0, 0};
    if (root)
        interpolate_node(&walk, NULL, root);
    return walk.status;
}

void interpolation_recheck(struct arena *arena, struct node *root,
                           const struct variables *variables, struct diagnostics *diagnostics) {
    if (root && root->kind == NODE_SCALAR && root->template && !root->sensitive &&
        interpolate_text(arena, root->template, strlen(root->template), variables, NULL, NULL)
            .sensitive)
        mark_sensitive(diagnostics, root);
    for (size_t i = 0; root && root->kind == NODE_LIST && i < root->count; i++)
        interpolation_recheck(arena, root->items[i], variables, diagnostics);
    for (size_t i = 0; root && root->kind == NODE_MAP && i < root->count; i++)
        interpolation_recheck(arena, root->entries[i].value, variables, diagnostics);
}

static const char *escape(struct arena *arena, const char *text) {
    size_t dollars = 0;
    for (const char *at = text; *at; at++)
        dollars += *at == '$';
    if (dollars == 0)
        return text;
    char *escaped = arena_alloc(arena, strlen(text) + dollars + 1);
    char *out = escaped;
    for (; *text; text++) {
        *out++ = *text;
        if (*text == '$')
            *out++ = '$';
    }
    return escaped;
}

struct node *interpolation_undo(struct arena *arena, const struct node *root) {
    struct node *copy = arena_alloc(arena, sizeof *copy);
    *copy = *root;
    if (root->kind == NODE_SCALAR) {
        /* Only interpolating makes a text sensitive, and then keeps what was written. */
        if (root->sensitive)
            copy->text = root->template ? root->template : "";
        else
            copy->text = escape(arena, root->text);
        copy->sensitive = copy->interpolated = false;
        copy->template = NULL;
    } else if (root->kind == NODE_LIST) {
        copy->items = arena_array(arena, struct node *, root->count);
        for (size_t i = 0; i < root->count; i++)
            copy->items[i] = interpolation_undo(arena, root->items[i]);
    } else if (root->kind == NODE_MAP) {
        copy->entries = arena_array(arena, struct entry, root->count);
        for (size_t i = 0; i < root->count; i++) {
            copy->entries[i] = root->entries[i];
            copy->entries[i].value = interpolation_undo(arena, root->entries[i].value);
        }
    }
    return copy;
}
