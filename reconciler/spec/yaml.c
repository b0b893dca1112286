/*
 * Reading YAML: libyaml's events become a tree with positions. The event interface is used rather
 * than libyaml's documents because aliases, the merge key, duplicate keys and the bounds that keep
 * hostile input harmless need to be seen as they come, each with its position.
 *
 * Two sorts of errors: what breaks the reading (syntax, bounds) ends it, and is then the only error
 * shown for the file; what does not (duplicate keys, unknown tags …) is collected, and the tree
 * goes on to be checked further.
 */
#include "base/error.h"
#include "base/memory.h"
#include "spec/keys.h"
#include "spec/node.h"
#include "spec/source.h"
#include "spec/yaml_internal.h"

#define uthash_malloc(size) memory_alloc(size)
#include <uthash.h>

#include <stdlib.h>
#include <string.h>
#include <utarray.h>

struct anchor {
    char *name;
    struct node *node; /* NULL while what it names is being read */
    size_t nodes;      /* in it, aliases followed */
    unsigned height;
    UT_hash_handle hh;
};

struct reader {
    struct arena *arena;
    const char *file;
    const char *text;
    size_t size;
    yaml_parser_t parser;
    struct anchor *anchors;
    size_t nodes;                 /* so far, aliases followed */
    struct diagnostics *problems; /* those that do not end the reading */
    struct diagnostics *fatal;    /* the one that does */
};

/* A node and how many levels of lists and maps it has: none is a scalar. */
struct tree {
    struct node *node; /* NULL after a fatal error */
    unsigned height;
};

static const struct tree failed = {NULL, 0};

static void close_reader(struct reader *reader) {
    struct anchor *anchor = reader->anchors;
    struct anchor *next;
    HASH_CLEAR(hh, reader->anchors); /* frees the table; the anchors stay linked */
    for (; anchor; anchor = next) {
        next = anchor->hh.next;
        free(anchor->name);
        free(anchor);
    }
    yaml_parser_delete(&reader->parser);
    diagnostics_free(reader->problems);
}

static struct position position_of(const struct reader *reader, const yaml_mark_t *mark) {
    return (struct position){reader->file, (unsigned)mark->line + 1, (unsigned)mark->column + 1};
}

static int next_event(struct reader *reader, yaml_event_t *event) {
    if (yaml_parser_parse(&reader->parser, event))
        return 0;
    yaml_report_syntax(&reader->parser, reader->file, reader->text, reader->size, reader->fatal);
    return -1;
}

#define cleanup_event __attribute__((cleanup(yaml_event_delete)))

/* Counts nodes against the bound. */
static int count_nodes(struct reader *reader, size_t nodes, struct position at) {
    reader->nodes += nodes;
    if (reader->nodes <= YAML_MAX_NODES)
        return 0;
    yaml_problem(reader->fatal, at, 1,
                 "aliases (\"*name\") of aliases multiply: write less, or "
                 "split the environment up",
                 "more than %d values once aliases are followed", YAML_MAX_NODES);
    return -1;
}

static int check_depth(struct reader *reader, unsigned depth, struct position at) {
    if (depth <= YAML_MAX_DEPTH)
        return 0;
    yaml_problem(reader->fatal, at, 1,
                 "no field lies that deep: look for brackets or indentation "
                 "too many",
                 "more than %d levels of maps and lists in each other", YAML_MAX_DEPTH);
    return -1;
}

static struct node *new_node(struct reader *reader, enum node_kind kind,
                             const yaml_event_t *event) {
    struct node *node = arena_alloc(reader->arena, sizeof *node);
    node->kind = kind;
    node->at = position_of(reader, &event->start_mark);
    node->width = 1;
    return node;
}

/* --- anchors ---------------------------------------------------------------------------------- */

static struct anchor *find_anchor(const struct reader *reader, const yaml_char_t *name) {
    struct anchor *anchor;
    HASH_FIND_STR(reader->anchors, (const char *)name, anchor);
    return anchor;
}

