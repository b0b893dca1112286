/* Every field, in every form, and what is said about wrong ones. */
#include "unit/spec_fixture.h"

#include <criterion/criterion.h>
#include <string.h>

TestSuite(decode, .init = fixture_begin, .fini = fixture_end);

static void expect_list(const struct text_list *list, const char *expected) {
    char text[256] = "";
    for (size_t i = 0; i < list->count; i++) {
        strcat(text, i ? "|" : "");
        strcat(text, list->items[i]);
    }
    cr_expect_str_eq(text, expected);
}

Test(decode, defaults) {
    const struct service *x = fixture_service("");
    cr_expect_str_eq(x->name, "x");
    cr_expect_str_eq(x->image, "x:1");
    cr_expect_eq(x->pull_policy, PULL_IF_NOT_PRESENT);
    cr_expect_eq(x->restart, RESTART_UNLESS_STOPPED);
    cr_expect_not(x->restart_declared);
    cr_expect_eq(x->replicas, 1);
    cr_expect_eq(x->stop_grace_period_ns, -1);
    cr_expect_eq(x->init, UNSET);
    cr_expect_eq(x->healthcheck.kind, CHECK_DEFAULT);
    cr_expect_eq(x->update_strategy, UPDATE_RECREATE);
    cr_expect_not(x->command.declared);
    cr_expect_not(x->completes);
    cr_expect_null(x->user);
    cr_expect_eq(x->limits.memory, 0);
    cr_expect_eq(x->network_count, 1);
    cr_expect_str_eq(x->networks[0].network, "default");
    cr_expect_eq(x->at.line, 10);
    cr_expect_eq(x->at.column, 5);
}

Test(decode, plain_fields) {
    const struct service *x = fixture_service("      pullPolicy: always\n"
                                              "      user: 999:999\n"
                                              "      workingDir: /srv//app/./\n"
                                              "      hostname: x.example.org\n"
                                              "      stopSignal: int\n"
                                              "      stopGracePeriod: 1m30s\n"
                                              "      readOnly: true\n"
                                              "      noNewPrivileges: true\n"
                                              "      privileged: true\n"
                                              "      init: false\n"
                                              "      shmSize: 64Mi\n"
                                              "      replicas: 3\n"
                                              "      updateStrategy: startFirst\n");
    cr_expect_eq(x->pull_policy, PULL_ALWAYS);
    cr_expect_str_eq(x->user, "999:999");
    cr_expect_str_eq(x->working_dir, "/srv/app");
    cr_expect_str_eq(x->hostname, "x.example.org");
    cr_expect_str_eq(x->stop_signal, "SIGINT");
    cr_expect_eq(x->stop_grace_period_ns, 90000000000);
    cr_expect(x->read_only && x->no_new_privileges && x->privileged);
    cr_expect_eq(x->init, NO);
    cr_expect_eq(x->shm_size, 64 << 20);
    cr_expect_eq(x->replicas, 3);
    cr_expect_eq(x->update_strategy, UPDATE_START_FIRST);
}

Test(decode, command_lines) {
    const struct service *x = fixture_service("      command: [a, 5, \"b c\", true, \"\"]\n"
                                              "      entrypoint: sh -c 'echo \"$$HOME\"' a\\ b\n");
    expect_list(&x->command, "a|5|b c|true|");
    expect_list(&x->entrypoint, "sh|-c|echo \"$HOME\"|a b");
    x = fixture_service("      command: |\n"
                        "        a \"b\\\"c\\d\" 'e\\' f\"g\"h '' # comment\n"
                        "        i\n");
    expect_list(&x->command, "a|b\"c\\d|e\\|fgh||i");
    expect_service_error("      command: a\\\n", "ends with a backslash that quotes nothing");
    x = fixture_service("      command: []\n");
    cr_expect(x->command.declared);
    cr_expect_eq(x->command.count, 0);
    expect_service_error("      command: echo 'open\n",
                         "services.x.command: a quote is opened and never closed");
    expect_service_error("      command: {a: b}\n",
                         "services.x.command: expected a list of texts, or one text that is split "
                         "as a shell would, found a map");
    expect_service_error("      command: [a, [b]]\n",
                         "services.x.command[1]: expected a text, found a list of 1");
}

