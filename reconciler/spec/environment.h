/*
 * The domain's structs: an environment as its YAML declares it, read, interpolated, overlaid and
 * validated (design, section 5). Everything lives in the environment's arena. Lists are a pointer
 * and a count, in the order of declaration unless said otherwise. Optional scalars have a sentinel
 * (NULL, 0 or -1, said at the field), so that "not declared" is never mistaken for a value.
 *
 * The field tables in spec/tables.c describe each struct's fields once: reading, validation, the
 * schemas and the reference documentation come from there.
 */
#ifndef TSE_SPEC_ENVIRONMENT_H
#define TSE_SPEC_ENVIRONMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

/* Where something was declared. line and column count from 1; 0 means nowhere (a default). */
struct position {
    const char *file;
    unsigned line, column;
};

struct text_list {
    const char **items;
    size_t count;
    bool declared; /* an empty list that was declared differs from none */
};

struct pair { /* of a map from names to texts */
    const char *key, *value;
    struct position at;
};

struct pair_list {
    struct pair *items;
    size_t count;
};

enum pull_policy { PULL_IF_NOT_PRESENT, PULL_ALWAYS, PULL_NEVER };
enum depends_condition { DEPENDS_STARTED, DEPENDS_HEALTHY, DEPENDS_COMPLETED };
enum restart_policy { RESTART_UNLESS_STOPPED, RESTART_ALWAYS, RESTART_ON_FAILURE, RESTART_NO };
enum update_strategy { UPDATE_RECREATE, UPDATE_START_FIRST };
enum mount_kind { MOUNT_VOLUME, MOUNT_BIND };
enum tristate { UNSET = -1, NO = 0, YES = 1 };

struct variable { /* one entry of `environment` */
    const char *name;
    const char *value;  /* resolved, also when it comes from a secret */
    const char *secret; /* name of the secret it comes from, or NULL */
    struct position at;
};

struct file {           /* content uploaded into the container */
    const char *target; /* absolute path in the container */
    const char *source; /* path as declared, or NULL for inline content */
    const char *data;   /* resolved content, interpolated if asked for */
    size_t size;
    unsigned mode;             /* permission bits, default 0644 */
    unsigned uid, gid;         /* default 0 */
    bool secret;               /* content holds a secret: never shown, hashed or labelled */
    const char *reload_signal; /* "HUP": a changed content is uploaded in place and this signal
                                  sent; NULL: a changed content replaces the container */
    struct position at;
};

struct mount {
    enum mount_kind kind;
    const char *volume; /* MOUNT_VOLUME: name of a declared volume */
    const char *source; /* MOUNT_BIND: absolute host path */
    const char *target;
    bool read_only;
    struct position at;
};

struct attachment {           /* of a service to a network */
    const char *network;      /* name of a declared network */
    const char *ipv4_address; /* or NULL */
    struct text_list aliases; /* besides the service's own name */
    struct position at;
};

struct port {
    const char *host_ip; /* default "127.0.0.1" */
    uint16_t published;  /* host port; 0: the engine picks a free one */
    uint16_t target;
    bool udp;
    struct position at;
};

struct dependency {
    const char *service;
    enum depends_condition condition;
    struct position at;
};

enum check_kind {
    CHECK_DEFAULT, /* nothing declared: the image's own check, if it has one */
    CHECK_DISABLED,
    CHECK_TEST, /* a command in the container */
    CHECK_HTTP, /* probed by the reconciler: 2xx or 3xx is healthy */
    CHECK_TCP   /* probed by the reconciler: accepting a connection is healthy */
};

struct healthcheck {
    enum check_kind kind;
    struct text_list test; /* Compose form: ["CMD", …] or ["CMD-SHELL", "…"] */
    uint16_t port;
    const char *path;
    int64_t interval_ns, timeout_ns, start_period_ns; /* 0: the engine's default */
    int64_t retries;                                  /* 0: the engine's default */
};

struct amounts {
    int64_t nano_cpus; /* 1e9 is one CPU; 0: not declared */
    int64_t memory;    /* bytes; 0: not declared */
    int64_t pids;      /* 0: not declared (limits only) */
};

struct ulimit {
    const char *name;
    int64_t soft, hard; /* -1: unlimited */
};

