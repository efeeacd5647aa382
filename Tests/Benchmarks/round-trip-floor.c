// The least that the messages of one distributed training step cost: the bare libzmq round trips between a coordinator and its
// workers over a unix socket, and nothing else. scripts/bench-step compares Lockstep with it.
//
//   cc -O3 round-trip-floor.c -lzmq
//   ./a.out WORKERS SIZE SIZE...
//
// Prints the microseconds of a step: the median of several windows.
//
// As in Lockstep, a ROUTER serves DEALERs. The coordinator sends each worker the weights, a frame for each layer after a header
// frame of 32 bytes, and a header that asks for the work. The worker answers with as many frames of gradients and 16 bytes of
// result. Payloads are sent by reference.

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

enum { WORKERS = 64, LAYERS = 16, WINDOWS = 15, STEPS = 1000, HEADER = 32, RESULT = 16 };

static int layers;
static size_t bytes[LAYERS];
static char *payload;

static double seconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + 1e-9 * time.tv_nsec;
}

static void check(int ok, const char *what) {
    if (!ok) {
        fprintf(stderr, "round-trip-floor: %s: %s\n", what, zmq_strerror(zmq_errno()));
        exit(1);
    }
}

// One message: a header and a payload for each layer, then a header, and a result behind it if there is one.
static void send_message(void *socket, int has_result) {
    const char header[HEADER] = {0};
    for (int layer = 0; layer < layers; layer++) {
        check(zmq_send(socket, header, HEADER, ZMQ_SNDMORE) == HEADER, "send");
        check(zmq_send_const(socket, payload, bytes[layer], ZMQ_SNDMORE) >= 0, "send");
    }
    check(zmq_send(socket, header, HEADER, has_result ? ZMQ_SNDMORE : 0) == HEADER, "send");
    if (has_result) check(zmq_send(socket, header, RESULT, 0) == RESULT, "send");
}

static void receive_message(void *socket, zmq_msg_t *frame) {
    do check(zmq_msg_recv(frame, socket, 0) >= 0, "receive");
    while (zmq_msg_more(frame));
}

static void work(const char *endpoint) {
    void *context = zmq_ctx_new();
    void *socket = zmq_socket(context, ZMQ_DEALER);
    check(zmq_connect(socket, endpoint) == 0, "connect");
    check(zmq_send(socket, "", 0, 0) == 0, "send");
    zmq_msg_t frame;
    zmq_msg_init(&frame);
    for (;;) {
        receive_message(socket, &frame);
        send_message(socket, 1);
    }
}

static int ascending(const void *left, const void *right) {
    const double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

int main(int count, char **arguments) {
    const int workers = count > 1 ? atoi(arguments[1]) : 0;
    layers = count - 3;
    if (workers < 1 || workers > WORKERS || layers < 1 || layers > LAYERS) {
        fprintf(stderr, "usage: %s WORKERS SIZE SIZE...\n", arguments[0]);
        return 64;
    }
    size_t largest = 0;
    for (int layer = 0; layer < layers; layer++) {
        const size_t inputs = strtoul(arguments[2 + layer], NULL, 10), outputs = strtoul(arguments[3 + layer], NULL, 10);
        bytes[layer] = 4 * (inputs + 1) * outputs;
        if (bytes[layer] > largest) largest = bytes[layer];
    }
    payload = calloc(1, largest);

    char endpoint[64];
    snprintf(endpoint, sizeof endpoint, "ipc:///tmp/round-trip-floor-%d", (int)getpid());
    pid_t processes[WORKERS];
    for (int worker = 0; worker < workers; worker++) {
        processes[worker] = fork();
        if (processes[worker] == 0) work(endpoint);
    }

    void *context = zmq_ctx_new();
    void *socket = zmq_socket(context, ZMQ_ROUTER);
    check(zmq_bind(socket, endpoint) == 0, "bind");
    char identities[WORKERS][5];
    zmq_msg_t frame;
    zmq_msg_init(&frame);
    for (int worker = 0; worker < workers; worker++) {
        check(zmq_msg_recv(&frame, socket, 0) == 5, "receive");
        memcpy(identities[worker], zmq_msg_data(&frame), 5);
        check(zmq_msg_recv(&frame, socket, 0) == 0, "receive");
    }

    double windows[WINDOWS];
    for (int window = 0; window < WINDOWS; window++) {
        const double start = seconds();
        for (int step = 0; step < STEPS; step++) {
            for (int worker = 0; worker < workers; worker++) {
                check(zmq_send(socket, identities[worker], 5, ZMQ_SNDMORE) == 5, "send");
                send_message(socket, 0);
            }
            for (int worker = 0; worker < workers; worker++) receive_message(socket, &frame);
        }
        windows[window] = (seconds() - start) / STEPS;
    }
    for (int worker = 0; worker < workers; worker++) {
        kill(processes[worker], SIGKILL);
        waitpid(processes[worker], NULL, 0);
    }
    unlink(endpoint + strlen("ipc://"));
    qsort(windows, WINDOWS, sizeof windows[0], ascending);
    printf("%.2f\n", windows[WINDOWS / 2] * 1e6);
    return 0;
}
