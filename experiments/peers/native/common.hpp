// What the C++ peers share: the command line, the clock and the checks.
#pragma once
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

constexpr long chunk = 4096; // elements of a parfor task

[[noreturn]] inline void die(const std::string &why) {
	std::fprintf(stderr, "%s\n", why.c_str());
	std::exit(1);
}

// empty is a task that does nothing, and that the compiler keeps.
inline void empty() { asm volatile(""); }

inline long fib_serial(long n) {
	long a = 0, b = 1;
	while (n-- > 0) {
		long next = a + b;
		a = b;
		b = next;
	}
	return a;
}

// board has the columns of the queens in the first rows.
using board = std::array<unsigned char, 16>;

// safe reports whether no queen above attacks one in the given row and column.
inline bool safe(const board &q, long row, long col) {
	for (long r = 0; r < row; r++)
		if (long d = q[r] - col; d == 0 || d == row - r || d == r - row) return false;
	return true;
}

inline long queens_known(long n) {
	static const long ways[] = {1, 1, 0, 0, 2, 10, 4, 40, 92, 352, 724, 2680, 14200, 73712, 365596, 2279184, 14772512};
	return ways[n];
}

constexpr long fan = 10; // children of a skynet task

// A peer's workloads.
template <class Fib, class Spawn, class ParFor, class Queens, class Skynet>
int peer_main(int argc, char **argv, Fib fib, Spawn spawn, ParFor par_for, Queens queens, Skynet skynet) {
	if (argc != 6) die("usage: peer WORKLOAD N THREADS RUNS WARM");
	std::string load = argv[1];
	long n = std::atol(argv[2]), runs = std::atol(argv[4]);
	bool warm = !std::strcmp(argv[5], "true");
	std::vector<float> x;
	if (load == "parfor") {
		x.resize(n);
		for (long i = 0; i < n; i++) x[i] = float(i % chunk);
	}
	auto once = [&] {
		if (load == "fib" || load == "fib-closure") {
			if (fib(n) != fib_serial(n)) die("fib: wrong answer");
		} else if (load == "nqueens") {
			if (queens(n) != queens_known(n)) die("nqueens: wrong answer");
		} else if (load == "skynet") {
			long leaves = 1;
			for (long i = 0; i < n; i++) leaves *= fan;
			if (skynet(leaves) != leaves * (leaves - 1) / 2) die("skynet: wrong answer");
		} else if (load == "spawn") {
			if (spawn(n) != (n + 1023) / 1024) die("spawn: a task that counts has not run");
		} else if (load == "parfor") {
			par_for(x.data(), n);
		} else {
			die("unknown workload " + load);
		}
	};
	long all = runs;
	if (warm) once(), all++;
	auto start = std::chrono::steady_clock::now();
	for (long i = 0; i < runs; i++) once();
	auto elapsed = std::chrono::steady_clock::now() - start;
	for (long i = 0; i < long(x.size()); i++)
		if (all < (1 << 23) && x[i] != float(i % chunk + all)) die("parfor: wrong answer");
	std::printf("%lld\n", (long long)std::chrono::duration_cast<std::chrono::nanoseconds>(elapsed).count());
	return 0;
}
