/*
 * The lifecycle of containers: what is left over goes, what is missing is made, and what differs is
 * changed in the least disruptive way: rename, unpause, update, disconnect and connect, upload and
 * signal, restart, start. Replacing is in replace.c, waiting for others in gate.c.
 */
#include "plan/planner.h"

#include "base/memory.h"

#include <string.h>

/* --- what is done to a container that stays -----------------------------------------------------
 */

void chain_rename(struct planner *planner, struct instance *instance) {
    struct holder *holder = instance->current;
    const char *name = instance->desired->engine_name, *target = target_of(holder->resource);
    if (is_named(holder->resource, instance->desired))
        return;
    const char *aside = name_aside(planner, holder);
    if (aside)
        holder->renamed =
            chain_add(planner, instance, VERB_RENAME, holder->resource, target, aside);
    size_t renamed = chain_add(planner, instance, VERB_RENAME, holder->resource, target, name);
    if (holder->renamed == NODE_NONE)
        holder->renamed = renamed;
}

/* What a file read at its start only is signalled for, or nothing. */
static const char *reload_signal(const struct instance *instance, const char *target) {
    const struct service *service = instance->desired->service;
    for (size_t i = 0; service && i < service->file_count; i++)
        if (strcmp(service->files[i].target, target) == 0)
            return service->files[i].reload_signal;
    return NULL;
}

/* "reloadable./etc/redis.conf" → "/etc/redis.conf" */
static const char *file_of(const struct field_change *field) {
    const char *dot = strchr(field->path, '.');
    return field->change_by == CHANGE_BY_UPLOAD && dot ? dot + 1 : NULL;
}

static void upload_files(struct planner *planner, struct instance *instance, enum verb verb) {
    const struct resource *observed = instance->current->resource;
    for (size_t i = 0; i < instance->field_count; i++) {
        const char *file = file_of(&instance->fields[i]);
        if (file)
            chain_add(planner, instance, verb, observed, target_of(observed), file);
    }
}

/* Each signal once, after all files. */
static void send_signals(struct planner *planner, struct instance *instance) {
    const struct resource *observed = instance->current->resource;
    for (size_t i = 0; i < instance->field_count; i++) {
        const char *file = file_of(&instance->fields[i]);
        const char *signal = file ? reload_signal(instance, file) : NULL;
        bool sent = false;
        for (size_t j = 0; signal && j < i && !sent; j++) {
            const char *other = file_of(&instance->fields[j]);
            const char *before = other ? reload_signal(instance, other) : NULL;
            sent = before && strcmp(before, signal) == 0;
        }
        if (signal && !sent)
            chain_add(planner, instance, VERB_SIGNAL, observed, target_of(observed), signal);
    }
}

static struct attachment_state *attachment_of(const struct holder *holder, const char *name) {
    for (size_t i = 0; i < holder->attachment_count; i++)
        if (strcmp(holder->attachments[i].name, name) == 0)
            return &holder->attachments[i];
    return NULL;
}

/* Of a network that is none of the environment's: without the brackets. */
static const char *engine_name_of(struct planner *planner, const char *name) {
    size_t length = strlen(name);
    return *name == '[' ? arena_copy_n(planner->arena, name + 1, length - 2) : name;
}

static void disconnect(struct planner *planner, struct instance *instance, const char *name) {
    const struct resource *observed = instance->current->resource;
    struct attachment_state *attachment = attachment_of(instance->current, name);
    if (!attachment || attachment->detach != NODE_NONE)
        return;
    const struct object *network = attachment->network;
    const struct resource *real = !network            ? NULL
                                  : network->observed ? network->observed
                                                      : network->desired;
    attachment->detach =
        chain_add(planner, instance, VERB_DISCONNECT, observed, target_of(observed),
                  real ? real->engine_name : engine_name_of(planner, name));
}

static void connect(struct planner *planner, struct instance *instance, const char *name) {
    const struct resource *observed = instance->current->resource;
    const struct object *network = planner_network(planner, name);
    if (!network || !network->desired || !is_wanted(instance, network))
        return;
    size_t node = chain_add(planner, instance, VERB_CONNECT, observed, target_of(observed),
                            network->desired->engine_name);
    node_needs(planner, node, object_ready(planner, network, instance->desired), NEED_HARD);
}

/* It stays where it is when it could not come back. */
static void wait_for_refused(struct planner *planner, struct instance *instance, const char *name) {
    const struct object *network = planner_network(planner, name);
    if (network && network->refused && is_wanted(instance, network))
        chain_wait(planner, instance, object_ready(planner, network, instance->desired));
}

