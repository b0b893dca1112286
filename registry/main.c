/*
 * tse-registry: the service registry. Reads its options, puts the server together (server.h), and
 * runs libwebsockets' loop until SIGTERM or SIGINT; then it takes no more connections, lets waiting
 * requests end, tells watchers to go, and is gone within two seconds.
 */
#include "registry/expiry.h"
#include "registry/handlers.h"
#include "registry/log.h"
#include "registry/scripts.h"
#include "registry/server.h"
#include "registry/sync.h"
#include "registry/watch.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>

#define HEADER_SECONDS  10
#define IDLE_SECONDS    60
#define PING_SECONDS    30
#define HANGUP_SECONDS  75
#define HEADER_BYTES    8192
#define OWN_DESCRIPTORS 128
#define STOP_MS         1500 /* for requests that wait */
#define SIGNAL_CHECK_MS 100

static volatile sig_atomic_t stop_asked;

static void on_signal(int number) {
    (void)number;
    stop_asked = 1;
}

static void watch_signals(void) {
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, NULL);
}

/* As many descriptors as connections need, as far as the system allows. */
static void raise_descriptors(struct options *options) {
    struct rlimit limit;
    rlim_t wanted = (rlim_t)options->max_connections + OWN_DESCRIPTORS;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
        return;
    limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < wanted) {
        options->max_connections = (int)limit.rlim_cur - OWN_DESCRIPTORS;
        log_line(LOG_WARNING, "descriptors", "max_connections=%d", options->max_connections);
    }
}

static void commands_up(void *data) {
    struct server *server = data;
    scripts_load(&server->commands);
    server->redis_vitals.ok = true;
    expiry_redis_up(server);
    config_redis_up(server);
}

static void commands_down(void *data) {
    struct server *server = data;
    server->redis_vitals.ok = false;
}

static void postgres_up(void *data) {
    struct server *server = data;
    server->postgres_vitals.ok = true;
    config_postgres_up(server);
}

static void postgres_down(void *data) {
    struct server *server = data;
    server->postgres_vitals.ok = false;
}

static const struct lws_protocols protocols[] = {
    {"tse-registry", http_callback, sizeof(struct session), 1024, 0, NULL, 0},
    {LOOP_PROTOCOL_NAME, loop_callback, 0, 0, 0, NULL, 0},
    {"tse-refuse", http_refuse_callback, 0, 0, 0, NULL, 0},
    {NULL, NULL, 0, 0, 0, NULL, 0}};

static const lws_retry_bo_t keep_alive = {.secs_since_valid_ping = PING_SECONDS,
                                          .secs_since_valid_hangup = HANGUP_SECONDS};

static struct lws_context *create_context(struct server *server) {
    struct options *options = &server->options;
    struct lws_context_creation_info info;
    memset(&info, 0, sizeof info);
    info.port = options->listen_port;
    info.iface = strcmp(options->listen_host, "0.0.0.0") == 0 ? NULL : options->listen_host;
    info.protocols = protocols;
    info.user = server;
    info.gid = -1;
    info.uid = -1;
    info.options = LWS_SERVER_OPTION_DISABLE_IPV6 | LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
                   LWS_SERVER_OPTION_FALLBACK_TO_APPLY_LISTEN_ACCEPT_CONFIG |
                   LWS_SERVER_OPTION_VALIDATE_UTF8;
    info.listen_accept_role = "raw-skt";
    info.listen_accept_protocol = "tse-refuse";
    info.timeout_secs = HEADER_SECONDS;
    info.keepalive_timeout = IDLE_SECONDS;
    info.max_http_header_data2 = HEADER_BYTES;
    info.max_http_header_pool2 = (unsigned)options->max_connections;
    info.fd_limit_per_thread = (unsigned)options->max_connections + OWN_DESCRIPTORS;
    info.pt_serv_buf_size = 16384;
    info.retry_and_idle_policy = &keep_alive;
    struct lws_context *context = lws_create_context(&info);
    if (!context)
        return NULL;
    struct lws_vhost *vhost = lws_create_vhost(context, &info);
    struct error error = ERROR_INIT;
    if (vhost && loop_open(&server->loop, context, vhost, &error) == 0)
        return context;
    log_line(LOG_ERROR, "listen", "address=%s:%d reason=\"%s\"", options->listen_host,
             options->listen_port, vhost ? error_text(&error) : strerror(errno));
    error_clear(&error);
    lws_context_destroy(context);
    return NULL;
}

static void start(struct server *server) {
    server->connections = 0; /* libwebsockets' own sockets do not count */
    auth_init(&server->auth, &server->options);
    cache_init(&server->cache);
    expiry_start(server);
    config_start(server);
    sync_start(server);
    redis_start(&server->commands, &server->loop, &server->options, "redis", commands_up,
                commands_down, server);
    postgres_start(&server->postgres, &server->loop, postgres_up, postgres_down, server);
    server_start_checks(server);
    log_line(LOG_INFO, "started", "listen=%s:%d open_reads=%d", server->options.listen_host,
             server->options.listen_port, server->options.open_reads);
}

static void stop(struct server *server) {
    timer_cancel(&server->checks);
    timer_cancel(&server->signals);
    redis_stop(&server->commands);
    postgres_stop(&server->postgres);
    sync_stop(server);
    expiry_stop(server);
    config_stop(server);
    loop_close(&server->loop);
    lws_context_destroy(server->loop.context);
    cache_clear(&server->cache);
    ring_reset(&server->ring, (struct event_id){0, 0});
    metrics_clear(&server->metrics);
}

/* The loop wakes up now and then, so that a signal that came just before it slept is seen. */
static void wake(void *data) {
    struct server *server = data;
    timer_set(&server->loop, &server->signals, SIGNAL_CHECK_MS);
}

static void serve(struct server *server) {
    server->signals.fire = wake;
    server->signals.data = server;
    wake(server);
    while (!stop_asked && lws_service(server->loop.context, 0) >= 0)
        continue;
    log_line(LOG_INFO, "stopping", "waiting=%d watchers=%u", server->waiting,
             server->watcher_count);
    server->stopping = true;
    watch_stop(server);
    int64_t end = loop_now_ms() + STOP_MS;
    while ((server->waiting > 0 || server->watcher_count > 0) && loop_now_ms() < end &&
           lws_service(server->loop.context, 0) >= 0)
        continue;
}

int main(int argc, char **argv) {
    static struct server server;
    struct error error = ERROR_INIT;
    if (options_read(&server.options, argc, argv, &error) != 0) {
        log_line(LOG_ERROR, "options", "reason=\"%s\"", error_text(&error));
        error_clear(&error);
        options_clear(&server.options);
        return 64;
    }
    log_set_level(server.options.verbose ? LOG_DEBUG : LOG_INFO);
    /* Its errors are the peers' doing: who sends garbage must not fill the log. */
    lws_set_log_level(server.options.verbose ? LLL_ERR | LLL_WARN : 0, NULL);
    watch_signals();
    raise_descriptors(&server.options);
    if (!create_context(&server)) {
        options_clear(&server.options);
        return 1;
    }
    start(&server);
    serve(&server);
    stop(&server);
    options_clear(&server.options);
    log_line(LOG_INFO, "stopped", "reason=signal");
    return 0;
}
