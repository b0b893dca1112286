/* The field tables of the Environment and the Stack themselves, and of networks, volumes and
 * secrets. Services are in tables_service.c. */
#include "spec/tables.h"
#include "spec/decode.h"

#include <string.h>

#define IN(type, member) .offset = offsetof(type, member)
#define MANY(type, member, number)                                                                 \
    .offset = offsetof(type, member), .count_offset = offsetof(type, number)
/* A kind whose objects are not told apart by position, name or order. */
#define PLAIN                                                                                      \
    .at_offset = NO_OFFSET, .key_offset = NO_OFFSET, .sort_offset = NO_OFFSET,                     \
    .node_offset = NO_OFFSET

const char api_version[] = "tse.io/v1alpha1";

/* --- parts ------------------------------------------------------------------------------------ */

static const struct field_spec env_file_fields[] = {
    {.name = "path",
     .type = &type_path,
     IN(struct env_file, path),
     .flags = FIELD_REQUIRED | FIELD_PATH,
     .help = "the file, relative to this one"},
    {.name = "required",
     .type = &type_boolean,
     IN(struct env_file, required),
     .fallback = "true",
     .help = "whether it is an error when there is no such file"},
    {0}};

static void read_env_file_short(struct decoder *decoder, const struct path *path,
                                const struct field_spec *field, const struct node *node,
                                void *object) {
    (void)field;
    ((struct env_file *)object)->path = scalar_convert(decoder, path, node, &type_path);
}

const struct kind_spec kind_env_file = {.name = "variable file",
                                        .help = "A file of variables in .env syntax.",
                                        .fields = env_file_fields,
                                        .size = sizeof(struct env_file),
                                        PLAIN,
                                        .short_type = &type_path,
                                        .read_short = read_env_file_short};

static const struct choice default_choices[] = {
    {"allow", SECRET_DEFAULTS_ALLOW}, {"refuse", SECRET_DEFAULTS_REFUSE}, {0}};

static const struct field_spec network_fields[] = {
    {.name = "subnet",
     .type = &type_cidr,
     IN(struct network, subnet),
     .help = "its addresses, as 172.20.0.0/24; without one the engine picks, and services cannot "
             "have addresses of their own"},
    {.name = "gateway",
     .type = &type_ipv4,
     IN(struct network, gateway),
     .help = "the host's address on it; the first of the subnet if not declared"},
    {.name = "driver",
     .type = &type_text,
     IN(struct network, driver),
     .fallback = "bridge",
     .help = "the engine's network driver"},
    {.name = "internal",
     .type = &type_boolean,
     IN(struct network, internal),
     .fallback = "false",
     .help = "whether it has no way out of the host"},
    {.name = "labels",
     .type = &type_pairs,
     IN(struct network, labels),
     .key = &type_label_key,
     .element = &type_any_text,
     .help = "labels on the engine"},
    {0}};

const struct kind_spec kind_network = {
    .name = "network",
    .help = "A network services are attached to. Services that share none cannot reach each other.",
    .fields = network_fields,
    .size = sizeof(struct network),
    .at_offset = offsetof(struct network, at),
    .key_offset = offsetof(struct network, name),
    .sort_offset = offsetof(struct network, name),
    .node_offset = NO_OFFSET,
    .key = &type_name,
    .key_help = "of the network"};

static const struct field_spec volume_fields[] = {{.name = "driver",
                                                   .type = &type_text,
                                                   IN(struct volume, driver),
                                                   .fallback = "local",
                                                   .help = "the engine's volume driver"},
                                                  {.name = "driverOptions",
                                                   .type = &type_pairs,
                                                   IN(struct volume, driver_options),
                                                   .key = &type_text,
                                                   .element = &type_any_text,
                                                   .help = "options for the driver"},
                                                  {.name = "labels",
                                                   .type = &type_pairs,
                                                   IN(struct volume, labels),
                                                   .key = &type_label_key,
                                                   .element = &type_any_text,
                                                   .help = "labels on the engine"},
                                                  {0}};

