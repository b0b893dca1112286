/* Which services are switched on: `when` names a feature, or with "!" before it the absence of one.
 */
#include "base/memory.h"
#include "spec/reading.h"

#include <string.h>

static const struct pair *find_feature(const struct pair_list *features, const char *name) {
    for (size_t i = 0; i < features->count; i++)
        if (strcmp(features->items[i].key, name) == 0)
            return &features->items[i];
    return NULL;
}

static const char *suggest_feature(struct reading *reading, const char *name) {
    const struct pair_list *features = &reading->draft.features;
    if (!worth_the_effort(reading->diagnostics))
        return NULL;
    const char **names = arena_array(reading->trees, const char *, features->count + 1);
    for (size_t i = 0; i < features->count; i++)
        names[i] = features->items[i].key;
    return did_you_mean(reading->trees, name, names);
}

static void problem_feature(struct reading *reading, const struct service_draft *draft,
                            const char *name) {
    const char *help = suggest_feature(reading, name);
    struct path services = {NULL, "services", 0};
    struct path service = {&services, draft->service.name, 0};
    struct path when = {&service, "when", 0};
    problem_at(&reading->decoder, &when, node_get(draft->node, "when"),
               help ? help : "declare it under `features` of the Environment, true or false",
               "the feature \"%s\" is not declared", name);
}

static bool is_switched_on(struct reading *reading, const struct service_draft *draft) {
    if (!draft->when)
        return true;
    bool negated = *draft->when == '!';
    const char *name = draft->when + negated;
    const struct pair *feature = find_feature(&reading->draft.features, name);
    if (!feature) {
        problem_feature(reading, draft, name);
        return true;
    }
    /* A feature that is neither true nor false was reported: nothing is to follow from it. */
    return !feature->value || (strcmp(feature->value, "true") == 0) != negated;
}

void apply_features(struct reading *reading) {
    struct environment *environment = reading->environment;
    const struct environment_draft *draft = &reading->draft;
    environment->services = arena_array(reading->arena, struct service, draft->service_count);
    for (size_t i = 0; i < draft->service_count; i++) {
        struct service_draft *service = &draft->services[i];
        if (is_switched_on(reading, service)) {
            load_files(reading, service, &service->service);
            environment->services[environment->service_count++] = service->service;
            continue;
        }
        struct switched_off *off = arena_alloc(reading->trees, sizeof *off);
        *off = (struct switched_off){.name = service->service.name, .when = service->when};
        HASH_ADD_KEYPTR(hh, reading->switched_off, off->name, strlen(off->name), off);
    }
}
