/*
 * What the field side of the Docker engine shares among its own files: texts kept once, canonical
 * values (the one place that says how a value is written, so that a declared and an observed one
 * are equal exactly when their texts are), files that are uploaded, labels, and the reading of the
 * engine's JSON. The rest of the engine needs internal.h only.
 */
#ifndef TSE_ENGINES_DOCKER_FIELDS_H
#define TSE_ENGINES_DOCKER_FIELDS_H

#include "engines/docker/internal.h"

/* --- strings.c: texts kept once ------------------------------------------------------------------
 * 200 containers repeat the same few hundred paths and values; each is kept once in an arena.
 */
struct docker_strings;
struct docker_strings *docker_strings_new(struct arena *arena);
void docker_strings_free(struct docker_strings *strings); /* the texts stay, in the arena */
/* The kept copy; NULL stays NULL. */
const char *docker_strings_keep(struct docker_strings *strings, const char *text);

/* A field list under construction: everything temporary is in `scratch`, which is its own. */
struct docker_fields {
    struct docker_strings *strings;
    struct arena *scratch;
    struct field_builder builder;
};
void docker_fields_begin(struct docker_fields *fields, struct docker_strings *strings);
void docker_fields_free(struct docker_fields *fields);
#define cleanup_docker_fields __attribute__((cleanup(docker_fields_free)))
/* Path "PREFIX.NAME", or "PREFIX" when name is NULL, in the scratch arena. */
char *docker_path(struct docker_fields *fields, const char *prefix, const char *name);
/* Adds a field; value NULL adds nothing. */
void docker_fields_add(struct docker_fields *fields, const char *prefix, const char *name,
                       const char *value);
/* Sorts, drops repeated paths, and keeps the list in `arena`. */
struct field_list docker_fields_keep(struct docker_fields *fields, struct arena *arena);
/* The field with that path, or NULL. */
const struct field *docker_field(const struct field_list *list, const char *path);

/* --- canonical.c: how values are written ---------------------------------------------------------
 * All return text in the arena.
 */
/* JSON array of the texts, in order. */
char *docker_text_list(struct arena *arena, const char *const *items, size_t count);
/* The same of a JSON array of strings; what is not a string is left out, NULL is the empty list. */
char *docker_text_json_list(struct arena *arena, const json_t *array);
/* The texts of a JSON array, sorted, without repetitions. `count` gets their number. */
const char **docker_sorted_texts(struct arena *arena, const json_t *array, size_t *count);
void docker_sort_texts(const char **items, size_t count);
/* Joined by ",". */
char *docker_text_joined(struct arena *arena, const char *const *items, size_t count);
char *docker_text_restart(struct arena *arena, const char *name, int64_t retries);
char *docker_text_bytes(struct arena *arena, int64_t bytes);          /* NULL unless > 0 */
char *docker_text_cpus(struct arena *arena, int64_t nano_cpus);       /* NULL unless > 0 */
char *docker_text_duration(struct arena *arena, int64_t nanoseconds); /* NULL unless > 0 */
char *docker_text_number(struct arena *arena, int64_t number);        /* NULL unless > 0 */
char *docker_text_ulimit(struct arena *arena, int64_t soft, int64_t hard);
char *docker_text_mount(struct arena *arena, const char *kind, const char *source, bool read_only);
/* "127.0.0.1:6379"; port "" is 0: the engine picks one. */
char *docker_text_binding(struct arena *arena, const char *host_ip, const char *port);
char *docker_port_name(struct arena *arena, const struct port *port); /* "80/tcp" */
char *docker_text_file(struct arena *arena, const char *digest, unsigned mode, unsigned uid,
                       unsigned gid);
char *docker_text_signal(struct arena *arena, const char *signal); /* "TERM" → "SIGTERM" */
const char *docker_text_capability(struct arena *arena, const char *name); /* without "CAP_" */
/* A path without repeated and trailing slashes. */
char *docker_clean_path(struct arena *arena, const char *path);
/* CPU shares (cgroup weight, 1024 is one CPU) for requested CPU, as kubelet computes them, and the
 * text of shares: a CPU amount where one gives exactly these shares, else "N shares". */
int64_t docker_cpu_shares(int64_t nano_cpus);
char *docker_text_shares(struct arena *arena, int64_t shares); /* NULL unless > 0 */
/* Seconds for the engine, which knows no parts of one: rounded up; and their text, also of 0. */
int64_t docker_grace_seconds(int64_t nanoseconds);
char *docker_text_grace(struct arena *arena, int64_t seconds);
/* A container's names in a network as a JSON list, sorted in place; NULL when none is left beside
 * the hostname (or NULL). */
char *docker_text_aliases(struct arena *arena, const char **aliases, size_t count,
                          const char *hostname);
const char *docker_restart_name(enum restart_policy policy); /* the engine's */
/* Whether the engine runs the check; else the reconciler does, or nobody. */
bool docker_check_is_engines(enum check_kind kind);

/* --- files.c: uploaded files ---------------------------------------------------------------------
 */
