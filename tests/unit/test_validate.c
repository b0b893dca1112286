/* What must hold between fields. */
#include "unit/spec_fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(validate, .init = fixture_begin, .fini = fixture_end);

static void expect_printed(const char *spec, const char *printed) {
    fixture_environment(spec);
    cr_expect_str_eq(fixture_errors(), printed);
}

static void expect_fine(const char *spec) {
    fixture_environment(spec);
    fixture_must_read();
    cr_expect_str_eq(fixture_printed(), "");
}

/* --- references ------------------------------------------------------------------------------- */

Test(validate, undeclared_names_are_all_found_and_suggested) {
    expect_printed(
        "  networks: {internal: {}}\n"
        "  volumes: {redis-data: {}}\n"
        "  secrets: {redis-password: {default: a}}\n"
        "  services:\n"
        "    redis: {image: redis}\n"
        "    x:\n"
        "      image: x\n"
        "      networks: {internl: {}}\n"
        "      mounts: [{target: /a, volume: redis-dat}]\n"
        "      environment: {P: {secret: redis-passwort}}\n"
        "      dependsOn: {rediss: healthy}\n",
        "dev.yaml:12:18: error: services.x.networks.internl: the network \"internl\" is "
        "not declared\n"
        "   12 |       networks: {internl: {}}\n"
        "      |                  ^~~~~~~\n"
        "      help: did you mean \"internal\"?\n"
        "dev.yaml:13:37: error: services.x.mounts[0].volume: the volume \"redis-dat\" is "
        "not declared\n"
        "   13 |       mounts: [{target: /a, volume: redis-dat}]\n"
        "      |                                     ^~~~~~~~~\n"
        "      help: did you mean \"redis-data\"?\n"
        "dev.yaml:14:33: error: services.x.environment.P.secret: the secret "
        "\"redis-passwort\" is not declared\n"
        "   14 |       environment: {P: {secret: redis-passwort}}\n"
        "      |                                 ^~~~~~~~~~~~~~\n"
        "      help: did you mean \"redis-password\"?\n"
        "dev.yaml:15:19: error: services.x.dependsOn.rediss: the service \"rediss\" is "
        "not declared\n"
        "   15 |       dependsOn: {rediss: healthy}\n"
        "      |                   ^~~~~~\n"
        "      help: did you mean \"redis\"?\n");
}

Test(validate, undeclared_names_without_a_likeness) {
    expect_service_error("      networks: {elsewhere: {}}\n",
                         "help: declare it under `networks`: elsewhere: {}");
    expect_service_error("      environment: {P: {secret: s}}\n",
                         "help: declare it under `secrets`: s: {env: VARIABLE}");
    expect_service_error("      dependsOn: [zookeeper]\n",
                         "help: declare it under `services`, or take the line out");
}

Test(validate, dependency_on_what_is_switched_off) {
    expect_printed(
        "  features: {chaos: false}\n"
        "  services:\n"
        "    monkey: {image: m, when: chaos}\n"
        "    x: {image: x, dependsOn: [monkey]}\n",
        "dev.yaml:8:31: error: services.x.dependsOn.monkey: the service \"monkey\" is "
        "switched off by `when: \"chaos\"`\n"
        "    8 |     x: {image: x, dependsOn: [monkey]}\n"
        "      |                               ^~~~~~\n"
        "      help: give this service the same `when: \"chaos\"`, or switch the feature "
        "on\n");
    expect_fine("  features: {chaos: true}\n"
                "  services:\n"
                "    monkey: {image: m, when: chaos}\n"
                "    x: {image: x, dependsOn: [monkey]}\n");
}

/* --- dependencies ----------------------------------------------------------------------------- */

Test(validate, cycles) {
    expect_printed("  services:\n"
                   "    a: {image: a, dependsOn: [b]}\n"
                   "    b: {image: b, dependsOn: [d, c]}\n"
                   "    c: {image: c, dependsOn: [a]}\n"
                   "    d: {image: d}\n",
                   "dev.yaml:8:31: error: services.c.dependsOn.a: services wait for each other: "
                   "a → b → c → a\n"
                   "    8 |     c: {image: c, dependsOn: [a]}\n"
                   "      |                               ^\n"
                   "      help: take one of these dependencies out\n");
    expect_service_error("      dependsOn: [x]\n", "services wait for each other: x → x");
}

