/*
 * Who else is on a network that is to be replaced. The list of networks does not tell, and a
 * network is not replaced every day, so only those are asked about that are not as desired.
 */
#include "engines/docker/observe.h"

#include "plan/plan.h"

#include <string.h>

static struct resource *find(struct docker_view *view, const char *id) {
    for (size_t i = 0; i < view->resource_count; i++)
        if (view->resources[i].kind == &docker_kind_network &&
            strcmp(view->resources[i].id, id) == 0)
            return &view->resources[i];
    return NULL;
}

static bool differs(const struct docker_view *view, const struct resource *observed) {
    const struct resource *desired = docker_view_desired(view, observed->key);
    if (!desired || observed->foreign)
        return false;
    cleanup_arena struct arena *scratch = arena_new();
    struct field_change *changes;
    return strcmp(observed->engine_name, desired->engine_name) != 0 ||
           diff_fields(scratch, desired->kind, &desired->fields, &observed->fields,
                       &observed->applied, &changes) > 0;
}

/* An endpoint that no container has (any more, or yet) is listed as "ep-ID": that of a container
 * which is just being taken off, for one. It is no stranger's, and gone in a moment. */
static bool is_bare_endpoint(const char *id) {
    return strncmp(id, "ep-", 3) == 0;
}

/* One that has gone since it was listed is none of a stranger's. */
static int answer_network(struct docker_observation *observation, struct docker_query *query,
                          const struct http_response *response, struct error *error) {
    if (response->outcome == HTTP_OK && response->status == 404)
        return 0;
    json_auto_t *document =
        docker_answer_json(observation, response, "cannot inspect a network", error);
    if (!document)
        return -1;
    struct docker_view *view = &observation->view;
    struct resource *network = find(view, query->name);
    const char *id;
    json_t *endpoint;
    json_object_foreach(json_object_get(document, "Containers"), id, endpoint) {
        const char *name = docker_member(endpoint, "Name");
        if (!network || is_bare_endpoint(id) || docker_observes(observation, id))
            continue;
        network->strangers = network->strangers ? arena_format(view->arena, "%s, %s",
                                                               network->strangers, name ? name : id)
                                                : docker_view_keep(view, name ? name : id);
    }
    return 0;
}

void docker_ask_networks(struct docker_observation *observation) {
    struct docker_view *view = &observation->view;
    for (size_t i = 0; i < view->resource_count; i++) {
        const struct resource *network = &view->resources[i];
        if (network->kind != &docker_kind_network || !differs(view, network))
            continue;
        cleanup_free char *id = docker_encode(network->id);
        docker_ask(observation, format_text("/networks/%s", id), answer_network)->name =
            copy_text(network->id);
    }
}
