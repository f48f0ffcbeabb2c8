//go:build !race

package hostnet_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"numasched/sched/host/hostnet"
)

// The race detector has sync.Pool lose what it is given.
func TestACallOfAHandlerAllocatesNothing(t *testing.T) {
	s := start(t, "flat", "synthetic:1x1")
	h := hostnet.Handler(s, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)
	if n := testing.AllocsPerRun(200, func() { h.ServeHTTP(w, r) }); n != 0 {
		t.Errorf("a call allocates %v times, want 0", n)
	}
}
