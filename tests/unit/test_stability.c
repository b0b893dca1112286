/*
 * Eventually stable, by property: for random pairs of environments and random drift in between,
 * performing the plan on an engine in memory and planning again gives an empty plan; volumes and
 * what is somebody else's are untouched; killed after any action (also while undoing) and planned
 * anew, it converges; and a replacement that fails leaves the old container running.
 *
 * TSE_ITERATIONS pairs (default 100000), from seed TSE_SEED (default 1). A failure prints the seed
 * of its iteration: TSE_SEED=… TSE_ITERATIONS=1 repeats it.
 */
#include "model_executor.h"
#include "model_world.h"

#include "base/error.h"
#include "engines/docker/internal.h"

#include <criterion/criterion.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct walk {
    unsigned long long seed;
    struct arena *arena;
    struct model *model;
    const char *phase;
    struct resource_set desired, observed;
    struct plan *plan;
    bool lossy; /* a container's own data may have been lost to drift */
    bool remove_volumes;
};

static void give_up(struct walk *walk, const char *problem) {
    fprintf(stderr, "TSE_SEED=%llu, %s: %s\n", walk->seed, walk->phase, problem);
    if (walk->plan) {
        plan_print(walk->plan, stderr, false);
        plan_print_actions(walk->plan, stderr);
    }
    fprintf(stderr, "the engine afterwards:\n");
    model_print(walk->model);
    cr_assert(false, "TSE_SEED=%llu TSE_ITERATIONS=1: %s: %s", walk->seed, walk->phase, problem);
}

static void compile(struct walk *walk, const struct genome *genome) {
    cleanup_error struct error error = ERROR_INIT;
    const struct environment *environment = genome_environment(genome, walk->model);
    if (docker_compile(NULL, walk->arena, environment, &walk->desired, &error) < 0)
        give_up(walk, error_text(&error));
}

static void make_plan(struct walk *walk) {
    cleanup_error struct error error = ERROR_INIT;
    struct plan_options options = {.create_with_all_networks = walk->model->all_networks,
                                   .remove_volumes = walk->remove_volumes};
    walk->observed = model_observe(walk->model, &walk->desired);
    if (plan_make(walk->arena, &walk->desired, &walk->observed, &options, &walk->plan, &error) < 0)
        give_up(walk, error_text(&error));
}

static void check_order(struct walk *walk) {
    for (size_t i = 0; i < walk->plan->action_count; i++)
        for (size_t n = 0; n < walk->plan->actions[i].need_count; n++)
            if (walk->plan->actions[i].needs[n] >= i)
                give_up(walk, "an action needs a later one");
}

static void check_gates(struct walk *walk, const struct model_run *run) {
    if (run->too_early != ACTION_NONE)
        give_up(walk, arena_format(walk->arena, "action %zu came before a dependency was ready",
                                   run->too_early));
}

/* What is pulled for containers that are there may call for another plan, once it is known. */
static bool brings_news(const struct plan *plan) {
    for (size_t i = 0; i < plan->action_count; i++)
        if (plan->actions[i].verb == VERB_PULL && plan->actions[i].observed)
            return true;
    return false;
}

static void perform(struct walk *walk) {
    struct model_run_options options = {.stop_after = SIZE_MAX};
    make_plan(walk);
    check_order(walk);
    struct model_run run = model_execute(walk->model, walk->plan, &options);
    if (run.refused)
        give_up(walk, arena_format(walk->arena, "action %zu: %s", run.failed_action, run.why));
    check_gates(walk, &run);
    if (run.unready != ACTION_NONE)
        give_up(walk, arena_format(walk->arena, "action %zu: a dependency is not as it should be",
                                   run.unready));
}

/* One plan, performed to the end, and nothing is left to do. */
static void converge(struct walk *walk) {
    perform(walk);
    if (brings_news(walk->plan))
        perform(walk);
    struct plan *performed = walk->plan;
    make_plan(walk);
    if (plan_change_count(walk->plan)) {
        fprintf(stderr, "after this plan:\n");
        plan_print_actions(performed, stderr);
        give_up(walk, "there is still something to do");
    }
}

