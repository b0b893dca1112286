/*
 * What the files of the planner share. Not for inclusion outside plan/.
 *
 * plan_make() goes through these steps, each linear in the number of resources and fields:
 *   1. index.c      joins desired and observed resources by key
 *   2. decide.c     finds for each container what is wrong and which way it is repaired
 *   3. object.c     plans networks, volumes and the like, and moves containers between networks
 *   4. container.c, replace.c   plan each container's actions, from the blocks in chain.c
 *   5. gate.c       lets starts wait for dependencies
 *   6. handover.c   lets what takes a name, an address or a port wait for who had it
 *   7. graph.c      sorts the actions so that each comes after what it needs
 */
#ifndef TSE_PLAN_PLANNER_H
#define TSE_PLAN_PLANNER_H

#include "plan/plan.h"

#include <string.h>
#include <uthash.h>

#define NODE_NONE   SIZE_MAX
#define CHANGE_VOID SIZE_MAX

enum need_strength {
    NEED_HARD,
    NEED_HANDOVER, /* dropped when it closes a cycle; then the engine decides who gets it first */
    NEED_EARLY     /* waits earlier than it must: the first to be dropped */
};

struct edge { /* that a node needs another one */
    size_t node;
    enum need_strength strength;
    struct edge *next;
};

enum node_mark { MARK_NEW, MARK_OPEN, MARK_DONE };

/* An action while it is being planned: nodes are numbered as they are made, actions as they are
 * sorted. `action.undoes` is a node's number until then. */
struct node {
    struct action action;
    struct edge *edges;
    size_t next; /* of the same change */
    size_t index;
    enum node_mark mark;
};

struct draft { /* a change while it is being planned */
    struct change change;
    size_t first, last; /* its nodes */
    size_t field_capacity;
    size_t number;
};

/* A resource that is not a container, as desired and as observed. */
struct object {
    const char *key;
    const struct resource *desired, *observed, *foreign;
    struct field_change *fields; /* of a network that is replaced */
    size_t field_count;
    bool create, replace; /* it is missing; it is there, but has to be made anew */
    bool remove;          /* no longer desired, or a second one of the same key */
    bool evacuate;        /* its containers are taken off, whatever else becomes of them */
    size_t ready; /* after which it is there: create, pull or refuse; NODE_NONE: it is there */
    size_t gone;  /* its removal */
    size_t change;
    struct object *next;
    UT_hash_handle hh; /* by key */
};

struct network_name { /* what containers' fields call a network: its name, or the engine's for it */
    const char *name;
    struct object *network;
    UT_hash_handle hh;
};

/* An observed container on a network. */
struct attachment_state {
    const char *name;       /* as the fields call it */
    struct object *network; /* or NULL: not one of ours */
    size_t detach;          /* NODE_NONE: stays */
};

/* An observed container, and which nodes make it give up what it holds. */
struct holder {
    const struct resource *resource;
    struct instance *instance;
    struct attachment_state *attachments;
    size_t attachment_count;
    bool surplus;        /* left over, or one too many: removed before anything else */
    size_t gone;         /* removed */
    size_t stopped;      /* its ports and addresses are free */
    size_t renamed;      /* its name is free */
    struct holder *next; /* of the same instance */
    UT_hash_handle hh;   /* by name on the engine */
};

enum route {
    ROUTE_KEEP,    /* nothing but what is to be changed in place */
    ROUTE_CREATE,  /* there is none, or none worth keeping */
    ROUTE_REPLACE, /* with a way back */
    ROUTE_FINISH,  /* its predecessor is still there: make sure it runs, then let that one go */
    ROUTE_REMOVE,
    ROUTE_REFUSE
};

/* A container as desired, with everything observed under its key. */
struct instance {
    const char *key;
    const struct resource *desired;
    const struct resource *foreign;
    struct holder *holders;  /* all of them */
    struct holder *current;  /* the one it is */
    struct holder *previous; /* the one to go back to */
    struct holder *failed;   /* an attempt at replacing `previous` that is given up */
    struct holder *carried;  /* whose anonymous volumes the next one gets */

    enum route route;
    const char *refusal; /* why, with ROUTE_REFUSE */
    struct field_change *fields;
    size_t field_count;
    const char *note;

    bool stays;      /* the current container does */
    bool reattached; /* a network's change connects it again */
    size_t change;
    struct edge *waits; /* what the next action of the chain needs: in the end, the last ones */
    struct edge *up;    /* what its awaits need, if that is not the same */
    size_t starts;      /* the node that makes it run, or NODE_NONE */
    size_t gated;       /* the node that must wait for the dependencies … */
    size_t gated_early; /* … and the one that waits already if it can, before anything goes down */
    size_t retire;      /* the first action that the way back does not survive */
    size_t refused;
    enum depends_condition gate; /* what "it is up" means */
    size_t awaits[3];            /* by condition */

    struct instance *sibling; /* of the same service */
    struct instance *next;
    UT_hash_handle hh;      /* by key */
    UT_hash_handle hh_name; /* by desired name on the engine */
};

struct group {       /* the desired instances of a service */
    const char *key; /* "service/NAME" */
    struct instance *first, *last;
    UT_hash_handle hh;
};

/* Most paths fail at their first letter. */
static inline bool path_begins(const char *path, const char *prefix) {
    return *path == *prefix && strncmp(path, prefix, strlen(prefix)) == 0;
}

