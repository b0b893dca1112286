/* Reading what has a form of its own inside a service: ports, files, mounts, checks, limits. */
#include "base/memory.h"
#include "spec/decode.h"
#include "spec/notation.h"

#include <stdlib.h>
#include <string.h>

/* --- the whole service ------------------------------------------------------------------------ */

void init_service(void *object) {
    struct service *service = &((struct service_draft *)object)->service;
    service->stop_grace_period_ns = -1;
    service->init = UNSET;
}

void finish_service(struct decoder *decoder, const struct path *path,
                    const struct field_spec *field, const struct node *node, void *object) {
    (void)decoder, (void)path, (void)field;
    struct service_draft *draft = object;
    const struct node *restart = node_get(node, "restart");
    draft->service.restart_declared = restart && restart->kind != NODE_NULL;
}

static const struct choice restart_choices[] = {{"unless-stopped", RESTART_UNLESS_STOPPED},
                                                {"always", RESTART_ALWAYS},
                                                {"no", RESTART_NO},
                                                {"on-failure", RESTART_ON_FAILURE},
                                                {0}};

/* A policy, or on-failure:N. */
static void read_restart(struct decoder *decoder, const struct path *path,
                         const struct field_spec *field, const struct node *node, void *object) {
    struct service *service = &((struct service_draft *)object)->service;
    (void)field;
    static const char prefix[] = "on-failure:";
    service->restart_max_retries = 0;
    if (node->kind == NODE_SCALAR && !node->sensitive &&
        strncmp(node->text, prefix, strlen(prefix)) == 0) {
        long long retries;
        struct node number = *node;
        number.text = node->text + strlen(prefix);
        if (scalar_integer(decoder, path, &number, 1, 1000000, "a number of retries (1-1000000)",
                           &retries) != 0)
            return;
        service->restart = RESTART_ON_FAILURE;
        service->restart_max_retries = retries;
        return;
    }
    int value;
    if (scalar_choice(decoder, path, node, restart_choices, &value) == 0)
        service->restart = (enum restart_policy)value;
}

/* --- files ------------------------------------------------------------------------------------ */

/* Octal, as chmod takes it. An unquoted number without a leading 0 is refused: what looks octal
 * may be meant so, but is decimal to YAML and JSON. */
static void read_mode(struct decoder *decoder, const struct path *path,
                      const struct field_spec *field, const struct node *node, void *object) {
    const char *text = scalar_text(decoder, path, node, type_mode.expected);
    if (!text)
        return;
    const char *digits = strncmp(text, "0o", 2) == 0 ? text + 2 : text;
    size_t length = strspn(digits, "01234567");
    if (length == 0 || digits[length] || length > 5 || strtoul(digits, NULL, 8) > 07777) {
        problem_notation(decoder, path, node, type_mode.expected);
    } else if (!node->quoted && *text != '0') {
        cleanup_free char *help = format_text("write \"0%s\", with the quotes", text);
        problem_at(decoder, path, node, help, "%s may be meant as octal or as decimal", text);
    } else {
        *(unsigned *)(void *)((char *)object + field->offset) = (unsigned)strtoul(digits, NULL, 8);
    }
}

static int parse_id(const char *text, size_t length, unsigned *id) {
    char digits[11];
    if (length == 0 || length > 10 || strspn(text, "0123456789") < length)
        return -1;
    memcpy(digits, text, length);
    digits[length] = '\0';
    unsigned long long value = strtoull(digits, NULL, 10);
    if (value >= UINT32_MAX)
        return -1;
    *id = (unsigned)value;
    return 0;
}

/* "UID[:GID]"; without a group it has the number of the user, as in COPY --chown. */
static void read_owner(struct decoder *decoder, const struct path *path,
                       const struct field_spec *field, const struct node *node, void *object) {
    const char *text = scalar_text(decoder, path, node, type_owner.expected);
    (void)field;
    if (!text)
        return;
    struct file *file = &((struct file_draft *)object)->file;
    const char *colon = strchr(text, ':');
    unsigned uid, gid;
    if (parse_id(text, colon ? (size_t)(colon - text) : strlen(text), &uid) != 0 ||
        (colon && parse_id(colon + 1, strlen(colon + 1), &gid) != 0)) {
        problem_notation(decoder, path, node, type_owner.expected);
        return;
    }
    file->uid = uid;
    file->gid = colon ? gid : uid;
}

static bool declared(const struct node *map, const char *name) {
    const struct node *node = node_get(map, name);
    return node && node->kind != NODE_NULL;
}

