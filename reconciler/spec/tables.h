/*
 * The field tables: every field of the desired state is described once, here. Reading, validation,
 * "did you mean", the CRD's OpenAPI schema, the editor's JSON Schema and the reference
 * documentation all walk these tables; no field is named anywhere else.
 *
 * A kind (kind_spec) is a struct's worth of fields. A field (field_spec) has a name, a type, the
 * place its value goes to, a default and one line of help. A type (value_type) knows how a value is
 * written: its notation in words, as a regular expression for the schemas, and the function that
 * reads it.
 */
#ifndef TSE_SPEC_TABLES_H
#define TSE_SPEC_TABLES_H

#include "spec/environment.h"
#include "spec/node.h"

struct decoder;
struct field_spec;

/* Where a value was found, for messages: a list linked through the C stack. */
struct path {
    const struct path *parent;
    const char *key; /* NULL: a list item, see index */
    size_t index;
};

/* How a value looks in JSON, for the schemas. */
enum shape {
    SHAPE_STRING,
    SHAPE_INTEGER,
    SHAPE_BOOLEAN,
    SHAPE_NUMBER_OR_STRING, /* "256Mi" and 1048576 */
    SHAPE_SCALAR,           /* any text, number or boolean */
    SHAPE_STRINGS,          /* a list of the field's element type */
    SHAPE_ARGUMENTS,        /* a list of strings, or a string */
    SHAPE_PAIRS,            /* a map from names to scalars */
    SHAPE_PAIRS_OR_STRINGS, /* a map from names to scalars, or a list of strings */
    SHAPE_OBJECT,           /* of the field's kind, as are the next two */
    SHAPE_OBJECTS,          /* a list */
    SHAPE_OBJECT_MAP        /* a map from names */
};

/* Reads `node` into the field of `object`; problems go to the decoder's diagnostics. */
typedef void read_value(struct decoder *decoder, const struct path *path,
                        const struct field_spec *field, const struct node *node, void *object);

/* Returns the canonical form of a text in the arena, or NULL when it is not in the notation. */
typedef const char *convert_text(struct arena *arena, const char *text);

struct value_type {
    const char *name;     /* in the reference: "duration" */
    const char *expected; /* in errors, after "is not": "a duration such as 90s or 1m30s" */
    const char *pattern;  /* regular expression of the text (common to POSIX and ECMA 262), or NULL
                             when any text will do; agrees with `convert`, which a test checks */
    enum shape shape;
    read_value *read;
    convert_text *convert; /* texts, and keys and elements of maps and lists */
    unsigned min_length;   /* of the text */
};

struct choice {
    const char *text; /* NULL ends a list of choices */
    int value;
};

enum field_flags {
    FIELD_REQUIRED = 1u << 0,
    FIELD_ENVIRONMENT_ONLY = 1u << 1, /* not in a Stack */
    FIELD_PATH = 1u << 2,     /* a path on this machine, relative to the file that declares it */
    FIELD_VERBATIM = 1u << 3, /* ${…} is left alone when the file is read: see files.c */
    FIELD_INLINE = 1u << 4,   /* left out of the paths in messages: "spec" */
    FIELD_APPLIED = 1u << 5,  /* its effect is worked in when an environment is rendered */
    FIELD_DEFAULT_VARIES = 1u << 6, /* with other fields: not written into custom resources */
    FIELD_CONFIDENTIAL = 1u << 7    /* no part of the revision, which everybody may see */
};

struct kind_spec;

struct field_spec {
    const char *name;
    const struct value_type *type;
    size_t offset;                    /* of the value in the kind's struct */
    size_t count_offset;              /* lists and maps: of the number of items */
    const struct kind_spec *kind;     /* objects */
    const struct value_type *key;     /* pairs: how keys are written */
    const struct value_type *element; /* lists of texts and pairs: how values are written */
    const struct choice *choices;     /* enumerations */
    long long minimum, maximum;       /* integers; quantities have a minimum only */
    const char *fallback;             /* the default as one would write it, or NULL */
    unsigned flags;
    const char *help; /* one line, starting in lower case, without a full stop */
};

#define NO_OFFSET ((size_t)-1)

