/*
 * What a connection to a dependency is, whichever it is: away, connecting or up, with a backoff
 * between attempts and a deadline for whatever it has to answer.
 */
#ifndef REGISTRY_LINK_H
#define REGISTRY_LINK_H

#include "registry/loop.h"

#define LINK_DEADLINE_MS 2000 /* without an answer for so long, a dependency counts as away */

enum link_state { LINK_DOWN, LINK_CONNECTING, LINK_UP };

struct link {
    struct loop *loop;
    const char *name; /* static: "redis", "redis-stream", "postgres" */
    enum link_state state;
    struct source source;
    struct timer retry;
    struct timer deadline;
    int64_t backoff_ms;
    bool ended;               /* by link_stop */
    unsigned long reconnects; /* times it came up */
    void (*connect)(void *data);
    void (*expired)(void *data); /* the deadline passed: close it */
    void *data;
};

/* Prepares a link; connect is called by link_start and by each retry. */
void link_init(struct link *link, struct loop *loop, const char *name, void (*connect)(void *),
               void (*expired)(void *), void *data);

/* It begins to connect: state and deadline. */
void link_connecting(struct link *link);

/* It is up: forgets the backoff. Logs it. */
void link_up(struct link *link);

/* It is down, for the reason given (logged when it was up, or the first time); tries again after
 * the backoff, 50 ms doubling to 2 s. */
void link_down(struct link *link, const char *reason);

/* Something is awaited since `ms` milliseconds ago; or nothing is. */
void link_await(struct link *link, int64_t ms_left);
void link_idle(struct link *link);

/* Ends it for good. */
void link_stop(struct link *link);

#endif