const struct kind_spec kind_volume = {
    .name = "volume",
    .help = "Data that outlives containers. Only `destroy --volumes` removes it.",
    .fields = volume_fields,
    .size = sizeof(struct volume),
    .at_offset = offsetof(struct volume, at),
    .key_offset = offsetof(struct volume, name),
    .sort_offset = offsetof(struct volume, name),
    .node_offset = NO_OFFSET,
    .key = &type_name,
    .key_help = "of the volume"};

static const struct field_spec secret_fields[] = {
    {.name = "env",
     .type = &type_variable_name,
     IN(struct secret_draft, secret.env),
     .help = "the variable its value is read from (process environment or envFiles)"},
    {.name = "file",
     .type = &type_path,
     IN(struct secret_draft, secret.file),
     .flags = FIELD_PATH,
     .help =
         "the file its value is read from when the variable is not set; one final line break is "
         "left out"},
    {.name = "default",
     .type = &type_any_text,
     IN(struct secret_draft, fallback),
     .flags = FIELD_CONFIDENTIAL,
     .help = "its value when neither is there; see defaultSecrets"},
    {.name = "characters",
     .type = &type_characters,
     IN(struct secret_draft, characters),
     .help = "what its value may consist of, as A-Za-z0-9._-: any other character is an error, so "
             "that it cannot change the meaning of a file it is put into"},
    {.name = "minLength",
     .type = &type_integer,
     IN(struct secret_draft, min_length),
     .minimum = 0,
     .maximum = 4096,
     .fallback = "0",
     .help = "how many bytes its value must have at least"},
    {0}};

const struct kind_spec kind_secret = {
    .name = "secret",
    .help = "A value that is never shown. Services refer to it by name.",
    .fields = secret_fields,
    .size = sizeof(struct secret_draft),
    .at_offset = offsetof(struct secret_draft, secret.at),
    .key_offset = offsetof(struct secret_draft, secret.name),
    .sort_offset = offsetof(struct secret_draft, secret.name),
    .node_offset = offsetof(struct secret_draft, node),
    .key = &type_name,
    .key_help = "of the secret"};

static const struct field_spec metadata_fields[] = {{.name = "name",
                                                     .type = &type_name,
                                                     IN(struct environment_draft, name),
                                                     .flags = FIELD_REQUIRED,
                                                     .help = "what it is called, as dev"},
                                                    {.name = "labels",
                                                     .type = &type_pairs,
                                                     IN(struct environment_draft, labels),
                                                     .key = &type_text,
                                                     .element = &type_any_text,
                                                     .help = "labels, for other tools"},
                                                    {.name = "annotations",
                                                     .type = &type_pairs,
                                                     IN(struct environment_draft, annotations),
                                                     .key = &type_text,
                                                     .element = &type_any_text,
                                                     .help = "annotations, for other tools"},
                                                    {0}};

const struct kind_spec kind_metadata = {
    .name = "metadata", .help = "What it is called.", .fields = metadata_fields, PLAIN};

/* --- spec ------------------------------------------------------------------------------------- */

