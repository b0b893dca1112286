/*
 * Networks that are made anew under the containers on them. A network cannot be changed while
 * containers are on it: they are taken off, stopped ones too (a container remembers the network's
 * id and would not start again), and put on the new one; they keep running meanwhile.
 *
 * When the old one cannot be removed, or the new one not be made, the way back puts them where they
 * were, with the addresses they had. It ends with the new network being there: putting containers
 * on that is a change of its own.
 */
#include "plan/planner.h"

#include "base/memory.h"

#include <string.h>

bool is_wanted(const struct instance *instance, const struct object *network) {
    const struct service *service = instance->desired ? instance->desired->service : NULL;
    for (size_t i = 0; service && i < service->network_count; i++)
        if (strcmp(service->networks[i].network, network->desired->name) == 0)
            return true;
    return false;
}

/* Whether the container's own change connects it again. */
static bool reconnects(const struct planner *planner, const struct holder *holder,
                       const struct attachment_state *attachment) {
    const struct instance *instance = holder->instance;
    if (holder != instance->current ||
        (instance->route != ROUTE_KEEP && instance->route != ROUTE_FINISH))
        return false;
    for (size_t i = 0; i < instance->field_count; i++) {
        const char *name = attachment_name(planner->arena, instance->fields[i].path);
        if (name && strcmp(name, attachment->name) == 0)
            return true;
    }
    return false;
}

static bool is_made(const struct object *object) {
    return object->create || object->replace;
}

/* The node that makes the network give way to the new one. */
static size_t first_node(const struct object *network) {
    return network->gone != NODE_NONE ? network->gone : network->ready;
}

static void detach(struct planner *planner, struct holder *holder,
                   struct attachment_state *attachment) {
    const struct object *network = attachment->network;
    const struct resource *real = network->observed ? network->observed : network->desired;
    attachment->detach =
        node_new(planner, network->change, VERB_DISCONNECT, holder->instance->desired,
                 holder->resource, target_of(holder->resource), real->engine_name);
    node_needs(planner, first_node(network), attachment->detach, NEED_HARD);
    chain_wait(planner, holder->instance, attachment->detach);
}

/* In which containers are put on the new network. */
static size_t change_of_moves(struct planner *planner, struct object *network) {
    if (!network->replace)
        return network->change;
    if (network->moves == CHANGE_VOID)
        network->moves = change_new(planner, CHANGE_NONE, network->desired, network->observed);
    return network->moves;
}

static void move_container(struct planner *planner, struct holder *holder,
                           struct attachment_state *attachment) {
    struct object *network = attachment->network;
    struct instance *instance = holder->instance;
    detach(planner, holder, attachment);
    if (!is_wanted(instance, network) || reconnects(planner, holder, attachment))
        return;
    size_t attach =
        node_new(planner, change_of_moves(planner, network), VERB_CONNECT, instance->desired,
                 holder->resource, target_of(holder->resource), network->desired->engine_name);
    node_needs(planner, attach, network->ready, NEED_HARD);
    chain_wait(planner, instance, attach);
    instance->reattached = true;
}

/* Containers that go anyway are waited for instead. */
static void move_containers(struct planner *planner, struct holder *holder) {
    for (size_t i = 0; i < holder->attachment_count && !holder->surplus; i++) {
        const struct object *network = holder->attachments[i].network;
        if (network && is_made(network))
            move_container(planner, holder, &holder->attachments[i]);
        else if (network && network->evacuate)
            detach(planner, holder, &holder->attachments[i]);
    }
}

/* --- the way back -------------------------------------------------------------------------------
 */

/* The old network as something to make. */
static const struct resource *as_it_was(struct planner *planner, const struct resource *observed) {
    static const char labels[] = "labels.";
    const struct field_list *fields = &observed->fields;
    struct network *network = arena_alloc(planner->arena, sizeof *network);
    struct resource *old = arena_alloc(planner->arena, sizeof *old);
    *network = (struct network){
        .name = observed->name,
        .driver = field_value(fields, "driver"),
        .subnet = field_value(fields, "subnet"),
        .gateway = field_value(fields, "gateway"),
        .internal = field_value(fields, "internal") != NULL,
        .labels.items = arena_array(planner->arena, struct pair, fields->count),
    };
    for (size_t i = 0; i < fields->count; i++)
        if (path_begins(fields->items[i].path, labels))
            network->labels.items[network->labels.count++] = (struct pair){
                .key = fields->items[i].path + sizeof labels - 1, .value = fields->items[i].value};
    *old = *observed;
    old->fields = observed->applied; /* what its label is to say */
    old->network = network;
    return old;
}

static void put_back(struct planner *planner, const struct holder *holder,
                     const struct attachment_state *attachment) {
    const struct object *network = attachment->network;
    const struct resource *container = holder->resource;
    size_t node = node_new(planner, network->change, VERB_CONNECT, NULL, container,
                           target_of(container), network->observed->engine_name);
    planner->nodes[node].action.undoes = attachment->detach;
    planner->nodes[node].action.attachment = attachment->name;
}

static bool has_address(struct planner *planner, const struct holder *holder,
                        const struct attachment_state *attachment) {
    return field_value(&holder->resource->fields,
                       arena_format(planner->arena, "networks.%s.ipv4Address", attachment->name));
}

/* Those with an address of their own come first, before another is given it. */
static void put_back_all(struct planner *planner, struct holder *holder, bool with_address) {
    for (size_t i = 0; i < holder->attachment_count; i++) {
        const struct attachment_state *attachment = &holder->attachments[i];
        const struct object *network = attachment->network;
        if (network && network->replace && attachment->detach != NODE_NONE &&
            is_wanted(holder->instance, network) &&
            has_address(planner, holder, attachment) == with_address)
            put_back(planner, holder, attachment);
    }
}

static void plan_way_back(struct planner *planner) {
    bool any = false;
    for (struct object *object = planner->objects; object; object = object->next) {
        if (!object->replace || !is_network(object->desired))
            continue;
        const struct resource *old = as_it_was(planner, object->observed);
        size_t again =
            node_new(planner, object->change, VERB_CREATE, old, NULL, old->engine_name, NULL);
        planner->nodes[again].action.undoes = object->gone;
        any = true;
    }
    for (int round = 0; any && round < 2; round++)
        for (struct instance *instance = planner->instances; instance; instance = instance->next)
            for (struct holder *holder = instance->holders; holder; holder = holder->next)
                put_back_all(planner, holder, round == 0);
}

/* --- all of it ----------------------------------------------------------------------------------
 */

void plan_networks(struct planner *planner) {
    plan_subnets(planner);
    for (struct instance *instance = planner->instances; instance; instance = instance->next)
        for (struct holder *holder = instance->holders; holder; holder = holder->next)
            move_containers(planner, holder);
    plan_way_back(planner);
}

void plan_leaving(struct planner *planner, const struct holder *holder) {
    for (size_t i = 0; i < holder->attachment_count; i++) {
        const struct attachment_state *attachment = &holder->attachments[i];
        struct object *network = attachment->network;
        if (!network)
            continue;
        size_t left = attachment->detach != NODE_NONE ? attachment->detach : holder->gone;
        if (left == NODE_NONE)
            left = holder->instance->refused;
        if (network->remove)
            node_needs(planner, network->gone, left, NEED_HARD);
        else if (is_made(network) && holder->surplus)
            node_needs(planner, first_node(network), left, NEED_HARD);
    }
}