typedef void attachment_visitor(struct planner *planner, struct instance *instance,
                                const char *name);

/* First everything off, then on: addresses may change places. */
static void reconnect(struct planner *planner, struct instance *instance) {
    static attachment_visitor *const rounds[] = {wait_for_refused, disconnect, connect};
    for (size_t round = 0; round < sizeof rounds / sizeof *rounds; round++) {
        const char *last = NULL;
        for (size_t i = 0; i < instance->field_count; i++) {
            if (instance->fields[i].change_by != CHANGE_BY_ATTACH)
                continue;
            const char *name = attachment_name(planner->arena, instance->fields[i].path);
            if (!name || (last && strcmp(last, name) == 0))
                continue;
            last = name;
            rounds[round](planner, instance, name);
        }
    }
}

/* An exited container starts on networks and volumes that have just been made. */
static void start(struct planner *planner, struct instance *instance) {
    const struct resource *desired = instance->desired, *observed = instance->current->resource;
    size_t node = chain_start(planner, instance, observed, target_of(observed));
    for (size_t i = 0; i < desired->need_count; i++) {
        const struct object *object = planner_object(planner, desired->needs[i].key);
        if (object && (object->create || object->replace))
            node_needs(planner, node, object->ready, NEED_HARD);
    }
}

bool chain_in_place(struct planner *planner, struct instance *instance) {
    struct holder *holder = instance->current;
    const struct resource *observed = holder->resource;
    const char *target = target_of(observed);
    bool runs = is_running(observed), completed = has_completed(instance->desired, observed);
    bool uploads = change_by(instance, CHANGE_BY_UPLOAD);
    bool restarts = runs && (change_by(instance, CHANGE_BY_RESTART) ||
                             (uploads && observed->state == RUN_RESTARTING));
    instance->stays = true;
    chain_rename(planner, instance);
    if (observed->state == RUN_PAUSED && !restarts)
        instance->starts = chain_add(planner, instance, VERB_UNPAUSE, observed, target, NULL);
    if (change_by(instance, CHANGE_BY_UPDATE))
        chain_add(planner, instance, VERB_UPDATE, observed, target, NULL);
    if (restarts)
        instance->gated_early = holder->stopped =
            chain_add(planner, instance, VERB_STOP, observed, target, NULL);
    reconnect(planner, instance);
    /* Nothing on the engine tells whether a signal was sent. So the file says it: staged before,
     * uploaded as it shall stay after. */
    if (runs && !restarts) {
        upload_files(planner, instance, VERB_STAGE);
        send_signals(planner, instance);
    }
    upload_files(planner, instance, VERB_UPLOAD);
    if (restarts || (!runs && !completed))
        start(planner, instance);
    if (completed)
        return false;
    return instance->starts != NODE_NONE || uploads || instance->reattached ||
           change_by(instance, CHANGE_BY_ATTACH) || !is_settled(instance->desired, observed);
}

/* --- which change it is -------------------------------------------------------------------------
 */

static enum change_kind kind_in_place(const struct instance *instance) {
    const struct resource *observed = instance->current->resource;
    if (!is_running(observed) && !has_completed(instance->desired, observed))
        return CHANGE_START;
    if (change_by(instance, CHANGE_BY_RESTART))
        return CHANGE_RESTART;
    size_t renames = change_by(instance, CHANGE_BY_RENAME) ? 1 : 0;
    if (instance->field_count > renames)
        return CHANGE_UPDATE;
    if (observed->state == RUN_PAUSED)
        return CHANGE_UNPAUSE;
    return instance->field_count ? CHANGE_RENAME : CHANGE_NONE;
}

static const struct holder *first_surplus(const struct instance *instance) {
    for (const struct holder *holder = instance->holders; holder; holder = holder->next)
        if (holder->surplus)
            return holder;
    return NULL;
}

static enum change_kind kind_of(const struct instance *instance) {
    const struct holder *surplus = first_surplus(instance);
    switch (instance->route) {
    case ROUTE_CREATE:
        return surplus && surplus->resource->slot == SLOT_CURRENT ? CHANGE_REPLACE : CHANGE_CREATE;
    case ROUTE_REPLACE:
        return CHANGE_REPLACE;
    case ROUTE_FINISH:
        return CHANGE_FINISH;
    case ROUTE_REMOVE:
        return CHANGE_REMOVE;
    case ROUTE_REFUSE:
        return CHANGE_REFUSE;
    case ROUTE_KEEP:
        break;
    }
    enum change_kind kind = kind_in_place(instance);
    if (kind != CHANGE_NONE || !surplus)
        return kind;
    return surplus->resource->slot == SLOT_CURRENT ? CHANGE_REMOVE : CHANGE_FINISH;
}