Test(validate, completion) {
    expect_spec_error("  services:\n"
                      "    job: {image: j, restart: always}\n"
                      "    x: {image: x, dependsOn: {job: completed}}\n",
                      "services.x.dependsOn.job: \"job\" never completes: it is restarted always");
    expect_spec_error("  services:\n"
                      "    job: {image: j, restart: unless-stopped}\n"
                      "    x: {image: x, dependsOn: {job: completed}}\n",
                      "\"job\" never completes: it is restarted unless stopped");
    fixture_environment("  services:\n"
                        "    job: {image: j}\n"
                        "    once: {image: o, restart: no}\n"
                        "    x: {image: x, dependsOn: {job: completed}}\n");
    const struct environment *environment = fixture_must_read();
    cr_expect(environment_service(environment, "job")->completes);
    cr_expect_eq(environment_service(environment, "job")->restart, RESTART_NO);
    cr_expect(environment_service(environment, "once")->completes);
    cr_expect_not(environment_service(environment, "x")->completes);
}

Test(validate, conditions_that_cannot_come_true) {
    expect_spec_error("  services:\n"
                      "    none: {image: n, replicas: 0}\n"
                      "    x: {image: x, dependsOn: [none]}\n",
                      "\"none\" has 0 replicas, so it never starts");
    fixture_environment("  services:\n"
                        "    y: {image: y, healthcheck: {disable: true}}\n"
                        "    x: {image: x, dependsOn: {y: healthy}}\n");
    fixture_must_read();
    cr_expect(strstr(fixture_printed(),
                     "warning: services.x.dependsOn.y: the health check of \"y\" "
                     "is disabled"));
    /* The image may have a check: nothing to say. */
    expect_fine("  services:\n"
                "    y: {image: y}\n"
                "    x: {image: x, dependsOn: {y: healthy}}\n");
}

/* --- networks --------------------------------------------------------------------------------- */

static void expect_address_error(const char *network, const char *address, const char *text) {
    char spec[400];
    snprintf(spec, sizeof spec,
             "  networks: {n: %s}\n"
             "  services: {x: {image: x, networks: {n: {ipv4Address: %s}}}}\n",
             network, address);
    expect_spec_error(spec, text);
}

Test(validate, addresses) {
    expect_address_error("{subnet: 172.20.0.0/24}", "172.21.0.10",
                         "services.x.networks.n.ipv4Address: 172.21.0.10 is not in the subnet "
                         "172.20.0.0/24 of the network \"n\"");
    expect_address_error("{subnet: 172.20.0.0/24}", "172.20.0.0",
                         "172.20.0.0 is the address of the subnet 172.20.0.0/24 itself");
    expect_address_error("{subnet: 172.20.0.0/24}", "172.20.0.255",
                         "172.20.0.255 is the broadcast address of the subnet 172.20.0.0/24");
    expect_address_error("{subnet: 172.20.0.0/24}", "172.20.0.1",
                         "172.20.0.1 is the gateway of the network \"n\"");
    expect_address_error("{subnet: 172.20.0.0/24, gateway: 172.20.0.9}", "172.20.0.9",
                         "172.20.0.9 is the gateway of the network \"n\"");
    expect_address_error("{}", "172.20.0.9",
                         "the network \"n\" has no subnet, so nothing can have an address");
    expect_fine("  networks: {n: {subnet: 172.20.0.0/24, gateway: 172.20.0.9}}\n"
                "  services: {x: {image: x, networks: {n: {ipv4Address: 172.20.0.1}}}}\n");
    expect_fine("  networks: {n: {subnet: 10.0.0.0/31}}\n"
                "  services: {x: {image: x, networks: {n: {ipv4Address: 10.0.0.1}}}}\n");
}

Test(validate, addresses_taken_twice) {
    expect_printed("  networks: {n: {subnet: 10.0.0.0/8}, m: {subnet: 11.0.0.0/8}}\n"
                   "  services:\n"
                   "    a: {image: a, networks: {n: {ipv4Address: 10.0.0.5}}}\n"
                   "    b: {image: b, networks: {n: {ipv4Address: 10.0.0.5}, m: {}}}\n",
                   "dev.yaml:8:47: error: services.b.networks.n.ipv4Address: 10.0.0.5 is also the "
                   "address of the service \"a\" on the network \"n\"\n"
                   "    8 |     b: {image: b, networks: {n: {ipv4Address: 10.0.0.5}, m: {}}}\n"
                   "      |                                               ^~~~~~~~\n"
                   "      help: give each service an address of its own\n");
}