#define DOCKER_DIGEST_SIZE 17 /* 16 hex digits of a SHA-256, and a NUL */
void docker_digest(char digest[DOCKER_DIGEST_SIZE], const void *data, size_t size);
/* "files" or, with a reload signal, "reloadable": the prefix of the file's field. */
const char *docker_file_prefix(const struct file *file);
char *docker_file_value(struct arena *arena, const struct file *file);
/* Whether `path` is `directory` or below it. Both clean. */
bool docker_path_inside(const char *path, const char *directory);

/* What HEAD /containers/{id}/archive tells of a file. */
struct docker_path_stat {
    int64_t size, mtime; /* bytes; seconds since 1970 */
    unsigned mode;       /* permission bits */
    bool regular;
};
/* Reads header X-Docker-Container-Path-Stat (base64 of JSON). Returns 0 or -1. */
int docker_path_stat_read(const char *header, struct docker_path_stat *stat);
/* The observed value of a file that is not secret: the declared value or the applied one (either
 * may be NULL) when the file looks like it, else words for people. `earlier` is set when it is
 * neither, but has a time that only our uploads have. */
const char *docker_file_observed(const struct file *file, const char *declared, const char *applied,
                                 const struct docker_path_stat *stat, bool *earlier);

/* Whether a file of that time is staged (VERB_STAGE): uploaded, its signal perhaps not sent. */
#define DOCKER_STAGED "uploaded, not reloaded yet" /* the value of such a file */
bool docker_is_staged(int64_t mtime);

/* --- archive_read.c: the one file in an archive --------------------------------------------------
 */
struct docker_archived {
    const char *data; /* in the archive */
    size_t size;
    unsigned mode, uid, gid;
    int64_t mtime;
};
/* The first entry of a tar, which must be a regular file. Returns 0 or -1. */
int docker_archive_read(const char *archive, size_t size, struct docker_archived *file);

/* --- names.c -------------------------------------------------------------------------------------
 */
/* "service/redis", "service/redis[2]"; instance 0 or 1: no number. */
char *docker_key(struct arena *arena, const char *kind, const char *name, int instance);
/* Where a container called `engine_name` stands, when it should be called `expected`. */
enum slot docker_slot(const char *engine_name, const char *expected);
/* The project in a desired container's engine name. */
char *docker_project_of(struct arena *arena, const struct resource *container);

/* --- labels.c ------------------------------------------------------------------------------------
 */
/* Labels every resource of ours has, and those of Compose for its kind. A new object. */
json_t *docker_labels(const struct environment *environment, const struct resource *desired);
/* Labels of a volume for a service's files. */
json_t *docker_files_labels(const struct environment *environment, const struct service *service,
                            const char *directory);
bool docker_owned(const json_t *labels, const char *project, const char *environment);
/* Who owns a resource that is not ours, in words. */
char *docker_owner(struct arena *arena, const json_t *labels);
/* Whether a label is set by us or by tools, and never a field. */
bool docker_label_is_internal(const char *key);
/* Label last-applied from and to fields. Encoded: malloc'd. Secrets are there by name only; decoded
 * they have DOCKER_SECRET as value. A label that cannot be read gives an empty list. */
#define DOCKER_SECRET "(secret)"
char *docker_applied_encode(const struct resource *desired);
struct field_list docker_applied_decode(struct docker_strings *strings, struct arena *arena,
                                        const json_t *labels);

/* --- fields.c ------------------------------------------------------------------------------------
 */
struct field_list docker_service_fields(struct docker_strings *strings, struct arena *arena,
                                        const struct environment *environment,
                                        const struct service *service);
struct field_list docker_network_fields(struct docker_strings *strings, struct arena *arena,
                                        const struct network *network);
struct field_list docker_volume_fields(struct docker_strings *strings, struct arena *arena,
                                       const struct volume *volume);

/* --- address_range.c -----------------------------------------------------------------------------
 */
struct docker_range {
    const char *addresses; /* CIDR, which the engine is to choose from */
    const char *gateway;
};
/* False: the engine may choose from the whole subnet. Texts are in the arena. */
bool docker_address_range(struct arena *arena, const struct environment *environment,
                          const struct network *network, struct docker_range *range);

/* --- body_host.c, body_mounts.c ------------------------------------------------------------------
 */
/* Sets object[key] to text; *bad is set to `key` when it is not UTF-8, which JSON cannot carry. */
void docker_put_text(json_t *object, const char *key, const char *text, const char **bad);
json_t *docker_text_array(const struct text_list *list, const char **bad);
json_t *docker_host_config(const struct environment *environment, const struct action *action,
                           const char **bad);
json_t *docker_restart_policy(const struct service *service);
/* Array HostConfig.Mounts: declared mounts, volumes for files, and what is carried over. */
json_t *docker_mounts(const struct environment *environment, const struct action *action,
                      const char **bad);
json_t *docker_endpoint(const struct service *service, const struct attachment *attachment,
                        const char **bad);
/* Directories in which a read-only service needs a volume for its files: sorted, none inside
 * another or inside a declared mount. Gives their number; the array is in `arena`. */
size_t docker_files_directories(struct arena *arena, const struct service *service,
                                const char ***directories);

#endif
