/* Resources from text; see plan_sample.h. */
#include "plan_sample.h"

#include "base/error.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct field_rule network_rules[] = {
    {"subnet", CHANGE_BY_REPLACE, false, true},
    {NULL, CHANGE_BY_REPLACE, false, false},
};

static const struct field_rule volume_rules[] = {
    {"driver", CHANGE_BY_NOTHING, false, false},
    {NULL, CHANGE_BY_REPLACE, false, false},
};

static const struct field_rule service_rules[] = {
    {"resources.limits.pids", CHANGE_BY_UPDATE, false, false},
    {"resources", CHANGE_BY_UPDATE, true, false},
    {"restart", CHANGE_BY_UPDATE, false, false},
    {"networks", CHANGE_BY_ATTACH, false, false},
    {"reloadable", CHANGE_BY_UPLOAD, true, false},
    {"effective", CHANGE_BY_RESTART, false, false},
    {"logging", CHANGE_BY_REPLACE, false, true},
    {"fixed", CHANGE_BY_NOTHING, false, false},
    {NULL, CHANGE_BY_REPLACE, false, false},
};

const struct resource_kind sample_network = {"network", LIFECYCLE_OBJECT, 0, network_rules};
const struct resource_kind sample_volume = {"volume", LIFECYCLE_DATA, 1, volume_rules};
static const struct resource_kind sample_files = {"files", LIFECYCLE_OBJECT, 2, NULL};
const struct resource_kind sample_image = {"image", LIFECYCLE_IMAGE, 3, NULL};
const struct resource_kind sample_service = {"service", LIFECYCLE_CONTAINER, 4, service_rules};

struct reader {
    struct arena *arena;
    bool desired;
    struct resource *resource;
    struct service *service;
    struct field_builder fields, applied, otherwise; /* otherwise: @applied, which wins */
    struct need *needs;
    const char *unapplied;
};

static const struct resource_kind *kind_named(const char *name) {
    static const struct resource_kind *const kinds[] = {
        &sample_network, &sample_volume, &sample_files, &sample_image, &sample_service};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i]->name, name) == 0)
            return kinds[i];
    cr_assert(false, "no kind \"%s\"", name);
    return NULL;
}

static void add_need(struct reader *reader, const char *key, enum depends_condition condition) {
    struct resource *resource = reader->resource;
    reader->needs[resource->need_count++] = (struct need){key, condition};
    resource->needs = reader->needs;
}

static void read_needs(struct reader *reader, char *list) {
    char *rest = NULL;
    for (char *key = strtok_r(list, ",", &rest); key; key = strtok_r(NULL, ",", &rest)) {
        enum depends_condition condition = DEPENDS_STARTED;
        char *colon = strrchr(key, ':');
        if (colon && strcmp(colon, ":healthy") == 0)
            condition = DEPENDS_HEALTHY;
        if (colon && strcmp(colon, ":completed") == 0)
            condition = DEPENDS_COMPLETED;
        if (condition != DEPENDS_STARTED)
            *colon = '\0';
        add_need(reader, key, condition);
    }
}

static void read_files(struct reader *reader, char *list) {
    struct service *service = reader->service;
    char *rest = NULL;
    service->files = arena_array(reader->arena, struct file, 8);
    for (char *target = strtok_r(list, ",", &rest); target; target = strtok_r(NULL, ",", &rest)) {
        char *colon = strchr(target, ':');
        if (colon)
            *colon = '\0';
        service->files[service->file_count++] =
            (struct file){.target = target, .reload_signal = colon ? colon + 1 : NULL};
    }
}

static void read_state(struct resource *resource, const char *value) {
    static const char *const names[] = {"none",       "created", "running", "paused",
                                        "restarting", "exited",  "dead"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strncmp(value, names[i], strlen(names[i])) == 0)
            resource->state = (enum run_state)i;
    const char *code = strchr(value, ':');
    resource->exit_code = code ? atoi(code + 1) : 0;
}

static void read_health(struct resource *resource, const char *value) {
    static const char *const names[] = {"none", "starting", "healthy", "unhealthy", "unknown"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(value, names[i]) == 0)
            resource->health = (enum health)i;
}

/* NETWORK:ADDRESS, as the engine chose it or was told. */
static void read_address(struct reader *reader, char *value) {
    struct container_facts *facts = arena_alloc(reader->arena, sizeof *facts);
    char *colon = strchr(value, ':');
    *colon = '\0';
    facts->addresses.items = arena_alloc(reader->arena, sizeof(struct pair));
    facts->addresses.items[0] = (struct pair){.key = value, .value = colon + 1};
    facts->addresses.count = 1;
    reader->resource->facts = facts;
}