Test(validate, gateways_and_subnets) {
    expect_spec_error("  networks: {n: {subnet: 10.0.0.0/24, gateway: 10.0.1.1}}\n",
                      "networks.n.gateway: 10.0.1.1 is not in the subnet");
    expect_spec_error("  networks: {n: {subnet: 10.0.0.0/24, gateway: 10.0.0.255}}\n",
                      "10.0.0.255 is the broadcast address");
    expect_spec_error("  networks: {n: {gateway: 10.0.1.1}}\n",
                      "the network \"n\" has a gateway, but no subnet");
    expect_printed("  networks:\n"
                   "    wide: {subnet: 10.0.0.0/8}\n"
                   "    apart: {subnet: 11.0.0.0/8}\n"
                   "    inside: {subnet: 10.2.0.0/16}\n"
                   "    also: {subnet: 10.3.0.0/16}\n",
                   "dev.yaml:8:22: error: networks.inside.subnet: 10.2.0.0/16 overlaps 10.0.0.0/8 "
                   "of the network \"wide\"\n"
                   "    8 |     inside: {subnet: 10.2.0.0/16}\n"
                   "      |                      ^~~~~~~~~~~\n"
                   "      help: give each network a subnet of its own\n"
                   "dev.yaml:9:20: error: networks.also.subnet: 10.3.0.0/16 overlaps 10.0.0.0/8 of "
                   "the network \"wide\"\n"
                   "    9 |     also: {subnet: 10.3.0.0/16}\n"
                   "      |                    ^~~~~~~~~~~\n"
                   "      help: give each network a subnet of its own\n");
    expect_spec_error("  networks: {a: {subnet: 10.0.0.0/24}, b: {subnet: 10.0.0.0/24}}\n",
                      "networks.b.subnet: 10.0.0.0/24 overlaps 10.0.0.0/24 of the network \"a\"");
    expect_spec_error("  networks: {a: {subnet: 10.0.0.0/31}, b: {subnet: 10.0.0.1/32}}\n",
                      "networks.b.subnet: 10.0.0.1/32 overlaps 10.0.0.0/31");
    expect_fine("  networks: {a: {subnet: 10.0.0.0/24}, b: {subnet: 10.0.1.0/24}}\n");
    expect_spec_error("  networks: {a: {subnet: 0.0.0.0/0}, b: {subnet: 255.0.0.0/8}}\n",
                      "networks.b.subnet: 255.0.0.0/8 overlaps 0.0.0.0/0");
}

Test(validate, implicit_network) {
    fixture_environment("  networks: {a: {}, z: {}}\n"
                        "  services: {x: {image: x}, y: {image: y, networks: {a: {}}}}\n");
    const struct environment *environment = fixture_must_read();
    cr_assert_eq(environment->network_count, 3);
    cr_expect_str_eq(environment->networks[1].name, "default");
    cr_expect_str_eq(environment->networks[1].driver, "bridge");
    cr_expect_str_eq(environment_service(environment, "x")->networks[0].network, "default");
    cr_expect_str_eq(environment_service(environment, "y")->networks[0].network, "a");
    fixture_environment("  networks: {default: {internal: true}}\n"
                        "  services: {x: {image: x}}\n");
    environment = fixture_must_read();
    cr_assert_eq(environment->network_count, 1);
    cr_expect(environment->networks[0].internal);
    fixture_environment("  networks: {a: {}}\n"
                        "  services: {y: {image: y, networks: {a: {}}}}\n");
    cr_expect_eq(fixture_must_read()->network_count, 1);
}

/* --- ports, replicas, names ------------------------------------------------------------------- */

static void expect_port_clash(const char *first, const char *second, bool clash) {
    char spec[300];
    snprintf(spec, sizeof spec,
             "  services:\n"
             "    a: {image: a, ports: [\"%s\"]}\n"
             "    b: {image: b, ports: [\"%s\"]}\n",
             first, second);
    if (clash)
        expect_spec_error(spec, "is also published by the service \"a\" (dev.yaml:6)");
    else
        expect_fine(spec);
}