/* Opens an anchor before what it names is read. A name that is used again means the new node. */
static void open_anchor(struct reader *reader, const yaml_char_t *name) {
    struct anchor *anchor = name ? find_anchor(reader, name) : NULL;
    if (!name)
        return;
    if (!anchor) {
        anchor = memory_alloc(sizeof *anchor);
        anchor->name = copy_text((const char *)name);
        HASH_ADD_KEYPTR(hh, reader->anchors, anchor->name, strlen(anchor->name), anchor);
    }
    anchor->node = NULL;
}

static void close_anchor(struct reader *reader, const yaml_char_t *name, struct tree tree,
                         size_t nodes_before) {
    struct anchor *anchor = name ? find_anchor(reader, name) : NULL;
    if (!anchor)
        return;
    anchor->node = tree.node;
    anchor->height = tree.height;
    anchor->nodes = reader->nodes - nodes_before;
}

static struct tree read_alias(struct reader *reader, const yaml_event_t *event, unsigned depth) {
    const yaml_char_t *name = event->data.alias.anchor;
    struct position at = position_of(reader, &event->start_mark);
    unsigned width = (unsigned)(event->end_mark.column - event->start_mark.column);
    const struct anchor *anchor = find_anchor(reader, name);
    if (!anchor || !anchor->node) {
        if (anchor)
            yaml_problem(reader->problems, at, width, "name an anchor that is complete by then",
                         "alias \"*%s\" is inside of what it names", name);
        else
            yaml_problem(reader->problems, at, width,
                         "put \"&NAME\" before the value it names; put a text that starts with "
                         "\"*\" in quotes",
                         "alias \"*%s\" names no anchor above it", name);
        struct node *unknown = new_node(reader, NODE_SCALAR, event);
        unknown->text = "";
        unknown->unreadable = unknown->interpolated = true;
        return (struct tree){unknown, 0};
    }
    if (count_nodes(reader, anchor->nodes, at) != 0 ||
        check_depth(reader, depth + anchor->height, at) != 0)
        return failed;
    return (struct tree){anchor->node, anchor->height};
}

/* --- scalars ---------------------------------------------------------------------------------- */

static void unknown_tag(struct reader *reader, const yaml_event_t *event, const char *tag) {
    bool core = strncmp(tag, CORE_TAG, strlen(CORE_TAG)) == 0;
    yaml_problem(reader->problems, position_of(reader, &event->start_mark), 1,
                 "remove the tag; put a text that starts with \"!\" in quotes",
                 "tag \"%s%s\" is not known, or does not fit its value", core ? "!!" : "",
                 core ? tag + strlen(CORE_TAG) : tag);
}

static struct node *read_scalar(struct reader *reader, const yaml_event_t *event) {
    const char *value = (const char *)event->data.scalar.value;
    size_t length = event->data.scalar.length;
    struct node *node = new_node(reader, NODE_SCALAR, event);
    node->text = arena_copy_n(reader->arena, value, length);
    node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    if (!node->quoted && scalar_type(node->text) == SCALAR_NULL)
        node->kind = NODE_NULL;
    const yaml_mark_t *start = &event->start_mark;
    const yaml_mark_t *end = &event->end_mark;
    node->last_line = (unsigned)end->line + (end->column > 0 || end->line == start->line);
    if (end->line == start->line && end->column > start->column)
        node->width = (unsigned)(end->column - start->column);
    const char *tag = (const char *)event->data.scalar.tag;
    if (tag && !yaml_apply_tag(node, tag))
        unknown_tag(reader, event, tag);
    if (memchr(value, '\0', length))
        yaml_problem(reader->problems, node->at, node->width,
                     "remove \"\\0\": no setting can hold it", "a text holds a NUL character");
    return node;
}

/* --- lists and maps --------------------------------------------------------------------------- */

static struct tree read_node(struct reader *reader, yaml_event_t *event, unsigned depth);