/* The last of fields that exclude each other in the order of declaration: an overlay's come after
 * what it lies over. */
static const struct entry *last_declared(const struct node *map, const char *const *names) {
    for (size_t i = map->count; i-- > 0;)
        for (const char *const *name = names; *name; name++)
            if (strcmp(map->entries[i].key, *name) == 0 && map->entries[i].value->kind != NODE_NULL)
                return &map->entries[i];
    return NULL;
}

/* Reports where fields that exclude each other (NULL-ended) are declared together, at the one that
 * came last. Returns how many are declared. */
static size_t exclude(struct decoder *decoder, const struct path *path, const struct node *node,
                      const char *const *names) {
    const struct entry *last = last_declared(node, names);
    const char *other = NULL;
    size_t count = 0;
    for (; last && *names; names++) {
        if (!declared(node, *names))
            continue;
        count++;
        if (strcmp(*names, last->key) != 0)
            other = *names;
    }
    if (!other)
        return count;
    struct path inner = {path, last->key, 0};
    const struct position at = node_entry(node, other)->at;
    bool overlaid = at.file && last->at.file && strcmp(at.file, last->at.file) != 0;
    cleanup_free char *help = format_text("write %s: null beside it to replace that", other);
    problem_at_key(decoder, &inner, last, overlaid ? help : "keep one of them",
                   "there is \"%s\" already (%s:%u)", other, at.file ? at.file : "", at.line);
    return count;
}

/* Reports unless exactly one of two fields is declared. */
static void require_one(struct decoder *decoder, const struct path *path, const struct node *node,
                        const char *first, const char *second, const char *kind) {
    const char *const names[] = {first, second, NULL};
    if (exclude(decoder, path, node, names) == 0 && !node->partial)
        problem_at(decoder, path, node, NULL, "a %s needs \"%s\" or \"%s\"", kind, first, second);
}

void finish_file(struct decoder *decoder, const struct path *path, const struct field_spec *field,
                 const struct node *node, void *object) {
    (void)field, (void)object;
    require_one(decoder, path, node, "source", "content", "file");
}

void finish_mount(struct decoder *decoder, const struct path *path, const struct field_spec *field,
                  const struct node *node, void *object) {
    (void)field;
    struct mount *mount = object;
    require_one(decoder, path, node, "volume", "bind", "mount");
    mount->kind = declared(node, "volume") ? MOUNT_VOLUME : MOUNT_BIND;
}

/* --- environment ------------------------------------------------------------------------------ */

/* NAME: value. The long form is {secret: name}. */
void read_variable_short(struct decoder *decoder, const struct path *path,
                         const struct field_spec *field, const struct node *node, void *object) {
    (void)field;
    if (node->kind == NODE_NULL)
        return;
    const char *text = scalar_text(decoder, path, node, "a text or {secret: NAME}");
    ((struct variable *)object)->value = arena_copy(decoder->arena, text);
}

/* --- ports ------------------------------------------------------------------------------------ */

static int parse_port(struct decoder *decoder, const struct path *path, const struct node *node,
                      const char *text, uint16_t *port) {
    size_t digits = strspn(text, "0123456789");
    unsigned long value = digits > 0 && digits < 6 ? strtoul(text, NULL, 10) : 0;
    if (strchr(text, '-') && strspn(text, "0123456789-") == strlen(text) && digits > 0) {
        problem_at(decoder, path, node, "write one entry for each port",
                   "\"%s\" is a range of ports", text);
        return -1;
    }
    if (text[digits] || value < 1 || value > 65535) {
        problem_at(decoder, path, node, NULL, "\"%s\" is not %s", text, type_port_number.expected);
        return -1;
    }
    *port = (uint16_t)value;
    return 0;
}

/* Cuts "/tcp" or "/udp" off. */
static int parse_protocol(struct decoder *decoder, const struct path *path, const struct node *node,
                          char *text, bool *udp) {
    char *slash = strchr(text, '/');
    if (!slash)
        return 0;
    *slash++ = '\0';
    *udp = strcmp(slash, "udp") == 0;
    if (*udp || strcmp(slash, "tcp") == 0)
        return 0;
    problem_at(decoder, path, node, NULL, "\"%s\" is not a protocol (tcp or udp)", slash);
    return -1;
}

