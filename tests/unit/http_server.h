/*
 * A server that misbehaves on demand, for tests of the HTTP client: threads of the test's own
 * process on a unix socket and on 127.0.0.1. What it does with a request is chosen by its path; see
 * http_server.c for the list.
 */
#ifndef TSE_TESTS_HTTP_SERVER_H
#define TSE_TESTS_HTTP_SERVER_H

#include <stdatomic.h>

struct http_server {
    char folder[32], path[64]; /* of the unix socket */
    char url[64];              /* "http://127.0.0.1:PORT" */
    char closing_url[64];      /* accepts, then closes at once */
    char refusing_url[64];     /* nobody listens there */
    atomic_int connections, requests;
};

/* Starts it; it lives as long as the test's process. */
struct http_server *http_server_start(void);

#endif