static void check_collection_tag(struct reader *reader, const yaml_event_t *event,
                                 const yaml_char_t *tag, const char *expected) {
    const char *text = (const char *)tag;
    if (text && strcmp(text, expected) != 0 && strcmp(text, "!") != 0)
        unknown_tag(reader, event, text);
}

/* Moves the items into the arena. */
static void *take_array(struct arena *arena, UT_array *array, size_t size) {
    void *copy = arena_alloc(arena, array->i * size);
    if (array->i > 0)
        memcpy(copy, array->d, array->i * size);
    utarray_done(array);
    return copy;
}

static void raise_height(struct tree *tree, unsigned below) {
    if (tree->height < below + 1)
        tree->height = below + 1;
}

static int read_items(struct reader *reader, struct tree *tree, UT_array *items, unsigned depth) {
    for (;;) {
        cleanup_event yaml_event_t event;
        if (next_event(reader, &event) != 0)
            return -1;
        if (event.type == YAML_SEQUENCE_END_EVENT)
            return 0;
        struct tree item = read_node(reader, &event, depth + 1);
        if (!item.node)
            return -1;
        utarray_push_back(items, &item.node);
        raise_height(tree, item.height);
    }
}

static struct tree read_list(struct reader *reader, const yaml_event_t *start, unsigned depth) {
    static const UT_icd icd = {sizeof(struct node *), NULL, NULL, NULL};
    struct tree tree = {new_node(reader, NODE_LIST, start), 1};
    UT_array items;
    utarray_init(&items, &icd);
    check_collection_tag(reader, start, start->data.sequence_start.tag, CORE_TAG "seq");
    int status = read_items(reader, &tree, &items, depth);
    tree.node->count = utarray_len(&items);
    tree.node->items = take_array(reader->arena, &items, sizeof(struct node *));
    return status == 0 ? tree : failed;
}

/* A map that is being read. */
struct map_reader {
    struct reader *reader;
    UT_array entries;
    UT_array merged; /* the values of "<<" */
    struct key_index keys;
    bool partial;
};

/* A key as text, or NULL after reporting that it is none. */
static const char *key_text(struct reader *reader, const struct node *key,
                            const yaml_event_t *event) {
    struct position at = position_of(reader, &event->start_mark);
    if (key->unreadable)
        return NULL;
    if (key->kind == NODE_SCALAR && (key->quoted || scalar_type(key->text) == SCALAR_STRING))
        return key->text;
    if (key->kind == NODE_SCALAR)
        yaml_problem(reader->problems, at, key->width, "put the key in quotes",
                     "key %s is not a text", key->text);
    else
        yaml_problem(reader->problems, at, 1, "write \"key: value\" with a text as the key",
                     "%s cannot be a key",
                     key->kind == NODE_NULL   ? "nothing"
                     : key->kind == NODE_LIST ? "a list"
                                              : "a map");
    return NULL;
}

static void add_entry(struct map_reader *map, const struct entry *entry, unsigned width) {
    size_t first = key_index_find(&map->keys, entry->key);
    if (first == KEY_NONE) {
        key_index_add(&map->keys, entry->key);
        utarray_push_back(&map->entries, entry);
        return;
    }
    const struct entry *earlier = (const struct entry *)(const void *)map->entries.d + first;
    yaml_problem(map->reader->problems, entry->at, width,
                 "remove one of them, or merge what is in them",
                 "key \"%s\" is there already, on line %u", entry->key, earlier->at.line);
}

/* Reads one "key: value". Returns the height of the value, or -1 after a fatal error. */
static int read_entry(struct map_reader *map, yaml_event_t *key_event, unsigned depth) {
    struct reader *reader = map->reader;
    size_t nodes = reader->nodes;
    struct tree key = read_node(reader, key_event, depth + 1);
    if (!key.node)
        return -1;
    if (key.height == 0)
        reader->nodes = nodes; /* keys are not counted: there are as many as values */
    struct entry entry = {.key = key_text(reader, key.node, key_event),
                          .at = position_of(reader, &key_event->start_mark)};
    bool merge = entry.key && !key.node->quoted && strcmp(entry.key, "<<") == 0;
    cleanup_event yaml_event_t event;
    if (next_event(reader, &event) != 0)
        return -1;
    struct tree value = read_node(reader, &event, depth + 1);
    if (!value.node)
        return -1;
    entry.value = value.node;
    if (merge)
        utarray_push_back(&map->merged, &entry);
    else if (entry.key)
        add_entry(map, &entry, key.node->width);
    map->partial |= !entry.key;
    return (int)value.height;
}