Test(decode, environment) {
    fixture_set("PASSWORD=s3cret");
    const struct service *x = fixture_service("      environment:\n"
                                              "        ZED: 5432\n"
                                              "        FLAG: true\n"
                                              "        EMPTY: \"\"\n"
                                              "        PASSWORD: {secret: password}\n");
    cr_assert_eq(x->environment_count, 4);
    cr_expect_str_eq(x->environment[0].name, "EMPTY");
    cr_expect_str_eq(x->environment[0].value, "");
    cr_expect_str_eq(x->environment[1].value, "true");
    cr_expect_str_eq(x->environment[2].name, "PASSWORD");
    cr_expect_str_eq(x->environment[2].secret, "password");
    cr_expect_str_eq(x->environment[2].value, "s3cret");
    cr_expect_str_eq(x->environment[3].value, "5432");
    cr_expect_null(x->environment[3].secret);
    expect_service_error("      environment: {\"A=B\": 1}\n",
                         "\"A=B\" is not the name of an environment variable");
    expect_service_error(
        "      environment: [A=B]\n",
        "services.x.environment: expected a map from names (of the variable), found a "
        "list of 1");
    expect_service_error("      environment: {A: {secrets: b}}\n",
                         "services.x.environment.A: unknown field \"secrets\"\n");
    expect_service_error("      environment: {A: [b]}\n",
                         "services.x.environment.A: expected a text or {secret: NAME}, found a "
                         "list of 1");
}

Test(decode, ports) {
    const struct service *x = fixture_service(
        "      ports:\n"
        "        - 8080\n"
        "        - \"6379:6380\"\n"
        "        - \"0.0.0.0:53:54/udp\"\n"
        "        - {published: 4317, target: 4318, protocol: udp, hostIp: 10.0.0.1}\n"
        "        - target: 9\n");
    static const struct port expected[] = {{"127.0.0.1", 0, 8080, false, {0}},
                                           {"127.0.0.1", 6379, 6380, false, {0}},
                                           {"0.0.0.0", 53, 54, true, {0}},
                                           {"10.0.0.1", 4317, 4318, true, {0}},
                                           {"127.0.0.1", 0, 9, false, {0}}};
    cr_assert_eq(x->port_count, 5);
    for (size_t i = 0; i < 5; i++) {
        cr_expect_str_eq(x->ports[i].host_ip, expected[i].host_ip);
        cr_expect_eq(x->ports[i].published, expected[i].published);
        cr_expect_eq(x->ports[i].target, expected[i].target);
        cr_expect_eq(x->ports[i].udp, expected[i].udp);
        cr_expect_eq(x->ports[i].at.line, 13 + i);
    }
}

Test(decode, wrong_ports) {
    expect_service_error("      ports: [\"70000:6379\"]\n",
                         "dev.yaml:8:15: error: services.x.ports[0]: \"70000\" is not a port "
                         "(1-65535)\n"
                         "    8 |       ports: [\"70000:6379\"]\n"
                         "      |               ^~~~~~~~~~~~\n");
    expect_service_error("      ports: [\"8000-8010:80\"]\n",
                         "services.x.ports[0]: \"8000-8010\" is a range of ports\n");
    expect_service_error("      ports: [\"80:80/sctp\"]\n",
                         "\"sctp\" is not a protocol (tcp or udp)");
    expect_service_error("      ports: [\"[::1]:80:80\"]\n", "\"[::1]\" is not an IPv4 address");
    expect_service_error("      ports: [\"0:80\"]\n", "\"0\" is not a port (1-65535)");
    expect_service_error("      ports: [\"\"]\n", "\"\" is not a port (1-65535)");
    expect_service_error("      ports: [\"a:b\"]\n", "\"b\" is not a port");
    expect_service_error("      ports: [{published: 80}]\n", "\"target\" is missing");
    expect_service_error("      ports: [{target: 0}]\n",
                         "services.x.ports[0].target: \"0\" is not a port (1-65535)");
    expect_service_error("      ports: [{target: 1, protocol: icmp}]\n",
                         "\"icmp\" is not one of tcp or udp");
    expect_service_error("      ports: 80\n",
                         "services.x.ports: expected a list (each item a port), found \"80\"");
}

