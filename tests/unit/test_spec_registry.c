/* `redis` and `registration`: where services are registered, and as what. */
#include "unit/spec_fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

TestSuite(spec_registry, .init = fixture_begin, .fini = fixture_end);

#define SECRETS  "  secrets: {redis-password: {default: pass-word}}\n"
#define SERVICES "  services: {redis: {image: redis}}\n"

static const struct registration *registration(const char *fields) {
    return &fixture_service(fields)->registration;
}

/* --- redis ------------------------------------------------------------------------------------ */

Test(spec_registry, not_declared) {
    fixture_environment(SERVICES);
    cr_expect_not(fixture_must_read()->redis.declared);
}

Test(spec_registry, a_service_of_the_environment) {
    fixture_environment(
        SECRETS SERVICES
        "  redis: {service: redis, user: reconciler, password: {secret: redis-password}}\n");
    const struct redis_settings *redis = &fixture_must_read()->redis;
    cr_expect(redis->declared);
    cr_expect_str_eq(redis->service, "redis");
    cr_expect_null(redis->address);
    cr_expect_eq(redis->port, 6379);
    cr_expect_str_eq(redis->user, "reconciler");
    cr_expect_str_eq(redis->secret, "redis-password");
    cr_expect_str_eq(redis->password, "pass-word");
}

Test(spec_registry, a_redis_elsewhere) {
    fixture_environment(SERVICES "  redis: {address: \"redis.example.com:7000\"}\n");
    const struct redis_settings *redis = &fixture_must_read()->redis;
    cr_expect_str_eq(redis->address, "redis.example.com:7000");
    cr_expect_null(redis->service);
    cr_expect_null(redis->user);
    cr_expect_null(redis->password);
}

Test(spec_registry, one_of_service_and_address) {
    expect_spec_error(SERVICES "  redis: {service: redis, address: \"a:1\"}\n",
                      "redis: has both \"service\" and \"address\"");
    expect_spec_error(SERVICES "  redis: {port: 1}\n",
                      "redis: a redis needs \"service\" or \"address\"");
    expect_spec_error(SERVICES "  redis: {address: \"a:1\", port: 1}\n",
                      "redis.port: \"port\" is one of a service's container");
}

Test(spec_registry, wrong_values) {
    expect_spec_error(SERVICES "  redis: {address: \"a:70000\"}\n", "is not an address such as");
    expect_spec_error(SERVICES "  redis: {address: \"a\"}\n", "is not an address such as");
    expect_spec_error(SERVICES "  redis: {service: redis, port: 0}\n", "\"0\" is not");
    expect_spec_error(SERVICES "  redis: {service: redis, user: x}\n",
                      "redis.user: a user needs a password");
    expect_spec_error(SERVICES "  redis: {servce: redis}\n", "did you mean \"service\"?");
}

Test(spec_registry, undeclared_names_are_suggested) {
    expect_spec_error(SECRETS SERVICES "  redis: {service: rediss}\n",
                      "redis.service: the service \"rediss\" is not declared");
    cr_expect(strstr(fixture_printed(), "did you mean \"redis\"?"));
    expect_spec_error(SECRETS SERVICES
                      "  redis: {service: redis, password: {secret: redis-pasword}}\n",
                      "redis.password.secret: the secret \"redis-pasword\" is not declared");
    cr_expect(strstr(fixture_printed(), "did you mean \"redis-password\"?"));
    expect_spec_error(SERVICES "  redis: {service: elsewhere}\n",
                      "name another Redis by its `address`");
}

Test(spec_registry, a_service_that_is_switched_off) {
    expect_spec_error("  features: {cache: false}\n"
                      "  services: {redis: {image: redis, when: cache}}\n"
                      "  redis: {service: redis}\n",
                      "the service \"redis\" is switched off by `when: \"cache\"`");
}

