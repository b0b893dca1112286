/* Random environments and drift; see model_world.h. */
#include "model_world.h"

#include <stdlib.h>
#include <string.h>

void genome_fill(struct genome *genome, struct model *model) {
    for (size_t i = 0; i < GENES; i++)
        genome->genes[i] = (unsigned char)model_random(model, 256);
}

void genome_mutate(struct genome *genome, struct model *model) {
    unsigned count = model_chance(model, 15) ? GENES : model_random(model, 14);
    for (unsigned i = 0; i < count; i++)
        genome->genes[model_random(model, GENES)] = (unsigned char)model_random(model, 256);
}

/* --- environments -------------------------------------------------------------------------------
 */

#define SERVICES 6
#define NETWORKS 4
#define VOLUMES  3

struct builder {
    const struct genome *genome;
    size_t at;
    struct arena *arena;
    struct environment *environment;
    unsigned ports_taken, addresses_taken;
};

static unsigned gene(struct builder *builder, unsigned limit) {
    return builder->genome->genes[builder->at++] % limit;
}

static void *array(struct builder *builder, size_t size, size_t count) {
    return arena_alloc(builder->arena, size * count);
}

static bool subnet_is_free(const struct environment *environment, const char *subnet) {
    for (size_t i = 0; i < environment->network_count; i++)
        if (environment->networks[i].subnet &&
            (strcmp(environment->networks[i].subnet, subnet) == 0 || strstr(subnet, "/16") ||
             strstr(environment->networks[i].subnet, "/16")))
            return false;
    return true;
}

static void build_networks(struct builder *builder) {
    static const char *const names[NETWORKS] = {"n0", "n1", "n2", "n3"};
    static const char *const subnets[] = {NULL, NULL, "10.0.0.0/24", "10.0.1.0/24", "10.0.0.0/16"};
    struct environment *environment = builder->environment;
    environment->networks = array(builder, sizeof(struct network), NETWORKS);
    for (size_t i = 0; i < NETWORKS; i++) {
        unsigned there = gene(builder, 4), which = gene(builder, 5), internal = gene(builder, 8);
        if (there == 0 && !(i == NETWORKS - 1 && environment->network_count == 0))
            continue;
        const char *subnet = subnets[which];
        if (subnet && !subnet_is_free(environment, subnet))
            subnet = NULL;
        environment->networks[environment->network_count++] = (struct network){
            .name = names[i], .subnet = subnet, .driver = "bridge", .internal = internal == 0};
    }
}

static void build_volumes(struct builder *builder) {
    static const char *const names[VOLUMES] = {"v0", "v1", "v2"};
    struct environment *environment = builder->environment;
    environment->volumes = array(builder, sizeof(struct volume), VOLUMES);
    for (size_t i = 0; i < VOLUMES; i++)
        if (gene(builder, 3))
            environment->volumes[environment->volume_count++] =
                (struct volume){.name = names[i], .driver = "local"};
}

static void build_attachments(struct builder *builder, struct service *service) {
    struct environment *environment = builder->environment;
    service->networks = array(builder, sizeof(struct attachment), NETWORKS);
    for (size_t i = 0; i < NETWORKS; i++) {
        unsigned there = gene(builder, 2), address = gene(builder, 6), alias = gene(builder, 5);
        if (i >= environment->network_count || (!there && i))
            continue;
        struct attachment *attachment = &service->networks[service->network_count++];
        attachment->network = environment->networks[i].name;
        /* Addresses are unique over all networks, so that only the network need have a subnet. */
        if (environment->networks[i].subnet && address < 4 && service->replicas == 1 &&
            !(builder->addresses_taken & 1u << address)) {
            builder->addresses_taken |= 1u << address;
            attachment->ipv4_address = arena_format(builder->arena, "10.0.0.%u", 10 + address);
        }
        if (alias == 0) {
            attachment->aliases.items = array(builder, sizeof(char *), 1);
            attachment->aliases.items[0] = "other";
            attachment->aliases.count = 1;
        }
    }
}