/* "[[IP:]PUBLISHED:]TARGET[/PROTOCOL]" */
void read_port_short(struct decoder *decoder, const struct path *path,
                     const struct field_spec *field, const struct node *node, void *object) {
    (void)field;
    struct port *port = object;
    const char *text = scalar_text(decoder, path, node, type_port_text.expected);
    if (!text)
        return;
    cleanup_free char *copy = copy_text(text);
    if (parse_protocol(decoder, path, node, copy, &port->udp) != 0)
        return;
    char *target = strrchr(copy, ':');
    if (!target) {
        parse_port(decoder, path, node, copy, &port->target);
        return;
    }
    *target++ = '\0';
    char *published = strrchr(copy, ':');
    if (published) {
        *published++ = '\0';
        port->host_ip = convert_ipv4(decoder->arena, copy);
        if (!port->host_ip) {
            problem_at(decoder, path, node, NULL, "\"%s\" is not %s", copy, type_ipv4.expected);
            return;
        }
    } else {
        published = copy;
    }
    uint16_t host_port = 0, container_port = 0;
    if ((parse_port(decoder, path, node, published, &host_port) |
         parse_port(decoder, path, node, target, &container_port)) == 0) {
        port->published = host_port;
        port->target = container_port;
    }
}

/* --- dependencies, limits --------------------------------------------------------------------- */

const struct choice depends_choices[] = {{"started", DEPENDS_STARTED},
                                         {"healthy", DEPENDS_HEALTHY},
                                         {"completed", DEPENDS_COMPLETED},
                                         {0}};

void read_dependency_short(struct decoder *decoder, const struct path *path,
                           const struct field_spec *field, const struct node *node, void *object) {
    (void)field;
    int value;
    if (scalar_choice(decoder, path, node, depends_choices, &value) == 0)
        ((struct dependency *)object)->condition = (enum depends_condition)value;
}

static int read_limit(struct decoder *decoder, const struct path *path, const struct node *node,
                      int64_t *limit) {
    if (node->kind == NODE_SCALAR && !node->sensitive && strcmp(node->text, "unlimited") == 0) {
        *limit = -1;
        return 0;
    }
    long long value;
    if (scalar_integer(decoder, path, node, -1, INT64_MAX, type_ulimit.expected, &value) != 0)
        return -1;
    *limit = value;
    return 0;
}

static void read_ulimit(struct decoder *decoder, const struct path *path,
                        const struct field_spec *field, const struct node *node, void *object) {
    read_limit(decoder, path, node, (int64_t *)(void *)((char *)object + field->offset));
}

void read_ulimit_short(struct decoder *decoder, const struct path *path,
                       const struct field_spec *field, const struct node *node, void *object) {
    (void)field;
    struct ulimit *limit = object;
    if (read_limit(decoder, path, node, &limit->hard) == 0)
        limit->soft = limit->hard;
}

void finish_ulimit(struct decoder *decoder, const struct path *path, const struct field_spec *field,
                   const struct node *node, void *object) {
    (void)field;
    const struct ulimit *limit = object;
    if (declared(node, "soft") && declared(node, "hard") && limit->hard >= 0 &&
        (limit->soft < 0 || limit->soft > limit->hard))
        problem_at(decoder, path, node, "lower \"soft\" or raise \"hard\"",
                   "the soft limit is above the hard limit");
}

/* --- health checks ---------------------------------------------------------------------------- */

/* A text is for the container's shell, a list starts with CMD, CMD-SHELL or NONE, as in Compose. */
static void read_test(struct decoder *decoder, const struct path *path,
                      const struct field_spec *field, const struct node *node, void *object) {
    struct text_list *test = (struct text_list *)(void *)((char *)object + field->offset);
    if (node->kind == NODE_SCALAR) {
        const char *text = scalar_convert(decoder, path, node, &type_text);
        if (!text)
            return;
        test->items = arena_array(decoder->arena, const char *, 2);
        test->items[0] = "CMD-SHELL";
        test->items[1] = text;
        test->count = 2;
        test->declared = true;
        return;
    }
    type_arguments.read(decoder, path, field, node, object);
    const char *first = test->count ? test->items[0] : "";
    bool none = strcmp(first, "NONE") == 0, shell = strcmp(first, "CMD-SHELL") == 0;
    if (node->kind != NODE_LIST || test->count < node->count)
        return;
    if (!none && !shell && strcmp(first, "CMD") != 0)
        problem_at(decoder, path, node, "write [CMD, program, argument, …] or [CMD-SHELL, \"…\"]",
                   "a test starts with CMD, CMD-SHELL or NONE, not \"%s\"", first);
    else if (none ? test->count != 1 : shell ? test->count != 2 : test->count < 2)
        problem_at(decoder, path, node, NULL, "%s takes %s, found %zu", first,
                   none    ? "nothing after it"
                   : shell ? "one text after it"
                           : "a program and its arguments after it",
                   test->count - 1);
}

