package hostnet_test

import (
	"bufio"
	"fmt"
	"log"
	"net/http"
	"time"

	"numasched/sched"
	"numasched/sched/host"
	"numasched/sched/host/hostnet"
	"numasched/sched/policy"
)

// scheduler makes a scheduler for an Example.
func scheduler() (s *sched.Sched, end func()) {
	m, err := host.New(host.Config{})
	if err != nil {
		log.Fatal(err)
	}
	arm, err := policy.ByName("numa")
	if err != nil {
		log.Fatal(err)
	}
	s, err = sched.New(sched.Config{Machine: m, Arm: arm})
	if err != nil {
		log.Fatal(err)
	}
	return s, func() {
		s.Close()
		m.Close()
	}
}

// A server and its client are Gs. While they wait for each other, other Gs run.
func Example() {
	s, end := scheduler()
	defer end()
	err := s.Run(func(g *sched.G) {
		l, err := hostnet.Listen("tcp", "localhost:0")
		if err != nil {
			log.Fatal(err)
		}
		defer l.Close()
		g.Go(func(g *sched.G) {
			c, err := l.Accept()
			if err != nil {
				log.Fatal(err)
			}
			defer c.Close()
			g.Sleep(time.Millisecond)
			fmt.Fprintln(c, "hello")
		})
		c, err := hostnet.Dial("tcp", l.Addr().String())
		if err != nil {
			log.Fatal(err)
		}
		defer c.Close()
		line, err := bufio.NewReader(c).ReadString('\n')
		fmt.Printf("%q %v\n", line, err)
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output: "hello\n" <nil>
}

// The handlers of a server of package net/http are Gs.
func ExampleHandler() {
	s, end := scheduler()
	defer end()
	l, err := hostnet.Listen("tcp", "localhost:0")
	if err != nil {
		log.Fatal(err)
	}
	srv := &http.Server{Handler: hostnet.Handler(s, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g := sched.Current()
		answer := g.After(time.Millisecond)
		answer.Recv(g)
		fmt.Fprintln(w, "hello from a G")
	}))}
	go srv.Serve(l)
	defer srv.Close()
	resp, err := http.Get("http://" + l.Addr().String())
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	line, err := bufio.NewReader(resp.Body).ReadString('\n')
	fmt.Printf("%q %v\n", line, err)
	// Output: "hello from a G\n" <nil>
}
