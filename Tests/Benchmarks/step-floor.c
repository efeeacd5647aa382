// The least that one training step costs: the matrix products and memory passes of plain gradient descent with sigmoids and
// quadratic cost, in float32 on one thread, and nothing else. scripts/bench-step compares Lockstep with it.
//
//   clang -O3 -march=native -I Sources/CKernels/include step-floor.c Sources/CKernels/*.c -ldnnl
//   OMP_NUM_THREADS=1 DNNL_MAX_CPU_ISA=AVX2 ./a.out BATCH SIZE SIZE...
//
// Prints the microseconds of a step: the median of several windows.
//
// The products are the same calls that Lockstep makes: oneDNN's, and for few rows or neurons those of CKernels. The samples are
// bytes, drawn in a random order from as many as MNIST has, because reading them is part of a step. The weights are updated in
// place. The compiler may use all instructions of this machine.

#include <oneapi/dnnl/dnnl.h>
#include <products.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SAMPLES = 50000, LAYERS = 16, WINDOWS = 21 };
static const double WINDOW_SECONDS = 0.1;

// A layer's parameters, their gradients, and its values for a batch. All matrices are row-major.
struct layer {
    int inputs, outputs;
    float *weights, *weight_gradient;  // [outputs, inputs]
    float *biases, *bias_gradient;     // [outputs]
    float *activations, *deltas;       // [batch, outputs]
};

static double seconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + 1e-9 * time.tv_nsec;
}

static void *allocate(size_t count, size_t size) {
    void *memory = aligned_alloc(64, (count * size + 63) / 64 * 64);
    if (memory == NULL) {
        fputs("step-floor: out of memory\n", stderr);
        exit(1);
    }
    memset(memory, 0, count * size);
    return memory;
}

static uint32_t random_bits(void) {
    static uint32_t state = 2463534242u;
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state;
}

static void gather(float *restrict rows, const uint8_t *data, const int *order, int batch, int inputs) {
    for (int row = 0; row < batch; row++) {
        const uint8_t *sample = data + (size_t)order[row] * inputs;
        for (int i = 0; i < inputs; i++) rows[(size_t)row * inputs + i] = sample[i] * (1.0f / 255);
    }
}

// The rules of Sources/LockstepCompute/SmallProducts.swift.
enum { FEW = LOCKSTEP_FEW };
static bool has_avx512;

// c[rows, columns] = a[rows, depth] · b[columns, depth]ᵀ
static void dot_products(int rows, int columns, int depth, const float *a, const float *b, float *c) {
    if (rows <= FEW || (columns <= FEW && depth >= 2 * FEW))
        (has_avx512 ? lockstep_dot_products_avx512 : lockstep_dot_products_avx2)(rows, columns, depth, a, b, c);
    else if (columns <= FEW)
        (has_avx512 ? lockstep_short_dot_products_avx512 : lockstep_short_dot_products_avx2)(
            rows, columns, depth, a, b, c);
    else
        dnnl_sgemm('N', 'T', rows, columns, depth, 1, a, depth, b, depth, 0, c, columns);
}

// c[rows, columns] = x[rows, depth] · y[depth, columns]; if `transposed`, `x` holds the transpose of x.
static void combinations(int rows, int columns, int depth, const float *x, bool transposed, const float *y, float *c) {
    if (rows <= FEW || depth <= FEW)
        (has_avx512 ? lockstep_row_combinations_avx512 : lockstep_row_combinations_avx2)(
            rows, columns, depth, x, transposed ? 1 : depth, transposed ? rows : 1, y, 0, c);
    else
        dnnl_sgemm(transposed ? 'T' : 'N', 'N', rows, columns, depth, 1, x, transposed ? rows : depth, y, columns, 0, c,
                   columns);
}

// 1 / (1 + exp(-x)) as lockstep_exponential has it.
static inline float sigmoid(float x) {
    const float magic = 0x1.8p23f;
    float z = -x < -87 ? -87 : -x > 89 ? 89 : -x;
    const float shifted = z * 1.44269504f + magic, k = shifted - magic;
    const float t = z - k * 0.693359375f + k * 2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * t + 1.3981999507e-3f;
    p = p * t + 8.3334519073e-3f;
    p = p * t + 4.1665795894e-2f;
    p = p * t + 1.6666665459e-1f;
    p = p * t + 5.0000001201e-1f;
    p = p * t * t + t + 1;
    const union { uint32_t bits; float number; } bits = {.number = shifted}, power = {.bits = (bits.bits + 127) << 23};
    return 1 / (1 + p * power.number);
}

static void forward(const struct layer *layer, const float *inputs, int batch) {
    float *values = layer->activations;
    dot_products(batch, layer->outputs, layer->inputs, inputs, layer->weights, values);
    for (int row = 0; row < batch; row++)
        for (int j = 0; j < layer->outputs; j++) values[(size_t)row * layer->outputs + j] += layer->biases[j];
    for (size_t i = 0; i < (size_t)batch * layer->outputs; i++) values[i] = sigmoid(values[i]);
}

