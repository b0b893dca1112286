/* Who may do what; see auth.h. */
#include "registry/auth.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <string.h>
#include <strings.h>

static const char *const role_names[] = {"none", "read", "register", "admin"};

static void take(struct auth *auth, enum role role, const char *token) {
    if (!token)
        return;
    SHA256((const unsigned char *)token, strlen(token), auth->digests[role]);
    auth->known[role] = true;
}

void auth_init(struct auth *auth, const struct options *options) {
    memset(auth, 0, sizeof *auth);
    auth->open_reads = options->open_reads;
    take(auth, ROLE_READ, options->read_token);
    take(auth, ROLE_REGISTER, options->register_token);
    take(auth, ROLE_ADMIN, options->admin_token);
}

enum role auth_role(const struct auth *auth, const char *authorization) {
    unsigned char digest[32];
    enum role found = ROLE_NONE;
    if (!authorization || strncasecmp(authorization, "Bearer ", 7) != 0)
        return ROLE_NONE;
    const char *token = authorization + 7;
    SHA256((const unsigned char *)token, strlen(token), digest);
    /* All are compared, whichever matches. */
    for (int role = ROLE_READ; role <= ROLE_ADMIN; role++)
        if (CRYPTO_memcmp(digest, auth->digests[role], sizeof digest) == 0 && auth->known[role])
            found = (enum role)role;
    return found;
}

int auth_check(const struct auth *auth, enum role role, enum role needed, struct problem *problem) {
    if (role >= needed || (needed == ROLE_READ && auth->open_reads))
        return 0;
    if (role == ROLE_NONE)
        return problem_set(
            problem, 401, "unauthorized", NULL,
            "send the header \"Authorization: Bearer TOKEN\" with a token of the role "
            "%s",
            role_names[needed]);
    return problem_set(problem, 403, "forbidden", NULL,
                       "this needs a token of the role %s; yours is of the role %s",
                       role_names[needed], role_names[role]);
}
