/*
 * What is wrong with a request: the HTTP status, a code for programs, a message that says what to
 * do next, and the field it is about. Checks of requests fill one; http.c answers with it.
 */
#ifndef REGISTRY_PROBLEM_H
#define REGISTRY_PROBLEM_H

struct problem {
    int status;
    const char *code; /* static text */
    char field[80];   /* "" when it is about no field */
    char message[240];
};

/* Fills a problem. `field` may be NULL. Returns -1, so that a check can `return problem_set(...)`.
 */
int problem_set(struct problem *problem, int status, const char *code, const char *field,
                const char *format, ...) __attribute__((format(printf, 5, 6)));

#endif
