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

type Board = [u8; 16]; // the columns of the queens in the first rows

// safe reports whether no queen above attacks one in the given row and column.
fn safe(q: &Board, row: usize, col: i64) -> bool {
    q[..row].iter().enumerate().all(|(r, &c)| {
        let (d, rows) = (i64::from(c) - col, (row - r) as i64);
        d != 0 && d != rows && d != -rows
    })
}

fn queens(q: &Board, row: usize, n: usize) -> i64 {
    if row == n {
        return 1;
    }
    let mut ways = [0; 16];
    rayon::scope(|s| {
        let mut free = ways.iter_mut();
        for col in 0..n {
            if safe(q, row, col as i64) {
                let mut next = *q;
                next[row] = col as u8;
                let to = free.next().unwrap();
                s.spawn(move |_| *to = queens(&next, row + 1, n));
            }
        }
    });
    ways.iter().sum()
}

const QUEENS: [i64; 17] = [1, 1, 0, 0, 2, 10, 4, 40, 92, 352, 724, 2680, 14200, 73712, 365596, 2279184, 14772512];

const FAN: i64 = 10; // children of a skynet task

fn skynet(first: i64, leaves: i64) -> i64 {
    if leaves == 1 {
        return first;
    }
    let part = leaves / FAN;
    let mut sums = [0; FAN as usize];
    rayon::scope(|s| {
        for (i, to) in sums.iter_mut().enumerate() {
            s.spawn(move |_| *to = skynet(first + i as i64 * part, part));
        }
    });
    sums.iter().sum()
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
        "nqueens" => {
            if rayon::scope(|_| queens(&[0; 16], 0, n as usize)) != QUEENS[n as usize] {
                die("nqueens: wrong answer");
            }
        }
        "skynet" => {
            let leaves = FAN.pow(n as u32);
            if rayon::scope(|_| skynet(0, leaves)) != leaves * (leaves - 1) / 2 {
                die("skynet: wrong answer");
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
