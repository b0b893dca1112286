/* The field tables of the parts of a service: variables, files, mounts, ports, checks, limits … */
#include "spec/decode.h"
#include "spec/tables.h"

#define IN(type, member) .offset = offsetof(type, member)
#define MANY(type, member, number)                                                                 \
    .offset = offsetof(type, member), .count_offset = offsetof(type, number)
#define PLAIN                                                                                      \
    .at_offset = NO_OFFSET, .key_offset = NO_OFFSET, .sort_offset = NO_OFFSET,                     \
    .node_offset = NO_OFFSET

/* --- environment, files, mounts --------------------------------------------------------------- */

static const struct field_spec variable_fields[] = {{.name = "secret",
                                                     .type = &type_name,
                                                     IN(struct variable, secret),
                                                     .flags = FIELD_REQUIRED,
                                                     .help = "the secret its value comes from"},
                                                    {0}};

const struct kind_spec kind_variable = {
    .name = "variable",
    .help = "The value of an environment variable: a text, or a secret by name.",
    .fields = variable_fields,
    .size = sizeof(struct variable),
    .at_offset = offsetof(struct variable, at),
    .key_offset = offsetof(struct variable, name),
    .sort_offset = offsetof(struct variable, name),
    .node_offset = NO_OFFSET,
    .key = &type_environment_name,
    .key_help = "of the variable",
    .short_type = &type_any_text,
    .read_short = read_variable_short};

static const struct field_spec reload_fields[] = {
    {.name = "signal",
     .type = &type_reload_signal,
     IN(struct file_draft, file.reload_signal),
     .flags = FIELD_REQUIRED,
     .help = "the signal the service is sent when the content has changed, as HUP"},
    {0}};

const struct kind_spec kind_reload = {
    .name = "reload",
    .help = "How a changed file takes effect without replacing the container.",
    .fields = reload_fields,
    PLAIN};

static const struct field_spec file_fields[] = {
    {.name = "source",
     .type = &type_path,
     IN(struct file_draft, file.source),
     .flags = FIELD_PATH,
     .help = "the file with the content, relative to the file that declares it; of a folder, all "
             "files in it"},
    {.name = "content",
     .type = &type_any_text,
     IN(struct file_draft, content),
     .flags = FIELD_VERBATIM,
     .help =
         "the content itself, instead of a source; ${…} in it is replaced only with interpolate"},
    {.name = "target",
     .type = &type_target,
     IN(struct file_draft, file.target),
     .flags = FIELD_REQUIRED,
     .help = "where it is put in the container"},
    {.name = "mode",
     .type = &type_mode,
     IN(struct file_draft, file.mode),
     .fallback = "0644",
     .help = "permissions in octal"},
    {.name = "owner",
     .type = &type_owner,
     IN(struct file_draft, file.uid),
     .fallback = "0:0",
     .help = "numeric owner UID or UID:GID; without a GID it is the UID's number"},
    {.name = "interpolate",
     .type = &type_boolean,
     IN(struct file_draft, interpolate),
     .fallback = "false",
     .help = "whether ${VARIABLE} and ${secret:NAME} in the content are replaced"},
    {.name = "reload",
     .type = &type_object,
     .kind = &kind_reload,
     .help = "send a signal when the content has changed, instead of replacing the container"},
    {0}};

const struct kind_spec kind_file = {.name = "file",
                                    .help = "Content uploaded into the container before it starts.",
                                    .fields = file_fields,
                                    .size = sizeof(struct file_draft),
                                    .at_offset = offsetof(struct file_draft, file.at),
                                    .key_offset = NO_OFFSET,
                                    .sort_offset = NO_OFFSET,
                                    .node_offset = offsetof(struct file_draft, node),
                                    .finish = finish_file};

static const struct field_spec mount_fields[] = {
    {.name = "volume", .type = &type_name, IN(struct mount, volume), .help = "a declared volume"},
    {.name = "bind",
     .type = &type_host_path,
     IN(struct mount, source),
     .help = "a path on the engine's host, instead of a volume"},
    {.name = "target",
     .type = &type_target,
     IN(struct mount, target),
     .flags = FIELD_REQUIRED,
     .help = "where it is mounted in the container"},
    {.name = "readOnly",
     .type = &type_boolean,
     IN(struct mount, read_only),
     .fallback = "false",
     .help = "whether the service cannot write to it"},
    {0}};

const struct kind_spec kind_mount = {.name = "mount",
                                     .help = "A volume or a path of the host in the container.",
                                     .fields = mount_fields,
                                     .size = sizeof(struct mount),
                                     .at_offset = offsetof(struct mount, at),
                                     .key_offset = NO_OFFSET,
                                     .sort_offset = offsetof(struct mount, target),
                                     .node_offset = NO_OFFSET,
                                     .finish = finish_mount};

/* --- networks and ports ----------------------------------------------------------------------- */

