// Package hostnet has network connections, listeners and pipes on which Gs wait without
// holding a P: TCP, UDP and Unix sockets, with deadlines.
//
// They implement [net.Conn], [net.Listener] and [net.PacketConn]. Their methods find out
// which G calls ([sched.Current]). If a G has to wait, it parks, and the poller of its
// node makes it ready. So a G may use them wherever a goroutine would use package net's:
//
//	l, err := hostnet.Listen("tcp", "localhost:0")
//	for {
//		c, err := l.Accept() // g waits here
//		g.Go(func(g *sched.G) {
//			defer c.Close()
//			io.Copy(c, c)
//		})
//	}
//
// A goroutine that is no G may call the same methods. It then waits in Go's own poller.
// Closing a connection and setting a deadline concern both.
//
// Names are looked up, and connections made, by package net, as a system call of the G
// (see [sched.G.Syscall]). Where there is no poller for Gs yet, which is everywhere but on
// Linux, all operations are system calls of the G: other Gs run meanwhile, but each that
// waits has an M of its own. The same holds for a G of another scheduler than the one
// whose G first waited at the connection.
//
// # net/http
//
// [net/http.Server.Serve] and [net/http.Transport] work over these connections. But they start
// goroutines of their own, which are no Gs, and they wait in native channels. So:
//
//   - A server reads requests on goroutines, one for each connection. [Handler] runs the
//     handler of each request as a G, most often on the thread of that goroutine. What the handler
//     reads of the body and what it writes, it reads and writes as a G.
//   - Serve itself may run as a G: it waits in Accept.
//   - A client's RoundTrip waits natively for goroutines of the Transport. [Transport] makes
//     that a system call of the G. The body is read by the G itself.
//
// HTTP/2 is handled by goroutines altogether; only its handlers can be Gs.
//
// # How fast it is
//
// BenchmarkHTTP has servers take turns, with a client on the same two CPUs. What follows are
// medians of ratios, of 10 to 30 turns of 0.2 s, on a virtual machine with two CPUs, on
// 27 November 2026. The machine was not quiet: runs of the same programs differed by a fifth.
//
// A loop on Gs that reads requests and writes answers itself, relative to the same loop on goroutines.
// Each number is the range of all runs:
//
//	connections   requests per second   99th percentile   CPU time for a request
//	          1          0.81 to 1.02      1.01 to 1.32             1.00 to 1.27
//	          8          0.80 to 0.99      0.96 to 1.45             1.00 to 1.17
//	         64          0.80 to 0.91      0.75 to 1.26             1.08 to 1.33
//
// It loses CPU time in the program, and not in system calls. This was counted for each request:
//
//	connections                              Gs     goroutines
//	          1   futex calls      0.14 to 0.25   0.05 to 0.13
//	         64   futex calls              0.04   0.03 to 0.04
//	         64   reads            1.95 to 1.98   1.97 to 2.00
//	         64   looks at epoll   0.07 to 0.08   0.06 to 0.07
//	         64   thread switches  0.16 to 0.24   0.13 to 0.18
//
// The profile has no large part that the loop on goroutines lacks, but for the collector (see below).
// It is spread over switches between coroutines, locks of descriptors, and finding out which G calls.
//
// [Handler] has the goroutine that reads a connection run the G of a request itself, if a P is idle
// ([sched.Sched.Do]). The table compares such a server with the same one without Handler. It has medians of
// 5 to 8 turns of a second, of 28 November 2026. Single turns had from 0.45 to 1.41 times the requests:
//
//	connections   requests per second   99th percentile       CPU time
//	          1          0.85 to 0.89      1.16 to 1.18
//	          8          0.73 to 0.82      0.81 to 1.21           1.48
//	         64          0.81 to 1.03      1.00 to 1.08   1.26 to 1.30
//
// A server without Handler and with as large a GOMAXPROCS, two above the number of CPUs, had 0.98,
// 1.13 and 1.08 times the requests in these runs. So it is not GOMAXPROCS alone that costs. Less than
// two above makes up for nothing, except over one connection. What it costs stands in package host, at
// gomaxprocsSlack.
//
// Where the CPU time goes was seen with perf over 64 connections. Each request took 48 us with
// Handler and 36 without:
//
//   - 4 us more for the collector. The heap of this benchmark is below 1 MB, so Go collects it after
//     every 3 MB. More than half of the 4 us is Go's sweeper, which goes round and round while the
//     thread of another that sweeps has no CPU (as in golang/go#73499). It took 2.4 us with Handler in
//     this profile, 0.8 in another, and 0.3 to 0.6 without. It takes a share of the loop on Gs, too. Where
//     both servers collect eight times less often (GOGC=800), Handler had 0.93 of the requests (0.74 to 1.14).
//   - 1.6 us for the visit: 0.6 to come and go between stacks, and 0.9 to take a P and to leave it.
//   - 2.3 us for what stands between net/http and package net's connection: two reads, a write and two
//     deadlines for each request. Since then goroutines touch two words less for each read and write.
//     That this made a server faster could not be shown.
//   - 0.8 us for net/http's goroutine that reads the connection while a handler runs.
//   - The rest is Go's scheduler and poller, and in neither of them one thing.
//
// Over one connection Handler makes 1.9 futex calls for each request under perf, and the server without
// it 1.4. Nearly all of both are of Go's scheduler.
//
// A server that wants speed runs its connections as Gs.
package hostnet
