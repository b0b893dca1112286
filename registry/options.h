/*
 * How the server is to run: the command line (argp), and the environment for what it does not say.
 * Secrets come from the environment or from files only. Constant after options_read().
 */
#ifndef REGISTRY_OPTIONS_H
#define REGISTRY_OPTIONS_H

#include "base/error.h"

#include <stdbool.h>

struct options {
    char listen_host[64];
    int listen_port;
    int max_connections;
    char redis_host[128];
    int redis_port;
    char redis_user[64];
    char *redis_password; /* owned, never NULL */
    char *read_token;     /* owned; NULL: not set, as the others */
    char *register_token;
    char *admin_token;
    bool open_reads;
    bool verbose;
};

/* Reads the command line and the environment; --help and wrong usage end the program. Clear the
 * options afterwards, also on failure. */
int options_read(struct options *options, int argc, char **argv, struct error *error);
void options_clear(struct options *options);

#endif
