/*
 * Any text as a quantity, a duration, an address or a name: refused without touching the result, or
 * a number whose canonical text gives the same number and does not change any more.
 */
#include "spec/quantity.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define MAX_INPUT 4096

typedef int parser(const char *text, int64_t *value);
typedef char *formatter(char *buffer, size_t size, int64_t value);

static void check(parser *parse, formatter *format, const char *text, int64_t least) {
    int64_t value = -4711;
    if (parse(text, &value) != 0) {
        assert(value == -4711);
        return;
    }
    assert(value >= least);
    char canonical[32];
    char again[32];
    int64_t back = -1;
    format(canonical, sizeof canonical, value);
    assert(strlen(canonical) < sizeof canonical - 1);
    assert(parse(canonical, &back) == 0 && back == value);
    assert(strcmp(format(again, sizeof again, back), canonical) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const names[] = {"image", "dependsOn", "healthcheck", "a", "", NULL};
    if (size > MAX_INPUT)
        return 0;
    char *text = malloc(size + 1);
    memcpy(text, data, size);
    text[size] = '\0';
    check(parse_bytes, format_bytes, text, 1);
    check(parse_cpus, format_cpus, text, 1);
    check(parse_duration, format_duration, text, 0);
    uint32_t address = 0;
    uint32_t network = 0;
    unsigned prefix = 99;
    parse_ipv4(text, &address);
    if (parse_cidr4(text, &network, &prefix) == 0) {
        assert(prefix <= 32 && cidr4_contains(network, prefix, network));
        assert(cidr4_overlaps(network, prefix, network, 32));
    }
    const char *nearest = suggest(text, names);
    assert(!nearest || *nearest);
    free(text);
    return 0;
}
