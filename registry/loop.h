/*
 * The event loop as the rest sees it: descriptors and timers on libwebsockets' own poll loop. The
 * descriptors of hiredis and libpq come and go and are theirs to close, so they are not given to
 * libwebsockets one by one: they are watched by one epoll descriptor, which libwebsockets holds as
 * a raw file and polls like its own sockets.
 */
#ifndef REGISTRY_LOOP_H
#define REGISTRY_LOOP_H

#include "base/error.h"

#include <libwebsockets.h>
#include <stdbool.h>
#include <stdint.h>

struct loop {
    struct lws_context *context;
    struct lws *wsi; /* holds the epoll descriptor, and closes it */
    int epoll;
};

/* A descriptor of somebody else's. Its owner embeds this and zeroes it. */
struct source {
    void (*ready)(void *data, uint32_t events); /* EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP */
    void *data;
    int fd;
    uint32_t events;
    bool watched;
};

/* Opens the loop in a virtual host that knows the protocol `loop_protocol`. */
int loop_open(struct loop *loop, struct lws_context *context, struct lws_vhost *vhost,
              struct error *error);

/* Dispatches nothing any more. */
void loop_close(struct loop *loop);

/* Calls source->ready whenever fd is ready for one of the events (level-triggered); 0: not at all.
 * Called again, changes the events. */
void loop_watch(struct loop *loop, struct source *source, int fd, uint32_t events);

/* Stops watching; call it before the descriptor is closed. */
void loop_unwatch(struct loop *loop, struct source *source);

/* A timer that its owner embeds, zeroed. */
struct timer {
    lws_sorted_usec_list_t sul; /* first: the callback finds the timer by it */
    void (*fire)(void *data);
    void *data;
};

/* Calls timer->fire once, in `ms` milliseconds; set again, moves it. */
void timer_set(struct loop *loop, struct timer *timer, int64_t ms);
void timer_cancel(struct timer *timer);

/* Monotonic milliseconds. */
int64_t loop_now_ms(void);

/* The libwebsockets protocol behind it. */
#define LOOP_PROTOCOL_NAME "tse-loop"
int loop_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                  size_t size);

#endif
