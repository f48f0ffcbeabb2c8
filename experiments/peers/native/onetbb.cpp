#include "common.hpp"
#include <atomic>
#include <tbb/blocked_range.h>
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/task_group.h>

static long fib(long n) {
	if (n < 2) return n;
	long x;
	tbb::task_group g;
	g.run([&, n] { x = fib(n - 1); });
	long y = fib(n - 2);
	g.wait();
	return x + y;
}

static long spawn(long n) {
	std::atomic<long> counted{0};
	tbb::task_group g;
	for (long i = 0; i < n; i++)
		if (i % 1024 == 0)
			g.run([&] { counted++; });
		else
			g.run(empty);
	g.wait();
	return counted;
}

static void par_for(float *x, long n) {
	tbb::parallel_for(tbb::blocked_range<long>(0, n, chunk), [=](const tbb::blocked_range<long> &r) {
		for (long i = r.begin(); i < r.end(); i++) x[i] += 1;
	});
}

static long queens_task(const board &q, long row, long n) {
	if (row == n) return 1;
	long ways[std::tuple_size<board>::value];
	int forked = 0;
	tbb::task_group g;
	for (long col = 0; col < n; col++)
		if (safe(q, row, col)) {
			board next = q;
			next[row] = col;
			long *to = &ways[forked++];
			g.run([=] { *to = queens_task(next, row + 1, n); });
		}
	g.wait();
	long sum = 0;
	while (forked > 0) sum += ways[--forked];
	return sum;
}

static long queens(long n) { return queens_task({}, 0, n); }

static long skynet_task(long first, long leaves) {
	if (leaves == 1) return first;
	long sums[fan], part = leaves / fan, sum = 0;
	tbb::task_group g;
	for (long i = 0; i < fan; i++) g.run([=, &sums] { sums[i] = skynet_task(first + i * part, part); });
	g.wait();
	for (long s : sums) sum += s;
	return sum;
}

static long skynet(long leaves) { return skynet_task(0, leaves); }

int main(int argc, char **argv) {
	tbb::global_control threads(tbb::global_control::max_allowed_parallelism, argc > 3 ? std::atol(argv[3]) : 1);
	return peer_main(argc, argv, fib, spawn, par_for, queens, skynet);
}