static void read_attribute(struct reader *reader, const char *name, char *value) {
    struct resource *resource = reader->resource;
    if (strcmp(name, "name") == 0)
        resource->engine_name = value;
    else if (strcmp(name, "needs") == 0)
        read_needs(reader, value);
    else if (strcmp(name, "pull") == 0)
        resource->pull_policy = strcmp(value, "always") == 0 ? PULL_ALWAYS : PULL_NEVER;
    else if (strcmp(name, "completes") == 0)
        reader->service->completes = true;
    else if (strcmp(name, "startFirst") == 0)
        reader->service->update_strategy = UPDATE_START_FIRST;
    else if (strcmp(name, "files") == 0)
        read_files(reader, value);
    else if (strcmp(name, "id") == 0)
        resource->id = value;
    else if (strcmp(name, "slot") == 0)
        resource->slot = strcmp(value, "next") == 0 ? SLOT_NEXT : SLOT_PREVIOUS;
    else if (strcmp(name, "state") == 0)
        read_state(resource, value);
    else if (strcmp(name, "health") == 0)
        read_health(resource, value);
    else if (strcmp(name, "foreign") == 0)
        resource->foreign = true, resource->owner = value;
    else if (strcmp(name, "data") == 0)
        resource->keeps_data = true;
    else if (strcmp(name, "strangers") == 0)
        resource->strangers = value;
    else if (strcmp(name, "outdated") == 0)
        resource->outdated = true;
    else if (strcmp(name, "address") == 0)
        read_address(reader, value);
    else if (strcmp(name, "created") == 0)
        resource->created = value;
    else if (strcmp(name, "unapplied") == 0)
        reader->unapplied = value;
    else if (strcmp(name, "applied") == 0) {
        char *colon = strchr(value, ':');
        *colon = '\0';
        field_add(&reader->otherwise, value, colon + 1);
    } else
        cr_assert(false, "no attribute \"%s\"", name);
}

static void need_field(struct reader *reader, const char *path, const char *value) {
    struct service *service = reader->service;
    if (!service)
        return;
    if (strcmp(path, "image") == 0)
        add_need(reader, arena_format(reader->arena, "image/%s", value), DEPENDS_STARTED);
    if (strncmp(path, "mounts.", 7) == 0 && strncmp(value, "volume ", 7) == 0)
        add_need(
            reader,
            arena_format(reader->arena, "volume/%.*s", (int)strcspn(value + 7, " "), value + 7),
            DEPENDS_STARTED);
    if (strcmp(value, "connected") == 0) {
        add_need(reader, arena_format(reader->arena, "network/%s", path + 9), DEPENDS_STARTED);
        service->networks[service->network_count++] = (struct attachment){.network = path + 9};
    }
}

static void read_field(struct reader *reader, char *path, char *value) {
    for (char *at = value; strncmp(path, "mounts.", 7) == 0 && *at; at++)
        if (*at == '_')
            *at = ' ';
    bool secret = *value == '!';
    if (secret)
        field_add_secret(&reader->fields, path, value + 1);
    else
        field_add(&reader->fields, path, value);
    if (!reader->unapplied || strcmp(reader->unapplied, path) != 0)
        field_add(&reader->applied, path, secret ? "(secret)" : value);
    need_field(reader, path, value);
}