/* Adds the entries of a map named by "<<" that the map does not have itself (YAML 1.1's merge key:
 * what is written in the map wins, then what was merged first). */
static void merge_map(struct map_reader *map, const struct entry *merge, const struct node *from) {
    if (from->kind != NODE_MAP)
        map->partial = true;
    if (from->kind != NODE_MAP && !from->unreadable)
        yaml_problem(map->reader->problems, merge->at, 2,
                     "name a map: \"<<: *anchor\", or several: \"<<: [*one, *two]\"",
                     "\"<<\" can only merge maps");
    map->partial |= from->partial;
    for (size_t i = 0; from->kind == NODE_MAP && i < from->count; i++) {
        if (key_index_find(&map->keys, from->entries[i].key) != KEY_NONE)
            continue;
        key_index_add(&map->keys, from->entries[i].key);
        utarray_push_back(&map->entries, &from->entries[i]);
    }
}

static void merge_all(struct map_reader *map) {
    for (unsigned i = 0; i < utarray_len(&map->merged); i++) {
        const struct entry *merge = (const struct entry *)utarray_eltptr(&map->merged, i);
        if (i > 0)
            yaml_problem(map->reader->problems, merge->at, 2, "write one: \"<<: [*one, *two]\"",
                         "key \"<<\" is there already");
        if (merge->value->kind != NODE_LIST) {
            merge_map(map, merge, merge->value);
            continue;
        }
        for (size_t j = 0; j < merge->value->count; j++)
            merge_map(map, merge, merge->value->items[j]);
    }
}

static int read_entries(struct map_reader *map, struct tree *tree, unsigned depth) {
    for (;;) {
        cleanup_event yaml_event_t event;
        if (next_event(map->reader, &event) != 0)
            return -1;
        if (event.type == YAML_MAPPING_END_EVENT)
            break;
        int height = read_entry(map, &event, depth);
        if (height < 0)
            return -1;
        raise_height(tree, (unsigned)height);
    }
    merge_all(map);
    return 0;
}

static struct tree read_map(struct reader *reader, const yaml_event_t *start, unsigned depth) {
    static const UT_icd icd = {sizeof(struct entry), NULL, NULL, NULL};
    struct tree tree = {new_node(reader, NODE_MAP, start), 1};
    struct map_reader map = {.reader = reader};
    utarray_init(&map.entries, &icd);
    utarray_init(&map.merged, &icd);
    check_collection_tag(reader, start, start->data.mapping_start.tag, CORE_TAG "map");
    int status = read_entries(&map, &tree, depth);
    tree.node->count = utarray_len(&map.entries);
    tree.node->entries = take_array(reader->arena, &map.entries, sizeof(struct entry));
    tree.node->partial = map.partial;
    utarray_done(&map.merged);
    key_index_clear(&map.keys);
    return status == 0 ? tree : failed;
}

/* --- nodes and documents ---------------------------------------------------------------------- */

static const yaml_char_t *anchor_of(const yaml_event_t *event) {
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return event->data.scalar.anchor;
    case YAML_SEQUENCE_START_EVENT:
        return event->data.sequence_start.anchor;
    case YAML_MAPPING_START_EVENT:
        return event->data.mapping_start.anchor;
    default:
        return NULL;
    }
}

