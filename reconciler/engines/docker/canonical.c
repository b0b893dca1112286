/*
 * How values are written: the one place both the declared and the observed side go through, so that
 * they are equal exactly when their texts are.
 */
#include "engines/docker/fields.h"

#include "spec/quantity.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define NANO INT64_C(1000000000)

static char *dump(struct arena *arena, const json_t *array) {
    cleanup_free char *text = json_dumps(array, JSON_COMPACT);
    return arena_copy(arena, text ? text : "[]");
}

char *docker_text_list(struct arena *arena, const char *const *items, size_t count) {
    json_auto_t *array = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *item = json_string(items[i]);
        /* Not UTF-8: making the request will say so. Here it only must differ from anything. */
        json_array_append_new(array, item ? item : json_string("(not UTF-8)"));
    }
    return dump(arena, array);
}

char *docker_text_json_list(struct arena *arena, const json_t *array) {
    json_auto_t *texts = json_array();
    size_t i;
    json_t *item;
    json_array_foreach(array, i, item) {
        if (json_is_string(item))
            json_array_append(texts, item);
    }
    return dump(arena, texts);
}

static int compare_texts(const void *left, const void *right) {
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

void docker_sort_texts(const char **items, size_t count) {
    if (count > 1)
        qsort(items, count, sizeof *items, compare_texts);
}

const char **docker_sorted_texts(struct arena *arena, const json_t *array, size_t *count) {
    const char **items = arena_array(arena, const char *, json_array_size(array) + 1);
    size_t found = 0, kept = 0, i;
    json_t *item;
    json_array_foreach(array, i, item) {
        if (json_is_string(item))
            items[found++] = json_string_value(item);
    }
    docker_sort_texts(items, found);
    for (i = 0; i < found; i++)
        if (!kept || strcmp(items[kept - 1], items[i]) != 0)
            items[kept++] = items[i];
    *count = kept;
    return items;
}

char *docker_text_joined(struct arena *arena, const char *const *items, size_t count) {
    size_t length = 1;
    for (size_t i = 0; i < count; i++)
        length += strlen(items[i]) + 1;
    char *text = arena_alloc(arena, length), *end = text;
    for (size_t i = 0; i < count; i++) {
        if (i)
            *end++ = ',';
        end = stpcpy(end, items[i]);
    }
    return text;
}

char *docker_text_restart(struct arena *arena, const char *name, int64_t retries) {
    if (!name || !*name)
        return arena_copy(arena, "no");
    if (strcmp(name, "on-failure") == 0 && retries > 0)
        return arena_format(arena, "%s:%" PRId64, name, retries);
    return arena_copy(arena, name);
}

char *docker_text_bytes(struct arena *arena, int64_t bytes) {
    char buffer[32];
    return bytes > 0 ? arena_copy(arena, format_bytes(buffer, sizeof buffer, bytes)) : NULL;
}

char *docker_text_cpus(struct arena *arena, int64_t nano_cpus) {
    char buffer[32];
    return nano_cpus > 0 ? arena_copy(arena, format_cpus(buffer, sizeof buffer, nano_cpus)) : NULL;
}

char *docker_text_duration(struct arena *arena, int64_t nanoseconds) {
    char buffer[32];
    return nanoseconds > 0 ? arena_copy(arena, format_duration(buffer, sizeof buffer, nanoseconds))
                           : NULL;
}

char *docker_text_number(struct arena *arena, int64_t number) {
    return number > 0 ? arena_format(arena, "%" PRId64, number) : NULL;
}

char *docker_text_ulimit(struct arena *arena, int64_t soft, int64_t hard) {
    if (soft == hard)
        return arena_format(arena, "%" PRId64, soft);
    return arena_format(arena, "%" PRId64 ":%" PRId64, soft, hard);
}

char *docker_text_mount(struct arena *arena, const char *kind, const char *source, bool read_only) {
    return arena_format(arena, "%s %s %s", kind, source, read_only ? "ro" : "rw");
}

char *docker_text_binding(struct arena *arena, const char *host_ip, const char *port) {
    const char *number = port && *port ? port : "0";
    if (host_ip && strchr(host_ip, ':'))
        return arena_format(arena, "[%s]:%s", host_ip, number);
    return arena_format(arena, "%s:%s", host_ip ? host_ip : "", number);
}

char *docker_port_name(struct arena *arena, const struct port *port) {
    return arena_format(arena, "%u/%s", port->target, port->udp ? "udp" : "tcp");
}

char *docker_text_file(struct arena *arena, const char *digest, unsigned mode, unsigned uid,
                       unsigned gid) {
    return arena_format(arena, "sha256:%s %04o %u:%u", digest, mode & 07777u, uid, gid);
}

char *docker_text_signal(struct arena *arena, const char *signal) {
    if (!signal || !*signal)
        return NULL;
    char *text = arena_copy(arena, signal);
    for (char *at = text; *at; at++)
        *at = (char)toupper((unsigned char)*at);
    if (isdigit((unsigned char)*text) || strncmp(text, "SIG", 3) == 0)
        return text;
    return arena_format(arena, "SIG%s", text);
}

const char *docker_text_capability(struct arena *arena, const char *name) {
    char *text = arena_copy(arena, name);
    for (char *at = text; *at; at++)
        *at = (char)toupper((unsigned char)*at);
    return strncmp(text, "CAP_", 4) == 0 ? text + 4 : text;
}

char *docker_clean_path(struct arena *arena, const char *path) {
    char *clean = arena_copy(arena, path), *out = clean;
    for (const char *in = clean; *in; in++)
        if (*in != '/' || out == clean || out[-1] != '/')
            *out++ = *in;
    if (out > clean + 1 && out[-1] == '/')
        out--;
    *out = '\0';
    return clean;
}

#define MINIMUM_SHARES 2 /* of the kernel */

int64_t docker_cpu_shares(int64_t nano_cpus) {
    if (nano_cpus <= 0)
        return 0;
    int64_t shares = nano_cpus / 1000000 * 1024 / 1000;
    return shares < MINIMUM_SHARES ? MINIMUM_SHARES : shares;
}

char *docker_text_shares(struct arena *arena, int64_t shares) {
    if (shares <= 0)
        return NULL;
    if (shares < INT64_MAX / 1000000000) {
        int64_t nano_cpus = (shares * 1000 + 1023) / 1024 * 1000000;
        if (docker_cpu_shares(nano_cpus) == shares)
            return docker_text_cpus(arena, nano_cpus);
    }
    return arena_format(arena, "%" PRId64 " shares", shares);
}

int64_t docker_grace_seconds(int64_t nanoseconds) {
    return nanoseconds / NANO + (nanoseconds % NANO > 0);
}

/* The hostname is a name in every network by itself, and old engines list it among the aliases. */
char *docker_text_aliases(struct arena *arena, const char **aliases, size_t count,
                          const char *hostname) {
    size_t kept = 0;
    docker_sort_texts(aliases, count);
    for (size_t i = 0; i < count; i++) {
        bool repeated = kept && strcmp(aliases[kept - 1], aliases[i]) == 0;
        if (!repeated && !(hostname && strcmp(aliases[i], hostname) == 0))
            aliases[kept++] = aliases[i];
    }
    return kept ? docker_text_list(arena, aliases, kept) : NULL;
}

char *docker_text_grace(struct arena *arena, int64_t seconds) {
    if (seconds <= 0)
        return arena_copy(arena, "0s");
    if (seconds > INT64_MAX / NANO)
        return arena_format(arena, "%" PRId64 "s", seconds);
    return docker_text_duration(arena, seconds * NANO);
}

const char *docker_restart_name(enum restart_policy policy) {
    switch (policy) {
    case RESTART_ALWAYS:
        return "always";
    case RESTART_ON_FAILURE:
        return "on-failure";
    case RESTART_NO:
        return "no";
    default:
        return "unless-stopped";
    }
}

bool docker_check_is_engines(enum check_kind kind) {
    return kind == CHECK_DEFAULT || kind == CHECK_TEST;
}