Test(decode, healthchecks) {
    const struct service *x = fixture_service("      healthcheck:\n"
                                              "        test: [CMD, redis-cli, ping]\n"
                                              "        interval: 10s\n"
                                              "        timeout: 500ms\n"
                                              "        retries: 5\n"
                                              "        startPeriod: 1m\n");
    cr_expect_eq(x->healthcheck.kind, CHECK_TEST);
    expect_list(&x->healthcheck.test, "CMD|redis-cli|ping");
    cr_expect_eq(x->healthcheck.interval_ns, 10000000000);
    cr_expect_eq(x->healthcheck.timeout_ns, 500000000);
    cr_expect_eq(x->healthcheck.retries, 5);
    cr_expect_eq(x->healthcheck.start_period_ns, 60000000000);
    x = fixture_service("      healthcheck: {test: exit 0}\n");
    expect_list(&x->healthcheck.test, "CMD-SHELL|exit 0");
    x = fixture_service("      healthcheck: {test: [NONE]}\n");
    cr_expect_eq(x->healthcheck.kind, CHECK_DISABLED);
    x = fixture_service("      healthcheck: {disable: true, test: [CMD, a]}\n");
    cr_expect_eq(x->healthcheck.kind, CHECK_DISABLED);
    cr_expect_eq(x->healthcheck.test.count, 0);
    x = fixture_service("      healthcheck: {disable: false}\n");
    cr_expect_eq(x->healthcheck.kind, CHECK_DEFAULT);
    x = fixture_service("      healthcheck: {http: {port: 80}}\n");
    cr_expect_eq(x->healthcheck.kind, CHECK_HTTP);
    cr_expect_eq(x->healthcheck.port, 80);
    cr_expect_str_eq(x->healthcheck.path, "/");
    x = fixture_service("      healthcheck: {http: {port: 80, path: /-/healthy}}\n");
    cr_expect_str_eq(x->healthcheck.path, "/-/healthy");
    x = fixture_service("      healthcheck: {tcp: {port: 81}}\n");
    cr_expect_eq(x->healthcheck.kind, CHECK_TCP);
    cr_expect_eq(x->healthcheck.port, 81);
}

Test(decode, wrong_healthchecks) {
    expect_service_error("      healthcheck: {http: {port: 1}, tcp: {port: 1}}\n",
                         "services.x.healthcheck.tcp: there is \"http\" already (dev.yaml:8)");
    expect_service_error("      healthcheck: {test: [redis-cli, ping]}\n",
                         "a test starts with CMD, CMD-SHELL or NONE, not \"redis-cli\"");
    expect_service_error("      healthcheck: {test: [CMD]}\n",
                         "CMD takes a program and its arguments after it, found 0");
    expect_service_error("      healthcheck: {test: [CMD-SHELL, a, b]}\n",
                         "CMD-SHELL takes one text after it, found 2");
    expect_service_error("      healthcheck: {test: [NONE, a]}\n", "NONE takes nothing after it");
    expect_service_error("      healthcheck: {test: []}\n", "not \"\"");
    expect_service_error("      healthcheck: {http: {path: /}}\n",
                         "services.x.healthcheck.http: \"port\" is missing");
    expect_service_error("      healthcheck: {tcp: 80}\n",
                         "expected a map (tcp check), found \"80\"");
    expect_service_error("      healthcheck: {http: {port: 1, path: a}}\n",
                         "\"a\" is not a path of a URL, starting with /");
    expect_service_error(
        "      healthcheck: {test: a, intervall: 5s}\n",
        "dev.yaml:8:30: error: services.x.healthcheck: unknown field \"intervall\"\n"
        "    8 |       healthcheck: {test: a, intervall: 5s}\n"
        "      |                              ^~~~~~~~~\n"
        "      help: did you mean \"interval\"?\n");
    expect_service_error("      healthcheck: {test: a, interval: 5}\n",
                         "\"5\" is not a duration such as 10s or 1m30s");
    expect_service_error("      healthcheck: {test: a, retries: 0}\n",
                         "\"0\" is not a whole number from 1 to 1000000");
}