static const struct field_spec attachment_fields[] = {
    {.name = "ipv4Address",
     .type = &type_ipv4,
     IN(struct attachment, ipv4_address),
     .help = "its own address, inside the network's subnet"},
    {.name = "aliases",
     .type = &type_texts,
     IN(struct attachment, aliases),
     .element = &type_hostname,
     .help = "names it is found by on the network, besides its own"},
    {0}};

const struct kind_spec kind_attachment = {.name = "attachment",
                                          .help = "How a service is attached to a network.",
                                          .fields = attachment_fields,
                                          .size = sizeof(struct attachment),
                                          .at_offset = offsetof(struct attachment, at),
                                          .key_offset = offsetof(struct attachment, network),
                                          .sort_offset = offsetof(struct attachment, network),
                                          .node_offset = NO_OFFSET,
                                          .key = &type_name,
                                          .key_help = "of the network"};

static const struct choice protocol_choices[] = {{"tcp", 0}, {"udp", 1}, {0}};

static const struct field_spec port_fields[] = {
    {.name = "hostIp",
     .type = &type_ipv4,
     IN(struct port, host_ip),
     .fallback = "127.0.0.1",
     .help = "the host's address it is published on; 0.0.0.0 is all of them"},
    {.name = "published",
     .type = &type_port_number,
     IN(struct port, published),
     .help = "the port on the host; without one the engine picks a free one"},
    {.name = "target",
     .type = &type_port_number,
     IN(struct port, target),
     .flags = FIELD_REQUIRED,
     .help = "the port in the container"},
    {.name = "protocol",
     .type = &type_protocol,
     IN(struct port, udp),
     .choices = protocol_choices,
     .fallback = "tcp",
     .help = "the protocol"},
    {0}};

const struct kind_spec kind_port = {.name = "port",
                                    .help =
                                        "A port of the container that is reached through the host.",
                                    .fields = port_fields,
                                    .size = sizeof(struct port),
                                    .at_offset = offsetof(struct port, at),
                                    .key_offset = NO_OFFSET,
                                    .sort_offset = NO_OFFSET,
                                    .node_offset = NO_OFFSET,
                                    .short_type = &type_port_text,
                                    .read_short = read_port_short};

/* --- dependencies and health ------------------------------------------------------------------ */

static const struct field_spec dependency_fields[] = {
    {.name = "condition",
     .type = &type_choice,
     IN(struct dependency, condition),
     .choices = depends_choices,
     .fallback = "started",
     .help = "what it waits for: that the other is started, healthy, or completed (exited with 0)"},
    {0}};

const struct kind_spec kind_dependency = {.name = "dependency",
                                          .help = "What a service waits for before it starts.",
                                          .fields = dependency_fields,
                                          .size = sizeof(struct dependency),
                                          .at_offset = offsetof(struct dependency, at),
                                          .key_offset = offsetof(struct dependency, service),
                                          .sort_offset = offsetof(struct dependency, service),
                                          .node_offset = NO_OFFSET,
                                          .key = &type_name,
                                          .key_help = "of the service",
                                          .short_type = &type_choice,
                                          .short_choices = depends_choices,
                                          .read_short = read_dependency_short};

static const struct field_spec http_check_fields[] = {
    {.name = "port",
     .type = &type_port_number,
     IN(struct healthcheck, port),
     .flags = FIELD_REQUIRED,
     .help = "the port in the container"},
    {.name = "path",
     .type = &type_url_path,
     IN(struct healthcheck, path),
     .fallback = "/",
     .help = "the path that is asked for; 2xx and 3xx are healthy"},
    {0}};

const struct kind_spec kind_http_check = {
    .name = "http check",
    .help = "An HTTP request made by the reconciler; needs nothing in the image.",
    .fields = http_check_fields,
    PLAIN};

static const struct field_spec tcp_check_fields[] = {{.name = "port",
                                                      .type = &type_port_number,
                                                      IN(struct healthcheck, port),
                                                      .flags = FIELD_REQUIRED,
                                                      .help = "the port in the container"},
                                                     {0}};

const struct kind_spec kind_tcp_check = {
    .name = "tcp check",
    .help = "A connection made by the reconciler; needs nothing in the image.",
    .fields = tcp_check_fields,
    PLAIN};

static const struct field_spec healthcheck_fields[] = {
    {.name = "test",
     .type = &type_test,
     IN(struct healthcheck, test),
     .help = "a command in the container: [CMD, program, argument], [CMD-SHELL, text], or a text"},
    {.name = "http",
     .type = &type_object,
     .kind = &kind_http_check,
     .help = "an HTTP request, instead of a command"},
    {.name = "tcp",
     .type = &type_object,
     .kind = &kind_tcp_check,
     .help = "a TCP connection, instead of a command"},
    {.name = "interval",
     .type = &type_duration,
     IN(struct healthcheck, interval_ns),
     .help = "time between two checks; the engine's default if not declared (30s)"},
    {.name = "timeout",
     .type = &type_duration,
     IN(struct healthcheck, timeout_ns),
     .help = "how long a check may take; the engine's default if not declared (30s)"},
    {.name = "retries",
     .type = &type_integer,
     IN(struct healthcheck, retries),
     .minimum = 1,
     .maximum = 1000000,
     .help = "failures in a row that make it unhealthy; the engine's default if not declared (3)"},
    {.name = "startPeriod",
     .type = &type_duration,
     IN(struct healthcheck, start_period_ns),
     .help = "time after the start in which failures do not count"},
    {.name = "disable",
     .type = &type_disable,
     IN(struct healthcheck, kind),
     .help = "whether the image's own check is switched off"},
    {0}};