Test(validate, host_ports) {
    expect_port_clash("8080:80", "8080:81", true);
    expect_port_clash("8080:80", "127.0.0.1:8080:81", true);
    expect_port_clash("8080:80", "0.0.0.0:8080:80", true);
    expect_port_clash("0.0.0.0:8080:80", "10.0.0.1:8080:80", true);
    expect_port_clash("0.0.0.0:8080:80", "0.0.0.0:8080:80", true);
    expect_port_clash("8080:80", "8080:80/udp", false);
    expect_port_clash("8080:80", "10.0.0.1:8080:80", false);
    expect_port_clash("8080", "8080", false);
    expect_service_error("      ports: [\"1:1\", \"1:2\"]\n",
                         "services.x.ports[1]: host port 127.0.0.1:1/tcp is also published by the "
                         "service \"x\" (dev.yaml:8)");
    expect_spec_error("  services:\n"
                      "    a: {image: a, ports: [\"10.0.0.1:1:1\"]}\n"
                      "    b: {image: b, ports: [\"10.0.0.2:1:1\"]}\n"
                      "    c: {image: c, ports: [\"10.0.0.2:1:1\"]}\n",
                      "is also published by the service \"b\"");
}

Test(validate, what_cannot_be_there_twice) {
    expect_service_error("      replicas: 2\n      ports: [\"80:80\"]\n",
                         "services.x.ports[0]: a service with several replicas cannot publish host "
                         "port 80");
    expect_service_error("      updateStrategy: startFirst\n      ports: [\"80:80\"]\n",
                         "a service with updateStrategy: startFirst cannot publish host port 80");
    expect_spec_error("  networks: {n: {subnet: 10.0.0.0/8}}\n"
                      "  services:\n"
                      "    x: {image: x, replicas: 2, networks: {n: {ipv4Address: 10.0.0.5}}}\n",
                      "services.x.networks.n.ipv4Address: a service with several replicas cannot "
                      "have an address of its own");
    expect_fine(
        "  services: {x: {image: x, replicas: 2, ports: [80], updateStrategy: startFirst}}\n");
}

Test(validate, container_names) {
    expect_printed("  services:\n"
                   "    redis: {image: r, replicas: 2}\n"
                   "    redis-2: {image: r}\n",
                   "dev.yaml:7:5: error: services.redis-2: its container is called like instance 2 "
                   "of the service \"redis\": dev-redis-2\n"
                   "    7 |     redis-2: {image: r}\n"
                   "      |     ^~~~~~~\n"
                   "      help: rename the service\n");
    expect_fine("  services: {redis: {image: r}, redis-2: {image: r}}\n");
    expect_fine("  services: {redis: {image: r, replicas: 2}, redis-3: {image: r}}\n");
    expect_fine("  services: {redis: {image: r, replicas: 2}, redis-02: {image: r}}\n");
    expect_fine("  services: {redis: {image: r, replicas: 2}, redis-1: {image: r}}\n");
}

/* --- targets and resources -------------------------------------------------------------------- */

Test(validate, targets) {
    expect_service_error("      files: [{content: a, target: /a}, {content: b, target: //a}]\n",
                         "services.x.files[1]: \"/a\" is already the target of an entry of `files` "
                         "(dev.yaml:8)");
    expect_spec_error("  volumes: {v: {}}\n"
                      "  services:\n"
                      "    x:\n"
                      "      image: x\n"
                      "      files: [{content: a, target: /a}]\n"
                      "      mounts: [{volume: v, target: /a}]\n",
                      "services.x.mounts[0]: \"/a\" is already the target of an entry of `files`");
    expect_service_error("      tmpfs: [/a]\n      mounts: [{bind: /b, target: /a}]\n",
                         "\"/a\" is already the target of an entry of `mounts`");
    expect_service_error("      tmpfs: [/run]\n      files: [{content: a, target: /run/a/b}]\n",
                         "services.x.files[0]: \"/run/a/b\" would be hidden by the tmpfs on "
                         "\"/run\"");
    expect_service_error("      mounts: [{bind: /b, target: /etc, readOnly: true}]\n"
                         "      files: [{content: a, target: /etc/b}]\n",
                         "services.x.files[0]: \"/etc/b\" cannot be written: the mount on \"/etc\" "
                         "is read-only");
    expect_fine("  services:\n"
                "    x:\n"
                "      image: x\n"
                "      mounts: [{bind: /b, target: /etc}, {bind: /b, target: /b, readOnly: true}]\n"
                "      tmpfs: [/run]\n"
                "      files: [{content: a, target: /running}, {content: a, target: /etc/a}]\n");
}

