/*
 * HTTP: from libwebsockets' callbacks to a request with a route, a role and a body, and from an
 * answer back to bytes. A request is answered exactly once, at once or later (while Redis or
 * PostgreSQL works on it); the client may have gone by then, which the answering side need not
 * know.
 */
#ifndef REGISTRY_HTTP_H
#define REGISTRY_HTTP_H

#include "registry/server.h"

#define MAX_BODY 69632 /* a value of 64 KiB and what stands around it */

struct request {
    struct server *server;
    struct lws *wsi; /* NULL: the client has gone */
    enum method method;
    enum role role;
    struct route route;
    struct query query;
    int64_t started_us;
    int64_t if_match; /* version; 0: not said, -1: "*" */
    bool if_none_match;
    bool closes;     /* the connection, after the answer */
    bool dispatched; /* its handler was called */
    bool waiting;    /* for a dependency */
    bool answered;
    bool lingers; /* answered; what still comes is thrown away */
    int status;
    char *body; /* NUL-terminated */
    size_t body_size;
    size_t body_expected;
    unsigned char *response; /* LWS_PRE bytes, then the answer */
    size_t response_size;
    size_t head_size; /* of the response */
};

#define JSON_TYPE "application/json"

/* Answers. `headers` are whole lines ("Name: value\r\n…") or "". The body is copied. */
void request_answer(struct request *request, int status, const char *type, const char *headers,
                    const char *body, size_t size);

/* Answers with a problem as {"error": …}. */
void request_problem(struct request *request, const struct problem *problem);

/* Answers 503: a dependency ("redis", "postgres") is away, and what of it. */
void request_unavailable(struct request *request, const char *dependency, const char *what);

/* The request goes on when a dependency has answered. */
void request_wait(struct request *request);

/* The libwebsockets protocol that serves HTTP and WebSocket, and the one that gets what
 * libwebsockets cannot parse as HTTP. */
int http_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                  size_t size);
int http_refuse_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                         size_t size);

/* What http_callback keeps for a connection. */
struct session {
    struct request *request;
    struct watcher *watcher;
};

#endif