Test(decode, dependencies) {
    const struct service *x = fixture_service("      dependsOn: {other: healthy}\n");
    cr_assert_eq(x->depends_on_count, 1);
    cr_expect_str_eq(x->depends_on[0].service, "other");
    cr_expect_eq(x->depends_on[0].condition, DEPENDS_HEALTHY);
    x = fixture_service("      dependsOn: [other]\n");
    cr_expect_eq(x->depends_on[0].condition, DEPENDS_STARTED);
    cr_expect_eq(x->depends_on[0].at.column, 19);
    x = fixture_service("      dependsOn: {other: {condition: completed}}\n");
    cr_expect_eq(x->depends_on[0].condition, DEPENDS_COMPLETED);
    x = fixture_service("      dependsOn: {other: {}}\n");
    cr_expect_eq(x->depends_on[0].condition, DEPENDS_STARTED);
    expect_service_error("      dependsOn: {y: healty}\n",
                         "services.x.dependsOn.y: \"healty\" is not one of started, healthy or "
                         "completed\n");
    cr_expect(strstr(fixture_printed(), "help: did you mean \"healthy\"?"));
    expect_service_error("      dependsOn: [y, y]\n", "\"y\" is named twice");
}

Test(decode, restart) {
    cr_expect_eq(fixture_service("      restart: no\n")->restart, RESTART_NO);
    cr_expect_eq(fixture_service("      restart: always\n")->restart, RESTART_ALWAYS);
    cr_expect(fixture_service("      restart: unless-stopped\n")->restart_declared);
    const struct service *x = fixture_service("      restart: on-failure:3\n");
    cr_expect_eq(x->restart, RESTART_ON_FAILURE);
    cr_expect_eq(x->restart_max_retries, 3);
    cr_expect(x->completes);
    cr_expect_eq(fixture_service("      restart: on-failure\n")->restart_max_retries, 0);
    expect_service_error("      restart: on-failure:x\n",
                         "services.x.restart: \"x\" is not a number of retries");
    expect_service_error("      restart: onfailure\n", "help: did you mean \"on-failure\"?");
}

Test(decode, mounts_and_tmpfs) {
    const struct service *x = fixture_service("      mounts:\n"
                                              "        - {volume: more, target: /z/}\n"
                                              "        - {bind: /srv, target: /a, readOnly: true}\n"
                                              "      tmpfs: [\"/t:size=64m,mode=1777\", /s]\n");
    cr_assert_eq(x->mount_count, 2);
    cr_expect_eq(x->mounts[0].kind, MOUNT_BIND);
    cr_expect_str_eq(x->mounts[0].source, "/srv");
    cr_expect(x->mounts[0].read_only);
    cr_expect_str_eq(x->mounts[1].volume, "more");
    cr_expect_str_eq(x->mounts[1].target, "/z");
    cr_assert_eq(x->tmpfs.count, 2);
    cr_expect_str_eq(x->tmpfs.items[0].key, "/s");
    cr_expect_str_eq(x->tmpfs.items[0].value, "");
    cr_expect_str_eq(x->tmpfs.items[1].value, "size=64m,mode=1777");
    x = fixture_service("      tmpfs: {/run: mode=0700}\n");
    cr_expect_str_eq(x->tmpfs.items[0].value, "mode=0700");
    expect_service_error("      mounts: [{target: /a}]\n", "a mount needs \"volume\" or \"bind\"");
    expect_service_error("      mounts: [{volume: v, bind: /b, target: /a}]\n",
                         "services.x.mounts[0].bind: there is \"volume\" already (dev.yaml:8)");
    expect_service_error("      mounts: [{bind: ./b, target: /a}]\n",
                         "\"./b\" is not an absolute path on the engine's host");
    expect_service_error("      mounts: [{bind: /b, target: ../a}]\n",
                         "\"../a\" is not an absolute path in the container");
    expect_service_error("      mounts: [\"data:/a\"]\n",
                         "expected a map (mount), found \"data:/a\"");
    expect_service_error("      tmpfs: [a]\n", "\"a\" is not an absolute path in the container");
    expect_service_error("      tmpfs: [/a, /a/]\n", "\"/a\" is declared twice");
}

Test(decode, networks) {
    const struct service *x =
        fixture_service("      networks: {b: {ipv4Address: 10.1.0.9, aliases: [y, z.z]}, a: {}}\n");
    cr_assert_eq(x->network_count, 2);
    cr_expect_str_eq(x->networks[0].network, "a");
    cr_expect_null(x->networks[0].ipv4_address);
    cr_expect_str_eq(x->networks[1].ipv4_address, "10.1.0.9");
    expect_list(&x->networks[1].aliases, "y|z.z");
    expect_service_error("      networks: {a: {ipv4address: 10.0.0.1}}\n",
                         "did you mean \"ipv4Address\"?");
    expect_service_error("      networks: {a: {ipv4Address: 10.0.0.256}}\n",
                         "\"10.0.0.256\" is not an IPv4 address");
    expect_service_error("      networks: [a]\n", "expected a map from names (of the network)");
    expect_service_error("      networks: {A: {}}\n", "services.x.networks: \"A\" is not a name");
}