Test(validate, files_inside_of_files) {
    expect_service_error(
        "      files: [{content: a, target: /etc/x}, {content: b, target: /etc/x/y}]\n",
        "services.x.files[1]: \"/etc/x/y\" cannot be there: \"/etc/x\" is a file, not a "
        "folder (dev.yaml:8)");
    expect_service_error("      files: [{content: a, target: /x}]\n"
                         "      mounts: [{bind: /b, target: /x/y/z}]\n",
                         "services.x.mounts[0]: \"/x/y/z\" cannot be there: \"/x\" is a file");
    expect_service_error("      files: [{content: a, target: /x}]\n      tmpfs: [/x/y]\n",
                         "\"/x/y\" cannot be there: \"/x\" is a file");
    expect_service_error("      files: [{content: a, target: /}, {content: b, target: /b}]\n",
                         "services.x.files[0]: \"/\" is a folder in every image");
    cr_expect_not(strstr(fixture_printed(), "cannot be there"), "%s", fixture_printed());
    expect_service_error("      mounts: [{bind: /b, target: /}]\n",
                         "services.x.mounts[0]: \"/\" is the image's own, and nothing can be");
    expect_service_error("      tmpfs: [/]\n", "\"/\" is the image's own");
    expect_fine("  services:\n"
                "    x:\n"
                "      image: x\n"
                "      files: [{content: a, target: /x}, {content: a, target: /x-y/z},\n"
                "              {content: a, target: /x.d/y}, {content: a, target: /xy/z}]\n");
}

Test(validate, the_nearest_mount_counts) {
    expect_fine("  volumes: {v: {}}\n"
                "  services:\n"
                "    x:\n"
                "      image: x\n"
                "      tmpfs: [/run, /run-2]\n"
                "      mounts: [{volume: v, target: /run/data}]\n"
                "      files: [{content: a, target: /run/data/a}]\n");
    expect_service_error("      mounts: [{bind: /b, target: /a}, "
                         "{bind: /b, target: /a/b, readOnly: true}]\n"
                         "      tmpfs: [/a-b]\n"
                         "      files: [{content: a, target: /a/b/c}]\n",
                         "the mount on \"/a/b\" is read-only");
}

/* Each file was compared with each mount. */
Test(validate, many_targets_take_little_time, .timeout = 20) {
    size_t size = 0;
    char *spec = NULL;
    FILE *out = open_memstream(&spec, &size);
    fputs("  services:\n    x:\n      image: x\n      tmpfs:\n", out);
    for (int i = 0; i < 60000; i++)
        fprintf(out, "      - /aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/%d/t\n", i);
    fputs("      files:\n", out);
    for (int i = 0; i < 1000; i++)
        fprintf(out, "      - {content: c, target: /aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/%d/f}\n", i);
    fclose(out);
    fixture_environment(spec);
    free(spec);
    fixture_must_read();
}

Test(validate, requests_above_limits) {
    expect_service_error(
        "      resources: {limits: {memory: 1Gi}, requests: {memory: 2Gi}}\n",
        "services.x.resources.requests.memory: 2Gi is requested, but the limit is 1Gi");
    expect_service_error("      resources: {limits: {cpu: 1}, requests: {cpu: 1500m}}\n",
                         "1500m is requested, but the limit is 1");
    expect_fine(
        "  services:\n"
        "    x: {image: x, resources: {limits: {cpu: 1}, requests: {cpu: 1, memory: 1Gi}}}\n");
}

Test(validate, many_errors_take_little_time) {
    size_t size = 0;
    char *spec = NULL;
    FILE *out = open_memstream(&spec, &size);
    fprintf(out, "  networks: {n: {subnet: 10.0.0.0/8}}\n  services:\n");
    for (int i = 0; i < 5000; i++)
        fprintf(out,
                "    s%d: {image: a, dependsOn: [t%d], ports: [\"80:80\"], networks: {m: {}}}\n", i,
                i);
    fclose(out);
    fixture_environment(spec);
    cr_expect(strstr(fixture_errors(), "is not declared"));
    free(spec);
}
