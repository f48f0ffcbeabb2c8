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
//     handler of each request as a G. What the handler reads of the body and what it
//     writes, it reads and writes as a G.
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
// A loop on Gs that reads requests and writes answers itself had 0.91 to 1.02 times the requests per
// second of the same loop on goroutines over one connection, 0.80 to 0.99 times over 8 and 0.84 to 0.89
// times over 64. Its 99th percentile was 1.01 to 1.06, 1.03 to 1.20 and 0.96 to 1.21 times the other's.
// It took 1.05 to 1.13, 1.03 to 1.12 and 1.08 to 1.29 times the CPU time for a request. Over one
// connection it makes 0.14 to 0.21 futex calls for each request, and the loop on goroutines 0.05 to
// 0.13.
//
// It loses CPU time in the program, and not in system calls. Over 64 connections perf counted, for each
// request, 0.04 futex calls (goroutines: 0.03 to 0.04), 1.95 to 1.96 reads (1.97 to 2.00), 0.08 looks
// at epoll (0.06 to 0.07) and 0.22 to 0.24 switches of threads (0.15 to 0.18). The CPU time was 8 and 25 %
// more in these two runs. The profile has no large part that the loop on goroutines lacks: it is spread over
// switches between coroutines, locks of descriptors, and finding out which G calls.
//
// With [Handler] a server had 0.44 to 0.52 times the requests of the same server without over one
// connection, 0.64 to 0.77 times over 8 and 0.72 times over 64. A request there changes threads twice:
// from the goroutine to an M, which most often sleeps, and back. Over one connection that is five
// futex calls and five switches of threads for each request. The server of net/http on goroutines
// has one futex call and two switches. While the goroutine waits,
// net/http tries to read the connection, which is one more read for each request over 8 or 64
// connections. Both might go if the goroutine took an idle P itself and ran the handler on its own
// thread, as a C thread that calls Go does. Nobody has tried that. A server that wants speed runs its
// connections as Gs.
package hostnet