/* The engine's clock for checks ticks in milliseconds; 0 leaves the choice to it. */
static void check_times(struct decoder *decoder, const struct path *path, const struct node *node,
                        const struct healthcheck *check) {
    const struct {
        const char *name;
        int64_t value;
    } times[] = {{"interval", check->interval_ns},
                 {"timeout", check->timeout_ns},
                 {"startPeriod", check->start_period_ns}};
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        struct path inner = {path, times[i].name, 0};
        if (times[i].value > 0 && times[i].value < 1000000)
            problem_at(decoder, &inner, node_get(node, times[i].name), NULL,
                       "is shorter than a millisecond (1ms)");
    }
}

void finish_healthcheck(struct decoder *decoder, const struct path *path,
                        const struct field_spec *field, const struct node *node, void *object) {
    (void)field;
    struct healthcheck *check = object;
    const bool test = declared(node, "test"), http = declared(node, "http"),
               tcp = declared(node, "tcp");
    const bool disabled = check->kind == CHECK_DISABLED;
    check_times(decoder, path, node, check);
    static const char *const kinds[] = {"test", "http", "tcp", NULL};
    if (exclude(decoder, path, node, kinds) > 1)
        return;
    if (disabled || (test && check->test.count && strcmp(check->test.items[0], "NONE") == 0)) {
        check->kind = CHECK_DISABLED;
        check->test = (struct text_list){0};
        check->port = 0;
        check->path = NULL;
        return;
    }
    check->kind = test ? CHECK_TEST : http ? CHECK_HTTP : tcp ? CHECK_TCP : CHECK_DEFAULT;
}

static void read_disable(struct decoder *decoder, const struct path *path,
                         const struct field_spec *field, const struct node *node, void *object) {
    bool disable = false;
    struct field_spec local = *field;
    local.offset = 0;
    type_boolean.read(decoder, path, &local, node, &disable);
    *(enum check_kind *)(void *)((char *)object + field->offset) =
        disable ? CHECK_DISABLED : CHECK_DEFAULT;
}

static void read_udp(struct decoder *decoder, const struct path *path,
                     const struct field_spec *field, const struct node *node, void *object) {
    int value;
    if (scalar_choice(decoder, path, node, field->choices, &value) == 0)
        *(bool *)((char *)object + field->offset) = value != 0;
}

const struct value_type type_restart = {
    .name = "restart policy",
    .expected = "unless-stopped, always, no, on-failure or on-failure:N",
    .pattern = "^(unless-stopped|always|no|on-failure(:[1-9][0-9]*)?)$",
    .shape = SHAPE_STRING,
    .read = read_restart};
const struct value_type type_mode = {.name = "mode",
                                     .expected = "an octal file mode such as \"0644\"",
                                     .pattern = "^(0o)?[0-7]{1,5}$",
                                     .shape = SHAPE_STRING,
                                     .read = read_mode};
const struct value_type type_owner = {.name = "owner",
                                      .expected = "numeric ids UID or UID:GID such as 999:999",
                                      .pattern = "^[0-9]+(:[0-9]+)?$",
                                      .shape = SHAPE_NUMBER_OR_STRING,
                                      .read = read_owner};
const struct value_type type_port_text = {.name = "port",
                                          .expected = "a port: [[IP:]PUBLISHED:]TARGET[/PROTOCOL]",
                                          .pattern = "^(([0-9.]+:)?[0-9]+:)?[0-9]+(/(tcp|udp))?$",
                                          .shape = SHAPE_NUMBER_OR_STRING};
const struct value_type type_ulimit = {.name = "limit",
                                       .expected = "a number, or unlimited",
                                       .pattern = "^(-1|[0-9]+|unlimited)$",
                                       .shape = SHAPE_NUMBER_OR_STRING,
                                       .read = read_ulimit};
const struct value_type type_test = {
    .name = "test",
    .expected = "a list that starts with CMD, CMD-SHELL or NONE, or a text for the shell",
    .shape = SHAPE_ARGUMENTS,
    .read = read_test};
const struct value_type type_disable = {
    .name = "boolean", .expected = "true or false", .shape = SHAPE_BOOLEAN, .read = read_disable};
const struct value_type type_protocol = {
    .name = "protocol", .expected = "tcp or udp", .shape = SHAPE_STRING, .read = read_udp};
