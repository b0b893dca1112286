/*
 * WS /watch: clients that are told of every change. A watcher follows the shared ring; one that
 * resumes from an older token first gets what it missed out of Redis' stream; one whose token is
 * older than the stream, and everyone when Redis lost its data, starts over with a snapshot.
 */
#ifndef REGISTRY_WATCH_H
#define REGISTRY_WATCH_H

#include "registry/routes.h"

#include <libwebsockets.h>

struct server;
struct watcher;

/* A watcher for a connection that is about to be upgraded, with its query. */
struct watcher *watch_new(struct server *server, const struct query *query);

/* The upgrade is done: it begins. */
void watch_begin(struct watcher *watcher, struct lws *wsi);

/* Its socket takes more. Non-zero: close it. */
int watch_writable(struct watcher *watcher);

/* The connection is gone (NULL is allowed). */
void watch_end(struct watcher *watcher);

/* There are new events in the ring. */
void watch_wake(struct server *server);

/* Events were missed: every watcher starts over. */
void watch_reset(struct server *server);

/* The server stops: every watcher is told to go. */
void watch_stop(struct server *server);

#endif
