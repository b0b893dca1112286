/*
 * Resources: what an engine can hold, desired or observed, as flat lists of named fields, so that
 * comparing, printing and storing them needs no knowledge of the engine. An engine compiles an
 * environment into desired resources and observes the real ones into the same form; what it must
 * tell the planner beyond the fields (how a field can change, what a container is doing) is data in
 * here. Pure: no I/O.
 */
#ifndef TSE_PLAN_RESOURCE_H
#define TSE_PLAN_RESOURCE_H

#include "spec/environment.h"

struct arena;

/* One field in canonical text: two values are equal exactly when their texts are. */
struct field {
    const char *path;  /* "resources.limits.memory", "environment.LOG_LEVEL" */
    const char *value; /* "256Mi"; lists as JSON */
    bool secret;       /* the value is compared, but never shown or stored */
};

struct field_list {
    struct field *items; /* sorted by path (strcmp), unique */
    size_t count;
};

/* What it takes to change a field of a resource that exists. */
enum field_change_by {
    CHANGE_BY_REPLACE, /* a new resource takes the old one's place */
    CHANGE_BY_UPDATE,  /* the engine changes it in place */
    CHANGE_BY_ATTACH,  /* containers' networks: disconnect and connect */
    CHANGE_BY_UPLOAD,  /* a file with a reload signal: upload it, send the signal */
    CHANGE_BY_RESTART, /* what is declared is set, but is not in effect: restart */
    CHANGE_BY_NOTHING, /* cannot be changed without losing data: refused, with a message */
    CHANGE_BY_RENAME   /* the name itself, which is no field of an engine's: set by the planner */
};

/* Rules are matched in order; the first whose prefix fits the path counts. A prefix matches whole
 * path segments: "networks" fits "networks.internal.ipv4Address". */
struct field_rule {
    const char *prefix;
    enum field_change_by change_by;
    bool reset_needs_replace; /* the engine can change the value in place, but not unset it */
    bool engine_filled; /* the engine fills it in when it is not declared: an observed value that
                           nobody declared is drift only if it was applied earlier */
};

enum lifecycle {
    LIFECYCLE_OBJECT,   /* created, replaced, removed: a network */
    LIFECYCLE_DATA,     /* like an object, but holds data: never replaced, removed only on demand */
    LIFECYCLE_IMAGE,    /* pulled when a container is to be made and it is missing, or when it is
                           outdated; never removed */
    LIFECYCLE_CONTAINER /* created, started, awaited, replaced with rollback */
};

struct resource_kind {
    const char *name; /* "network", "volume", "image", "service": as printed */
    enum lifecycle lifecycle;
    int order; /* kinds are printed and created in this order, removed in the reverse */
    const struct field_rule *rules; /* ended by a NULL prefix; what no rule fits: replace */
};

enum run_state {           /* of a container */
                 RUN_NONE, /* not a container */
                 RUN_CREATED,
                 RUN_RUNNING,
                 RUN_PAUSED,
                 RUN_RESTARTING,
                 RUN_EXITED,
                 RUN_DEAD /* or being removed: only removing it is left */
};

enum health {              /* as observed */
              HEALTH_NONE, /* no check */
              HEALTH_STARTING,
              HEALTH_HEALTHY,
              HEALTH_UNHEALTHY,
              HEALTH_UNKNOWN /* the reconciler's own check (http, tcp): only probing tells */
};

/* A container that is being replaced leaves its place in steps, each visible in names on the
 * engine, so that a killed reconciler finds its way: see plan/container.c. */
enum slot {
    SLOT_CURRENT,
    SLOT_NEXT,    /* named NAME.next: made to take over, not there yet */
    SLOT_PREVIOUS /* named NAME.previous: kept until its successor is healthy */
};

struct need {        /* something that must be there before this resource */
    const char *key; /* of the other resource, see below; for a service "service/NAME": all of its
                        instances */
    enum depends_condition condition; /* DEPENDS_STARTED for networks, volumes and images: exists */
};

/* What status shows of an observed container beyond its fields: never compared, so that values the
 * engine picks by itself (an address, a free port) can be told without becoming drift. */
struct container_facts {
    const char *image_id;
    const char *stand_in;       /* the image only imitates the named program: its label's value; or
                                   NULL */
    const char *started;        /* RFC 3339 time of the last start, or NULL */
    int restarts;               /* by the engine, since the container was made */
    struct pair_list addresses; /* network (name in the environment) → IPv4 address, sorted */
    struct port *ports;         /* as really published, with the host port the engine picked */
    size_t port_count;
};

struct resource {
    const struct resource_kind *kind;
    const char *key;         /* identity in an environment: "network/internal", "service/redis",
                                "service/redis[2]" for the second instance */
    const char *name;        /* in the environment: "internal", "redis" */
    int instance;            /* containers: from 1; else 0 */
    const char *engine_name; /* as it should be called on the engine (desired), or is (observed) */
    struct field_list fields;

    /* desired only */
    const struct need *needs;
    size_t need_count;
    const struct service *service; /* containers: what to make requests from; else NULL */
    const struct network *network; /* networks */
    const struct volume *volume;   /* volumes */
    enum pull_policy pull_policy;  /* images: the most eager of the services that use it */

    /* observed only */
    const char *id;            /* what requests address it by, so that a renamed one is found */
    struct field_list applied; /* last-applied fields, from its label */
    enum slot slot;
    enum run_state state;
    int exit_code; /* of an exited container */
    enum health health;
    bool foreign;        /* not ours: only known because its name is taken; never touched */
    const char *owner;   /* of a foreign one, for the message: "environment prod of project x" */
    bool outdated;       /* images with PULL_ALWAYS: the registry names another one than ours */
    const char *created; /* RFC 3339, or NULL */
    const struct container_facts *facts; /* containers; or NULL when the engine tells none */
    const void *engine_data;             /* the engine's own */
};

struct resource_set {
    struct resource *items; /* sorted by resource_compare() */
    size_t count;
};

/* Order: kind order, then name, instance, slot, id. */
int resource_compare(const struct resource *left, const struct resource *right);
void resource_set_sort(struct resource_set *set);

/* First resource with that key (and slot SLOT_CURRENT, not foreign), or NULL. The set is sorted. */
const struct resource *resource_find(const struct resource_set *set, const char *key);

/* Building lists: fields are added in any order, then sorted. `value` NULL adds nothing. */
struct field_builder {
    struct arena *arena;
    struct field *items;
    size_t count, capacity;
};
void field_add(struct field_builder *builder, const char *path, const char *value);
void field_add_secret(struct field_builder *builder, const char *path, const char *value);
struct field_list field_list_finish(struct field_builder *builder);
const char *field_value(const struct field_list *list, const char *path); /* or NULL */

#endif
