/* Quantities, durations, addresses and suggestions: spec/quantity.h. */
#include "spec/quantity.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct number {
    const char *text;
    int64_t value; /* -1: refused */
};

typedef int parser(const char *text, int64_t *value);

static void check(parser *parse, const struct number *cases, size_t count) {
    for (size_t i = 0; i < count; i++) {
        int64_t value = 4711;
        int status = parse(cases[i].text, &value);
        if (cases[i].value < 0) {
            cr_expect_eq(status, -1, "\"%s\" was accepted as %" PRId64, cases[i].text, value);
            cr_expect_eq(value, 4711, "\"%s\" changed the result", cases[i].text);
        } else {
            cr_expect_eq(status, 0, "\"%s\" was refused", cases[i].text);
            cr_expect_eq(value, cases[i].value, "\"%s\" is %" PRId64, cases[i].text, value);
        }
    }
}

#define CHECK(parse, cases) check((parse), (cases), sizeof(cases) / sizeof((cases)[0]))

#define KI INT64_C(1024)

Test(bytes, every_suffix) {
    static const struct number cases[] = {
        {"1", 1},
        {"1Ki", KI},
        {"1Mi", KI * KI},
        {"1Gi", KI * KI * KI},
        {"1Ti", KI * KI * KI * KI},
        {"1Pi", KI * KI * KI * KI * KI},
        {"1Ei", KI * KI * KI * KI * KI * KI},
        {"1k", 1000},
        {"1M", 1000000},
        {"1G", INT64_C(1000000000)},
        {"1T", INT64_C(1000000000000)},
        {"1P", INT64_C(1000000000000000)},
        {"1E", INT64_C(1000000000000000000)},
        {"512b", 512},
        {"1kb", KI},
        {"256mb", 256 * KI * KI},
        {"1g", KI * KI * KI},
        {"1gb", KI * KI * KI},
        {"64k", 64000}, /* Kubernetes' meaning: Compose's kilobyte is "kb" */
        {"256Mi", 268435456},
        {"1.5Gi", 1610612736},
        {"1000k", 1000000},
    };
    CHECK(parse_bytes, cases);
}

Test(bytes, numbers) {
    static const struct number cases[] = {
        {"1e6", 1000000},
        {"1E6", 1000000},
        {"1e+3", 1000},
        {"1500e-2", 15},
        {"1.5e3", 1500},
        {"0.5k", 500},
        {"+7", 7},
        {"007", 7},
        {"1.", 1},
        {".5k", 500},
        {"1.000", 1},
        {"0.0009765625Ki", 1},
        {"1.50000Ki", 1536},
        {"100000000000e-11", 1},
        {"0.1Gi", 107374183},
        {"2.3Gi", 2469606196},
        {"1.2g", 1288490189},
        {"0.5", 1},
        {"1.5", 2},
        {"1e-9", 1},
    };
    CHECK(parse_bytes, cases);
}

Test(bytes, boundaries) {
    static const struct number cases[] = {
        {"9223372036854775807", INT64_MAX},
        {"9223372036854775808", -1},
        {"18446744073709551617", -1},
        {"340282366920938463463374607431768211457", -1}, /* 2^128 + 1 */
        {"7Ei", 7 * KI * KI * KI * KI * KI * KI},
        {"8Ei", -1},
        {"9E", INT64_C(9000000000000000000)},
        {"9.3E", -1},
        {"1e18", INT64_C(1000000000000000000)},
        {"1e19", -1},
        {"1e99", -1},
        {"1e100", -1},
        {"1e-99", 1},
        {"99999999999999999999999999999999999999999999", -1},
    };
    CHECK(parse_bytes, cases);
}

Test(bytes, refused) {
    static const char *const texts[] = {
        "",    " ",   "0",   "0Mi",  "-1",   "-0",   "0.0",   "0e-9", "256m", "1000m", "1u",
        "1n",  "Mi",  ".",   ".Mi",  "1..5", "1.5.", "1 Mi",  " 1",   "1 ",   "1mi",   "1MI",
        "1MB", "1K",  "1KB", "1tb",  "1e",   "1e+",  "1e1.5", "1eMi", "1ee1", "0x10",  "1,5",
        "one", "NaN", "inf", "1Kib", "++1",  "+-1",  "1\n",   "1_000"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct number number = {texts[i], -1};
        check(parse_bytes, &number, 1);
    }
}

