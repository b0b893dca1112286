/* What is set aside for a service cannot be more than what it may have. */
#include "spec/quantity.h"
#include "spec/validate.h"

static void check(struct reading *reading, const struct service *service, const char *field,
                  int64_t request, int64_t limit, char *(*format)(char *, size_t, int64_t)) {
    char requested[32], limited[32];
    if (request == 0 || limit == 0 || request <= limit)
        return;
    struct place place = {{"services", service->name, "resources", "requests", field}, {0}};
    problem_in(reading, &place, "raise the limit or lower the request",
               "%s is requested, but the limit is %s", format(requested, sizeof requested, request),
               format(limited, sizeof limited, limit));
}

void validate_resources(struct reading *reading) {
    for (size_t i = 0; i < reading->environment->service_count; i++) {
        const struct service *service = &reading->environment->services[i];
        check(reading, service, "cpu", service->requests.nano_cpus, service->limits.nano_cpus,
              format_cpus);
        check(reading, service, "memory", service->requests.memory, service->limits.memory,
              format_bytes);
    }
}