Test(spec_registry, a_password_that_is_written_down_is_not_shown) {
    expect_spec_error(SERVICES "  redis:\n    service: redis\n    password: hunter22\n",
                      "redis.password: a password is given by the name of a secret");
    cr_expect_null(strstr(fixture_printed(), "hunter22"));
}

Test(spec_registry, rendering_holds_no_password) {
    fixture_set("REDIS_PASSWORD=hunter22");
    fixture_environment("  secrets: {redis-password: {env: REDIS_PASSWORD}}\n" SERVICES
                        "  redis: {password: {secret: redis-password}, service: redis}\n");
    cr_expect_str_eq(fixture_must_read()->redis.password, "hunter22");
    const char *rendered = fixture_render(false);
    cr_expect(strstr(rendered,
                     "redis:\n    service: redis\n    password:\n      secret: redis-password\n"),
              "%s", rendered);
    cr_expect_null(strstr(rendered, "hunter22"));
}

/* --- registration ----------------------------------------------------------------------------- */

Test(spec_registry, as_declared) {
    const struct registration *declared = registration(
        "      registration: {port: 6379, protocol: redis, tags: [database, cache]}\n");
    cr_expect_eq(declared->port, 6379);
    cr_expect_str_eq(declared->protocol, "redis");
    cr_expect_eq(declared->tags.count, 2);
    cr_expect_not(declared->off);
}

Test(spec_registry, kept_out) {
    cr_expect(registration("      registration: false\n")->off);
    cr_expect_not(registration("      registration: true\n")->off);
    cr_expect_not(registration("")->off);
}

Test(spec_registry, the_first_port_is_registered) {
    const struct registration *derived =
        registration("      ports: [\"53:53/udp\", \"8080:80\", \"4317\"]\n");
    cr_expect_eq(derived->port, 80);
    cr_expect_str_eq(derived->protocol, "tcp");
}

Test(spec_registry, an_http_check_tells_the_protocol_of_its_port) {
    const struct registration *same =
        registration("      ports: [\"8080:80\"]\n      healthcheck: {http: {port: 80}}\n");
    cr_expect_str_eq(same->protocol, "http");
    const struct registration *other =
        registration("      ports: [\"8080:80\"]\n      healthcheck: {http: {port: 81}}\n");
    cr_expect_eq(other->port, 80);
    cr_expect_str_eq(other->protocol, "tcp");
}

Test(spec_registry, without_ports_the_check_tells) {
    const struct registration *http = registration("      healthcheck: {http: {port: 13133}}\n");
    cr_expect_eq(http->port, 13133);
    cr_expect_str_eq(http->protocol, "http");
    const struct registration *none = registration("");
    cr_expect_eq(none->port, 0);
    cr_expect_str_eq(none->protocol, "tcp");
}

Test(spec_registry, wrong_registrations) {
    expect_service_error("      registration: no\n",
                         "\"no\" is not false, or a map (registration)");
    expect_service_error("      registration: {port: 70000}\n",
                         "\"70000\" is not a port (1-65535)");
    expect_service_error("      registration: {tags: [A b]}\n", "\"A b\" is not a name");
    char many[1024] = "      registration: {tags: [t0";
    for (int i = 1; i < 33; i++)
        snprintf(many + strlen(many), sizeof many - strlen(many), ", t%d", i);
    strcat(many, "]}\n");
    expect_service_error(many, "a registration has at most 32 tags");
    expect_service_error("      registration: {prt: 1}\n", "did you mean \"port\"?");
}

Test(spec_registry, an_overlay_keeps_a_service_out) {
    fixture_stack("stack.yaml", "  services: {x: {image: x, registration: {port: 1}}}\n");
    fixture_environment("  include: [stack.yaml]\n  services: {x: {registration: false}}\n");
    cr_expect(fixture_must_read()->services[0].registration.off);
    cr_expect(strstr(fixture_render(false), "registration: false\n"), "%s", fixture_render(false));
}