Test(bytes, what_was_meant) {
    static const char *const cases[][2] = {
        {"256m", "256Mi"}, {"256MB", "256Mi"}, {"1K", "1Ki"}, {"1.5tb", "1.5Ti"},
        {"1mib", "1Mi"},   {"1Kib", "1Ki"},    {"1x", NULL},  {"m", NULL},
        {"1mm", NULL},     {"1bi", NULL},      {"1", NULL},   {"", NULL},
    };
    char buffer[16];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *meant = suggest_bytes(buffer, sizeof buffer, cases[i][0]);
        cr_expect(meant == NULL ? !cases[i][1] : cases[i][1] && strcmp(meant, cases[i][1]) == 0,
                  "%s: %s", cases[i][0], meant ? meant : "nothing");
    }
    cr_expect_null(suggest_bytes(buffer, sizeof buffer, "123456789012345m"));
}

Test(cpus, all) {
    static const struct number cases[] = {
        {"500m", 500000000},
        {"0.5", 500000000},
        {"2", 2000000000},
        {"1", 1000000000},
        {".1", 100000000},
        {"1.", 1000000000},
        {"100u", 100000},
        {"1n", 1},
        {"1k", INT64_C(1000000000000)},
        {"0.000000001", 1},
        {"0.0000000001", 1}, /* a tenth of a nano-CPU */
        {"0.5n", 1},
        {"0.333333333333", 333333334},
        {"1e-9", 1},
        {"5e-1", 500000000},
        {"1e3", INT64_C(1000000000000)},
        {"9223372036.854775807", INT64_MAX},
        {"9223372036.854775808", -1},
        {"0", -1},
        {"0m", -1},
        {"-1", -1},
        {"", -1},
        {"m", -1},
        {"1M", -1},
        {"1Ki", -1},
        {"50%", -1},
        {"1 ", -1},
    };
    CHECK(parse_cpus, cases);
}

#define SECOND INT64_C(1000000000)

Test(durations, units) {
    static const struct number cases[] = {
        {"0", 0},
        {"0s", 0},
        {"1ns", 1},
        {"1us", 1000},
        {"1\u00B5s", 1000}, /* micro sign */
        {"1\u03BCs", 1000}, /* mu */
        {"250ms", 250000000},
        {"1s", SECOND},
        {"1m", 60 * SECOND},
        {"1h", 3600 * SECOND},
        {"1m30s", 90 * SECOND},
        {"1h0m0s", 3600 * SECOND},
        {"1.5h", 5400 * SECOND},
        {".5s", SECOND / 2},
        {"1.s", SECOND},
        {"+5s", 5 * SECOND},
        {"1s1s", 2 * SECOND},
        {"1h15m30.918273645s", 4530918273645},
        {"0.3333333333s", 333333333}, /* below a nanosecond is dropped, as in Go */
        {"0.9ns", 0},
        {"10000ms", 10 * SECOND},
    };
    CHECK(parse_duration, cases);
}

Test(durations, refused) {
    static const struct number cases[] = {
        {"", -1},      {"5", -1},    {"0.0", -1},  {"-1s", -1},    {"-0", -1},   {"s", -1},
        {".s", -1},    {".", -1},    {"+", -1},    {"1d", -1},     {"1w", -1},   {"1S", -1},
        {"1 s", -1},   {" 1s", -1},  {"1s ", -1},  {"1m 30s", -1}, {"1min", -1}, {"1..5s", -1},
        {"1s-1s", -1}, {"1e3s", -1}, {"1s30", -1}, {"abc", -1},    {"1hm", -1},  {"1\xC2s", -1},
    };
    CHECK(parse_duration, cases);
}