struct planner {
    struct arena *arena;
    const struct plan_options *options;
    const struct resource **desired, **observed; /* sorted */
    size_t desired_count, observed_count;

    struct node *nodes;
    size_t node_count, node_capacity;
    struct draft *drafts;
    size_t draft_count, draft_capacity;

    struct object *objects, *last_object; /* in order */
    struct object *objects_by_key;
    struct network_name *network_names;
    struct instance *instances, *last_instance; /* in order */
    struct instance *instances_by_key;
    struct instance *instances_by_name;
    struct holder *holders_by_name;
    struct group *groups;
};

/* --- index.c ------------------------------------------------------------------------------------
 */
void planner_index(struct planner *planner, const struct resource_set *desired,
                   const struct resource_set *observed);
void planner_release(struct planner *planner);
bool is_network(const struct resource *resource);
struct object *planner_object(const struct planner *planner, const char *key);
struct group *planner_group(const struct planner *planner, const char *key);
/* The network that attachments call so, or NULL. */
struct object *planner_network(const struct planner *planner, const char *name);
/* Whether an observed resource has the name it should have; not if none is desired. */
bool is_named(const struct resource *observed, const struct resource *desired);
/* Of two resources with one key, whether the one is rather meant than the other: it has the right
 * name, or it is older. */
bool is_rather(const struct resource *one, const struct resource *other,
               const struct resource *desired);
/* The network in the path of a container's field, or NULL. */
const char *attachment_name(struct arena *arena, const char *path);

/* --- graph.c ------------------------------------------------------------------------------------
 */
size_t change_new(struct planner *planner, enum change_kind kind, const struct resource *desired,
                  const struct resource *observed);
struct change *change_at(struct planner *planner, size_t change);
void change_note(struct planner *planner, size_t change, const char *note); /* adds to it */
size_t node_new(struct planner *planner, size_t change, enum verb verb,
                const struct resource *desired, const struct resource *observed, const char *target,
                const char *argument);
/* Needs on NODE_NONE are none. */
void node_needs(struct planner *planner, size_t node, size_t needed, enum need_strength strength);
void graph_release(struct planner *planner);
/* Sorts; fails on a cycle. */
int graph_finish(struct planner *planner, struct plan *plan, struct error *error);

/* --- decide.c -----------------------------------------------------------------------------------
 */
void decide_objects(struct planner *planner);
void decide_containers(struct planner *planner);
bool change_by(const struct instance *instance, enum field_change_by change_by); /* any field */
bool is_running(const struct resource *container); /* or would be, or was paused */
bool has_completed(const struct resource *desired, const struct resource *observed);
/* Whether nothing needs to be waited for: runs and is healthy, or completed. */
bool is_settled(const struct resource *desired, const struct resource *observed);

/* --- object.c -----------------------------------------------------------------------------------
 */
void plan_objects(struct planner *planner);                                /* before containers */
void plan_removals(struct planner *planner);                               /* after them */
void object_needed(struct planner *planner, size_t node, const char *key); /* to create something */
const char *target_of(const struct resource *observed);
void plan_subnets(struct planner *planner); /* subnet.c */
/* Whether the desired container is on that network. */
bool is_wanted(const struct instance *instance, const struct object *network);

/* --- chain.c ------------------------------------------------------------------------------------
 * The actions on one container one after the other: each needs the one before, the first one needs
 * what chain_wait() has named.
 */
void chain_wait(struct planner *planner, struct instance *instance, size_t node);
size_t chain_add(struct planner *planner, struct instance *instance, enum verb verb,
                 const struct resource *observed, const char *target, const char *argument);
/* CREATE as `name` in place of `observed`, the other networks, the files. Returns the CREATE. */
size_t chain_create(struct planner *planner, struct instance *instance,
                    const struct resource *observed, const char *name);
/* START; it will wait for the dependencies. */
size_t chain_start(struct planner *planner, struct instance *instance,
                   const struct resource *observed, const char *target);
/* AWAIT, if there is none yet, after the last action. */
size_t chain_await(struct planner *planner, struct instance *instance,
                   const struct resource *observed, const char *target);
/* STOP, unless it does not run, and REMOVE. Not part of the chain. */
void plan_removal(struct planner *planner, struct instance *instance, struct holder *holder);
/* Gives a container under a wrong name its own. */
void chain_rename(struct planner *planner, struct instance *instance);
/* All that is done to a container that stays. Returns whether it is to be awaited. */
bool chain_in_place(struct planner *planner, struct instance *instance);
/* Runs only if something in the instance's change fails after `undone` has succeeded. */
void plan_undo(struct planner *planner, const struct instance *instance, size_t undone,
               enum verb verb, const struct resource *observed, const char *target,
               const char *argument);

/* --- container.c, replace.c ---------------------------------------------------------------------
 */
void plan_containers(struct planner *planner);
void plan_replacement(struct planner *planner, struct instance *instance);
void plan_finish(struct planner *planner, struct instance *instance);
/* The await of a condition, made when it is asked for first, after all else in the chain. */
size_t instance_await(struct planner *planner, struct instance *instance,
                      enum depends_condition condition);

/* --- gate.c, handover.c -------------------------------------------------------------------------
 */
void plan_gates(struct planner *planner);
void plan_handover(struct planner *planner);
/* A third name for a container whose (wrong) name another one wants while its right name is taken:
 * two that have each other's names cannot swap them. NULL: not needed. */
const char *name_aside(struct planner *planner, const struct holder *holder);

#endif
