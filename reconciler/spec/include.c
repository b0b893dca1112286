/* Reading the Environment and the Stacks it includes, and laying them over each other. */
#include "base/error.h"
#include "base/memory.h"
#include "spec/interpolate.h"
#include "spec/paths.h"
#include "spec/reading.h"
#include "spec/source.h"
#include "spec/utf8.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_DOCUMENTS 256
#define MAX_NESTING   32

static struct document *find_document(const struct reading *reading, const char *file) {
    struct document *document;
    HASH_FIND_STR(reading->documents, file, document);
    return document;
}

static struct document *add_document(struct reading *reading, const char *file,
                                     struct position included_at) {
    struct document *document = arena_alloc(reading->trees, sizeof *document);
    *document = (struct document){.file = file, .included_at = included_at, .open = true};
    HASH_ADD_KEYPTR(hh, reading->documents, document->file, strlen(document->file), document);
    reading->document_count++;
    return document;
}

/* --- one document ------------------------------------------------------------------------------
 */

/* Reads apiVersion, kind and metadata; spec is overlaid first. */
static void decode_envelope(struct decoder *decoder, const struct kind_spec *kind,
                            const struct node *root) {
    struct environment_draft ignored = {0};
    for (const struct field_spec *field = kind->fields; field->name; field++) {
        const struct node *value = node_get(root, field->name);
        struct path path = {NULL, field->name, 0};
        if (root->partial && !value)
            continue;
        if (!value || value->kind == NODE_NULL)
            problem_at(decoder, NULL, root, NULL,
                       "\"%s\" is missing: an %s file starts with "
                       "apiVersion: %s, kind: %s, metadata and spec",
                       field->name, kind == &kind_stack ? "included" : "environment", api_version,
                       kind->name);
        else if (field->flags & FIELD_INLINE && value->kind != NODE_MAP)
            problem_mismatch(decoder, &path, value, NULL, "a map");
        else if (!(field->flags & FIELD_INLINE))
            field->type->read(decoder, &path, field, value, &ignored);
    }
}

/* A Stack where an Environment is expected, and the other way round, is a mistake of its own. */
static bool is_other_kind(struct decoder *decoder, const struct kind_spec *kind,
                          const struct node *root) {
    const struct kind_spec *other = kind == &kind_stack ? &kind_environment : &kind_stack;
    const struct node *declared = node_get(root, "kind");
    if (!declared || declared->kind != NODE_SCALAR || strcmp(declared->text, other->name) != 0)
        return false;
    struct path path = {NULL, "kind", 0};
    if (kind == &kind_stack)
        problem_at(decoder, &path, declared, "move what is shared into a Stack",
                   "this is an Environment, and only a Stack can be included");
    else
        problem_at(decoder, &path, declared, "name an Environment that includes this Stack",
                   "this is a Stack, expected an Environment");
    return true;
}

static bool names_field(const char *line, size_t length, const char *name) {
    const size_t size = strlen(name);
    const char *end = line + length;
    for (const char *at = line; (at = memmem(at, (size_t)(end - at), name, size)); at += size)
        if (at + size == end || !isalnum((unsigned char)at[size]))
            return true;
    return false;
}

static bool names_secret(const char *line, size_t length) {
    for (const struct field_spec *field = kind_secret.fields; field->name; field++)
        if (field->flags & FIELD_CONFIDENTIAL && names_field(line, length, field->name))
            return true;
    return false;
}

/* In a file that is not valid YAML secrets are told by the name of their field alone: such a line
 * is not quoted, nor are the lines below it that are indented deeper. */
static void hide_unread_secrets(struct diagnostics *diagnostics, const char *file, const char *text,
                                size_t size) {
    unsigned line = 1;
    size_t secret = SIZE_MAX; /* indentation of the one that goes on */
    for (const char *end = text + size; text < end; line++) {
        size_t length = 0, width = 0;
        while (text + length < end && width == 0) {
            width = utf8_line_break(text + length, (size_t)(end - text) - length);
            length += width == 0;
        }
        size_t indent = 0;
        while (indent < length && text[indent] == ' ')
            indent++;
        bool found = names_secret(text, length);
        bool continued = indent > secret || (indent == length && secret != SIZE_MAX);
        if (found || continued)
            diagnostics_hide_lines(diagnostics, file, line, line);
        if (!continued)
            secret = found ? indent : SIZE_MAX;
        text += length + width;
    }
}

