// Prints the most fused multiply-adds that this machine computes, in float32 GFLOP/s (an FMA is two operations), with the
// widest registers that it has: chains of independent FMAs that touch no memory, the fastest of several rounds.
//
// usage: fma-peak THREADS        the threads run at the same time; the number is their sum
//
// Build with: cc -O3 -pthread fma-peak.c -o fma-peak
#include <immintrin.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { CHAINS = 12, ITERATIONS = 4000000, ROUNDS = 9, MAXIMUM_THREADS = 1024 };

static pthread_barrier_t barrier;
static volatile float sink;

__attribute__((target("avx512f"))) static void run_avx512(void) {
    __m512 sums[CHAINS], factor = _mm512_set1_ps(0.9999f), addend = _mm512_set1_ps(1.0f);
    for (int i = 0; i < CHAINS; i++) sums[i] = _mm512_set1_ps((float)i);
    for (long n = 0; n < ITERATIONS; n++)
#pragma GCC unroll 12
        for (int i = 0; i < CHAINS; i++) sums[i] = _mm512_fmadd_ps(sums[i], factor, addend);
    for (int i = 0; i < CHAINS; i++) sink = _mm512_cvtss_f32(sums[i]);
}

__attribute__((target("avx2,fma"))) static void run_avx2(void) {
    __m256 sums[CHAINS], factor = _mm256_set1_ps(0.9999f), addend = _mm256_set1_ps(1.0f);
    for (int i = 0; i < CHAINS; i++) sums[i] = _mm256_set1_ps((float)i);
    for (long n = 0; n < ITERATIONS; n++)
#pragma GCC unroll 12
        for (int i = 0; i < CHAINS; i++) sums[i] = _mm256_fmadd_ps(sums[i], factor, addend);
    for (int i = 0; i < CHAINS; i++) sink = _mm256_cvtss_f32(sums[i]);
}

static void *run_rounds(void *run) {
    for (int round = 0; round < ROUNDS; round++) {
        pthread_barrier_wait(&barrier);
        ((void (*)(void))run)();
        pthread_barrier_wait(&barrier);
    }
    return NULL;
}

static double seconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static double fastest(int threads, void (*run)(void)) {
    pthread_t others[MAXIMUM_THREADS];
    pthread_barrier_init(&barrier, NULL, (unsigned)threads);
    // This thread computes, too, and measures.
    for (int i = 1; i < threads; i++)
        if (pthread_create(&others[i], NULL, run_rounds, (void *)run) != 0) exit(71);
    double best = 1e9;
    for (int round = 0; round < ROUNDS; round++) {
        pthread_barrier_wait(&barrier);
        double start = seconds();
        run();
        pthread_barrier_wait(&barrier);
        double duration = seconds() - start;
        if (duration < best) best = duration;
    }
    for (int i = 1; i < threads; i++) pthread_join(others[i], NULL);
    pthread_barrier_destroy(&barrier);
    return best;
}

int main(int count, char **arguments) {
    int threads = count > 1 ? atoi(arguments[1]) : 1;
    if (threads < 1 || threads > MAXIMUM_THREADS) {
        fprintf(stderr, "fma-peak: give 1 to %d threads\n", MAXIMUM_THREADS);
        return 64;
    }
    double operations = 2.0 * CHAINS * ITERATIONS * threads, peak = 0;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        peak = 8 * operations / fastest(threads, run_avx2);
    // Some machines lower their clock for the wider registers.
    if (__builtin_cpu_supports("avx512f")) {
        double wide = 16 * operations / fastest(threads, run_avx512);
        if (wide > peak) peak = wide;
    }
    if (peak == 0) {
        fprintf(stderr, "fma-peak: this CPU has no FMA\n");
        return 69;
    }
    printf("%.1f\n", peak * 1e-9);
    return 0;
}
