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

static long queens_task(const board &q, long row, long n) {
	if (row == n) return 1;
	long ways[std::tuple_size<board>::value];
	int forked = 0;
	for (long col = 0; col < n; col++)
		if (safe(q, row, col)) {
			board next = q;
			next[row] = col;
			long *to = &ways[forked++];
#pragma omp task firstprivate(next, to)
			*to = queens_task(next, row + 1, n);
		}
#pragma omp taskwait
	long sum = 0;
	while (forked > 0) sum += ways[--forked];
	return sum;
}

static long queens(long n) {
	long got;
#pragma omp parallel
#pragma omp single
	got = queens_task({}, 0, n);
	return got;
}

static long skynet_task(long first, long leaves) {
	if (leaves == 1) return first;
	long sums[fan], part = leaves / fan, sum = 0;
	for (long i = 0; i < fan; i++)
#pragma omp task shared(sums)
		sums[i] = skynet_task(first + i * part, part);
#pragma omp taskwait
	for (long s : sums) sum += s;
	return sum;
}

static long skynet(long leaves) {
	long got;
#pragma omp parallel
#pragma omp single
	got = skynet_task(0, leaves);
	return got;
}

int main(int argc, char **argv) {
	if (argc > 3) omp_set_num_threads(std::atoi(argv[3]));
	return peer_main(argc, argv, fib, spawn, par_for, queens, skynet);
}
