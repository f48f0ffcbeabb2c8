package hostnet_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"numasched/sched"
	"numasched/sched/host"
	"numasched/sched/host/hostnet"
	"numasched/sched/policy"
)

// BenchmarkHTTP lays HTTP servers on Gs beside such on goroutines. Every server is a
// process of its own, and so is the client, which keeps some connections busy. In each
// iteration every server has its turn, so that a machine that slows down slows all. It
// reports medians: of the requests in a second, of the CPU time that the server takes for a
// request, and of the median and the 99th percentile of the answers' times. It reports them for
// each server, and as ratios to those of its peer.
//
//	go test ./sched/host/hostnet -run - -bench HTTP -benchtime 20x
func BenchmarkHTTP(b *testing.B) {
	for _, conns := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("conns=%d", conns), func(b *testing.B) { benchHTTP(b, conns) })
	}
}

// httpServers are the servers. A loop reads requests with net/http and writes answers
// itself: what remains is the poller and the scheduler. The others are [http.Server].
var httpServers = []struct {
	name, peer string
	serve      func()
}{
	{name: "go", serve: func() {
		l := listening(net.Listen("tcp", "127.0.0.1:0"))
		http.Serve(l, answer)
	}},
	{name: "handler", peer: "go", serve: func() {
		onGs(func(g *sched.G) {
			l := listening(hostnet.Listen("tcp", "127.0.0.1:0"))
			http.Serve(l, hostnet.Handler(g.Sched(), answer))
		})
	}},
	{name: "go-loop", serve: func() {
		l := listening(net.Listen("tcp", "127.0.0.1:0"))
		for {
			c, err := l.Accept()
			must(err)
			go answerAll(c)
		}
	}},
	{name: "g-loop", peer: "go-loop", serve: func() {
		onGs(func(g *sched.G) {
			l := listening(hostnet.Listen("tcp", "127.0.0.1:0"))
			for {
				c, err := l.Accept()
				must(err)
				g.Go(func(*sched.G) { answerAll(c) })
			}
		})
	}},
}

const (
	httpRole  = "HOSTNET_HTTP_ROLE" // of a process: a server's name, or "client ADDRESS CONNECTIONS"
	httpSlice = 200 * time.Millisecond
)

// TestHTTPProcess is what the processes of BenchmarkHTTP run.
func TestHTTPProcess(t *testing.T) {
	role := strings.Fields(os.Getenv(httpRole))
	if len(role) == 0 {
		t.Skip("runs for BenchmarkHTTP")
	}
	if role[0] == "client" {
		conns, _ := strconv.Atoi(role[2])
		httpClient(role[1], conns)
		os.Exit(0)
	}
	go func() {
		io.Copy(io.Discard, os.Stdin) // until the benchmark ends
		os.Exit(0)
	}()
	for _, s := range httpServers {
		if s.name == role[0] {
			s.serve()
		}
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func onGs(root func(*sched.G)) {
	m, err := host.New(host.Config{})
	must(err)
	arm, err := policy.ByName("numa")
	must(err)
	s, err := sched.New(sched.Config{Machine: m, Arm: arm})
	must(err)
	must(s.Run(root))
}

// listening tells the benchmark where a server listens.
func listening[L net.Listener](l L, err error) L {
	must(err)
	fmt.Println("listening", l.Addr())
	return l
}

const httpBody = "what every request is answered with\n"

var answer = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, httpBody) })

func answerAll(c net.Conn) {
	defer c.Close()
	in, out := bufio.NewReader(c), []byte(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(httpBody), httpBody))
	for {
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		r.Body.Close()
		if _, err := c.Write(out); err != nil {
			return
		}
	}
}

