/*
 * Names, addresses and host ports that change hands: what takes one waits for the action by which
 * its holder gives it up. Only holders that this plan takes something from are looked at: who keeps
 * what it has cannot be waited for.
 *
 * Giving up (stop, disconnect, remove, the first rename) rarely waits for anything that must be, so
 * that this hardly ever closes a cycle; where it does, it is let go.
 */
#include "plan/planner.h"

#include "base/memory.h"

#include <ctype.h>
#include <string.h>

/* --- names that two containers have of each other -----------------------------------------------
 */

static void index_names(struct planner *planner) {
    for (struct instance *instance = planner->instances; instance; instance = instance->next) {
        const char *name = instance->desired ? instance->desired->engine_name : NULL;
        struct instance *same = NULL;
        if (name)
            HASH_FIND(hh_name, planner->instances_by_name, name, strlen(name), same);
        if (name && !same)
            HASH_ADD_KEYPTR(hh_name, planner->instances_by_name, name, strlen(name), instance);
        for (struct holder *holder = instance->holders; holder; holder = holder->next) {
            const char *held = holder->resource->engine_name;
            struct holder *other;
            HASH_FIND_STR(planner->holders_by_name, held, other);
            if (!other)
                HASH_ADD_KEYPTR(hh, planner->holders_by_name, held, strlen(held), holder);
        }
    }
}

/* Any name will do: who it is, its labels tell. */
static const char *free_name(const struct planner *planner, const char *name) {
    for (unsigned number = 1;; number++) {
        const char *candidate = arena_format(planner->arena, "%s.aside%u", name, number);
        struct holder *taken;
        HASH_FIND_STR(planner->holders_by_name, candidate, taken);
        if (!taken)
            return candidate;
    }
}

const char *name_aside(struct planner *planner, const struct holder *holder) {
    if (!planner->holders_by_name)
        index_names(planner);
    const char *has = holder->resource->engine_name;
    const char *should = holder->instance->desired->engine_name;
    struct holder *taker;
    struct instance *wanting;
    HASH_FIND_STR(planner->holders_by_name, should, taker);
    HASH_FIND(hh_name, planner->instances_by_name, has, strlen(has), wanting);
    return taker && wanting ? free_name(planner, should) : NULL;
}

/* --- what holders give up -----------------------------------------------------------------------
 */

struct release {
    const char *text; /* a name, an address, a port number */
    size_t node;
    const struct instance *instance;
    struct release *same; /* another one of the same text */
    UT_hash_handle hh;
};

struct handover {
    struct planner *planner;
    struct release *releases;
};

static struct release *find(const struct handover *handover, const char *text, size_t length) {
    struct release *release;
    HASH_FIND(hh, handover->releases, text, length, release);
    return release;
}

static void give_up(struct handover *handover, const struct holder *holder, const char *text,
                    size_t length, size_t node) {
    if (node == NODE_NONE)
        return;
    struct release *release = arena_alloc(handover->planner->arena, sizeof *release);
    *release = (struct release){.text = text, .node = node, .instance = holder->instance};
    struct release *same = find(handover, text, length);
    if (same) {
        release->same = same->same;
        same->same = release;
    } else {
        HASH_ADD_KEYPTR(hh, handover->releases, release->text, length, release);
    }
}

/* Calls back for each published host port: "ports.80/tcp" = "127.0.0.1:8080,127.0.0.1:8081". The
 * host address does not count: two that differ may still overlap. */
typedef void port_visitor(void *context, const char *digits, size_t length);

static void visit_ports(const struct field *field, port_visitor *visitor, void *context) {
    if (!path_begins(field->path, "ports."))
        return;
    for (const char *at = field->value; *at;) {
        const char *end = at + strcspn(at, ","), *digits = end;
        while (digits > at && isdigit((unsigned char)digits[-1]))
            digits--;
        size_t length = (size_t)(end - digits);
        if (length && !(length == 1 && *digits == '0'))
            visitor(context, digits, length);
        at = *end ? end + 1 : end;
    }
}

static bool is_address(const struct field *field) {
    return path_begins(field->path, "networks.") &&
           strcmp(strrchr(field->path, '.'), ".ipv4Address") == 0;
}

/* The network an address is on, or NULL if the field is none. */
static const char *address_network(struct arena *arena, const struct field *field) {
    return is_address(field) ? attachment_name(arena, field->path) : NULL;
}