Test(decode, resources_and_limits) {
    const struct service *x =
        fixture_service("      resources:\n"
                        "        limits: {cpu: 500m, memory: 256Mi, pids: 100}\n"
                        "        requests: {cpu: 0.25, memory: 6291456}\n"
                        "      ulimits: {nofile: 1024, nproc: {soft: 10, hard: unlimited}, "
                        "memlock: -1}\n");
    cr_expect_eq(x->limits.nano_cpus, 500000000);
    cr_expect_eq(x->limits.memory, 256 << 20);
    cr_expect_eq(x->limits.pids, 100);
    cr_expect_eq(x->requests.nano_cpus, 250000000);
    cr_expect_eq(x->requests.memory, 6 << 20);
    cr_assert_eq(x->ulimit_count, 3);
    cr_expect_str_eq(x->ulimits[0].name, "memlock");
    cr_expect_eq(x->ulimits[0].hard, -1);
    cr_expect_eq(x->ulimits[1].soft, 1024);
    cr_expect_eq(x->ulimits[1].hard, 1024);
    cr_expect_eq(x->ulimits[2].soft, 10);
    cr_expect_eq(x->ulimits[2].hard, -1);
    expect_service_error("      resources: {limits: {memory: 256m}}\n",
                         "\"256m\" is not a number of bytes such as 256Mi or 1Gi");
    cr_expect(strstr(fixture_printed(), "help: did you mean \"256Mi\"? \"m\" is a thousandth"));
    expect_service_error("      shmSize: 256MB\n", "help: did you mean \"256Mi\"?\n");
    expect_service_error("      resources: {limits: {memory: 5Mi}}\n",
                         "services.x.resources.limits.memory: \"5Mi\" is less than 6Mi, the least");
    expect_service_error("      resources: {requests: {memory: 1}}\n", "\"1\" is less than 6Mi");
    expect_service_error("      resources: {limits: {cpu: 9m}}\n",
                         "services.x.resources.limits.cpu: \"9m\" is less than 10m");
    expect_service_error("      resources: {limits: {cpu: many}}\n",
                         "\"many\" is not a number of CPUs");
    expect_service_error("      resources: {requests: {pids: 5}}\n", "unknown field \"pids\"\n");
    expect_service_error("      ulimits: {nofiles: 5}\n", "\"nofiles\" is not a resource limit");
    cr_expect(strstr(fixture_printed(), "help: did you mean \"nofile\"?\n"));
    expect_service_error("      ulimits: {nofile: {soft: 1}}\n", "\"hard\" is missing");
    cr_expect_not(strstr(fixture_printed(), "above"), "%s", fixture_printed());
    expect_service_error("      stopSignal: SIGTRM\n", "help: did you mean \"SIGTERM\"?\n");
    expect_service_error("      stopSignal: trm\n", "help: did you mean \"TERM\"?\n");
    expect_service_error("      tmpfs: [/t, /t/]\n", "\"/t\" is declared twice");
    cr_expect_not(strstr(fixture_printed(), "already"), "%s", fixture_printed());
    expect_service_error("      ulimits: {nofile: {soft: 5, hard: 4}}\n",
                         "the soft limit is above the hard limit");
    expect_service_error("      ulimits: {nofile: lots}\n",
                         "\"lots\" is not a number, or unlimited");
}

