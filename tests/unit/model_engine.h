/*
 * The Docker engine in memory, as far as the planner's actions go: names are unique, a running
 * container holds its addresses and host ports, a network with running containers cannot be
 * removed, a container on a network that is gone does not start, and so on. Stricter than the real
 * one where that finds mistakes: what a container needs must be there when it is created, and
 * nothing that runs is removed.
 */
#ifndef TSE_TESTS_MODEL_ENGINE_H
#define TSE_TESTS_MODEL_ENGINE_H

#include "base/memory.h"
#include "plan/plan.h"

#define MODEL_ATTACHMENTS 12
#define MODEL_ROOM        128 /* of each kind, the removed ones counted */

struct model_network {
    int id;
    const char *name; /* on the engine */
    const char *key;  /* NULL: not ours */
    const char *own_name;
    const char *subnet; /* or NULL */
    struct field_list fields, applied;
    bool gone;
};

struct model_volume {
    const char *name, *key, *own_name;
    struct field_list fields, applied;
    int data; /* what is in it: different for each volume ever made */
    bool gone;
};

struct model_image {
    const char *name;
    int version, registry_version; /* version 0: not here */
};

struct model_attachment {
    int network; /* its id */
    const char *name;
    const char *address, *aliases;
};

struct model_container {
    const char *id, *name;
    const char *key; /* NULL: not ours */
    const char *own_name;
    int instance;
    struct field_list config, applied, files; /* without what has a place of its own below */
    const char *image;
    int image_version;
    struct model_attachment attachments[MODEL_ATTACHMENTS];
    size_t attachment_count;
    enum run_state state;
    int exit_code;
    enum health health;
    bool probed; /* healthy when last looked at */
    bool lost;   /* runs, but its ports are not published */
    bool publishes;
    const struct service *service;
    const char *created;
    int anonymous; /* what is in its anonymous volume; 0: removed with its last user */
    bool carried;  /* mounts it by name, as one that was there */
    bool gone;
};

struct model {
    struct arena *arena;
    const char *project;
    struct model_network networks[MODEL_ROOM];
    struct model_volume volumes[MODEL_ROOM];
    struct model_image images[MODEL_ROOM];
    struct model_container containers[MODEL_ROOM];
    size_t network_count, volume_count, image_count, container_count;
    const struct resource_set *desired; /* when last observed */
    int serial;
    bool all_networks; /* takes several networks at create */
    unsigned long long random;
    const char *why; /* the last action failed */
};

struct model *model_new(struct arena *arena, unsigned long long seed);

/* What the engine would report. Lives in the model's arena. */
struct resource_set model_observe(struct model *model, const struct resource_set *desired);

/* Performs one action. False, and model->why, when the engine would refuse it. */
bool model_act(struct model *model, const struct action *action);

/* A number below `limit`. */
unsigned model_random(struct model *model, unsigned limit);
bool model_chance(struct model *model, unsigned percent);

struct model_container *model_find(struct model *model, const char *target);
struct model_network *model_find_network(struct model *model, const char *name);
bool model_is_running(const struct model_container *container);
bool model_is_attached(const struct model_container *container, int network);
void model_detach(struct model_container *container, size_t index);
/* Whether its ports or addresses are held by another one that runs; says so in model->why. */
bool model_is_blocked(struct model *model, const struct model_container *container);
/* A second container just like it, stopped, under another name. */
struct model_container *model_copy(struct model *model, const struct model_container *container,
                                   const char *name);
void model_print(const struct model *model);

#endif