Test(durations, boundaries) {
    static const struct number cases[] = {
        {"9223372036854775807ns", INT64_MAX},
        {"9223372036854775808ns", -1},
        {"9223372036854775.807us", INT64_MAX},
        {"9223372036s", 9223372036 * SECOND},
        {"9223372037s", -1},
        {"2562047h47m16.854775807s", INT64_MAX},
        {"2562047h47m16.854775808s", -1},
        {"2562048h", -1},
        {"9223372036854775807ns1ns", -1},
        {"99999999999999999999999999999999999999999h", -1},
    };
    CHECK(parse_duration, cases);
}

typedef char *formatter(char *buffer, size_t size, int64_t value);

static void check_format(formatter *format, const char *expected, int64_t value) {
    char buffer[32];
    cr_expect_str_eq(format(buffer, sizeof buffer, value), expected);
}

Test(formats, bytes) {
    check_format(format_bytes, "256Mi", 268435456);
    check_format(format_bytes, "1536Mi", 1610612736);
    check_format(format_bytes, "1Gi", 1073741824);
    check_format(format_bytes, "1", 1);
    check_format(format_bytes, "1023", 1023);
    check_format(format_bytes, "1Ki", 1024);
    check_format(format_bytes, "1000000", 1000000 + 0);
    check_format(format_bytes, "4Ei", INT64_C(1) << 62);
    check_format(format_bytes, "9223372036854775807", INT64_MAX);
    check_format(format_bytes, "0", 0);
}

Test(formats, cpus) {
    check_format(format_cpus, "500m", 500000000);
    check_format(format_cpus, "1500m", 1500000000);
    check_format(format_cpus, "2", 2000000000);
    check_format(format_cpus, "1n", 1);
    check_format(format_cpus, "1u", 1000);
    check_format(format_cpus, "9223372036854775807n", INT64_MAX);
    check_format(format_cpus, "0", 0);
}

Test(formats, durations) {
    check_format(format_duration, "1m30s", 90 * SECOND);
    check_format(format_duration, "1h", 3600 * SECOND);
    check_format(format_duration, "1h1s", 3601 * SECOND);
    check_format(format_duration, "10s", 10 * SECOND);
    check_format(format_duration, "1.5s", 1500000000);
    check_format(format_duration, "250ms", 250000000);
    check_format(format_duration, "1.5ms", 1500000);
    check_format(format_duration, "1.001us", 1001);
    check_format(format_duration, "7ns", 7);
    check_format(format_duration, "0s", 0);
    check_format(format_duration, "2562047h47m16.854775807s", INT64_MAX);
}

/* Numbers of all magnitudes, and their neighbours, come back as they went. */
Test(formats, round_trips) {
    static const struct {
        parser *parse;
        formatter *format;
    } pairs[] = {
        {parse_bytes, format_bytes}, {parse_cpus, format_cpus}, {parse_duration, format_duration}};
    uint64_t random = 88172645463325252u;
    for (size_t i = 0; i < 30000; i++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        int64_t value = (int64_t)(random >> 1) >> (random % 63);
        if (i % 3 == 1)
            value = value / 1000000 * 1000000;
        if (value <= 0)
            value = 1;
        char buffer[32];
        int64_t back = 0;
        const char *text = pairs[i % 3].format(buffer, sizeof buffer, value);
        cr_assert_eq(pairs[i % 3].parse(text, &back), 0, "\"%s\"", text);
        cr_assert_eq(back, value, "\"%s\"", text);
    }
}

Test(addresses, ipv4) {
    uint32_t address = 1;
    cr_expect_eq(parse_ipv4("172.20.0.10", &address), 0);
    cr_expect_eq(address, 0xAC14000A);
    cr_expect_eq(parse_ipv4("0.0.0.0", &address), 0);
    cr_expect_eq(address, 0);
    cr_expect_eq(parse_ipv4("255.255.255.255", &address), 0);
    cr_expect_eq(address, UINT32_MAX);
    static const char *const refused[] = {
        "",          "1.2.3",     "1.2.3.4.5", "256.0.0.1", "1.2.3.4 ", " 1.2.3.4",  "01.2.3.4",
        "1.2.3.4/8", "localhost", "::1",       "1..2.3",    "1.2.3.-4", "0x1.2.3.4", "16909060"};
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        address = 7;
        cr_expect_eq(parse_ipv4(refused[i], &address), -1, "\"%s\"", refused[i]);
        cr_expect_eq(address, 7);
    }
}