static const struct field_spec spec_fields[] = {
    {.name = "project",
     .type = &type_name,
     IN(struct environment_draft, project),
     .flags = FIELD_ENVIRONMENT_ONLY,
     .help = "the prefix of every name on the engine; metadata.name if not declared"},
    {.name = "include",
     .type = &type_texts,
     IN(struct environment_draft, include),
     .element = &type_path,
     .flags = FIELD_PATH | FIELD_APPLIED,
     .help = "Stacks this one is laid over, in this order; paths relative to this file"},
    {.name = "envFiles",
     .type = &type_objects,
     MANY(struct environment_draft, env_files, env_file_count),
     .kind = &kind_env_file,
     .flags = FIELD_ENVIRONMENT_ONLY,
     .help = "files of variables in .env syntax; later ones win, the process environment wins over "
             "all"},
    {.name = "defaultSecrets",
     .type = &type_choice,
     IN(struct environment_draft, secret_defaults),
     .choices = default_choices,
     .fallback = "allow",
     .flags = FIELD_ENVIRONMENT_ONLY,
     .help = "whether secrets may have their default values"},
    {.name = "features",
     .type = &type_flags,
     IN(struct environment_draft, features),
     .key = &type_feature,
     .element = &type_any_text,
     .flags = FIELD_ENVIRONMENT_ONLY,
     .help = "what is switched on (true) or off (false); services say `when`"},
    {.name = "networks",
     .type = &type_object_map,
     MANY(struct environment_draft, networks, network_count),
     .kind = &kind_network,
     .help = "networks by name"},
    {.name = "volumes",
     .type = &type_object_map,
     MANY(struct environment_draft, volumes, volume_count),
     .kind = &kind_volume,
     .help = "volumes by name"},
    {.name = "secrets",
     .type = &type_object_map,
     MANY(struct environment_draft, secrets, secret_count),
     .kind = &kind_secret,
     .help = "secrets by name"},
    {.name = "services",
     .type = &type_object_map,
     MANY(struct environment_draft, services, service_count),
     .kind = &kind_service,
     .help = "services by name"},
    {.name = "redis",
     .type = &type_object,
     IN(struct environment_draft, redis),
     .kind = &kind_redis,
     .help = "the Redis that services are registered in; without it none are"},
    {0}};

const struct kind_spec kind_environment_spec = {
    .name = "spec", .help = "The desired state.", .fields = spec_fields, PLAIN};
const struct kind_spec kind_stack_spec = {.name = "Stack's spec",
                                          .help = "A part of the desired state.",
                                          .fields = spec_fields,
                                          .without = FIELD_ENVIRONMENT_ONLY,
                                          PLAIN};

static const struct choice version_choices[] = {{api_version, 1}, {0}};
static const struct choice environment_choices[] = {{"Environment", 1}, {0}};
static const struct choice stack_choices[] = {{"Stack", 1}, {0}};

#define ROOT_FIELDS(kinds, spec_kind)                                                              \
    {                                                                                              \
        {.name = "apiVersion",                                                                     \
         .type = &type_choice,                                                                     \
         IN(struct environment_draft, api_version),                                                \
         .choices = version_choices,                                                               \
         .flags = FIELD_REQUIRED,                                                                  \
         .help = "the version of this format"},                                                    \
            {.name = "kind",                                                                       \
             .type = &type_choice,                                                                 \
             IN(struct environment_draft, kind),                                                   \
             .choices = (kinds),                                                                   \
             .flags = FIELD_REQUIRED,                                                              \
             .help = "what this file declares"},                                                   \
            {.name = "metadata",                                                                   \
             .type = &type_object,                                                                 \
             .kind = &kind_metadata,                                                               \
             .flags = FIELD_REQUIRED,                                                              \
             .help = "what it is called"},                                                         \
            {.name = "spec",                                                                       \
             .type = &type_object,                                                                 \
             .kind = &(spec_kind),                                                                 \
             .flags = FIELD_REQUIRED | FIELD_INLINE,                                               \
             .help = "the desired state"},                                                         \
        {                                                                                          \
            0                                                                                      \
        }                                                                                          \
    }

static const struct field_spec environment_fields[] =
    ROOT_FIELDS(environment_choices, kind_environment_spec);
static const struct field_spec stack_fields[] = ROOT_FIELDS(stack_choices, kind_stack_spec);

const struct kind_spec kind_environment = {
    .name = "Environment",
    .help = "The desired state of one deployment. Overlaying follows JSON Merge Patch (RFC 7386): "
            "maps merge, lists replace, null removes.",
    .fields = environment_fields,
    .size = sizeof(struct environment_draft),
    PLAIN};

const struct kind_spec kind_stack = {.name = "Stack",
                                     .help = "A reusable part that Environments include.",
                                     .fields = stack_fields,
                                     .size = sizeof(struct environment_draft),
                                     PLAIN};
