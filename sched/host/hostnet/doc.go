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
// medians of ratios of two runs of 24 turns of 0.2 s, on a virtual machine with two CPUs, on
// 28 November 2026. The machine was not quiet: runs of the same programs differed by a tenth. In these
// runs no server on Gs had 0.95 of its peer's requests.
//
// A loop on Gs that reads requests and writes answers itself, relative to the same loop on goroutines:
//
//	connections   requests per second   99th percentile   CPU time for a request
//	          1          0.86 and 0.90      1.20 and 1.21            1.12 and 1.28
//	          8          0.90 and 0.93      1.01 and 1.13            1.08 and 1.10
//	         64          0.91 and 0.94      0.85 and 0.87            1.10 and 1.14
//
// It loses CPU time in the program. The profile has no large part that the loop on goroutines lacks, but
// for the collector (see below). It is spread over switches between coroutines, locks of descriptors, and
// finding out which G calls.
//
// The loop on Gs does not try to read what it has emptied, unless others are queued (see readAs). It makes
// 1.0 reads for each request over one connection, 1.6 over 8 and 1.9 over 64. The loop on goroutines makes
// 1.5 over one connection and 2.0 over 64. When the tables were measured the loop on Gs never
// tried, whatever was queued, and made 1.0 over any number of connections. Two runs of 10 turns of each, one after the other, differ by
// no more than runs of the same program: it had 0.94 and 0.96 of the requests over 8 connections then, and
// 0.94 and 0.91 since; over 64 0.92 and 0.95, and 0.92 and 0.98. In an earlier run, of 20 turns over 8
// connections, it had 1.00, and 0.85 when it always tried; the runs of the table found less than 1.00.
// Over one connection a try often finds the next request. There the loop made 0.79 to 0.91 futex calls for
// each request in short runs on a busy machine, and 0.63 to 0.65 when it tried.
//
// [Handler] has the goroutine that reads a connection run the G of a request itself, if a P is idle
// ([sched.Sched.Do]). The table compares such a server with the same one without Handler:
//
//	connections   requests per second   99th percentile   CPU time for a request
//	          1          0.91 and 0.94      1.09 and 1.17            1.06 and 1.16
//	          8          0.88 and 0.90      0.65 and 0.75            1.38 and 1.40
//	         64          0.88 and 0.93      1.01 and 1.11            1.31 and 1.33
//
// Most of the difference is the P that a visit takes and leaves. Over 8 connections a visit that did
// neither, but changed stacks, took 1.03 times the CPU time of a server whose scheduler had nothing to
// do, one that took a P and left it 1.30, and the whole one 1.21 (medians of 40 turns). On one CPU
// with nothing beside, a whole visit takes 0.7 us.
//
// A server without Handler and with as large a GOMAXPROCS, two above the number of CPUs, had 0.98,
// 1.13 and 1.08 times the requests in earlier runs. So it is not GOMAXPROCS alone that costs. Less than
// two above makes up for nothing, except over one connection. What it costs stands in package host, at
// gomaxprocsSlack.
//
// Where the CPU time goes was seen with perf over 64 connections, before visits were made cheaper.
// Each request took 48 us with Handler and 36 without:
//
//   - 4 us more for the collector. The heap of this benchmark is below 1 MB, so Go collects it after
//     every 3 MB. More than half of the 4 us is Go's sweeper, which goes round and round while the
//     thread of another that sweeps has no CPU (as in golang/go#73499). It took 2.4 us with Handler in
//     this profile, 0.8 in another, and 0.3 to 0.6 without. It takes a share of the loop on Gs, too. Where
//     both servers collect eight times less often (GOGC=800), Handler had 0.93 of the requests (0.74 to 1.14).
//   - 1.6 us for the visit: 0.6 to come and go between stacks, and 0.9 to take a P and to leave it.
//   - 2.3 us for what stands between net/http and package net's connection: two reads, a write and
//     deadlines. Since then a deadline that is set already is not set again.
//   - 0.8 us for net/http's goroutine that reads the connection while a handler runs.
//   - The rest is Go's scheduler and poller, and in neither of them one thing.
//
// Over one connection Handler makes 1.9 futex calls for each request under perf, and the server without
// it 1.4. Nearly all of both are of Go's scheduler.
//
// A server that wants speed runs its connections as Gs.
package hostnet
