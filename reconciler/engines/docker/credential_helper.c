/*
 * Credential helpers: programs named docker-credential-NAME that keep passwords outside the
 * configuration file. Protocol of docker/docker-credential-helpers: `get`, the server on standard
 * input, a JSON object on standard output. They belong to the user's machine, but may hang or fail,
 * so time and output are bounded.
 */
#include "engines/docker/transport.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define OUTPUT_LIMIT 65536

extern char **environ;

static void close_descriptor(int *descriptor) {
    if (*descriptor >= 0)
        close(*descriptor);
}
#define cleanup_descriptor __attribute__((cleanup(close_descriptor)))

/* A file in memory with `text`: unlike a pipe, it cannot fill up or raise SIGPIPE. */
static int input_of(const char *text) {
    int descriptor = memfd_create("credential-request", MFD_CLOEXEC);
    size_t size = strlen(text);
    if (descriptor < 0)
        return -1;
    if (write(descriptor, text, size) == (ssize_t)size && lseek(descriptor, 0, SEEK_SET) == 0)
        return descriptor;
    close(descriptor);
    return -1;
}

static pid_t spawn(const char *program, int input, int output) {
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    /* A group of its own, to end what it started too, and with signals as a shell would set. */
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t none, all;
    sigemptyset(&none);
    sigemptyset(&all);
    sigaddset(&all, SIGPIPE);
    sigaddset(&all, SIGINT);
    sigaddset(&all, SIGTERM);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                              POSIX_SPAWN_SETSIGDEF);
    char *arguments[] = {(char *)program, (char *)"get", NULL};
    pid_t process = -1;
    if (posix_spawnp(&process, program, &actions, &attributes, arguments, environ) != 0)
        process = -1;
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return process;
}

/* Reads to the end of output, the limit or the deadline. True: complete. */
static bool read_all(int descriptor, char *buffer, size_t *size, long long deadline) {
    while (*size < OUTPUT_LIMIT) {
        long long left = deadline - http_now_ms();
        struct pollfd ready = {.fd = descriptor, .events = POLLIN};
        int events = left > 0 ? poll(&ready, 1, (int)left) : 0;
        if (events < 0 && errno == EINTR)
            continue;
        if (events <= 0)
            return false;
        ssize_t got = read(descriptor, buffer + *size, OUTPUT_LIMIT - *size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got == 0;
        *size += (size_t)got;
    }
    return false;
}

/* Exit status, ending it at the deadline: it may have closed its output and go on. */
static int wait_for(pid_t process, long long deadline) {
    int status = -1;
    for (;;) {
        pid_t ended = waitpid(process, &status, WNOHANG);
        if (ended == process || (ended < 0 && errno != EINTR))
            return status;
        if (http_now_ms() >= deadline)
            break;
        poll(NULL, 0, 5);
    }
    kill(-process, SIGKILL);
    while (waitpid(process, &status, 0) < 0 && errno == EINTR)
        ;
    return -1;
}

json_t *docker_credential_get(const char *helper, const char *server, long timeout_ms) {
    if (strchr(helper, '/')) /* a name, never a path */
        return NULL;
    cleanup_free char *program = format_text("docker-credential-%s", helper);
    long long deadline = http_now_ms() + timeout_ms;
    cleanup_descriptor int input = input_of(server);
    int ends[2] = {-1, -1};
    if (input < 0 || pipe2(ends, O_CLOEXEC) < 0)
        return NULL;
    cleanup_descriptor int output = ends[0];
    pid_t process = spawn(program, input, ends[1]);
    close(ends[1]);
    if (process < 0)
        return NULL;
    cleanup_free char *answer = memory_alloc(OUTPUT_LIMIT);
    size_t size = 0;
    bool complete = read_all(output, answer, &size, deadline);
    int status = wait_for(process, complete ? deadline : 0);
    json_t *result = NULL;
    if (complete && WIFEXITED(status) && WEXITSTATUS(status) == 0)
        result = json_loadb(answer, size, 0, NULL);
    explicit_bzero(answer, OUTPUT_LIMIT);
    return result;
}