static void hide_unread(struct reading *reading, const char *file, bool in_memory) {
    cleanup_source struct source source = {0};
    cleanup_error struct error error = ERROR_INIT;
    if (in_memory)
        hide_unread_secrets(reading->diagnostics, file, reading->text, reading->text_size);
    else if (source_read(file, YAML_MAX_BYTES, &source, &error) == 0)
        hide_unread_secrets(reading->diagnostics, file, source.text, source.size);
}

static struct node *read_document(struct reading *reading, const char *file,
                                  const struct kind_spec *kind) {
    bool in_memory = reading->text && kind == &kind_environment;
    size_t errors = diagnostics_errors(reading->diagnostics);
    struct node *root = in_memory ? yaml_read_text(reading->trees, file, reading->text,
                                                   reading->text_size, reading->diagnostics)
                                  : yaml_read_file(reading->trees, file, reading->diagnostics);
    if (diagnostics_errors(reading->diagnostics) > errors)
        hide_unread(reading, file, in_memory); /* the tree may lack secrets of the file */
    if (!root)
        return NULL;
    struct decoder *decoder = &reading->decoder;
    if (root->kind != NODE_MAP) {
        cleanup_free char *expected =
            format_text("a map (apiVersion, kind: %s, metadata, spec)", kind->name);
        problem_mismatch(decoder, NULL, root, NULL, expected);
        return NULL;
    }
    if (is_other_kind(decoder, kind, root))
        return NULL;
    decode_envelope(decoder, kind, root);
    check_fields(decoder, NULL, kind, root);
    return root;
}

/* --- includes ----------------------------------------------------------------------------------
 */

/* The path a list's item names, interpolated and relative to the file that declares it; or NULL
 * after reporting. */
static const char *item_path(struct reading *reading, const struct path *path, struct node *item) {
    size_t errors = diagnostics_errors(reading->diagnostics);
    if (reading->variables &&
        interpolate_tree(reading->trees, item, reading->variables, reading->diagnostics) != 0)
        return NULL;
    const char *text = scalar_convert(&reading->decoder, path, item, &type_path);
    if (!text || diagnostics_errors(reading->diagnostics) > errors)
        return NULL;
    return path_beside(reading->arena, item->at.file, text);
}

/* How a path is quoted in messages: as it was written if variables went into it, because which of
 * them hold secrets is not known before all Stacks are read. */
static const char *shown(const struct node *item, const char *file) {
    return item->template ? item->template : file;
}

/* Reports what is there but is no regular file at the place that names it. */
static bool is_regular(struct reading *reading, const struct path *path, const struct node *item,
                       const char *file) {
    struct stat status;
    if (stat(file, &status) != 0 || S_ISREG(status.st_mode))
        return true;
    problem_at(&reading->decoder, path, item, "name a regular file",
               "\"%s\" is a %s, not a regular file", shown(item, file),
               S_ISDIR(status.st_mode) ? "directory" : "pipe, socket or device");
    return false;
}

static bool may_include(struct reading *reading, const struct path *path, const struct node *item,
                        const char *file, unsigned depth) {
    const struct document *known = find_document(reading, file);
    if (known && known->open)
        problem_at(&reading->decoder, path, item, "remove one of the includes",
                   "\"%s\" includes itself, directly or through others", shown(item, file));
    else if (known)
        problem_at(&reading->decoder, path, item, "include it once",
                   "\"%s\" is already included at %s:%u", shown(item, file),
                   known->included_at.file, known->included_at.line);
    else if (reading->document_count >= MAX_DOCUMENTS || depth >= MAX_NESTING)
        problem_at(&reading->decoder, path, item, "put Stacks together",
                   "too many files are included (at most %d, %d deep)", MAX_DOCUMENTS, MAX_NESTING);
    else if (access(file, R_OK) != 0)
        problem_at(&reading->decoder, path, item,
                   "paths are relative to the file that includes them",
                   "\"%s\" cannot be read: no such file, or no permission", shown(item, file));
    else
        return is_regular(reading, path, item, file);
    return false;
}

static struct node *load_stack(struct reading *reading, const char *file, unsigned depth);