Test(decode, capabilities_and_maps) {
    const struct service *x = fixture_service("      capDrop: [ALL]\n"
                                              "      capAdd: [net_raw, CAP_CHOWN, CHOWN]\n"
                                              "      dns: [1.1.1.1, \"2606:4700::1111\"]\n"
                                              "      extraHosts: [\"h:10.0.0.1\", "
                                              "\"gateway:host-gateway\"]\n"
                                              "      sysctls: {net.core.somaxconn: 1024}\n"
                                              "      labels: {b: 1, a: \"\"}\n"
                                              "      logging: {driver: json-file, options: "
                                              "{max-size: 10m}}\n");
    expect_list(&x->cap_drop, "ALL");
    expect_list(&x->cap_add, "CHOWN|NET_RAW");
    expect_list(&x->dns, "1.1.1.1|2606:4700::1111");
    cr_expect_str_eq(x->extra_hosts.items[0].key, "gateway");
    cr_expect_str_eq(x->extra_hosts.items[0].value, "host-gateway");
    cr_expect_str_eq(x->extra_hosts.items[1].value, "10.0.0.1");
    cr_expect_str_eq(x->sysctls.items[0].value, "1024");
    cr_expect_str_eq(x->labels.items[0].key, "a");
    cr_expect_str_eq(x->logging_driver, "json-file");
    cr_expect_str_eq(x->logging_options.items[0].value, "10m");
    x = fixture_service("      extraHosts: {h: \"::1\"}\n");
    cr_expect_str_eq(x->extra_hosts.items[0].value, "::1");
    expect_service_error("      capAdd: [NET_RAWW]\n", "help: did you mean \"NET_RAW\"?");
    expect_service_error("      dns: [ns.example.org]\n", "is not an IP address");
    expect_service_error("      extraHosts: [h]\n", "\"\" is not an IP address or host-gateway");
    expect_service_error("      labels: {tse.io/project: a}\n",
                         "the label \"tse.io/project\" is reserved");
    expect_service_error("      labels: {a: {b: c}}\n",
                         "services.x.labels.a: expected a text, found a map");
    expect_service_error("      stopSignal: SIGTERMM\n", "help: did you mean \"SIGTERM\"?");
}

Test(decode, files) {
    fixture_write("a.conf", "one\n");
    const struct service *x =
        fixture_service("      files:\n"
                        "        - {source: a.conf, target: /z, mode: \"0755\", owner: 999}\n"
                        "        - {content: \"two ${x}\", target: /b, mode: 0600, owner: \"1:2\", "
                        "reload: {signal: SIGHUP}}\n");
    cr_assert_eq(x->file_count, 2);
    const struct file *b = &x->files[0], *z = &x->files[1];
    cr_expect_str_eq(b->target, "/b");
    cr_expect_str_eq(b->data, "two ${x}");
    cr_expect_eq(b->size, 8);
    cr_expect_eq(b->mode, 0600);
    cr_expect(b->uid == 1 && b->gid == 2);
    cr_expect_str_eq(b->reload_signal, "HUP");
    cr_expect_null(b->source);
    cr_expect_str_eq(z->source, "a.conf");
    cr_expect_str_eq(z->data, "one\n");
    cr_expect_eq(z->mode, 0755);
    cr_expect(z->uid == 999 && z->gid == 999);
    cr_expect_null(z->reload_signal);
    cr_expect_not(z->secret);
    expect_service_error("      files: [{content: a, target: /a, mode: 644}]\n",
                         "644 may be meant as octal or as decimal");
    expect_service_error("      files: [{content: a, target: /a, mode: \"0888\"}]\n",
                         "\"0888\" is not an octal file mode");
    expect_service_error("      files: [{content: a, target: /a, owner: root}]\n",
                         "\"root\" is not numeric ids");
    expect_service_error("      files: [{target: /a}]\n", "a file needs \"source\" or \"content\"");
    expect_service_error("      files: [{content: a}]\n", "\"target\" is missing");
    expect_service_error("      files: [{content: a, target: /a, reload: HUP}]\n",
                         "expected a map (reload), found \"HUP\"");
}

Test(decode, images) {
    static const char *const good[] = {"redis", "redis:7-alpine", "localhost:5000/a/b_c:Tag.1",
                                       "ghcr.io/Org-less/x", "a/b--c/d__e"};
    static const char *const bad[] = {"Redis", "redis:", "redis: 7",    "a//b",
                                      "-a",    "a:b:c",  "a@sha256:12", "a/B"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char spec[100];
        snprintf(spec, sizeof spec, "  services: {x: {image: \"%s\"}}\n", bad[i]);
        expect_spec_error(spec, "is not an image such as redis:7-alpine");
    }
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        char spec[100];
        if (strstr(good[i], "Org"))
            continue; /* upper case is for hosts only */
        snprintf(spec, sizeof spec, "  services: {x: {image: \"%s\"}}\n", good[i]);
        fixture_environment(spec);
        fixture_must_read();
    }
    fixture_environment("  services: {x: {image: \"a@sha256:"
                        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"}}\n");
    fixture_must_read();
}

