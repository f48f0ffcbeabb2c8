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
// 27 November 2026. The machine was not quiet: runs of the same programs differed by a fifth. So each
// number is the range of all runs.
//
// A loop on Gs that reads requests and writes answers itself had 0.81 to 1.02 times the requests per
// second of the same loop on goroutines over one connection, 0.80 to 0.99 times over 8 and 0.80 to 0.91
// times over 64. Its 99th percentile was 1.01 to 1.32, 0.96 to 1.45 and 0.75 to 1.26 times the other's.
// It took 1.00 to 1.27, 1.00 to 1.17 and 1.08 to 1.33 times the CPU time for a request. Over one
// connection it makes 0.14 to 0.25 futex calls for each request, and the loop on goroutines 0.05 to
// 0.13.
//
// It loses CPU time in the program, and not in system calls. Over 64 connections perf counted, for each
// request, 0.04 futex calls (goroutines: 0.03 to 0.04), 1.95 to 1.98 reads (1.97 to 2.00), 0.07 to 0.08
// looks at epoll (0.06 to 0.07) and 0.16 to 0.24 switches of threads (0.13 to 0.18). The profile has no
// large part that the loop on goroutines lacks: it is spread over switches between coroutines, locks of
// descriptors, and finding out which G calls.
//
// [Handler] has the goroutine that reads a connection run the G of a request itself, if a P is idle
// ([sched.Sched.Do]). Such a server had 0.73 times the requests of the same server without Handler over
// one connection (95 % interval: 0.63 to 0.84), 0.77 over 8 (0.65 to 1.03) and 0.89 over 64 (0.75 to
// 1.34). Its 99th percentile was 1.36, 1.44 and 1.13 times the other's. It took 1.38 (1.21 to 1.79),
// 1.43 (1.29 to 1.98) and 1.28 (1.10 to 1.50) times the CPU time. These are 12 turns of one run on a
// busy machine. In the same run it had 0.60 (0.49 to 0.76), 0.72 and 1.00 times the requests, and took 1.80
// (1.33 to 2.26), 1.58 and 1.45 times the CPU time, before visits let sysmon be and allocated less. All
// intervals of before and after overlap, and the program of before also noted each look of sysmon.
//
// What Handler still costs is not known in full. In a profile over 64 connections, of before,
// net/http's goroutine that reads the connection while a handler runs took 2.9 us for each request, and
// 1.2 us without Handler: on a free P of Go's it runs too early, and reads in vain. The
// collector took 2 us more. Both look as if they came of GOMAXPROCS, which package host keeps two above
// the number of Ps. But less slack makes up for it over one connection alone:
//
// In 20 interleaved turns with GOMAXPROCS 2, 1 and 0 above the number of Ps, of before, Handler had
// 0.58, 0.64 and 0.77 times the requests over one connection, 0.81, 0.84 and 0.79 over 8, and 0.88,
// 0.82 and 0.73 over 64. It took 1.90, 1.66 and 1.38 times the CPU time, then 1.64, 1.59 and 1.52, then
// 1.43, 1.35 and 1.42. The loop on Gs had 1.00, 0.91 and 0.72, then 0.95, 0.97 and 0.88, then 0.80,
// 0.84 and 0.82. What else less slack costs stands in package host, at gomaxprocsSlack. A server that
// wants speed runs its connections as Gs.
package hostnet
