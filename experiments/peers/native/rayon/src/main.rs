use rayon::prelude::*;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

const CHUNK: usize = 4096; // elements of a parfor task

fn fib(n: i64) -> i64 {
    if n < 2 {
        return n;
    }
    let (x, y) = rayon::join(|| fib(n - 1), || fib(n - 2));
    x + y
}

fn fib_serial(n: i64) -> i64 {
    (0..n).fold((0, 1), |(a, b), _| (b, a + b)).0
}

fn spawn(n: i64) -> i64 {
    let counted = AtomicI64::new(0);
    rayon::scope(|s| {
        for i in 0..n {
            if i % 1024 == 0 {
                s.spawn(|_| {
                    counted.fetch_add(1, Ordering::Relaxed);
                });
            } else {
                s.spawn(|_| std::hint::black_box(())); // which the compiler keeps
            }
        }
    });
    counted.into_inner()
}

fn die(why: &str) -> ! {
    eprintln!("{why}");
    std::process::exit(1);
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    if args.len() != 6 {
        die("usage: rayon-peer WORKLOAD N THREADS RUNS WARM");
    }
    let number = |i: usize| args[i].parse::<i64>().unwrap_or_else(|_| die("want a number"));
    let (load, n, threads, runs, warm) = (args[1].as_str(), number(2), number(3), number(4), args[5] == "true");
    rayon::ThreadPoolBuilder::new().num_threads(threads as usize).build_global().unwrap();
    let len = if load == "parfor" { n as usize } else { 0 };
    let mut x: Vec<f32> = (0..len).map(|i| (i % CHUNK) as f32).collect();
    let mut once = || match load {
        "fib" | "fib-closure" => {
            // In the pool, as a program that forks is, and not from outside of it.
            if rayon::scope(|_| fib(n)) != fib_serial(n) {
                die("fib: wrong answer");
            }
        }
        "spawn" => {
            if spawn(n) != (n + 1023) / 1024 {
                die("spawn: a task that counts has not run");
            }
        }
        "parfor" => x.par_chunks_mut(CHUNK).for_each(|c| c.iter_mut().for_each(|v| *v += 1.0)),
        _ => die("unknown workload"),
    };
    if warm {
        once();
    }
    let start = Instant::now();
    for _ in 0..runs {
        once();
    }
    let elapsed = start.elapsed();
    let all = runs + warm as i64;
    for (i, v) in x.iter().enumerate() {
        if all < 1 << 23 && *v != (i % CHUNK) as f32 + all as f32 {
            die("parfor: wrong answer");
        }
    }
    println!("{}", elapsed.as_nanos());
}