Test(decode, environment_fields) {
    fixture_environment(
        "  project: shop\n"
        "  networks:\n"
        "    n: {subnet: 10.0.0.0/8, gateway: 10.0.0.7, driver: overlay, internal: true, labels: "
        "{a: b}}\n"
        "  volumes: {v: {driver: nfs, driverOptions: {o: addr}, labels: {c: d}}}\n");
    const struct environment *environment = fixture_must_read();
    cr_expect_str_eq(environment->name, "dev");
    cr_expect_str_eq(environment->project, "shop");
    cr_expect_str_eq(environment->file, "dev.yaml");
    cr_expect_eq(strlen(environment->revision), 16);
    const struct network *n = environment_network(environment, "n");
    cr_expect_str_eq(n->subnet, "10.0.0.0/8");
    cr_expect_str_eq(n->gateway, "10.0.0.7");
    cr_expect_str_eq(n->driver, "overlay");
    cr_expect(n->internal);
    cr_expect_str_eq(n->labels.items[0].value, "b");
    const struct volume *v = environment_volume(environment, "v");
    cr_expect_str_eq(v->driver, "nfs");
    cr_expect_str_eq(v->driver_options.items[0].key, "o");
    cr_expect_str_eq(v->labels.items[0].key, "c");
    cr_expect_null(environment_volume(environment, "w"));
}

Test(decode, project_is_the_name_unless_declared) {
    fixture_environment("  services: {}\n");
    cr_expect_str_eq(fixture_must_read()->project, "dev");
}

Test(decode, scalars_of_wrong_types) {
    expect_service_error("      readOnly: yes\n", "\"yes\" is not true or false");
    expect_service_error("      replicas: 1.5\n", "\"1.5\" is not a whole number from 0 to 1000");
    expect_service_error("      replicas: 010\n", "\"010\" is not a whole number");
    expect_service_error("      replicas: 99999999999999999999\n", "is not a whole number");
    expect_service_error("      user: \"\"\n", "\"\" is not a user such as 999");
    expect_service_error("      user: [a]\n",
                         "services.x.user: expected a user such as 999, redis or 999:999, found a "
                         "list of 1");
    expect_service_error("      hostname: a_b\n", "\"a_b\" is not a host name");
    expect_service_error("      labels: [a=b]\n",
                         "expected a map from names to texts, found a list");
    expect_spec_error("  services: []\n", "services: expected a map from names (of the service)");
    expect_spec_error("  services: {x: redis}\n",
                      "services.x: expected a map (service), found \"redis\"");
    expect_spec_error("  services: {X: {image: a}}\n", "services: \"X\" is not a name");
    expect_spec_error("  services: {x: {}}\n", "services.x: \"image\" is missing");
    expect_spec_error("  defaultSecrets: never\n",
                      "defaultSecrets: \"never\" is not one of allow or refuse");
    expect_spec_error("  networks: {a: {subnet: 10.0.0.1/8}}\n",
                      "networks.a.subnet: \"10.0.0.1/8\" is not a subnet");
    expect_spec_error("  features: {a: 1}\n", "features.a: \"1\" is not true or false");
    expect_spec_error("  secrets: {a: {env: A-B}}\n", "\"A-B\" is not the name of a variable");
}

Test(decode, booleans) {
    const struct service *x = fixture_service("      readOnly: True\n"
                                              "      init: FALSE\n"
                                              "      privileged: \"TRUE\"\n");
    cr_expect(x->read_only);
    cr_expect_eq(x->init, NO);
    cr_expect(x->privileged);
    fixture_environment("  features: {a: True, b: FALSE}\n"
                        "  envFiles: [{path: none.env, required: False}]\n"
                        "  services: {x: {image: x, when: a}, y: {image: y, when: b}}\n");
    cr_expect_eq(fixture_must_read()->service_count, 1);
    expect_service_error("      readOnly: Yes\n", "help: did you mean true?\n");
    expect_service_error("      readOnly: off\n", "help: did you mean false?\n");
    /* Nothing follows from a feature that is neither. */
    expect_spec_error("  features: {a: yes}\n"
                      "  services: {x: {image: x, when: a}, y: {image: y, when: \"!a\"},\n"
                      "             z: {image: z, dependsOn: [x, y]}}\n",
                      "features.a: \"yes\" is not true or false");
    cr_expect_not(strstr(fixture_printed(), "switched off"), "%s", fixture_printed());
}

