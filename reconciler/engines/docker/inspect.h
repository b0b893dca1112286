/*
 * What the files that observe the engine share: the view of the engine that is being put together,
 * and how its answers become resources. Parsing never fails on unexpected types: what is not as the
 * API promises counts as not there, unless nothing can be told without it.
 */
#ifndef TSE_ENGINES_DOCKER_INSPECT_H
#define TSE_ENGINES_DOCKER_INSPECT_H

#include "engines/docker/fields.h"

#include <uthash.h>

/* The text of a member, or NULL when there is none or it is something else. */
static inline const char *docker_member(const json_t *object, const char *key) {
    return json_string_value(json_object_get(object, key));
}

struct docker_network_view { /* any network of the engine */
    const char *engine_name, *id;
    const char *name; /* in the environment, or NULL: not ours */
    bool internal;
};

struct docker_volume_view { /* any volume of the engine */
    const char *engine_name;
    const char *name; /* in the environment, or NULL: not ours */
    bool files;       /* holds the files of a service of ours */
    bool used;        /* by a container, ours or not */
    UT_hash_handle hh;
};

struct docker_image_view {
    const char *asked; /* the reference or id it was asked for by */
    const char *id;    /* NULL: no such image here */
    const char *stand_in;
    json_t *config;       /* its Config; owned by the view */
    json_t *repo_digests; /* owned by the view */
    UT_hash_handle hh;    /* by what it was asked for by */
    UT_hash_handle hh_id; /* by id, in observe.c */
};

/* A file whose state in a container is to be asked for. */
struct docker_file_check {
    size_t resource;   /* index in view.resources */
    const char *path;  /* of its field: "files./etc/app.conf" */
    const char *value; /* found; NULL: not there */
    bool secret;
    struct docker_file_check *next;
};

struct docker_view {
    struct arena *arena;   /* of what is observed */
    struct arena *entries; /* of the tables below */
    struct docker_strings *strings;
    const char *project, *environment;
    const struct resource_set *desired;
    struct name_entry *names; /* desired resources by "KIND ENGINE-NAME" */
    struct name_entry *keys;  /* and by key */

    struct docker_network_view *networks;
    size_t network_count, network_capacity;
    struct docker_volume_view *volumes; /* by engine name */
    struct docker_image_view *images;   /* by what was asked for */

    struct resource *resources; /* malloc'd until docker_view_finish() */
    size_t resource_count, resource_capacity;
    struct docker_file_check *checks; /* those of one container beside each other */
};

/* --- view.c --------------------------------------------------------------------------------------
 */
void docker_view_begin(struct docker_view *view, struct arena *arena, const char *project,
                       const char *environment, const struct resource_set *desired);
void docker_view_free(struct docker_view *view);
/* A zeroed resource at the end; its index is resource_count - 1. */
struct resource *docker_view_add(struct docker_view *view);
/* Joins the checked files into the fields of their containers, reports volumes for files that are
 * in no use, sorts, and hands everything over. */
void docker_view_finish(struct docker_view *view, struct resource_set *observed);
const char *docker_view_keep(struct docker_view *view, const char *text);
/* The desired resource that wants this name on the engine, or that has this key; or NULL. */
const struct resource *docker_view_wanted(const struct docker_view *view, const char *kind,
                                          const char *engine_name);
const struct resource *docker_view_desired(const struct docker_view *view, const char *key);
const struct docker_network_view *docker_view_network(const struct docker_view *view,
                                                      const char *engine_name, const char *id);
struct docker_volume_view *docker_view_volume(const struct docker_view *view, const char *name);
struct docker_image_view *docker_view_image(const struct docker_view *view, const char *asked);
/* Enters an image to be asked for; false when it is there already. */
bool docker_view_ask_image(struct docker_view *view, const char *asked);

/* --- inspect_objects.c: elements of lists --------------------------------------------------------
 * Each takes one object of the engine's list, and gives -1 when it makes no sense.
 */
int docker_inspect_network(struct docker_view *view, const json_t *network);
int docker_inspect_volume(struct docker_view *view, const json_t *volume);
/* GET /images/{name}/json */
int docker_inspect_image(struct docker_view *view, struct docker_image_view *image,
                         const json_t *document);

/* --- inspect.c: GET /containers/{id}/json --------------------------------------------------------
 */
/* Adds the container. Its labels say that it is ours;
 * one that has them from its image is not. -1: the document makes no sense. */
int docker_inspect_container(struct docker_view *view, const json_t *document);

/* Adds a container that is not ours, which matters only when its name is wanted; else false. */
bool docker_inspect_foreign(struct docker_view *view, const char *name, const char *id,
                            const json_t *labels);

struct docker_inspection {
    struct docker_view *view;
    const json_t *config, *host, *network_settings, *mounts;
    const json_t *image_config; /* NULL: the image is gone, or unknown */
    const struct resource *desired;
    struct resource *container;
    struct docker_fields fields;
};
bool docker_is_declared(const struct docker_inspection *inspection, const char *path);
bool docker_was_applied(const struct docker_inspection *inspection, const char *path);
/* Adds an observed value, as secret when the declared or applied one is. */
void docker_add_observed(struct docker_inspection *inspection, const char *path, const char *value);
/* The same of a value that the engine fills in: only when it is or was declared. */
void docker_add_filled(struct docker_inspection *inspection, const char *path, const char *value);
char *docker_observed_path(struct docker_inspection *inspection, const char *prefix,
                           const char *name);

void docker_inspect_config(struct docker_inspection *inspection);   /* inspect_config.c */
void docker_inspect_host(struct docker_inspection *inspection);     /* inspect_host.c */
void docker_inspect_networks(struct docker_inspection *inspection); /* inspect_networks.c */
void docker_inspect_mounts(struct docker_inspection *inspection,
                           struct docker_container_data *data); /* inspect_mounts.c */
/* Addresses and published ports. */
void docker_facts_networks(struct docker_view *view, const json_t *settings,
                           struct container_facts *facts);
/* Enters the checks of the container's files. */
void docker_inspect_files(struct docker_inspection *inspection);
/* Last-applied fields of networks that are not desired any more, under the names observe uses. */
struct field_list docker_rename_applied(struct docker_view *view, const struct field_list *applied);

/* --- array_reader.c: a list, object by object ----------------------------------------------------
 * The engine's lists can be long; this cuts them into their objects as they arrive, so that only
 * one is held at a time. `depth` says how deep the array is: 1 for [{}, {}], 2 for {"Volumes": [{},
 * {}]}.
 */
typedef int docker_array_element(void *context, const json_t *element); /* -1: give up */
struct docker_array_reader {
    int depth;
    docker_array_element *element;
    void *context;
    int level; /* of brackets open now */
    bool in_string, escaped, done, failed;
    char *text; /* of the object that has begun */
    size_t size, capacity;
};
/* Feeds the next piece, cut anywhere; false when it makes no sense or an element gave up. */
bool docker_array_feed(void *reader, const char *data, size_t size);
/* Whether the list was complete. */
bool docker_array_complete(const struct docker_array_reader *reader);
void docker_array_clear(struct docker_array_reader *reader);

#endif
