/*
 * Names, addresses and host ports that change hands: what takes one waits for the action by which
 * its holder gives it up. Only holders that this plan takes something from are looked at: who keeps
 * what it has cannot be waited for.
 *
 * One exception: an address that the engine chose for one of ours, while another one declares it.
 * Its holder can have any other, so it is made to give it up: disconnected, and connected again
 * when the other one has taken it, or has failed to.
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

struct chosen { /* an address that the engine chose for a container that keeps it */
    const char *address;
    const struct object *network;
    struct holder *holder;
    size_t change, detach, attach; /* once it has to move */
    UT_hash_handle hh;
};

struct handover {
    struct planner *planner;
    struct release *releases;
    struct chosen *chosen;
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

static struct attachment_state *attachment_on(const struct holder *holder, const char *network) {
    for (size_t i = 0; i < holder->attachment_count; i++)
        if (strcmp(holder->attachments[i].name, network) == 0)
            return &holder->attachments[i];
    return NULL;
}

static size_t detach_node(const struct holder *holder, const char *network) {
    const struct attachment_state *attachment = attachment_on(holder, network);
    return attachment && attachment->detach != NODE_NONE ? attachment->detach : holder->stopped;
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

/* --- what the engine chose -----------------------------------------------------------------------
 */

static void collect_chosen(struct handover *handover, struct holder *holder,
                           const struct pair *address) {
    const struct planner *planner = handover->planner;
    const struct attachment_state *attachment = attachment_on(holder, address->key);
    const char *path = arena_format(planner->arena, "networks.%s.ipv4Address", address->key);
    struct chosen *chosen;
    if (!attachment || !attachment->network || field_value(&holder->resource->fields, path))
        return;
    size_t left = detach_node(holder, address->key);
    if (left != NODE_NONE) {
        give_up(handover, holder, address->value, strlen(address->value), left);
        return;
    }
    HASH_FIND_STR(handover->chosen, address->value, chosen);
    if (chosen || holder->gone != NODE_NONE || !holder->instance->desired)
        return;
    chosen = arena_alloc(planner->arena, sizeof *chosen);
    *chosen = (struct chosen){.address = address->value,
                              .network = attachment->network,
                              .holder = holder,
                              .detach = NODE_NONE};
    HASH_ADD_KEYPTR(hh, handover->chosen, chosen->address, strlen(chosen->address), chosen);
}

/* Not part of the container's own change: nothing else of that is to be undone with it. */
static void move(struct planner *planner, struct chosen *chosen, const struct resource *taker) {
    const struct resource *container = chosen->holder->resource;
    const struct resource *desired = chosen->holder->instance->desired;
    const char *target = target_of(container), *network = chosen->network->observed->engine_name;
    chosen->change = change_new(planner, CHANGE_UPDATE, desired, container);
    change_note(planner, chosen->change,
                arena_format(planner->arena, "gives up %s, which %s declares", chosen->address,
                             taker->key));
    chosen->detach =
        node_new(planner, chosen->change, VERB_DISCONNECT, desired, container, target, network);
    chosen->attach =
        node_new(planner, chosen->change, VERB_CONNECT, desired, container, target, network);
    size_t undo =
        node_new(planner, chosen->change, VERB_CONNECT, desired, container, target, network);
    planner->nodes[undo].action.undoes = chosen->detach;
    node_needs(planner, chosen->attach, chosen->detach, NEED_HARD);
}

static void take_chosen(const struct handover *handover, size_t node, const struct object *network,
                        const char *address) {
    struct planner *planner = handover->planner;
    const struct resource *taker = planner->nodes[node].action.desired;
    struct chosen *chosen;
    HASH_FIND_STR(handover->chosen, address, chosen);
    if (!chosen || chosen->network != network || !network->observed ||
        strcmp(chosen->holder->instance->key, taker->key) == 0)
        return;
    if (chosen->detach == NODE_NONE)
        move(planner, chosen, taker);
    node_needs(planner, node, chosen->detach, NEED_HANDOVER);
    node_needs(planner, chosen->attach, node, NEED_HANDOVER);
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

static void take_address(const struct taking *taking, const struct object *network,
                         const char *address) {
    take(taking, address, strlen(address));
    take_chosen(taking->handover, taking->node, network, address);
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
            take_address(taking, network, field->value);
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

static void collect_all(struct handover *handover, struct holder *holder) {
    const struct container_facts *facts = holder->resource->facts;
    collect(handover, holder);
    for (size_t i = 0; facts && is_running(holder->resource) && i < facts->addresses.count; i++)
        collect_chosen(handover, holder, &facts->addresses.items[i]);
}

void plan_handover(struct planner *planner) {
    struct handover handover = {.planner = planner};
    for (struct instance *instance = planner->instances; instance; instance = instance->next)
        for (struct holder *holder = instance->holders; holder; holder = holder->next)
            collect_all(&handover, holder);
    size_t count = planner->node_count; /* those that move take nothing */
    for (size_t i = 0; (handover.releases || handover.chosen) && i < count; i++)
        take_what_it_needs(&handover, i);
    HASH_CLEAR(hh, handover.releases);
    HASH_CLEAR(hh, handover.chosen);
}
