/*
 * Texts with a notation of their own. Each function returns the canonical form of a text, in the
 * arena (or static), or NULL when the text is not in the notation. Pure.
 */
#ifndef TSE_SPEC_NOTATION_H
#define TSE_SPEC_NOTATION_H

#include "spec/tables.h"

convert_text convert_any, convert_not_empty, convert_name, convert_feature, convert_condition,
    convert_variable_name, convert_environment_name, convert_image, convert_target, convert_ipv4,
    convert_ip, convert_host_address, convert_cidr, convert_hostname, convert_capability,
    convert_signal, convert_reload_signal, convert_user, convert_label_key, convert_sysctl,
    convert_url_path, convert_ulimit_name, convert_characters, convert_address;

/* Whether a text consists of characters of a set that convert_characters() takes. */
bool consists_of_characters(const char *text, const char *set);

/* For suggestions; NULL-terminated. Capabilities without "CAP_", signals without "SIG". */
const char *const *known_capabilities(void);
const char *const *known_signals(void);
const char *const *known_ulimits(void);

#endif
