#include "common.hpp"
#include <omp.h>

static long fib_task(long n) {
	if (n < 2) return n;
	long x;
#pragma omp task shared(x)
	x = fib_task(n - 1);
	long y = fib_task(n - 2);
#pragma omp taskwait
	return x + y;
}

static long fib(long n) {
	long got;
#pragma omp parallel
#pragma omp single
	got = fib_task(n);
	return got;
}

static long spawn(long n) {
	long counted = 0;
#pragma omp parallel
#pragma omp single
	for (long i = 0; i < n; i++)
		if (i % 1024 == 0) {
#pragma omp task shared(counted)
#pragma omp atomic
			counted++;
		} else {
#pragma omp task
			empty();
		}
	return counted;
}

static void par_for(float *x, long n) {
#pragma omp parallel for schedule(static)
	for (long i = 0; i < n; i++) x[i] += 1;
}

int main(int argc, char **argv) {
	if (argc > 3) omp_set_num_threads(std::atoi(argv[3]));
	return peer_main(argc, argv, fib, spawn, par_for);
}