static struct tree read_node(struct reader *reader, yaml_event_t *event, unsigned depth) {
    struct position at = position_of(reader, &event->start_mark);
    if (event->type == YAML_ALIAS_EVENT)
        return read_alias(reader, event, depth);
    size_t nodes_before = reader->nodes;
    if (count_nodes(reader, 1, at) != 0)
        return failed;
    open_anchor(reader, anchor_of(event));
    struct tree tree = {NULL, 0};
    if (event->type == YAML_SCALAR_EVENT)
        tree.node = read_scalar(reader, event);
    else if (check_depth(reader, depth + 1, at) != 0)
        return failed;
    else if (event->type == YAML_SEQUENCE_START_EVENT)
        tree = read_list(reader, event, depth);
    else
        tree = read_map(reader, event, depth);
    if (tree.node)
        close_anchor(reader, anchor_of(event), tree, nodes_before);
    return tree;
}

/* Reads the next event, which has to be of the type. */
static int skip_event(struct reader *reader, yaml_event_type_t type) {
    cleanup_event yaml_event_t event;
    if (next_event(reader, &event) != 0)
        return -1;
    if (event.type == type)
        return 0;
    if (event.type == YAML_STREAM_END_EVENT)
        yaml_problem(reader->fatal, (struct position){reader->file, 1, 1}, 1,
                     "declare apiVersion, kind, metadata and spec", "the file is empty");
    else
        yaml_problem(reader->fatal, position_of(reader, &event.start_mark), 3,
                     "put each document into a file of its own",
                     "a second document begins here; only one is read from a file");
    return -1;
}

static struct node *read_document(struct reader *reader) {
    if (skip_event(reader, YAML_STREAM_START_EVENT) != 0 ||
        skip_event(reader, YAML_DOCUMENT_START_EVENT) != 0)
        return NULL;
    cleanup_event yaml_event_t event;
    if (next_event(reader, &event) != 0)
        return NULL;
    struct tree root = read_node(reader, &event, 0);
    if (!root.node || skip_event(reader, YAML_DOCUMENT_END_EVENT) != 0 ||
        skip_event(reader, YAML_STREAM_END_EVENT) != 0)
        return NULL;
    return root.node;
}

/* Reads text whose file is registered with the diagnostics already. */
static struct node *read_text(struct arena *arena, const char *file, const char *text, size_t size,
                              struct diagnostics *diagnostics) {
    if (size >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) {
        text += 3;
        size -= 3;
    }
    if (yaml_check_characters(file, text, size, diagnostics) != 0)
        return NULL;
    __attribute__((cleanup(close_reader))) struct reader reader = {
        .arena = arena, .file = file, .text = text, .size = size, .fatal = diagnostics};
    reader.problems = diagnostics_new();
    if (!yaml_parser_initialize(&reader.parser)) {
        yaml_problem(diagnostics, (struct position){.file = file}, 1, NULL, "out of memory");
        return NULL;
    }
    yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&reader.parser, (const unsigned char *)text, size);
    struct node *root = read_document(&reader);
    if (!root)
        return NULL;
    diagnostics_add_all(diagnostics, reader.problems);
    return root;
}

struct node *yaml_read_text(struct arena *arena, const char *file, const char *text, size_t size,
                            struct diagnostics *diagnostics) {
    if (size > YAML_MAX_BYTES) {
        yaml_problem(diagnostics, (struct position){.file = file}, 1, NULL,
                     "it has more than the %u MiB that are read: split it up",
                     YAML_MAX_BYTES >> 20);
        return NULL;
    }
    diagnostics_keep_text(diagnostics, file, text, size);
    return read_text(arena, file, text, size, diagnostics);
}

struct node *yaml_read_file(struct arena *arena, const char *file,
                            struct diagnostics *diagnostics) {
    cleanup_source struct source source = {0};
    cleanup_error struct error error = ERROR_INIT;
    if (source_read(file, YAML_MAX_BYTES, &source, &error) != 0) {
        yaml_problem(diagnostics, (struct position){.file = file}, 1, NULL, "%s",
                     error_text(&error));
        return NULL;
    }
    diagnostics_keep_identity(diagnostics, file, &source.identity);
    return read_text(arena, file, source.text, source.size, diagnostics);
}