// httpClient sends requests over some connections for a while, each after the answer to the
// one before. It prints how many there were, how many in a second, and the median and the
// 99th percentile of the time that an answer took, in microseconds.
func httpClient(address string, conns int) {
	request := []byte("GET / HTTP/1.1\r\nHost: " + address + "\r\n\r\n")
	var mu sync.Mutex
	var took []time.Duration
	var wg sync.WaitGroup
	begin := time.Now()
	for range conns {
		wg.Go(func() {
			c, err := net.Dial("tcp", address)
			must(err)
			defer c.Close()
			in := bufio.NewReader(c)
			var mine []time.Duration
			for now := time.Now(); now.Sub(begin) < httpSlice; {
				_, err := c.Write(request)
				must(err)
				must(readAnswer(in))
				end := time.Now()
				mine = append(mine, end.Sub(now))
				now = end
			}
			mu.Lock()
			took = append(took, mine...)
			mu.Unlock()
		})
	}
	wg.Wait()
	rate := float64(len(took)) / time.Since(begin).Seconds()
	slices.Sort(took)
	fmt.Println("result", len(took), rate, float64(took[len(took)/2])/1e3, float64(took[len(took)*99/100])/1e3)
}

// readAnswer reads an answer whose body is httpBody, with a length or in chunks.
func readAnswer(in *bufio.Reader) error {
	for {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return err
		}
		if len(line) <= 2 {
			break
		}
	}
	body, err := in.ReadSlice('\n')
	if err == nil && string(body) != httpBody {
		err = fmt.Errorf("the answer is %q", body)
	}
	return err
}

func benchHTTP(b *testing.B, conns int) {
	self, err := os.Executable()
	must(err)
	process := func(role string) *exec.Cmd {
		cmd := exec.Command(self, "-test.run=^TestHTTPProcess$")
		cmd.Env = append(os.Environ(), httpRole+"="+role)
		cmd.Stderr = os.Stderr
		return cmd
	}
	type server struct {
		address string
		pid     int
	}
	servers := make(map[string]server)
	for _, s := range httpServers {
		cmd := process(s.name)
		in, err := cmd.StdinPipe()
		must(err)
		out, err := cmd.StdoutPipe()
		must(err)
		must(cmd.Start())
		defer cmd.Wait()
		defer in.Close()
		line, err := bufio.NewReader(out).ReadString('\n')
		must(err)
		servers[s.name] = server{strings.TrimSpace(strings.TrimPrefix(line, "listening ")), cmd.Process.Pid}
	}
	all := make(map[string][]httpResult)
	for range b.N {
		for _, s := range httpServers {
			before := cpuTime(servers[s.name].pid)
			out, err := process(fmt.Sprint("client ", servers[s.name].address, " ", conns)).Output()
			must(err)
			var n, rate, p50, p99 float64
			_, err = fmt.Sscan(string(bytes.TrimPrefix(out, []byte("result "))), &n, &rate, &p50, &p99)
			must(err)
			cpu := (cpuTime(servers[s.name].pid) - before).Seconds() * 1e6 / n
			all[s.name] = append(all[s.name], httpResult{rate, cpu, p50, p99})
		}
	}
	b.ReportMetric(0, "ns/op") // how long the processes take says nothing
	median := func(value func(i int) float64) float64 {
		var vs []float64
		for i := range b.N {
			vs = append(vs, value(i))
		}
		slices.Sort(vs)
		return (vs[(b.N-1)/2] + vs[b.N/2]) / 2
	}
	for _, s := range httpServers {
		rs, peer := all[s.name], all[s.peer]
		for k, what := range httpMetrics {
			b.ReportMetric(median(func(i int) float64 { return rs[i][k] }), s.name+"-"+what.unit)
			if peer != nil {
				b.ReportMetric(median(func(i int) float64 { return rs[i][k] / peer[i][k] }), s.name+"-"+what.name+"-ratio")
			}
		}
	}
}

// An httpResult is what was measured in one turn of a server, in the order of httpMetrics.
type httpResult [4]float64

var httpMetrics = [len(httpResult{})]struct{ name, unit string }{
	{"rate", "req/s"}, {"cpu", "cpu-us/req"}, {"p50", "p50-us"}, {"p99", "p99-us"},
}

// cpuTime returns how much CPU time a process has taken.
func cpuTime(pid int) time.Duration {
	const sched = 2 // of the kernel's CPU clocks: CPUCLOCK_SCHED, to the nanosecond
	var ts unix.Timespec
	must(unix.ClockGettime(^int32(pid)<<3|sched, &ts))
	return time.Duration(ts.Nano())
}