Test(decode, quoted_numbers_come_from_variables) {
    fixture_set("N=4");
    const struct service *x = fixture_service("      replicas: \"${N}\"\n"
                                              "      readOnly: \"${RO:-true}\"\n");
    cr_expect_eq(x->replicas, 4);
    cr_expect(x->read_only);
}

Test(decode, all_errors_in_one_run) {
    fixture_environment("  netwroks: {}\n"
                        "  services:\n"
                        "    x:\n"
                        "      imagee: a\n"
                        "      replicas: many\n"
                        "      ports: [99999]\n");
    cr_expect_str_eq(
        fixture_errors(),
        "dev.yaml:5:3: error: unknown field \"netwroks\"\n"
        "    5 |   netwroks: {}\n"
        "      |   ^~~~~~~~\n"
        "      help: did you mean \"networks\"?\n"
        "dev.yaml:8:7: error: services.x: unknown field \"imagee\"\n"
        "    8 |       imagee: a\n"
        "      |       ^~~~~~\n"
        "      help: did you mean \"image\"?\n"
        "dev.yaml:8:7: error: services.x: \"image\" is missing\n"
        "    8 |       imagee: a\n"
        "      |       ^\n"
        "      help: image is the image it runs, as redis:7-alpine\n"
        "dev.yaml:9:17: error: services.x.replicas: \"many\" is not a whole number from 0 to 1000\n"
        "    9 |       replicas: many\n"
        "      |                 ^~~~\n"
        "dev.yaml:10:15: error: services.x.ports[0]: \"99999\" is not a port (1-65535)\n"
        "   10 |       ports: [99999]\n"
        "      |               ^~~~~\n");
}

Test(decode, envelope) {
    fixture_write("dev.yaml", "apiVersion: v1\nkind: Enviroment\nmetadata: {}\n");
    const char *printed = fixture_errors();
    cr_expect(strstr(printed, "dev.yaml:1:13: error: apiVersion: \"v1\" is not "
                              "tse.io/v1alpha1"));
    cr_expect(strstr(printed, "kind: \"Enviroment\" is not Environment"));
    cr_expect(strstr(printed, "metadata: \"name\" is missing"));
    cr_expect(strstr(printed, "\"spec\" is missing"));
    fixture_write("dev.yaml", "- a\n");
    cr_expect(strstr(fixture_errors(), "expected a map (apiVersion, kind: Environment, metadata, "
                                       "spec), found a list of 1"));
    fixture_stack("dev.yaml", "  services: {}\n");
    cr_expect(strstr(fixture_errors(), "kind: this is a Stack, expected an Environment"));
    fixture_write("dev.yaml", "apiVersion: tse.io/v1alpha1\nkind: Environment\n"
                              "metadata: {name: Dev}\nspec: []\n");
    printed = fixture_errors();
    cr_expect(strstr(printed, "metadata.name: \"Dev\" is not a name"));
    cr_expect(strstr(printed, "spec: expected a map, found a list"));
}

Test(decode, overlay_of_a_misspelt_service) {
    fixture_environment("  services:\n"
                        "    redis: {image: redis}\n"
                        "    reids: {user: redis}\n");
    cr_expect_str_eq(fixture_errors(),
                     "dev.yaml:7:12: error: services.reids: \"image\" is missing\n"
                     "    7 |     reids: {user: redis}\n"
                     "      |            ^\n"
                     "      help: did you mean \"redis\"?\n");
}

Test(decode, what_is_wrong_is_said_once) {
    fixture_environment("  secrets: {a: {env: A-B}, b: {default: [c]}, c: d}\n");
    const char *printed = fixture_errors();
    cr_expect_not(strstr(printed, "no value"), "%s", printed);
}

Test(decode, unknown_fields_without_a_likeness) {
    expect_service_error("      resources: {requests: {zebra: 5}}\n",
                         "help: the fields of requests are: cpu, memory\n");
    expect_service_error("      healthcheck: {test: a, interval: 10us}\n",
                         "services.x.healthcheck.interval: is shorter than a millisecond (1ms)");
}
