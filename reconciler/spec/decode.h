/*
 * Decoding: from a tree of nodes to structs by the field tables, with every problem reported at the
 * place that caused it. Shared by the decode_*.c files and the steps that follow them.
 */
#ifndef TSE_SPEC_DECODE_H
#define TSE_SPEC_DECODE_H

#include "spec/diagnostics.h"
#include "spec/tables.h"

struct variables;

struct decoder {
    struct arena *arena; /* the environment's: everything decoded lives there */
    struct diagnostics *diagnostics;
    /* To name the secret a sensitive text is made from; may be NULL. */
    const struct node *secrets; /* spec.secrets after overlaying */
    const struct variables *variables;
    const struct node *siblings; /* the map whose entry is decoded next, or NULL */
    bool incomplete;             /* a file could not be read: what is missing may be in it */
};

/* --- decode.c ------------------------------------------------------------------------------------
 */
/* Reads a map (or a kind's short form) into `object`, which is zeroed and then filled with the
 * defaults. */
void decode_object(struct decoder *decoder, const struct path *path, const struct kind_spec *kind,
                   const struct node *node, void *object);
/* Reports fields the kind does not have, all the way down, and hides the lines of secrets. Works on
 * a tree that is not yet overlaid or interpolated, so that every file's misspelt names are found.
 */
void check_fields(struct decoder *decoder, const struct path *path, const struct kind_spec *kind,
                  const struct node *node);
read_value read_object, read_objects, read_object_map;

/* --- report.c ------------------------------------------------------------------------------------
 */
/* The text of a path, "services.redis.ports[0]", or NULL for the root; in the arena. */
const char *path_text(struct arena *arena, const struct path *path);
/* Reports an error at a node, or at a key of a map. `help` may be NULL. */
void problem_at(struct decoder *decoder, const struct path *path, const struct node *node,
                const char *help, const char *format, ...) __attribute__((format(printf, 5, 6)));
void warning_at(struct decoder *decoder, const struct path *path, const struct node *node,
                const char *help, const char *format, ...) __attribute__((format(printf, 5, 6)));
void problem_at_key(struct decoder *decoder, const struct path *path, const struct entry *entry,
                    const char *help, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
/* "expected X, found Y". `help` may be NULL. */
void problem_mismatch(struct decoder *decoder, const struct path *path, const struct node *node,
                      const char *help, const char *expected);
/* `"text" is not X`. */
void problem_notation(struct decoder *decoder, const struct path *path, const struct node *node,
                      const char *expected);
/* Whether anybody would read one more suggestion or position: finding them for each of thousands of
 * problems would make hostile input quadratic. */
bool worth_the_effort(const struct diagnostics *diagnostics);
/* `did you mean "x"?` for the nearest of the candidates (NULL-terminated), or NULL. */
const char *did_you_mean(struct arena *arena, const char *word, const char *const *candidates);

/* The same among the names that a type knows, or NULL. */
const char *nearest_known(struct arena *arena, const struct value_type *type, const char *text);

/* --- decode_scalar.c -----------------------------------------------------------------------------
 */
/* The text of a scalar, or NULL after reporting that it is none, holds a secret, or is made from
 * variables in a wrong way. */
const char *scalar_text(struct decoder *decoder, const struct path *path, const struct node *node,
                        const char *expected);
/* The same in the type's canonical form, in the arena. */
const char *scalar_convert(struct decoder *decoder, const struct path *path,
                           const struct node *node, const struct value_type *type);
/* An integer within bounds; returns 0, or -1 after reporting. */
int scalar_integer(struct decoder *decoder, const struct path *path, const struct node *node,
                   long long minimum, long long maximum, const char *expected, long long *value);
/* 1 true, 0 false, -1 after reporting. */
int scalar_boolean(struct decoder *decoder, const struct path *path, const struct node *node);
/* The value of a choice; returns 0, or -1 after reporting. */
int scalar_choice(struct decoder *decoder, const struct path *path, const struct node *node,
                  const struct choice *choices, int *value);

extern const struct value_type type_text, type_any_text, type_boolean, type_tristate, type_integer,
    type_port_number, type_bytes, type_cpus, type_duration, type_choice;
extern const struct value_type type_name, type_feature, type_condition, type_image,
    type_variable_name, type_environment_name, type_target, type_host_path, type_path, type_ipv4,
    type_ip, type_cidr, type_hostname, type_host_address, type_capability, type_signal,
    type_address, type_reload_signal, type_user, type_label_key, type_sysctl, type_url_path,
    type_ulimit_name, type_characters;

/* --- decode_list.c -------------------------------------------------------------------------------
 */
extern const struct value_type type_texts, type_arguments, type_pairs, type_flags, type_hosts,
    type_tmpfs, type_object, type_objects, type_object_map, type_dependencies;

/* --- decode_service.c ----------------------------------------------------------------------------
 */
extern const struct value_type type_restart, type_mode, type_owner, type_port_text, type_ulimit,
    type_disable, type_protocol, type_test;
extern const struct choice depends_choices[];
read_value read_port_short, read_ulimit_short, read_variable_short, read_dependency_short;
read_value finish_service, finish_file, finish_mount, finish_port, finish_healthcheck,
    finish_ulimit;
void init_service(void *object);

/* --- decode_registry.c ---------------------------------------------------------------------------
 */
read_value read_password_short, read_registration_short, finish_redis, finish_registration;

#endif
