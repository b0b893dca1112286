/*
 * Who may do what: a bearer token stands for a role, and each role may do what those below it may:
 * read < register < admin. Only digests of the tokens are kept, and they are compared in constant
 * time, so that an answer's time tells nothing about them.
 */
#ifndef REGISTRY_AUTH_H
#define REGISTRY_AUTH_H

#include "registry/options.h"
#include "registry/routes.h"

struct auth {
    unsigned char digests[ROLE_ADMIN + 1][32];
    bool known[ROLE_ADMIN + 1];
    bool open_reads;
};

void auth_init(struct auth *auth, const struct options *options);

/* The role that an Authorization header stands for; ROLE_NONE when it is NULL or unknown. */
enum role auth_role(const struct auth *auth, const char *authorization);

/* 0 when `role` may do what needs `needed`; else fills a 401 (no or a wrong token) or 403. */
int auth_check(const struct auth *auth, enum role role, enum role needed, struct problem *problem);

#endif