Test(addresses, cidr4) {
    uint32_t network = 1;
    unsigned prefix = 1;
    cr_expect_eq(parse_cidr4("172.20.0.0/24", &network, &prefix), 0);
    cr_expect_eq(network, 0xAC140000);
    cr_expect_eq(prefix, 24);
    cr_expect_eq(parse_cidr4("0.0.0.0/0", &network, &prefix), 0);
    cr_expect_eq(prefix, 0);
    cr_expect_eq(parse_cidr4("1.2.3.4/32", &network, &prefix), 0);
    cr_expect_eq(network, 0x01020304);
    static const char *const refused[] = {"172.20.0.1/24",
                                          "172.20.0.0",
                                          "172.20.0.0/",
                                          "172.20.0.0/33",
                                          "172.20.0.0/-1",
                                          "172.20.0.0/08",
                                          "172.20.0.0/24/",
                                          "172.20.0.0/1 ",
                                          "/24",
                                          "172.20.0/24",
                                          "1.2.3.4/0",
                                          "a.b.c.d/8",
                                          "",
                                          "172.20.0.0/ 24",
                                          "1111.2222.3333.4444.5555/8"};
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        network = 7;
        prefix = 7;
        cr_expect_eq(parse_cidr4(refused[i], &network, &prefix), -1, "\"%s\"", refused[i]);
        cr_expect(network == 7 && prefix == 7, "\"%s\" changed the result", refused[i]);
    }
}

Test(addresses, sets) {
    cr_expect(cidr4_contains(0xAC140000, 24, 0xAC1400FF));
    cr_expect_not(cidr4_contains(0xAC140000, 24, 0xAC140100));
    cr_expect(cidr4_contains(0, 0, UINT32_MAX));
    cr_expect(cidr4_contains(0x01020304, 32, 0x01020304));
    cr_expect_not(cidr4_contains(0x01020304, 32, 0x01020305));
    cr_expect(cidr4_overlaps(0xAC140000, 16, 0xAC140500, 24));
    cr_expect(cidr4_overlaps(0xAC140500, 24, 0xAC140000, 16));
    cr_expect_not(cidr4_overlaps(0xAC140000, 24, 0xAC140100, 24));
    cr_expect(cidr4_overlaps(0, 0, 0xAC140100, 24));
}

Test(suggestions, nearest) {
    static const char *const fields[] = {"image",     "pullPolicy", "command",   "environment",
                                         "dependsOn", "cpu",        "cpus",      "healthcheck",
                                         "readOnly",  "restart",    "resources", NULL};
    static const char *const cases[][2] = {
        {"imgae", "image"},
        {"Image", "image"},
        {"imag", "image"},
        {"depends_on", "dependsOn"},
        {"healthCheck", "healthcheck"},
        {"heathchek", "healthcheck"},
        {"enviroment", "environment"},
        {"read-only", "readOnly"},
        {"pull_policy", "pullPolicy"},
        {"cpuu", "cpu"},
        {"resource", "resources"},
        {"restrat", "restart"},
        {"xyzzy", NULL},
        {"", NULL},
        {"volumes", NULL},
        {"_", NULL},
        {"image", "image"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *found = suggest(cases[i][0], fields);
        if (cases[i][1])
            cr_expect_str_eq(found ? found : "(none)", cases[i][1], "\"%s\"", cases[i][0]);
        else
            cr_expect_null(found, "\"%s\" → \"%s\"", cases[i][0], found);
    }
}

Test(suggestions, long_names) {
    char word[200];
    memset(word, 'a', sizeof word - 1);
    word[sizeof word - 1] = '\0';
    const char *const candidates[] = {word, "a", NULL};
    cr_expect_null(suggest(word, candidates));
    const char *const none[] = {NULL};
    cr_expect_null(suggest("image", none));
    cr_expect_null(suggest("a", (const char *const[]){"b", NULL}));
}