/* The spec of the Stack that an item of `include` names, or NULL after reporting. */
static struct node *include_stack(struct reading *reading, const struct path *path,
                                  struct node *item, unsigned depth) {
    struct node *stack = NULL;
    const char *file = item_path(reading, path, item);
    if (file && may_include(reading, path, item, file, depth)) {
        struct document *document = add_document(reading, file, item->at);
        stack = load_stack(reading, file, depth + 1);
        document->open = false;
    }
    if (!stack)
        reading->incomplete = true;
    return stack;
}

/* Lays the Stacks a spec includes over each other, and the spec over them. */
static struct node *overlay_includes(struct reading *reading, struct node *spec,
                                     const struct kind_spec *kind, unsigned depth) {
    struct node *include = node_get(spec, "include");
    size_t count = include && include->kind == NODE_LIST ? include->count : 0;
    cleanup_free struct node **stacks = memory_alloc(count * sizeof(struct node *));
    struct path path = {NULL, "include", 0};
    for (size_t i = 0; i < count; i++) {
        struct path inner = {&path, NULL, i};
        stacks[i] = include_stack(reading, &inner, include->items[i], depth);
    }
    /* Stacks included by these were checked against what they are laid over there. */
    struct node *result = node_merge_all(reading->trees, stacks, count);
    check_removals(&reading->decoder, NULL, kind, result, spec);
    return node_merge(reading->trees, result, spec);
}

static struct node *load_stack(struct reading *reading, const char *file, unsigned depth) {
    struct node *root = read_document(reading, file, &kind_stack);
    struct node *spec = root ? node_get(root, "spec") : NULL;
    return spec && spec->kind == NODE_MAP ? overlay_includes(reading, spec, &kind_stack_spec, depth)
                                          : NULL;
}

/* --- envFiles ----------------------------------------------------------------------------------
 */

static void problem_env_file(struct reading *reading, const struct path *path,
                             const struct node *node, const char *file) {
    cleanup_free char *example = format_text("%s.example", file);
    cleanup_free char *help =
        access(example, R_OK) == 0
            ? format_text("copy \"%s.example\" to it and fill it in", shown(node, file))
            : copy_text("paths are relative to the file that names them; "
                        "{path: FILE, required: false} makes it optional");
    problem_at(&reading->decoder, path, node, help,
               "\"%s\" cannot be read: no such file, or no permission", shown(node, file));
}

static bool is_optional(struct reading *reading, struct node *item) {
    struct node *required = node_get(item, "required");
    return required && required->kind == NODE_SCALAR &&
           interpolate_tree(reading->trees, required, reading->variables, reading->diagnostics) ==
               0 &&
           parse_boolean(required->text) == 0;
}

/* What else is wrong with an item is reported when it is decoded. */
static void read_env_file(struct reading *reading, const struct path *path, struct node *item) {
    struct path inner = {path, "path", 0};
    const bool map = item->kind == NODE_MAP;
    struct node *node = map ? node_get(item, "path") : item;
    const char *file =
        node && node->kind == NODE_SCALAR ? item_path(reading, map ? &inner : path, node) : NULL;
    if (!file || (map && is_optional(reading, item) && access(file, F_OK) != 0 && errno == ENOENT))
        return;
    if (access(file, R_OK) != 0)
        problem_env_file(reading, map ? &inner : path, node, file);
    else if (is_regular(reading, map ? &inner : path, node, file))
        variables_read_file(reading->variables, file, reading->diagnostics);
}

static void read_env_files(struct reading *reading, struct node *spec) {
    reading->variables = variables_new(reading->trees, reading->options->process_environment);
    reading->decoder.variables = reading->variables;
    struct node *files = node_get(spec, "envFiles");
    struct path path = {NULL, "envFiles", 0};
    for (size_t i = 0; files && files->kind == NODE_LIST && i < files->count; i++) {
        struct path inner = {&path, NULL, i};
        read_env_file(reading, &inner, files->items[i]);
    }
}

int load_documents(struct reading *reading) {
    add_document(reading, reading->file, (struct position){0});
    struct node *root = read_document(reading, reading->file, &kind_environment);
    struct entry *spec = root ? node_entry(root, "spec") : NULL;
    if (!spec || spec->value->kind != NODE_MAP)
        return -1;
    read_env_files(reading, spec->value);
    spec->value = overlay_includes(reading, spec->value, &kind_environment_spec, 0);
    reading->root = root;
    reading->spec = spec->value;
    return 0;
}