/* Attributes come first, so that fields know of @unapplied. */
static void read_words(struct reader *reader, char *words, bool attributes) {
    char *rest = NULL;
    for (char *word = strtok_r(words, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        char *equals = strchr(word, '=');
        if (equals)
            *equals = '\0';
        if (*word == '@' && attributes)
            read_attribute(reader, word + 1, equals ? equals + 1 : NULL);
        else if (*word != '@' && !attributes)
            read_field(reader, word, equals + 1);
    }
}

static void name_resource(struct reader *reader, char *name) {
    struct resource *resource = reader->resource;
    char *hash = strchr(name, '#');
    bool container = resource->kind == &sample_service;
    resource->instance = hash ? atoi(hash + 1) : container ? 1 : 0;
    if (hash)
        *hash = '\0';
    resource->name = name;
    bool numbered = resource->instance > 1;
    resource->key = numbered ? arena_format(reader->arena, "%s/%s[%d]", resource->kind->name, name,
                                            resource->instance)
                             : arena_format(reader->arena, "%s/%s", resource->kind->name, name);
    resource->engine_name = resource->kind == &sample_image ? name
                            : numbered
                                ? arena_format(reader->arena, "p-%s-%d", name, resource->instance)
                                : arena_format(reader->arena, "p-%s", name);
}

static void read_line(struct arena *arena, char *line, bool desired, struct resource *resource) {
    struct reader reader = {.arena = arena,
                            .desired = desired,
                            .resource = resource,
                            .fields = {.arena = arena},
                            .applied = {.arena = arena},
                            .otherwise = {.arena = arena}};
    char *rest = NULL;
    resource->kind = kind_named(strtok_r(line, " ", &rest));
    name_resource(&reader, strtok_r(NULL, " ", &rest));
    reader.needs = arena_array(arena, struct need, 32);
    if (desired && resource->kind == &sample_service) {
        reader.service = arena_alloc(arena, sizeof *reader.service);
        reader.service->networks = arena_array(arena, struct attachment, 16);
        resource->service = reader.service;
    }
    if (!desired && resource->kind == &sample_service)
        resource->state = RUN_RUNNING;
    read_words(&reader, arena_copy(arena, rest), true);
    read_words(&reader, arena_copy(arena, rest), false);
    resource->fields = field_list_finish(&reader.fields);
    if (desired)
        return;
    for (size_t i = 0; i < reader.otherwise.count; i++)
        field_add(&reader.applied, reader.otherwise.items[i].path, reader.otherwise.items[i].value);
    resource->applied = field_list_finish(&reader.applied);
    if (!resource->id)
        resource->id = arena_format(arena, "%c-%s", resource->kind->name[0], resource->engine_name);
}

struct resource_set sample_set(struct arena *arena, const char *text, bool desired, bool sorted) {
    struct resource_set set = {.items = arena_array(arena, struct resource, strlen(text) + 1)};
    char *rest = NULL, *copy = arena_copy(arena, text);
    for (char *line = strtok_r(copy, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        while (*line == ' ')
            line++;
        if (*line)
            read_line(arena, line, desired, &set.items[set.count++]);
    }
    if (sorted)
        resource_set_sort(&set);
    return set;
}

struct plan *sample_plan(struct arena *arena, const char *desired, const char *observed,
                         const struct plan_options *options) {
    static const struct plan_options defaults;
    struct resource_set *sets = arena_array(arena, struct resource_set, 2);
    sets[0] = sample_set(arena, desired, true, true);
    sets[1] = sample_set(arena, observed, false, true);
    struct plan *plan;
    cleanup_error struct error error = ERROR_INIT;
    int result = plan_make(arena, &sets[0], &sets[1], options ? options : &defaults, &plan, &error);
    cr_assert_eq(result, 0, "%s", error_text(&error));
    return plan;
}

typedef void printer(const struct plan *plan, FILE *out, bool colour);

/* Not inlined: gcc 12 then takes the stream's text for a pointer to the local variable that holds
 * it. */
__attribute__((noinline)) static char *printed(const struct plan *plan, printer *print,
                                               bool colour) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    print(plan, out, colour);
    fclose(out);
    return text;
}

static void print_actions(const struct plan *plan, FILE *out, bool colour) {
    (void)colour;
    plan_print_actions(plan, out);
}

char *sample_actions(const struct plan *plan) {
    return printed(plan, print_actions, false);
}

char *sample_changes(const struct plan *plan, bool colour) {
    return printed(plan, plan_print, colour);
}

void sample_expect_text(const char *file, int line, const char *text, const char *expected) {
    cr_assert(strcmp(text, expected) == 0, "%s:%d: expected\n%s\nbut it is\n%s", file, line,
              expected, text);
}

static void cut_summary(char *changes) {
    char *summary = strstr(changes, "\n\n");
    if (summary)
        summary[1] = '\0';
}

void sample_expect(const char *file, int line, const char *desired, const char *observed,
                   const struct plan_options *options, const char *expected) {
    cleanup_arena struct arena *arena = arena_new();
    const struct plan *plan = sample_plan(arena, desired, observed, options);
    cleanup_free char *actions = sample_actions(plan);
    cleanup_free char *changes = sample_changes(plan, false);
    cut_summary(changes);
    cleanup_free char *text = format_text("%s\n%s", actions, changes);
    sample_expect_text(file, line, text, expected);
}