/* Volumes and strangers are as they were. */
static void check_untouched(struct walk *walk, const struct model *before) {
    const struct model *after = walk->model;
    for (size_t i = 0; i < before->volume_count; i++)
        if (memcmp(&before->volumes[i], &after->volumes[i], sizeof *before->volumes) != 0)
            give_up(walk, "a volume was touched");
    for (size_t i = 0; i < before->network_count; i++)
        if (!before->networks[i].key &&
            memcmp(&before->networks[i], &after->networks[i], sizeof *before->networks) != 0)
            give_up(walk, "a stranger's network was touched");
    for (size_t i = 0; i < before->container_count; i++)
        if (!before->containers[i].key &&
            memcmp(&before->containers[i], &after->containers[i], sizeof *before->containers) != 0)
            give_up(walk, "a stranger's container was touched");
}

/* What a container keeps in anonymous volumes is kept for its successors. */
static void check_carried(struct walk *walk, const struct model *before) {
    for (size_t i = 0; !walk->lossy && i < before->container_count; i++) {
        const struct model_container *one = &before->containers[i];
        for (size_t j = 0; j < walk->model->container_count; j++) {
            const struct model_container *other = &walk->model->containers[j];
            if (!one->gone && !other->gone && one->key && other->key &&
                strcmp(one->key, other->key) == 0 && one->anonymous != other->anonymous)
                give_up(walk, "an anonymous volume was not carried over");
        }
    }
}

static const struct model_container *by_id(const struct model *model, const char *id) {
    for (size_t i = 0; i < model->container_count; i++)
        if (strcmp(model->containers[i].id, id) == 0)
            return &model->containers[i];
    return NULL;
}

static bool is_observed(const struct walk *walk, const char *id) {
    for (size_t i = 0; i < walk->observed.count; i++)
        if (walk->observed.items[i].id && strcmp(walk->observed.items[i].id, id) == 0)
            return true;
    return false;
}

/* One action of a replacement has failed, for good: the old container runs under its name, unless
 * somebody else has got its address or port meanwhile. */
static void check_rolled_back(struct walk *walk, const struct model_run *run) {
    const struct change *change =
        &walk->plan->changes[walk->plan->actions[run->failed_action].change];
    if (run->injected != 1 || run->refused || change->kind != CHANGE_REPLACE ||
        !change->desired->service || change->observed->state != RUN_RUNNING)
        return;
    const struct model_container *old = by_id(walk->model, change->observed->id);
    walk->phase = arena_format(walk->arena, "action %zu fails", run->failed_action);
    if (old->gone)
        give_up(walk, "the old container is gone");
    for (size_t i = 0; i < walk->model->container_count; i++) {
        const struct model_container *one = &walk->model->containers[i];
        if (!one->gone && one->key && strcmp(one->key, change->key) == 0 && one != old &&
            !is_observed(walk, one->id))
            give_up(walk, "something of the new container is left");
    }
    if (old->state != RUN_RUNNING && !model_is_blocked(walk->model, old) &&
        !change->desired->service->completes)
        give_up(walk, "the old container does not run");
    if (strcmp(change->observed->engine_name, change->desired->engine_name) == 0 &&
        strcmp(old->name, change->desired->engine_name) != 0)
        give_up(walk, "the old container does not have its name");
}

/* A plan that is killed, or fails here and there. */
static void stumble(struct walk *walk) {
    bool kill = model_chance(walk->model, 50);
    make_plan(walk);
    struct model_run_options options = {
        .stop_after = SIZE_MAX,
        .fail_percent = model_chance(walk->model, 50) ? 5 : 20,
        .most_failures = 1,
    };
    if (kill && walk->plan->action_count) {
        options.stop_after = model_random(walk->model, (unsigned)walk->plan->action_count + 1);
        options.most_failures = model_random(walk->model, 4);
        options.ambiguous = model_chance(walk->model, 50);
        options.undo_fail_percent = 20;
    }
    struct model_run run = model_execute(walk->model, walk->plan, &options);
    check_gates(walk, &run);
    if (!kill && run.injected)
        check_rolled_back(walk, &run);
}

static void drift(struct walk *walk, unsigned most) {
    for (unsigned i = model_random(walk->model, most + 1); i-- > 0;)
        model_drift(walk->model, &walk->lossy);
}