static void note_state(struct planner *planner, const struct instance *instance) {
    const struct resource *observed = instance->current->resource;
    switch (observed->state) {
    case RUN_CREATED:
        change_note(planner, instance->change, "it was never started");
        break;
    case RUN_EXITED:
        if (has_completed(instance->desired, observed))
            break;
        change_note(planner, instance->change,
                    arena_format(planner->arena, "exited with code %d", observed->exit_code));
        break;
    case RUN_PAUSED:
        change_note(planner, instance->change, "it is paused");
        break;
    default:
        break;
    }
}

/* Drift when anything in it is. */
static enum cause cause_of(const struct instance *instance, enum change_kind kind) {
    bool unknown = kind == CHANGE_CREATE || kind == CHANGE_FINISH;
    for (size_t i = 0; i < instance->field_count; i++) {
        if (instance->fields[i].cause == CAUSE_DRIFT)
            return CAUSE_DRIFT;
        unknown |= instance->fields[i].cause == CAUSE_UNKNOWN;
    }
    if (instance->route == ROUTE_KEEP && instance->current->resource->state == RUN_PAUSED)
        return CAUSE_DRIFT;
    if (kind == CHANGE_START)
        return instance->current->resource->state == RUN_EXITED ? CAUSE_DRIFT : CAUSE_UNKNOWN;
    return unknown ? CAUSE_UNKNOWN : CAUSE_SPEC;
}

static void set_change(struct planner *planner, struct instance *instance) {
    enum change_kind kind = kind_of(instance);
    const struct holder *holder = instance->current ? instance->current : instance->holders;
    const struct resource *observed = holder ? holder->resource : NULL;
    if (kind == CHANGE_REFUSE && instance->refused_by)
        observed = instance->refused_by;
    if (kind == CHANGE_NONE || (!observed && !instance->desired))
        return;
    instance->change = change_new(planner, kind, instance->desired, observed);
    struct change *change = change_at(planner, instance->change);
    change->fields = instance->fields;
    change->field_count = instance->field_count;
    change->cause = cause_of(instance, kind);
    if (instance->route == ROUTE_KEEP)
        note_state(planner, instance);
}

/* --- all of them --------------------------------------------------------------------------------
 */

static const char *surplus_note(struct planner *planner, const struct holder *holder) {
    const struct resource *resource = holder->resource;
    const char *why = "a second one";
    if (resource->slot != SLOT_CURRENT)
        why = "left over";
    else if (resource->state == RUN_DEAD)
        why = "which is dead";
    else if (resource->state == RUN_CREATED)
        why = "which never ran";
    return arena_format(planner->arena, "removes container \"%s\", %s", resource->engine_name, why);
}

static void remove_surplus(struct planner *planner, struct instance *instance) {
    for (struct holder *holder = instance->holders; holder; holder = holder->next) {
        if (!holder->surplus)
            continue;
        plan_removal(planner, instance, holder);
        chain_wait(planner, instance, holder->gone);
        if (instance->desired)
            change_note(planner, instance->change, surplus_note(planner, holder));
    }
}

static void create(struct planner *planner, struct instance *instance) {
    const struct resource *desired = instance->desired;
    const struct holder *carried = instance->carried;
    chain_create(planner, instance, carried ? carried->resource : NULL, desired->engine_name);
    chain_start(planner, instance, NULL, desired->engine_name);
    chain_await(planner, instance, NULL, desired->engine_name);
}

static void keep(struct planner *planner, struct instance *instance) {
    if (chain_in_place(planner, instance))
        instance_await(planner, instance, instance->gate);
}

static void plan_container(struct planner *planner, struct instance *instance) {
    set_change(planner, instance);
    if (instance->route == ROUTE_REFUSE) {
        instance->refused = node_new(planner, instance->change, VERB_REFUSE, instance->desired,
                                     change_at(planner, instance->change)->observed,
                                     instance->desired->engine_name, instance->refusal);
        change_note(planner, instance->change, instance->refusal);
        return;
    }
    if (instance->change != CHANGE_VOID)
        remove_surplus(planner, instance);
    switch (instance->route) {
    case ROUTE_CREATE:
        create(planner, instance);
        break;
    case ROUTE_KEEP:
        keep(planner, instance);
        break;
    case ROUTE_REPLACE:
        plan_replacement(planner, instance);
        break;
    case ROUTE_FINISH:
        plan_finish(planner, instance);
        break;
    default:
        break;
    }
}

void plan_containers(struct planner *planner) {
    for (struct instance *instance = planner->instances; instance; instance = instance->next)
        plan_container(planner, instance);
}