struct registration {     /* what the registry is told of a service */
    bool off;             /* `registration: false` */
    uint16_t port;        /* in the container; derived when not declared; 0: none is known */
    const char *protocol; /* "tcp", "http" …; derived when not declared */
    struct text_list tags;
};

struct redis_settings { /* the Redis that the reconciler writes to; see `declared` */
    bool declared;
    const char *service;  /* of this environment, or NULL */
    uint16_t port;        /* in that service's container */
    const char *address;  /* "host:port" of another one, or NULL */
    const char *user;     /* or NULL: the default user */
    const char *secret;   /* name of the secret that is the password, or NULL */
    const char *password; /* resolved, or NULL: none, or (destroy) not to be had */
};

struct service {
    const char *name;
    const char *image;
    enum pull_policy pull_policy;
    struct text_list command, entrypoint;
    struct variable *environment; /* sorted by name */
    size_t environment_count;
    struct file *files; /* sorted by target */
    size_t file_count;
    struct mount *mounts; /* sorted by target */
    size_t mount_count;
    struct pair_list tmpfs;      /* target → options, sorted by target */
    struct attachment *networks; /* sorted by network; never empty after validation: a service that
                                    names none is on the implicit network "default" */
    size_t network_count;
    struct port *ports;
    size_t port_count;
    struct dependency *depends_on; /* sorted by service */
    size_t depends_on_count;
    struct healthcheck healthcheck;
    enum restart_policy restart;
    bool restart_declared;
    int64_t restart_max_retries; /* on-failure:N; 0: no limit */
    int64_t replicas;            /* default 1 */
    struct amounts limits, requests;
    const char *user, *working_dir, *hostname; /* or NULL */
    struct pair_list extra_hosts;              /* host → address, sorted */
    struct text_list dns, cap_add, cap_drop;   /* capabilities without "CAP_", upper case, sorted */
    bool read_only;
    bool no_new_privileges;
    bool privileged;
    struct pair_list sysctls; /* sorted by key */
    struct ulimit *ulimits;   /* sorted by name */
    size_t ulimit_count;
    const char *stop_signal;      /* "SIGTERM" form, or NULL */
    int64_t stop_grace_period_ns; /* -1: the engine's default (10 s) */
    int64_t shm_size;             /* bytes; 0: the engine's default */
    struct pair_list labels;      /* sorted by key */
    const char *logging_driver;   /* or NULL */
    struct pair_list logging_options;
    enum tristate init;
    enum update_strategy update_strategy;
    struct registration registration; /* no field of its containers: a change replaces none */
    bool completes; /* derived: some service depends on it with `completed`, or restart was declared
                       as no or on-failure: exiting with 0 is its success, not drift */
    struct position at;
};

struct network {
    const char *name;   /* in the environment */
    const char *subnet; /* CIDR in canonical form, or NULL: the engine picks one */
    const char *gateway;
    const char *driver; /* default "bridge" */
    bool internal;      /* no way out of the host */
    struct pair_list labels;
    struct position at;
};

struct volume {
    const char *name;
    const char *driver; /* default "local" */
    struct pair_list driver_options, labels;
    struct position at;
};

struct secret {
    const char *name;
    const char *env;   /* variable it is read from, or NULL */
    const char *file;  /* file it is read from, or NULL */
    const char *value; /* resolved */
    bool is_default;   /* the value is the declared default (or equals it) */
    struct position at;
};

struct environment {
    struct arena *arena;
    const char *file;         /* as given on the command line */
    const char *name;         /* metadata.name */
    const char *project;      /* prefix of every name on the engine */
    char revision[17];        /* identity of the desired state: 16 hex digits of a SHA-256 over the
                                 rendered environment and the content of its files that are not secret */
    struct service *services; /* sorted by name; those switched off by `when` are not here */
    size_t service_count;
    struct network *networks; /* sorted by name; only the ones declared (or the implicit default) */
    size_t network_count;
    struct volume *volumes; /* sorted by name */
    size_t volume_count;
    struct secret *secrets; /* sorted by name */
    size_t secret_count;
    struct redis_settings redis;
};

/* By name, or NULL. */
const struct service *environment_service(const struct environment *environment, const char *name);
const struct network *environment_network(const struct environment *environment, const char *name);
const struct volume *environment_volume(const struct environment *environment, const char *name);

#endif