/* Nothing is desired any more: nothing of ours is left but the volumes, if they are to stay. */
static void destroy(struct walk *walk) {
    struct model *before = arena_alloc(walk->arena, sizeof *before);
    walk->phase = "destroying";
    *before = *walk->model;
    walk->desired = (struct resource_set){0};
    drift(walk, 2);
    if (model_chance(walk->model, 30))
        stumble(walk);
    converge(walk);
    check_untouched(walk, before);
    walk->remove_volumes = true;
    converge(walk);
    for (size_t i = 0; i < walk->model->volume_count; i++)
        if (!walk->model->volumes[i].gone && walk->model->volumes[i].key)
            give_up(walk, "a volume is left");
    for (size_t i = 0; i < walk->model->container_count; i++)
        if (!walk->model->containers[i].gone && walk->model->containers[i].key)
            give_up(walk, "a container is left");
    for (size_t i = 0; i < walk->model->network_count; i++)
        if (!walk->model->networks[i].gone && walk->model->networks[i].key)
            give_up(walk, "a network is left");
}

static void take(struct walk *walk) {
    struct genome genome;
    walk->model->all_networks = model_chance(walk->model, 30);
    model_add_strangers(walk->model);
    genome_fill(&genome, walk->model);
    walk->phase = "from nothing";
    compile(walk, &genome);
    converge(walk);

    struct model *before = arena_alloc(walk->arena, sizeof *before);
    *before = *walk->model;
    genome_mutate(&genome, walk->model);
    drift(walk, 4);
    walk->phase = "stumbling";
    compile(walk, &genome);
    for (unsigned times = model_random(walk->model, 4); times-- > 0;) {
        stumble(walk);
        if (model_chance(walk->model, 20))
            drift(walk, 2);
        if (model_chance(walk->model, 20)) {
            genome_mutate(&genome, walk->model);
            compile(walk, &genome);
            walk->lossy = true; /* a service may have been gone for a while */
        }
    }
    walk->phase = "to the second";
    converge(walk);
    check_untouched(walk, before);
    check_carried(walk, before);
    if (model_chance(walk->model, 20))
        destroy(walk);
}

/* Strangers have some of the names: they keep them, what needs those is left out, and trying again
 * changes nothing. */
static void share(struct walk *walk) {
    static const char *const names[] = {"p-a", "p-b", "p-c-2"};
    struct model *model = walk->model, *before = arena_alloc(walk->arena, sizeof *before);
    struct model_run_options options = {.stop_after = SIZE_MAX};
    struct genome genome;
    walk->phase = "sharing";
    model_add_strangers(model);
    if (model_chance(model, 50))
        model->networks[1].name = "p-n1";
    if (model_chance(model, 50))
        model->volumes[0].name = "p-v0";
    if (model_chance(model, 50))
        model->containers[0].name = names[model_random(model, 3)];
    *before = *model;
    genome_fill(&genome, model);
    compile(walk, &genome);
    make_plan(walk);
    check_order(walk);
    model_execute(model, walk->plan, &options);
    if (brings_news(walk->plan)) {
        make_plan(walk);
        model_execute(model, walk->plan, &options);
    }
    make_plan(walk);
    size_t left = plan_change_count(walk->plan);
    model_execute(model, walk->plan, &options);
    make_plan(walk);
    if (plan_change_count(walk->plan) != left)
        give_up(walk, "trying again changed something");
    check_untouched(walk, before);
}

static unsigned long long setting(const char *name, unsigned long long otherwise) {
    const char *value = getenv(name);
    return value ? strtoull(value, NULL, 10) : otherwise;
}

/* Walks as often as the settings say, or a part of that. */
static void repeat(void (*walks)(struct walk *walk), unsigned part) {
    unsigned long long seed = setting("TSE_SEED", 1);
    unsigned long long iterations = (setting("TSE_ITERATIONS", 100000) + part - 1) / part;
    /* Each iteration frees all it took: giving it back to the system each time takes longer. */
    mallopt(M_MMAP_THRESHOLD, 1 << 30);
    mallopt(M_TRIM_THRESHOLD, 1 << 30);
    for (unsigned long long i = 0; i < iterations; i++) {
        cleanup_arena struct arena *arena = arena_new();
        struct walk walk = {.seed = seed + i, .arena = arena, .model = model_new(arena, seed + i)};
        walks(&walk);
    }
}

Test(stability, converges_from_anywhere, .timeout = 3600) {
    repeat(take, 1);
}

Test(stability, leaves_strangers_their_names, .timeout = 3600) {
    repeat(share, 10);
}
