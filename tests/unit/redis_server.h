/*
 * A server that speaks as much of Redis' protocol as a script says, for tests: a thread of the
 * test's own process on 127.0.0.1. Each command is answered by the first rule that fits and has
 * answers left.
 */
#ifndef TSE_TESTS_REDIS_SERVER_H
#define TSE_TESTS_REDIS_SERVER_H

#include <pthread.h>
#include <stdatomic.h>

#define REDIS_CUT    "cut"    /* instead of an answer: closes the connection */
#define REDIS_SILENT "silent" /* instead of an answer: nothing, ever */

struct redis_rule {
    const char *command; /* what the command begins with: "AUTH", "GET a"; "" fits all */
    const char *answer;  /* raw: "+OK\r\n" */
    int times;           /* 0: always */
};

struct redis_server {
    char address[32];  /* "127.0.0.1:PORT" */
    char refusing[32]; /* nobody listens there */
    atomic_int connections;
    pthread_mutex_t lock;
    struct redis_rule *rules; /* ended by a NULL answer; under the lock, as is `log` */
    char log[8192];           /* the commands, one a line, words separated by spaces */
};

/* Starts it; it lives as long as the test's process. */
struct redis_server *redis_server_start(struct redis_rule *rules);

/* A copy of the log, in a static buffer. */
const char *redis_server_log(struct redis_server *server);

#endif