const struct kind_spec kind_healthcheck = {
    .name = "health check",
    .help = "How one can tell that a service is healthy. Without one the image's own check counts.",
    .fields = healthcheck_fields,
    PLAIN,
    .finish = finish_healthcheck};

/* --- resources, limits, logging --------------------------------------------------------------- */

/* Docker refuses less, but only when the container is created. */
#define LEAST_CPU    10000000LL  /* nano-CPUs */
#define LEAST_MEMORY (6LL << 20) /* bytes; of a request as well */

static const struct field_spec limits_fields[] = {{.name = "cpu",
                                                   .type = &type_cpus,
                                                   IN(struct amounts, nano_cpus),
                                                   .minimum = LEAST_CPU,
                                                   .help = "CPUs, as 500m or 0.5; at least 10m"},
                                                  {.name = "memory",
                                                   .type = &type_bytes,
                                                   IN(struct amounts, memory),
                                                   .minimum = LEAST_MEMORY,
                                                   .help = "memory, as 256Mi; at least 6Mi"},
                                                  {.name = "pids",
                                                   .type = &type_integer,
                                                   IN(struct amounts, pids),
                                                   .minimum = 1,
                                                   .maximum = 4194304,
                                                   .help = "processes and threads"},
                                                  {0}};

const struct kind_spec kind_limits = {
    .name = "limits", .help = "What a service cannot exceed.", .fields = limits_fields, PLAIN};

static const struct field_spec requests_fields[] = {{.name = "cpu",
                                                     .type = &type_cpus,
                                                     IN(struct amounts, nano_cpus),
                                                     .help = "CPUs, as 500m or 0.5"},
                                                    {.name = "memory",
                                                     .type = &type_bytes,
                                                     IN(struct amounts, memory),
                                                     .minimum = LEAST_MEMORY,
                                                     .help = "memory, as 256Mi; at least 6Mi"},
                                                    {0}};

const struct kind_spec kind_requests = {.name = "requests",
                                        .help = "What is set aside for a service.",
                                        .fields = requests_fields,
                                        PLAIN};

static const struct field_spec resources_fields[] = {{.name = "limits",
                                                      .type = &type_object,
                                                      IN(struct service_draft, service.limits),
                                                      .kind = &kind_limits,
                                                      .help = "what it cannot exceed"},
                                                     {.name = "requests",
                                                      .type = &type_object,
                                                      IN(struct service_draft, service.requests),
                                                      .kind = &kind_requests,
                                                      .help = "what is set aside for it"},
                                                     {0}};

const struct kind_spec kind_resources = {.name = "resources",
                                         .help = "CPU, memory and processes of a service.",
                                         .fields = resources_fields,
                                         PLAIN};

static const struct field_spec ulimit_fields[] = {
    {.name = "soft",
     .type = &type_ulimit,
     IN(struct ulimit, soft),
     .flags = FIELD_REQUIRED,
     .help = "the limit in effect; -1 or unlimited for none"},
    {.name = "hard",
     .type = &type_ulimit,
     IN(struct ulimit, hard),
     .flags = FIELD_REQUIRED,
     .help = "how far the service may raise it; -1 or unlimited for none"},
    {0}};

const struct kind_spec kind_ulimit = {.name = "ulimit",
                                      .help = "A limit of the kernel on each process (setrlimit).",
                                      .fields = ulimit_fields,
                                      .size = sizeof(struct ulimit),
                                      .at_offset = NO_OFFSET,
                                      .key_offset = offsetof(struct ulimit, name),
                                      .sort_offset = offsetof(struct ulimit, name),
                                      .node_offset = NO_OFFSET,
                                      .key = &type_ulimit_name,
                                      .key_help = "of the limit, as nofile",
                                      .short_type = &type_ulimit,
                                      .read_short = read_ulimit_short,
                                      .finish = finish_ulimit};

static const struct field_spec logging_fields[] = {
    {.name = "driver",
     .type = &type_text,
     IN(struct service_draft, service.logging_driver),
     .help = "the engine's logging driver"},
    {.name = "options",
     .type = &type_pairs,
     IN(struct service_draft, service.logging_options),
     .key = &type_text,
     .element = &type_any_text,
     .help = "options for the driver, as max-size"},
    {0}};

const struct kind_spec kind_logging = {
    .name = "logging", .help = "Where output goes.", .fields = logging_fields, PLAIN};
