/* Documents that scripts read; see document.h. */
#include "status/document.h"

#include "base/memory.h"
#include "base/text.h"
#include "spec/node.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

/* Whether YAML 1.1 would read the plain text as something other than a string. */
static bool looks_typed(const char *text) {
    static const char *const words[] = {"",   "~",   "null", "true", "false", "yes", "no",
                                        "on", "off", "y",    "n",    ".nan",  ".inf"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strcasecmp(text, words[i]) == 0)
            return true;
    return isdigit((unsigned char)*text) || strchr("+-.=<", *text) != NULL;
}

static struct node *to_node(struct arena *arena, const json_t *value);

static struct node *map_node(struct arena *arena, const json_t *object) {
    struct node *node = arena_alloc(arena, sizeof(*node));
    node->kind = NODE_MAP;
    node->entries = arena_array(arena, struct entry, json_object_size(object));
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value) {
        node->entries[node->count++] =
            (struct entry){.key = arena_copy(arena, key), .value = to_node(arena, value)};
    }
    return node;
}

static struct node *list_node(struct arena *arena, const json_t *array) {
    struct node *node = arena_alloc(arena, sizeof(*node));
    node->kind = NODE_LIST;
    node->items = arena_array(arena, struct node *, json_array_size(array));
    size_t index;
    json_t *value;
    json_array_foreach(array, index, value) {
        node->items[node->count++] = to_node(arena, value);
    }
    return node;
}

static struct node *to_node(struct arena *arena, const json_t *value) {
    if (json_is_object(value))
        return map_node(arena, value);
    if (json_is_array(value))
        return list_node(arena, value);
    struct node *node = arena_alloc(arena, sizeof(*node));
    node->kind = json_is_null(value) || !value ? NODE_NULL : NODE_SCALAR;
    node->width = 1;
    if (json_is_string(value)) {
        node->text = arena_copy(arena, json_string_value(value));
        node->quoted = looks_typed(node->text);
    } else if (json_is_integer(value)) {
        node->text = arena_format(arena, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    } else if (json_is_real(value)) {
        node->text = arena_format(arena, "%.17g", json_real_value(value));
    } else if (json_is_boolean(value)) {
        node->text = json_is_true(value) ? "true" : "false";
    }
    return node;
}

void document_write(const json_t *document, bool yaml, FILE *out) {
    if (yaml) {
        cleanup_arena struct arena *arena = arena_new();
        node_write_yaml(to_node(arena, document), out);
        return;
    }
    json_dumpf(document, out, JSON_INDENT(2));
    fputc('\n', out);
}

void document_text(json_t *object, const char *key, const char *value) {
    json_t *text = value ? json_string(value) : json_null();
    if (!text) { /* not UTF-8 */
        cleanup_free char *clean = text_fit(value, SIZE_MAX, true);
        text = json_string(clean);
    }
    json_object_set_new(object, key, text);
}