static void output_deltas(const struct layer *layer, const uint8_t *labels, const int *order, int batch) {
    for (int row = 0; row < batch; row++)
        for (int j = 0; j < layer->outputs; j++) {
            size_t i = (size_t)row * layer->outputs + j;
            float a = layer->activations[i];
            layer->deltas[i] = (a - (labels[order[row]] == j)) * a * (1 - a);
        }
}

static void gradients(const struct layer *layer, const float *inputs, int batch) {
    combinations(layer->outputs, layer->inputs, batch, layer->deltas, true, inputs, layer->weight_gradient);
    memset(layer->bias_gradient, 0, sizeof(float) * layer->outputs);
    for (int row = 0; row < batch; row++)
        for (int j = 0; j < layer->outputs; j++)
            layer->bias_gradient[j] += layer->deltas[(size_t)row * layer->outputs + j];
}

static void backward(const struct layer *layer, const struct layer *previous, int batch) {
    combinations(batch, layer->inputs, layer->outputs, layer->deltas, false, layer->weights, previous->deltas);
    for (size_t i = 0; i < (size_t)batch * layer->inputs; i++) {
        float a = previous->activations[i];
        previous->deltas[i] *= a * (1 - a);
    }
}

static void update(float *restrict parameters, const float *restrict gradient, size_t count, float scale) {
    for (size_t i = 0; i < count; i++) parameters[i] -= scale * gradient[i];
}

static int ascending(const void *left, const void *right) {
    double difference = *(const double *)left - *(const double *)right;
    return (difference > 0) - (difference < 0);
}

int main(int count, char **arguments) {
    int layers = count - 3;
    int batch = count > 1 ? atoi(arguments[1]) : 0;
    int valid = layers >= 1 && layers <= LAYERS && batch >= 1 && batch <= SAMPLES;
    for (int l = 2; l < count; l++) valid = valid && atoi(arguments[l]) > 0;
    if (!valid) {
        fprintf(stderr, "usage: step-floor BATCH SIZE SIZE...   (batch up to %d, up to %d layers)\n", SAMPLES, LAYERS);
        return 64;
    }
    has_avx512 = dnnl_get_effective_cpu_isa() >= dnnl_cpu_isa_avx512_core;

    struct layer network[LAYERS];
    for (int l = 0; l < layers; l++) {
        struct layer *layer = &network[l];
        layer->inputs = atoi(arguments[l + 2]);
        layer->outputs = atoi(arguments[l + 3]);
        size_t weights = (size_t)layer->outputs * layer->inputs;
        layer->weights = allocate(weights, sizeof(float));
        layer->weight_gradient = allocate(weights, sizeof(float));
        layer->biases = allocate(layer->outputs, sizeof(float));
        layer->bias_gradient = allocate(layer->outputs, sizeof(float));
        layer->activations = allocate((size_t)batch * layer->outputs, sizeof(float));
        layer->deltas = allocate((size_t)batch * layer->outputs, sizeof(float));
        for (size_t i = 0; i < weights; i++) layer->weights[i] = (int32_t)random_bits() * 0x1p-31f;
    }

    int inputs = network[0].inputs;
    uint8_t *data = allocate((size_t)SAMPLES * inputs, 1);
    uint8_t *labels = allocate(SAMPLES, 1);
    int *order = allocate(SAMPLES, sizeof(int));
    float *rows = allocate((size_t)batch * inputs, sizeof(float));
    for (size_t i = 0; i < (size_t)SAMPLES * inputs; i++) data[i] = random_bits() >> 24;
    for (int i = 0; i < SAMPLES; i++) {
        labels[i] = random_bits() % network[layers - 1].outputs;
        int place = random_bits() % (i + 1);
        order[i] = order[place];
        order[place] = i;
    }

    double window[WINDOWS];
    int next = 0;
    for (int w = -1; w < WINDOWS; w++) {  // The first one warms up.
        long steps = 0;
        double start = seconds(), now;
        do {
            if (next + batch > SAMPLES) next = 0;
            const int *chosen = order + next;
            next += batch;
            gather(rows, data, chosen, batch, inputs);
            for (int l = 0; l < layers; l++) forward(&network[l], l > 0 ? network[l - 1].activations : rows, batch);
            output_deltas(&network[layers - 1], labels, chosen, batch);
            for (int l = layers - 1; l >= 0; l--) {
                gradients(&network[l], l > 0 ? network[l - 1].activations : rows, batch);
                if (l > 0) backward(&network[l], &network[l - 1], batch);
            }
            for (int l = 0; l < layers; l++) {
                struct layer *layer = &network[l];
                update(layer->weights, layer->weight_gradient, (size_t)layer->outputs * layer->inputs, 0.01f / batch);
                update(layer->biases, layer->bias_gradient, layer->outputs, 0.01f / batch);
            }
            steps++;
            now = seconds();
        } while (now - start < WINDOW_SECONDS);
        if (w >= 0) window[w] = (now - start) / steps * 1e6;
    }
    qsort(window, WINDOWS, sizeof(double), ascending);
    printf("%.3f\n", window[WINDOWS / 2]);
    return 0;
}
