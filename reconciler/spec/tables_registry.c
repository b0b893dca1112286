/* The field tables of what the registry in Redis is told: where that Redis is, and how a service is
 * registered there. */
#include "spec/decode.h"
#include "spec/tables.h"

#define IN(type, member) .offset = offsetof(type, member)
#define PLAIN                                                                                      \
    .at_offset = NO_OFFSET, .key_offset = NO_OFFSET, .sort_offset = NO_OFFSET,                     \
    .node_offset = NO_OFFSET

/* --- redis ------------------------------------------------------------------------------------ */

static const struct field_spec password_fields[] = {{.name = "secret",
                                                     .type = &type_name,
                                                     IN(struct redis_settings, secret),
                                                     .flags = FIELD_REQUIRED,
                                                     .help = "the secret that is the password"},
                                                    {0}};

const struct kind_spec kind_redis_password = {.name = "redis password",
                                              .help = "A password, by the name of a secret.",
                                              .fields = password_fields,
                                              PLAIN,
                                              .read_short = read_password_short};

static const struct field_spec redis_fields[] = {
    {.name = "service",
     .type = &type_name,
     IN(struct redis_settings, service),
     .help = "the service of this environment that it is; it is written to as soon as it is "
             "healthy"},
    {.name = "port",
     .type = &type_port_number,
     IN(struct redis_settings, port),
     .fallback = "6379",
     .help = "the port in that service's container"},
    {.name = "address",
     .type = &type_address,
     IN(struct redis_settings, address),
     .help = "HOST:PORT of a Redis elsewhere, instead of a service"},
    {.name = "user",
     .type = &type_user,
     IN(struct redis_settings, user),
     .help = "the ACL user; Redis' default user if not declared"},
    {.name = "password",
     .type = &type_object,
     .kind = &kind_redis_password,
     .help = "the user's password: {secret: NAME}"},
    {0}};

const struct kind_spec kind_redis = {
    .name = "redis",
    .help = "The Redis that the reconciler writes to: one that the environment deploys itself, or "
            "another. While it is away services are deployed all the same.",
    .fields = redis_fields,
    PLAIN,
    .finish = finish_redis};

/* --- registration ----------------------------------------------------------------------------- */

static const struct field_spec registration_fields[] = {
    {.name = "port",
     .type = &type_port_number,
     IN(struct registration, port),
     .help = "the port in the container; the target of the first of its `ports` if not declared, "
             "else its health check's"},
    {.name = "protocol",
     .type = &type_name,
     IN(struct registration, protocol),
     .help = "what is spoken there, as http, grpc or postgresql; http where that port is the one "
             "of an http check, else tcp, if not declared"},
    {.name = "tags",
     .type = &type_texts,
     IN(struct registration, tags),
     .element = &type_name,
     .help = "words to find it by; at most 32"},
    {0}};

const struct kind_spec kind_registration = {
    .name = "registration",
    .help = "What the registry is told of a service. It is no part of its containers: changing it "
            "replaces none.",
    .fields = registration_fields,
    PLAIN,
    .short_type = &type_boolean,
    .read_short = read_registration_short,
    .finish = finish_registration};
