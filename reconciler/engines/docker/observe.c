/*
 * What really is on the engine: everything of an environment, and whatever else has a name that is
 * wanted. Volumes are listed before containers, so that a volume nobody uses is one nobody used;
 * images before containers are inspected, because a container's values are told from its image's.
 */
#include "engines/docker/observe.h"

#include <stdlib.h>
#include <string.h>

#define DISTRIBUTION_TIMEOUT_MS 15000

struct container_entry { /* a container of ours, from the list */
    char *id;
    struct container_entry *next;
};

/* --- lists --------------------------------------------------------------------------------------
 */

static int list_volume(void *context, const json_t *volume) {
    struct docker_observation *observation = context;
    return docker_inspect_volume(&observation->view, volume);
}

static int list_network(void *context, const json_t *network) {
    struct docker_observation *observation = context;
    return docker_inspect_network(&observation->view, network);
}

/* Volumes are in use whoever's container it is. */
static void note_volumes(struct docker_view *view, const json_t *container) {
    size_t i;
    json_t *mount;
    json_array_foreach(json_object_get(container, "Mounts"), i, mount) {
        const char *name = docker_member(mount, "Name");
        struct docker_volume_view *volume = name ? docker_view_volume(view, name) : NULL;
        if (volume)
            volume->used = true;
    }
}

static void note_foreign(struct docker_view *view, const json_t *container) {
    size_t i;
    json_t *entry;
    json_array_foreach(json_object_get(container, "Names"), i, entry) {
        const char *name = json_string_value(entry);
        if (name && docker_inspect_foreign(view, name, docker_member(container, "Id"),
                                           json_object_get(container, "Labels")))
            return;
    }
}

static int list_container(void *context, const json_t *container) {
    struct docker_observation *observation = context;
    struct docker_view *view = &observation->view;
    const char *id = docker_member(container, "Id");
    if (!id)
        return -1;
    note_volumes(view, container);
    const json_t *labels = json_object_get(container, "Labels");
    const char *instance = docker_member(labels, LABEL_INSTANCE);
    if (!docker_owned(labels, view->project, view->environment) ||
        !docker_member(labels, LABEL_NAME) || !instance || atoi(instance) < 1) {
        note_foreign(view, container);
        return 0;
    }
    if (docker_member(container, "ImageID"))
        docker_view_ask_image(view, docker_member(container, "ImageID"));
    struct container_entry *entry = memory_alloc(sizeof *entry);
    entry->id = copy_text(id);
    entry->next = observation->containers;
    observation->containers = entry;
    return 0;
}

static int answer_list(struct docker_observation *observation, struct docker_query *query,
                       const struct http_response *response, struct error *error) {
    if (response->outcome == HTTP_OK && response->status == 200 &&
        docker_array_complete(query->reader))
        return 0;
    if (query->reader->failed)
        return error_set(error, ERROR_TRANSIENT,
                         "%s: the engine's answer is not what its API promises: trying "
                         "again may pass; check that DOCKER_HOST names a Docker engine",
                         query->name);
    return docker_error(observation->engine, response, query->name, error);
}

static struct docker_query *ask_list(struct docker_observation *observation, const char *path,
                                     const char *what, int depth, docker_array_element *element) {
    struct docker_query *query = docker_ask(observation, copy_text(path), answer_list);
    query->name = format_text("cannot list %s", what);
    query->reader = memory_alloc(sizeof *query->reader);
    query->reader->depth = depth;
    query->reader->element = element;
    query->reader->context = observation;
    return query;
}

static int answer_volumes(struct docker_observation *observation, struct docker_query *query,
                          const struct http_response *response, struct error *error) {
    if (answer_list(observation, query, response, error) != 0)
        return -1;
    ask_list(observation, "/containers/json?all=1", "containers", 1, list_container);
    return 0;
}

/* --- images -------------------------------------------------------------------------------------
 */