static void build_ports(struct builder *builder, struct service *service) {
    unsigned port = gene(builder, 8), target = gene(builder, 2), everywhere = gene(builder, 4);
    service->ports = array(builder, sizeof(struct port), 1);
    if (port >= 4 || service->replicas > 1 || builder->ports_taken & 1u << port)
        return;
    builder->ports_taken |= 1u << port;
    service->ports[service->port_count++] =
        (struct port){.host_ip = everywhere ? "127.0.0.1" : "0.0.0.0",
                      .published = (uint16_t)(8000 + port),
                      .target = (uint16_t)(80 + target)};
}

static void build_files(struct builder *builder, struct service *service) {
    static const char *const targets[] = {"/etc/one", "/etc/two"};
    static const char *const contents[] = {"x", "y"};
    service->files = array(builder, sizeof(struct file), 2);
    for (size_t i = 0; i < 2; i++) {
        unsigned there = gene(builder, 3), content = gene(builder, 2), reload = gene(builder, 3);
        if (there)
            continue;
        service->files[service->file_count++] =
            (struct file){.target = targets[i],
                          .data = contents[content],
                          .size = 1,
                          .mode = 0644,
                          .reload_signal = reload == 0   ? "HUP"
                                           : reload == 1 ? "USR1"
                                                         : NULL};
    }
}

static void build_mounts(struct builder *builder, struct service *service) {
    struct environment *environment = builder->environment;
    unsigned which = gene(builder, 4);
    service->mounts = array(builder, sizeof(struct mount), 1);
    if (which < environment->volume_count)
        service->mounts[service->mount_count++] = (struct mount){
            .kind = MOUNT_VOLUME, .volume = environment->volumes[which].name, .target = "/data"};
}

static void build_limits(struct builder *builder, struct service *service) {
    static const enum restart_policy policies[] = {RESTART_UNLESS_STOPPED, RESTART_ALWAYS,
                                                   RESTART_NO, RESTART_ON_FAILURE};
    unsigned memory = gene(builder, 4), pids = gene(builder, 4), restart = gene(builder, 8);
    service->limits.memory = memory < 3 ? (int64_t)memory * 64 << 20 : 0;
    service->limits.pids = pids < 3 ? pids * 10 : 0;
    service->restart_declared = restart < 4;
    service->restart = restart < 4 ? policies[restart] : RESTART_UNLESS_STOPPED;
    service->completes = service->restart_declared &&
                         (service->restart == RESTART_NO || service->restart == RESTART_ON_FAILURE);
}

static void build_check(struct builder *builder, struct service *service) {
    static const enum check_kind kinds[] = {CHECK_DEFAULT, CHECK_TEST, CHECK_HTTP, CHECK_DEFAULT};
    static const char *test[] = {"CMD", "true"};
    service->healthcheck.kind = kinds[gene(builder, 4)];
    if (service->healthcheck.kind == CHECK_TEST)
        service->healthcheck.test = (struct text_list){test, 2, true};
    if (service->healthcheck.kind == CHECK_HTTP) {
        service->healthcheck.port = 80;
        service->healthcheck.path = "/";
    }
}

static void build_service(struct builder *builder, const char *name) {
    static const char *const images[] = {"img0", "img1", "img2"};
    static const char *const settings[] = {"1", "2"};
    struct environment *environment = builder->environment;
    struct service *service = &environment->services[environment->service_count];
    unsigned replicas = gene(builder, 5), setting = gene(builder, 3);
    *service = (struct service){
        .name = name, .image = images[gene(builder, 3)], .stop_grace_period_ns = -1, .init = UNSET};
    service->replicas = replicas == 0 ? 3 : replicas == 1 ? 2 : 1;
    service->pull_policy = gene(builder, 4) ? PULL_IF_NOT_PRESENT : PULL_ALWAYS;
    service->update_strategy = gene(builder, 3) ? UPDATE_RECREATE : UPDATE_START_FIRST;
    if (setting < 2) {
        service->environment = array(builder, sizeof(struct variable), 1);
        service->environment[service->environment_count++] =
            (struct variable){.name = "SETTING", .value = settings[setting]};
    }
    build_attachments(builder, service);
    build_ports(builder, service);
    build_files(builder, service);
    build_mounts(builder, service);
    build_limits(builder, service);
    build_check(builder, service);
}

