/*
 * A Docker engine that answers what a test says: a thread of the test's own process on a unix
 * socket, for the answers a real engine cannot be made to give.
 */
#ifndef TSE_TESTS_DOCKER_SERVER_H
#define TSE_TESTS_DOCKER_SERVER_H

#include <pthread.h>
#include <stdatomic.h>

struct docker_answer_rule {
    const char *path; /* what the request's path, without the version, begins with */
    int status;       /* 0: the connection ends in the middle of the body; -1: no answer ever */
    const char *body;
    const char *header; /* "Name: value\r\n" or NULL */
    const char *method; /* only requests of this method, or NULL */
};

struct docker_server {
    char folder[32], path[64];
    const struct docker_answer_rule *rules; /* see docker_server_say() */
    pthread_mutex_t lock;                   /* of the rules, while one is looked up and said */
    atomic_int requests;
};

/* Starts it and points DOCKER_HOST at it; it lives as long as the test's process. */
struct docker_server *docker_server_start(void);

/* From now on the first rule that fits counts (ended by a NULL path); what none fits is 404. With
 * NULL: forget them, so that they may go away; a client that gave up may have left requests. */
void docker_server_say(struct docker_server *server, const struct docker_answer_rule *rules);

#endif