static int answer_image(struct docker_observation *observation, struct docker_query *query,
                        const struct http_response *response, struct error *error) {
    if (response->outcome == HTTP_OK && response->status == 404)
        return 0; /* the view says so by having no id */
    cleanup_free char *what = format_text("cannot inspect image \"%s\"", query->name);
    json_auto_t *document = docker_answer_json(observation, response, what, error);
    if (!document)
        return -1;
    struct docker_image_view *image = docker_view_image(&observation->view, query->name);
    if (docker_inspect_image(&observation->view, image, document) != 0)
        return docker_error(observation->engine, response, what, error);
    return 0;
}

/* A reference goes into the path as it is: the engine's router wants its slashes. */
static char *encode_reference(const char *reference) {
    char *path = memory_alloc(3 * strlen(reference) + 1), *end = path;
    while (*reference) {
        size_t length = strcspn(reference, "/:@");
        cleanup_free char *part = format_text("%.*s", (int)length, reference);
        cleanup_free char *encoded = docker_encode(part);
        end = stpcpy(end, encoded);
        reference += length;
        if (*reference)
            *end++ = *reference++;
    }
    return path;
}

static void ask_image(struct docker_observation *observation, const char *asked) {
    cleanup_free char *encoded = encode_reference(asked);
    struct docker_query *query =
        docker_ask(observation, format_text("/images/%s/json", encoded), answer_image);
    query->name = copy_text(asked);
}

/* Images by reference are asked for with the lists; of those that containers were made from only
 * the ones that no reference has led to are left to ask for. */
static void ask_desired_images(struct docker_observation *observation) {
    const struct resource_set *desired = observation->view.desired;
    for (size_t i = 0; i < desired->count; i++)
        if (desired->items[i].kind == &docker_kind_image &&
            docker_view_ask_image(&observation->view, desired->items[i].name))
            ask_image(observation, desired->items[i].name);
}

static struct docker_image_view *images_by_id(struct docker_image_view *images) {
    struct docker_image_view *by_id = NULL, *image, *same;
    for (image = images; image; image = image->hh.next) {
        if (!image->id)
            continue;
        HASH_FIND(hh_id, by_id, image->id, strlen(image->id), same);
        if (!same)
            HASH_ADD_KEYPTR(hh_id, by_id, image->id, strlen(image->id), image);
    }
    return by_id;
}

static void ask_container_images(struct docker_observation *observation) {
    struct docker_image_view *by_id = images_by_id(observation->view.images), *image, *same;
    for (image = observation->view.images; image; image = image->hh.next) {
        if (image->id || strncmp(image->asked, "sha256:", 7) != 0)
            continue;
        HASH_FIND(hh_id, by_id, image->asked, strlen(image->asked), same);
        if (!same) {
            ask_image(observation, image->asked);
            continue;
        }
        image->id = same->id;
        image->stand_in = same->stand_in;
        image->config = json_incref(same->config);
    }
    HASH_CLEAR(hh_id, by_id);
}

static bool has_digest(const json_t *repo_digests, const char *digest) {
    size_t i;
    json_t *entry;
    json_array_foreach(repo_digests, i, entry) {
        const char *at = json_string_value(entry) ? strchr(json_string_value(entry), '@') : NULL;
        if (at && strcmp(at + 1, digest) == 0)
            return true;
    }
    return false;
}

/* Without an answer (no registry, a rate limit, a mirror that does not tell) the image that is
 * there is taken as current: nothing says that it is not. */
static int answer_distribution(struct docker_observation *observation, struct docker_query *query,
                               const struct http_response *response, struct error *error) {
    (void)error;
    json_auto_t *document = NULL;
    if (response->outcome == HTTP_OK && response->status == 200)
        document = json_loadb(response->body, response->body_size, 0, NULL);
    if (response->outcome == HTTP_OK && (response->status == 401 || response->status == 403))
        docker_registry_forget(observation->engine, query->name);
    const char *digest = docker_member(json_object_get(document, "Descriptor"), "digest");
    struct docker_image_view *image = docker_view_image(&observation->view, query->name);
    observation->view.resources[query->resource].outdated =
        digest && !has_digest(image->repo_digests, digest);
    return 0;
}