static struct service *find(struct environment *environment, const char *name) {
    for (size_t i = 0; i < environment->service_count; i++)
        if (strcmp(environment->services[i].name, name) == 0)
            return &environment->services[i];
    return NULL;
}

/* Edges only go up or only go down the list: no cycles. */
static void build_dependencies(struct builder *builder) {
    struct environment *environment = builder->environment;
    bool down = gene(builder, 2);
    for (size_t i = 0; i < environment->service_count; i++) {
        struct service *service = &environment->services[i];
        service->depends_on = array(builder, sizeof(struct dependency), environment->service_count);
        unsigned bits = gene(builder, 256), conditions = gene(builder, 243);
        for (size_t j = 0; j < environment->service_count; j++, conditions /= 3) {
            if (!(bits & 1u << j) || (down ? j <= i : j >= i) || (bits & 128u))
                continue;
            struct service *other = &environment->services[j];
            service->depends_on[service->depends_on_count++] = (struct dependency){
                .service = other->name, .condition = (enum depends_condition)(conditions % 3)};
            if (conditions % 3 == DEPENDS_COMPLETED)
                other->completes = true;
        }
    }
}

struct environment *genome_environment(const struct genome *genome, struct model *model) {
    static const char *const names[SERVICES] = {"a", "a-2", "b", "c", "d", "e"};
    struct builder builder = {.genome = genome, .arena = model->arena};
    struct environment *environment = arena_alloc(model->arena, sizeof *environment);
    builder.environment = environment;
    *environment = (struct environment){
        .arena = model->arena, .file = "e.yaml", .name = "e", .project = model->project};
    environment->services = array(&builder, sizeof(struct service), SERVICES);
    build_networks(&builder);
    build_volumes(&builder);
    bool there[SERVICES];
    for (size_t i = 0; i < SERVICES; i++)
        there[i] = gene(&builder, 3) != 0;
    for (size_t i = 0; i < SERVICES; i++) {
        size_t next = builder.at + 32; /* genes stay where they are, whatever is skipped */
        const struct service *a = find(environment, "a");
        bool clashes = strcmp(names[i], "a-2") == 0 && a && a->replicas > 1;
        if (there[i] && !clashes) {
            build_service(&builder, names[i]);
            environment->service_count++;
        }
        if (builder.at > next)
            abort();
        builder.at = next;
    }
    build_dependencies(&builder);
    if (builder.at > GENES)
        abort();
    return environment;
}

/* --- drift --------------------------------------------------------------------------------------
 */

static struct model_container *any_container(struct model *model) {
    for (int tries = 0; tries < 20 && model->container_count; tries++) {
        struct model_container *one =
            &model->containers[model_random(model, (unsigned)model->container_count)];
        if (!one->gone && one->key)
            return one;
    }
    return NULL;
}

static struct model_network *any_network(struct model *model) {
    for (int tries = 0; tries < 20 && model->network_count; tries++) {
        struct model_network *one =
            &model->networks[model_random(model, (unsigned)model->network_count)];
        if (!one->gone)
            return one;
    }
    return NULL;
}

static const char *drift_state(struct model *model, struct model_container *container,
                               bool *lossy) {
    static const enum run_state states[] = {RUN_PAUSED, RUN_EXITED, RUN_EXITED, RUN_RESTARTING,
                                            RUN_DEAD};
    if (!model_is_running(container))
        return "nothing";
    container->state = states[model_random(model, 5)];
    container->exit_code = container->state == RUN_EXITED && model_chance(model, 50) ? 137 : 0;
    *lossy |= container->state == RUN_DEAD;
    return "state";
}

static const char *drift_name(struct model *model, struct model_container *container) {
    static const char *const suffixes[] = {".next", ".previous", "-2"};
    struct model_container *other = any_container(model);
    other = other ? other : container;
    const char *name = arena_format(model->arena, "x%d", ++model->serial);
    switch (model_random(model, 3)) {
    case 0: /* each other's */
        name = container->name;
        container->name = other->name;
        other->name = name;
        return "swapped names";
    case 1:
        name = arena_format(model->arena, "%s%s", other->name, suffixes[model_random(model, 3)]);
        break;
    default:
        break;
    }
    if (model_find(model, name))
        return "nothing";
    container->name = name;
    return "renamed";
}