struct kind_spec {
    const char *name; /* "service": as the reference calls it */
    const char *help;
    const struct field_spec *fields; /* ended by a NULL name */
    unsigned without;                /* fields with one of these flags do not belong here */
    size_t size;                     /* of its struct */
    size_t at_offset;                /* of its struct position, or NO_OFFSET */
    size_t key_offset;               /* maps: of the const char * its name goes to */
    size_t sort_offset;              /* of the const char * lists are sorted by, or NO_OFFSET */
    size_t node_offset;           /* of a const struct node * to keep the node in, or NO_OFFSET */
    const struct value_type *key; /* maps: how its name is written */
    const char *key_help;         /* maps: what the name is */
    const struct value_type *short_type; /* what may stand instead of the map, or NULL */
    const struct choice *short_choices;
    void (*init)(void *object); /* sets "not declared" where that is not 0 */
    read_value *read_short;     /* reads the short form; `field` is NULL */
    read_value *finish;         /* checks between fields, after they are read; `field` is NULL */
};

extern const struct kind_spec kind_environment; /* root; its struct is environment_draft */
extern const struct kind_spec kind_stack;       /* root */
extern const struct kind_spec kind_metadata;
extern const struct kind_spec kind_environment_spec;
extern const struct kind_spec kind_stack_spec;
extern const struct kind_spec kind_env_file;
extern const struct kind_spec kind_network;
extern const struct kind_spec kind_volume;
extern const struct kind_spec kind_secret;
extern const struct kind_spec kind_service;
extern const struct kind_spec kind_variable;
extern const struct kind_spec kind_file;
extern const struct kind_spec kind_reload;
extern const struct kind_spec kind_mount;
extern const struct kind_spec kind_attachment;
extern const struct kind_spec kind_port;
extern const struct kind_spec kind_dependency;
extern const struct kind_spec kind_healthcheck;
extern const struct kind_spec kind_http_check;
extern const struct kind_spec kind_tcp_check;
extern const struct kind_spec kind_resources;
extern const struct kind_spec kind_limits;
extern const struct kind_spec kind_requests;
extern const struct kind_spec kind_ulimit;
extern const struct kind_spec kind_logging;
extern const struct kind_spec kind_redis;
extern const struct kind_spec kind_redis_password;
extern const struct kind_spec kind_registration;

extern const char api_version[]; /* "tse.io/v1alpha1" */

/* The field of that name, or NULL. */
const struct field_spec *kind_field(const struct kind_spec *kind, const char *name);
/* Whether a field of the table belongs to the kind (see `without`). */
bool kind_has(const struct kind_spec *kind, const struct field_spec *field);
/* Whether the field's values are described by its kind: an object, or a list or map of them. */
bool field_has_kind(const struct field_spec *field);

/* --- what decoding fills -------------------------------------------------------------------------
 * The public structs plus what is needed until they are complete. */

struct file_draft {
    struct file file;
    const char *content; /* inline, as written */
    bool interpolate;
    const struct node *node;
};

struct service_draft {
    struct service service;
    const char *when; /* feature, perhaps with "!" before it, or NULL */
    struct file_draft *files;
    size_t file_count;
    const struct node *node;
};

struct secret_draft {
    struct secret secret;
    const char *fallback;   /* the declared default, or NULL */
    const char *characters; /* those its value may consist of, as a set, or NULL */
    int64_t min_length;     /* of its value, in bytes; 0: any */
    const struct node *node;
};

struct env_file {
    const char *path;
    bool required;
};

enum secret_defaults { SECRET_DEFAULTS_ALLOW, SECRET_DEFAULTS_REFUSE };

struct environment_draft {
    int api_version, kind; /* checked only */
    const char *name;
    struct pair_list labels, annotations;
    const char *project;
    struct text_list include;
    struct env_file *env_files; /* checked only: they are read before anything is decoded */
    size_t env_file_count;
    struct pair_list features; /* name → "true", "false", or NULL when it is neither */
    enum secret_defaults secret_defaults;
    struct network *networks;
    size_t network_count;
    struct volume *volumes;
    size_t volume_count;
    struct secret_draft *secrets;
    size_t secret_count;
    struct service_draft *services;
    size_t service_count;
    struct redis_settings redis;
};

#endif