static void ask_distribution(struct docker_observation *observation, size_t resource) {
    const char *reference = observation->view.resources[resource].name;
    static const size_t name_and_end = 2;
    cleanup_free char *encoded = encode_reference(reference);
    struct docker_query *query =
        docker_ask(observation, format_text("/distribution/%s/json", encoded), answer_distribution);
    query->name = copy_text(reference);
    query->resource = resource;
    query->timeout_ms = DISTRIBUTION_TIMEOUT_MS;
    cleanup_free char *auth = docker_registry_auth(observation->engine, reference);
    if (!auth)
        return;
    query->header = format_text("X-Registry-Auth: %s", auth);
    query->headers = arena_array(observation->view.arena, const char *, name_and_end);
    ((const char **)query->headers)[0] = query->header;
}

static void add_images(struct docker_observation *observation) {
    struct docker_view *view = &observation->view;
    for (size_t i = 0; i < view->desired->count; i++) {
        const struct resource *desired = &view->desired->items[i];
        if (desired->kind != &docker_kind_image)
            continue;
        const struct docker_image_view *image = docker_view_image(view, desired->name);
        if (!image || !image->id)
            continue;
        struct resource *resource = docker_view_add(view);
        resource->kind = &docker_kind_image;
        resource->key = docker_view_keep(view, desired->key);
        resource->name = resource->engine_name = docker_view_keep(view, desired->name);
        resource->id = image->id;
        if (desired->pull_policy == PULL_ALWAYS && !strchr(desired->name, '@'))
            ask_distribution(observation, view->resource_count - 1);
    }
}

/* --- containers ---------------------------------------------------------------------------------
 */

static int answer_container(struct docker_observation *observation, struct docker_query *query,
                            const struct http_response *response, struct error *error) {
    (void)query;
    static const char what[] = "cannot inspect a container";
    if (response->outcome == HTTP_OK && response->status == 404)
        return 0; /* gone since it was listed */
    json_auto_t *document = docker_answer_json(observation, response, what, error);
    if (!document)
        return -1;
    struct docker_file_check *before = observation->view.checks;
    if (docker_inspect_container(&observation->view, document) != 0)
        return docker_error(observation->engine, response, what, error);
    docker_ask_files(observation, before);
    return 0;
}

static void ask_containers(struct docker_observation *observation) {
    while (observation->containers) {
        struct container_entry *entry = observation->containers;
        observation->containers = entry->next;
        docker_ask(observation, format_text("/containers/%s/json", entry->id), answer_container);
        free(entry->id);
        free(entry);
    }
}

static int observe_all(struct docker_observation *observation) {
    ask_list(observation, "/volumes", "volumes", 2, list_volume)->answer = answer_volumes;
    ask_list(observation, "/networks", "networks", 1, list_network);
    ask_desired_images(observation);
    if (docker_ask_all(observation) != 0)
        return -1;
    ask_container_images(observation);
    if (docker_ask_all(observation) != 0)
        return -1;
    add_images(observation);
    ask_containers(observation);
    return docker_ask_all(observation);
}

int docker_observe(struct engine *engine, struct arena *arena, const char *project,
                   const char *environment, const struct resource_set *desired,
                   struct resource_set *observed, struct error *error) {
    struct docker_observation observation = {.engine = docker_of(engine), .error = error};
    *observed = (struct resource_set){0};
    docker_view_begin(&observation.view, arena, project, environment, desired);
    int result = observe_all(&observation);
    if (result == 0)
        docker_view_finish(&observation.view, observed);
    while (observation.containers) {
        struct container_entry *next = observation.containers->next;
        free(observation.containers->id);
        free(observation.containers);
        observation.containers = next;
    }
    docker_view_free(&observation.view);
    return result;
}