static const char *drift_limit(struct model *model, struct model_container *container) {
    static const char *const values[] = {"64Mi", "128Mi", "1Gi"};
    struct field_builder builder = {.arena = model->arena};
    for (size_t i = 0; i < container->config.count; i++)
        field_add(&builder, container->config.items[i].path, container->config.items[i].value);
    field_add(&builder, "resources.limits.memory", values[model_random(model, 3)]);
    container->config = field_list_finish(&builder);
    return "memory limit";
}

static const char *drift_attachment(struct model *model, struct model_container *container) {
    struct model_network *network = any_network(model);
    if (!network)
        return "nothing";
    for (size_t i = 0; i < container->attachment_count; i++)
        if (container->attachments[i].network == network->id) {
            model_detach(container, i);
            return "disconnected";
        }
    if (container->attachment_count == MODEL_ATTACHMENTS)
        return "nothing";
    container->attachments[container->attachment_count++] =
        (struct model_attachment){.network = network->id, .name = network->name};
    return "connected";
}

static const char *drift_network(struct model *model) {
    struct model_network *network = any_network(model);
    if (!network || !network->key)
        return "nothing";
    for (size_t i = 0; i < model->container_count; i++) {
        struct model_container *one = &model->containers[i];
        for (size_t j = one->attachment_count; j-- > 0;)
            if (one->attachments[j].network == network->id && model_is_running(one))
                model_detach(one, j);
    }
    network->gone = true;
    return "network removed";
}

static const char *drift_image(struct model *model) {
    if (!model->image_count)
        return "nothing";
    struct model_image *image = &model->images[model_random(model, (unsigned)model->image_count)];
    switch (model_random(model, 3)) {
    case 0:
        image->version = ++model->serial;
        return "image tagged";
    case 1:
        image->registry_version = ++model->serial;
        return "image pushed";
    default:
        image->version = 0;
        return "image removed";
    }
}

static const char *drift_file(struct model *model, struct model_container *container) {
    struct field_builder builder = {.arena = model->arena};
    for (size_t i = 0; i < container->files.count; i++)
        field_add(&builder, container->files.items[i].path, "edited");
    container->files = field_list_finish(&builder);
    return "files edited";
}

static const char *drift_loss(struct model_container *container) {
    if (container->state != RUN_RUNNING || !container->publishes)
        return "nothing";
    container->lost = true;
    container->attachment_count = 0;
    return "networks and ports lost";
}

const char *model_drift(struct model *model, bool *lossy) {
    struct model_container *container = any_container(model);
    if (!container)
        return "nothing";
    switch (model_random(model, 14)) {
    case 0:
        container->state = RUN_EXITED;
        container->gone = *lossy = true;
        return "removed";
    case 1:
    case 2:
    case 3:
        return drift_state(model, container, lossy);
    case 4:
    case 5:
        *lossy = true; /* a container that looks like one that never took over */
        return drift_name(model, container);
    case 6:
        return drift_limit(model, container);
    case 7:
    case 8:
        return drift_attachment(model, container);
    case 9:
        return drift_network(model);
    case 10:
        return drift_image(model);
    case 11:
        return drift_file(model, container);
    case 12:
        *lossy = true;
        model_copy(model, container, arena_format(model->arena, "x%d", ++model->serial));
        return "copied";
    default:
        return drift_loss(container);
    }
}

void model_add_strangers(struct model *model) {
    model->networks[model->network_count++] =
        (struct model_network){.id = ++model->serial, .name = "my.other.net"};
    model->networks[model->network_count++] =
        (struct model_network){.id = ++model->serial, .name = "n0"}; /* as we call ours */
    model->volumes[model->volume_count++] =
        (struct model_volume){.name = "q-v0", .own_name = "v0", .data = ++model->serial};
    struct model_container *stranger = &model->containers[model->container_count++];
    *stranger = (struct model_container){
        .id = "stranger", .name = "q-a", .state = RUN_RUNNING, .created = "2026-01-01T00:00:00Z"};
    stranger->attachments[stranger->attachment_count++] =
        (struct model_attachment){.network = model->networks[1].id, .name = "n0"};
}
