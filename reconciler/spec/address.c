/* IPv4 addresses and networks in text; see quantity.h. */
#include "spec/quantity.h"

#include <arpa/inet.h>
#include <string.h>

int parse_ipv4(const char *text, uint32_t *address) {
    /* inet_pton takes the dotted quad only, without leading zeros, which some programs read as
     * octal. */
    struct in_addr parsed;
    if (inet_pton(AF_INET, text, &parsed) != 1)
        return -1;
    *address = ntohl(parsed.s_addr);
    return 0;
}

static uint32_t mask(unsigned prefix) {
    return prefix == 0 ? 0 : UINT32_MAX << (32 - prefix);
}

static int parse_prefix(const char *text, unsigned *prefix) {
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 2 || text[digits] != '\0' || (digits == 2 && text[0] == '0'))
        return -1;
    unsigned value = 0;
    for (size_t i = 0; i < digits; i++)
        value = value * 10 + (unsigned)(text[i] - '0');
    if (value > 32)
        return -1;
    *prefix = value;
    return 0;
}

int parse_cidr4(const char *text, uint32_t *network, unsigned *prefix) {
    const char *slash = strchr(text, '/');
    char address[INET_ADDRSTRLEN];
    if (!slash || (size_t)(slash - text) >= sizeof address)
        return -1;
    memcpy(address, text, (size_t)(slash - text));
    address[slash - text] = '\0';
    uint32_t parsed;
    unsigned length;
    if (parse_ipv4(address, &parsed) != 0 || parse_prefix(slash + 1, &length) != 0)
        return -1;
    if ((parsed & ~mask(length)) != 0)
        return -1;
    *network = parsed;
    *prefix = length;
    return 0;
}

bool cidr4_contains(uint32_t network, unsigned prefix, uint32_t address) {
    return ((network ^ address) & mask(prefix)) == 0;
}

bool cidr4_overlaps(uint32_t a, unsigned a_prefix, uint32_t b, unsigned b_prefix) {
    unsigned shorter = a_prefix < b_prefix ? a_prefix : b_prefix;
    return ((a ^ b) & mask(shorter)) == 0;
}
