/* Reading what has a form of its own in `redis` and `registration`. */
#include "spec/decode.h"

#include <string.h>

/* A password that was written down here is not shown, neither as a value nor as a line. */
void read_password_short(struct decoder *decoder, const struct path *path,
                         const struct field_spec *field, const struct node *node, void *object) {
    (void)field, (void)object;
    if (node->kind == NODE_NULL)
        return;
    if (node->kind == NODE_SCALAR && node->at.file)
        diagnostics_hide_lines(decoder->diagnostics, node->at.file, node->at.line,
                               node->last_line > node->at.line ? node->last_line : node->at.line);
    problem_at(decoder, path, node, "write {secret: NAME}, and declare it under `secrets`",
               "a password is given by the name of a secret");
}

static bool declared(const struct node *map, const char *name) {
    const struct node *node = node_get(map, name);
    return node && node->kind != NODE_NULL;
}

void finish_redis(struct decoder *decoder, const struct path *path, const struct field_spec *field,
                  const struct node *node, void *object) {
    (void)field;
    ((struct redis_settings *)object)->declared = true;
    const bool service = declared(node, "service"), address = declared(node, "address");
    if (service && address)
        problem_at(decoder, path, node, "keep one of them", "has both \"service\" and \"address\"");
    else if (!service && !address)
        problem_at(decoder, path, node,
                   "service: NAME is a Redis of this environment, address: HOST:PORT another one",
                   "a redis needs \"service\" or \"address\"");
    struct path port = {path, "port", 0}, user = {path, "user", 0};
    if (address && declared(node, "port"))
        problem_at(decoder, &port, node_get(node, "port"), "write it into the address: HOST:PORT",
                   "\"port\" is one of a service's container");
    if (declared(node, "user") && !declared(node, "password"))
        problem_at(decoder, &user, node_get(node, "user"), "add password: {secret: NAME}",
                   "a user needs a password");
}

/* As many as tse-registry takes of those that register themselves. */
#define MAX_TAGS 32

void finish_registration(struct decoder *decoder, const struct path *path,
                         const struct field_spec *field, const struct node *node, void *object) {
    (void)field;
    struct path tags = {path, "tags", 0};
    if (((struct registration *)object)->tags.count > MAX_TAGS)
        problem_at(decoder, &tags, node_get(node, "tags"), "leave some out",
                   "a registration has at most 32 tags");
}

/* `registration: false`; true is what holds anyway. */
void read_registration_short(struct decoder *decoder, const struct path *path,
                             const struct field_spec *field, const struct node *node,
                             void *object) {
    (void)field;
    if (node->kind == NODE_NULL)
        return;
    const char *text = scalar_text(decoder, path, node, "false, or a map (registration)");
    if (!text)
        return;
    if (strcmp(text, "false") == 0)
        ((struct registration *)object)->off = true;
    else if (strcmp(text, "true") != 0)
        problem_notation(decoder, path, node, "false, or a map (registration)");
}