static void count_port(void *context, const char *digits, size_t length) {
    (void)digits;
    *(size_t *)context += length > 0;
}

bool is_taken_alone(const struct field *field) {
    size_t ports = 0;
    visit_ports(field, count_port, &ports);
    return ports > 0 || is_address(field);
}

struct giving {
    struct handover *handover;
    const struct holder *holder;
};

static void give_port(void *context, const char *digits, size_t length) {
    const struct giving *giving = context;
    give_up(giving->handover, giving->holder, digits, length, giving->holder->stopped);
}

static size_t detach_node(const struct holder *holder, const char *network) {
    for (size_t i = 0; i < holder->attachment_count; i++)
        if (strcmp(holder->attachments[i].name, network) == 0 &&
            holder->attachments[i].detach != NODE_NONE)
            return holder->attachments[i].detach;
    return holder->stopped;
}

/* What its successor will have again nobody else can want. */
static bool is_kept(const struct holder *holder, const struct field *field) {
    const struct resource *desired = holder->instance->desired;
    const char *value = desired ? field_value(&desired->fields, field->path) : NULL;
    return value && strcmp(value, field->value) == 0;
}

static void collect(struct handover *handover, const struct holder *holder) {
    const struct resource *resource = holder->resource;
    struct giving giving = {handover, holder};
    if (!is_named(resource, holder->instance->desired))
        give_up(handover, holder, resource->engine_name, strlen(resource->engine_name),
                holder->renamed);
    for (size_t i = 0; is_running(resource) && i < resource->fields.count; i++) {
        const struct field *field = &resource->fields.items[i];
        const char *network = address_network(handover->planner->arena, field);
        if ((!network && !path_begins(field->path, "ports.")) || is_kept(holder, field))
            continue;
        visit_ports(field, give_port, &giving);
        if (network)
            give_up(handover, holder, field->value, strlen(field->value),
                    detach_node(holder, network));
    }
}

/* --- what actions take --------------------------------------------------------------------------
 */

struct taking {
    struct handover *handover;
    size_t node;
};

static void take(const struct taking *taking, const char *text, size_t length) {
    struct planner *planner = taking->handover->planner;
    const char *key = planner->nodes[taking->node].action.desired->key;
    for (const struct release *release = find(taking->handover, text, length); release;
         release = release->same)
        if (strcmp(release->instance->key, key) != 0)
            node_needs(planner, taking->node, release->node, NEED_HANDOVER);
}

static void take_port(void *context, const char *digits, size_t length) {
    take(context, digits, length);
}

/* The addresses it will have on all networks, or on the one with that name on the engine. */
static void take_addresses(const struct taking *taking, const struct resource *desired,
                           const char *engine_name) {
    const struct planner *planner = taking->handover->planner;
    for (size_t i = 0; i < desired->fields.count; i++) {
        const struct field *field = &desired->fields.items[i];
        const char *name = address_network(planner->arena, field);
        const struct object *network = name ? planner_network(planner, name) : NULL;
        if (network && network->desired &&
            (!engine_name || strcmp(network->desired->engine_name, engine_name) == 0))
            take(taking, field->value, strlen(field->value));
    }
}

static void take_what_it_needs(struct handover *handover, size_t number) {
    const struct action *action = &handover->planner->nodes[number].action;
    const struct resource *desired = action->desired;
    struct taking taking = {handover, number};
    if (!desired || desired->kind->lifecycle != LIFECYCLE_CONTAINER ||
        action->undoes != ACTION_NONE)
        return;
    switch (action->verb) {
    case VERB_CREATE:
        take(&taking, action->target, strlen(action->target));
        break;
    case VERB_RENAME:
        take(&taking, action->argument, strlen(action->argument));
        break;
    case VERB_CONNECT:
        take_addresses(&taking, desired, action->argument);
        break;
    case VERB_START:
        take_addresses(&taking, desired, NULL);
        for (size_t i = 0; i < desired->fields.count; i++)
            visit_ports(&desired->fields.items[i], take_port, &taking);
        break;
    default:
        break;
    }
}

void plan_handover(struct planner *planner) {
    struct handover handover = {.planner = planner};
    for (struct instance *instance = planner->instances; instance; instance = instance->next)
        for (struct holder *holder = instance->holders; holder; holder = holder->next)
            collect(&handover, holder);
    for (size_t i = 0; handover.releases && i < planner->node_count; i++)
        take_what_it_needs(&handover, i);
    HASH_CLEAR(hh, handover.releases);
}
