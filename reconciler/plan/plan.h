/*
 * The plan: what changes, why, and the acyclic graph of actions that brings it about. A plan is
 * data. It is computed without I/O, clock or randomness from desired and observed resources, is the
 * same for the same input to the last byte, and prints as text that tests compare. The executor
 * (control/) performs it and decides nothing.
 */
#ifndef TSE_PLAN_PLAN_H
#define TSE_PLAN_PLAN_H

#include "plan/resource.h"

#include <stdio.h>

struct error;

/* One action is one API call (design, promise 2). */
enum verb {
    VERB_PULL,       /* image */
    VERB_CREATE,     /* any kind */
    VERB_REMOVE,     /* any kind; a container is stopped before, by an action of its own, and
                        `argument` says which of its volumes go too, if any */
    VERB_UPDATE,     /* container: all fields that change in place, at once */
    VERB_CONNECT,    /* container to network `argument` */
    VERB_DISCONNECT, /* container from network `argument` */
    VERB_UPLOAD,     /* files into a container: all of them (argument NULL) or one target */
    VERB_SIGNAL,     /* signal `argument` to a container */
    VERB_RENAME,     /* container to engine name `argument` */
    VERB_START,
    VERB_STOP,
    VERB_UNPAUSE,
    VERB_AWAIT, /* no call of its own: probe until `condition` holds */
    VERB_REFUSE /* no call: this cannot be done, `argument` says why; its dependents are skipped */
};

/* VERB_REMOVE of a container. Of its volumes only anonymous ones ever go, and none that another
 * container uses. */
#define REMOVE_OWN_VOLUMES "own-volumes" /* made for it; not those it has got from another one */
#define REMOVE_VOLUMES     "volumes"     /* all of them: destroy --volumes */

enum change_kind {
    CHANGE_NONE, /* nothing changes; carries the await of a dependency */
    CHANGE_CREATE,
    CHANGE_UPDATE, /* in place */
    CHANGE_REPLACE,
    CHANGE_START,
    CHANGE_UNPAUSE,
    CHANGE_RENAME,
    CHANGE_RESTART,
    CHANGE_PULL,
    CHANGE_REMOVE,
    CHANGE_FINISH, /* complete or undo a replacement that was interrupted */
    CHANGE_REFUSE  /* an error: a foreign resource has the name; a volume would have to change */
};

enum cause {
    CAUSE_SPEC,   /* the desired state changed since it was last applied */
    CAUSE_DRIFT,  /* something outside changed the resource */
    CAUSE_UNKNOWN /* both may be */
};

struct field_change {
    const char *path;
    const char *from, *to; /* NULL: not there; "(secret)" for both sides of a secret */
    enum cause cause;
    enum field_change_by change_by;
};

struct change {
    enum change_kind kind;
    const struct resource *desired;  /* NULL when removed */
    const struct resource *observed; /* NULL when created */
    const char *key;
    struct field_change *fields;
    size_t field_count;
    enum cause cause; /* of the whole: drift when anything in it is drift */
    const char *note; /* further words for people: "exited with code 137", or NULL */
};

#define ACTION_NONE SIZE_MAX

struct action {
    enum verb verb;
    size_t change;                    /* index of the change it belongs to */
    const struct resource *desired;   /* what to make the request from; NULL on remove */
    const struct resource *observed;  /* what is acted on or, for VERB_CREATE, replaced (its
                                         anonymous volumes are carried over); NULL if none */
    const char *target;               /* name or id the engine knows it by */
    const char *argument;             /* see enum verb; or NULL */
    enum depends_condition condition; /* VERB_AWAIT */
    size_t *needs; /* indices of actions that must have succeeded before; all smaller than this
                      one's own, which makes the graph acyclic by construction */
    size_t need_count;
    size_t undoes; /* not ACTION_NONE: runs only if action `undoes` has succeeded and some action of
                      its change that comes after it has failed (or was skipped because something
                      failed); the undo actions of a change run in order, one at a time, after all
                      others of the change have ended; that one fails does not stop the rest */
};

struct plan {
    struct change *changes; /* in the order they print */
    size_t change_count;
    struct action *actions;
    size_t action_count;
};

struct plan_options {
    bool create_with_all_networks; /* the engine accepts several networks at create (Docker 1.44);
                                      else the first at create, the others by VERB_CONNECT */
    bool remove_volumes;           /* destroy --volumes */
};

/* Plans. Everything lives in `arena`; the plan points into both sets. Fails only on a cycle, which
 * validation has excluded. */
int plan_make(struct arena *arena, const struct resource_set *desired,
              const struct resource_set *observed, const struct plan_options *options,
              struct plan **plan, struct error *error);

/* Changes that change something: CHANGE_NONE left out. */
size_t plan_change_count(const struct plan *plan);

/* Field differences, three-way: see plan/diff.c. */
size_t diff_fields(struct arena *arena, const struct resource_kind *kind,
                   const struct field_list *desired, const struct field_list *observed,
                   const struct field_list *applied, struct field_change **changes);

/* For people: symbols, aligned fields, causes. Ends with a summary line. */
void plan_print(const struct plan *plan, FILE *out, bool colour);

/* For tests and -o json users: each action on a line, "3 create service/redis <- 0 1". */
void plan_print_actions(const struct plan *plan, FILE *out);

/* {"changes": […], "actions": […]}. Returns a malloc'd text the caller frees. */
char *plan_json(const struct plan *plan);

const char *verb_name(enum verb verb);               /* "create" */
const char *change_kind_name(enum change_kind kind); /* "update in place" */

#endif
