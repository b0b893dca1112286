/* Finding the place in the tree that a problem between decoded fields comes from. */
#include "base/memory.h"
#include "spec/validate.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static bool same_position(struct position left, struct position right) {
    return left.line == right.line && left.column == right.column && left.file && right.file &&
           strcmp(left.file, right.file) == 0;
}

static size_t item_at(const struct node *list, struct position at) {
    for (size_t i = 0; list && list->kind == NODE_LIST && i < list->count; i++)
        if (same_position(list->items[i]->at, at))
            return i;
    return 0;
}

struct located {
    struct path chain[8];
    const struct path *path;
    struct position at;
    unsigned width;
};

/* One key down; returns what it leads to, or NULL. */
static const struct node *step_down(const struct node *node, const struct place *place, size_t i,
                                    struct located *located) {
    const struct path *parent = i ? &located->chain[i - 1] : NULL;
    if (strcmp(place->keys[i], "[]") != 0) {
        located->chain[i] = (struct path){parent, place->keys[i], 0};
        return node_get(node, place->keys[i]);
    }
    size_t index = item_at(node, place->at);
    located->chain[i] = (struct path){parent, NULL, index};
    return node && node->kind == NODE_LIST && index < node->count ? node->items[index] : NULL;
}

static void locate(struct reading *reading, const struct place *place, struct located *located) {
    const struct node *node = reading->spec;
    bool in_list = false;
    const char *name = "";
    located->at = node->at;
    for (size_t i = 0; i < 8 && place->keys[i]; i++) {
        node = step_down(node, place, i, located);
        located->path = &located->chain[i];
        in_list |= strcmp(place->keys[i], "[]") == 0;
        name = place->keys[i];
        if (node) {
            located->at = node->at;
            located->width = node->width;
        }
    }
    /* Outside of lists, a position that was decoded is that of the name in a map. */
    if (place->at.file && (!in_list || !node)) {
        located->at = place->at;
        located->width = in_list ? 1 : (unsigned)strlen(name);
    }
}

static void add(struct reading *reading, enum severity severity, const struct place *place,
                const char *help, const char *message) {
    cleanup_arena struct arena *scratch = arena_new();
    struct located located = {.at = place->at, .width = 1};
    if (worth_the_effort(reading->diagnostics))
        locate(reading, place, &located);
    struct diagnostic diagnostic = {.severity = severity,
                                    .at = located.at,
                                    .width = located.width ? located.width : 1,
                                    .path = path_text(scratch, located.path),
                                    .message = message,
                                    .help = help};
    diagnostics_add(reading->diagnostics, &diagnostic);
}

void problem_in(struct reading *reading, const struct place *place, const char *help,
                const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    cleanup_free char *message = format_va(format, arguments);
    va_end(arguments);
    add(reading, SEVERITY_ERROR, place, help, message);
}

void warning_in(struct reading *reading, const struct place *place, const char *help,
                const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    cleanup_free char *message = format_va(format, arguments);
    va_end(arguments);
    add(reading, SEVERITY_WARNING, place, help, message);
}

const char *suggest_item(struct reading *reading, const char *word, const void *items, size_t count,
                         size_t size) {
    if (!worth_the_effort(reading->diagnostics))
        return NULL;
    const char **names = memory_alloc((count + 1) * sizeof *names);
    for (size_t i = 0; i < count; i++)
        names[i] = *(const char *const *)((const char *)items + i * size);
    const char *help = did_you_mean(reading->trees, word, names);
    free(names);
    return help;
}

size_t service_index(const struct environment *environment, const char *name) {
    const struct service *service = environment_service(environment, name);
    return service ? (size_t)(service - environment->services) : SIZE_MAX;
}
