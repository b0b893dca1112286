/*
 * Any bytes as YAML: reading ends with a tree or with an error that has a message, never with
 * neither; a tree that was read is the same after writing and reading again; its JSON is JSON; and
 * merging keeps RFC 7386's laws.
 */
#include "base/memory.h"
#include "spec/diagnostics.h"
#include "spec/node.h"

#include <assert.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define MAX_INPUT (64u << 10)

static void check_problems(const struct diagnostics *diagnostics, FILE *out) {
    for (size_t i = 0; i < diagnostics_count(diagnostics); i++) {
        const struct diagnostic *diagnostic = diagnostics_get(diagnostics, i);
        assert(diagnostic->message && *diagnostic->message && diagnostic->at.file);
    }
    diagnostics_print(diagnostics, out, true);
    diagnostics_print_json(diagnostics, out);
}

static enum scalar_type type_of(const struct node *node) {
    return node->quoted ? SCALAR_STRING : scalar_type(node->text);
}

static void check_same(const struct node *a, const struct node *b) {
    assert(a->kind == b->kind && a->count == b->count);
    if (a->kind == NODE_SCALAR)
        assert(strcmp(a->text, b->text) == 0 && type_of(a) == type_of(b));
    for (size_t i = 0; i < a->count; i++) {
        if (a->kind == NODE_MAP) {
            assert(strcmp(a->entries[i].key, b->entries[i].key) == 0);
            check_same(a->entries[i].value, b->entries[i].value);
        } else {
            check_same(a->items[i], b->items[i]);
        }
    }
}

static void check_yaml(struct arena *arena, const struct node *root) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    node_write_yaml(root, out);
    fclose(out);
    struct diagnostics *diagnostics = diagnostics_new();
    struct node *back = yaml_read_text(arena, "written.yaml", text, size, diagnostics);
    if (!back) {
        fprintf(stderr, "%s", text);
        diagnostics_print(diagnostics, stderr, false);
        abort();
    }
    check_same(root, back);
    diagnostics_free(diagnostics);
    free(text);
}

static void check_json(const struct node *root) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    node_write_json(root, out);
    fclose(out);
    json_error_t error;
    json_t *json = json_loadb(text, size, JSON_DECODE_ANY, &error);
    if (!json && json_error_code(&error) != json_error_numeric_overflow) {
        fprintf(stderr, "%s\n%s\n", text, error.text);
        abort();
    }
    json_decref(json);
    free(text);
}

/* No null is left in what a patch was laid over nothing. */
static void check_no_null(const struct node *node) {
    for (size_t i = 0; node->kind == NODE_MAP && i < node->count; i++) {
        assert(node->entries[i].value->kind != NODE_NULL);
        check_no_null(node->entries[i].value);
    }
}

static void check_merge(struct arena *arena, struct node *root) {
    struct node *alone = node_merge(arena, NULL, root);
    check_no_null(alone);
    check_same(node_merge(arena, alone, root), alone);
    check_same(node_merge(arena, root, NULL), root);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static FILE *nowhere;
    if (!nowhere)
        nowhere = fopen("/dev/null", "w");
    if (size > MAX_INPUT)
        return 0;
    struct arena *arena = arena_new();
    struct diagnostics *diagnostics = diagnostics_new();
    struct node *root = yaml_read_text(arena, "fuzz.yaml", (const char *)data, size, diagnostics);
    assert(root || diagnostics_errors(diagnostics) > 0);
    check_problems(diagnostics, nowhere);
    /* With errors the tree is only good for finding more of them. */
    if (root && diagnostics_errors(diagnostics) == 0) {
        check_yaml(arena, root);
        check_json(root);
        check_merge(arena, root);
    }
    diagnostics_free(diagnostics);
    arena_free(arena);
    return 0;
}
