//go:build unix

package page

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"numasched/experiments/harness"
)

// A browser is a chromium without a window, spoken to over pipes in the protocol of its
// developer tools.
type browser struct {
	t       *testing.T
	in      *os.File
	out     *bufio.Reader
	session string
	calls   int
	wrong   []string // what pages complained about
	asked   []string // addresses that pages asked for
	loaded  bool     // the last page that was opened
}

// openBrowser starts chromium, or skips the test where there is none.
func openBrowser(t *testing.T) *browser {
	t.Helper()
	if testing.Short() {
		t.Skip("starts a browser")
	}
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			path = p
			break
		}
	}
	if path == "" {
		t.Skip("no chromium here: the report is not looked at in a browser")
	}
	toRead, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	out, toWrite, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	profile, err := os.MkdirTemp("", "browser")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	cmd := exec.CommandContext(ctx, path, "--headless", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu", "--no-first-run",
		"--disable-background-networking", "--disable-dev-shm-usage", "--hide-scrollbars", "--user-data-dir="+profile, "about:blank")
	cmd.ExtraFiles = []*os.File{toRead, toWrite}
	if err := cmd.Start(); err != nil {
		os.RemoveAll(profile)
		t.Skipf("chromium does not start: %v", err)
	}
	toRead.Close()
	toWrite.Close()
	b := &browser{t: t, in: in, out: bufio.NewReaderSize(out, 1<<20)}
	t.Cleanup(func() {
		b.session = ""
		fmt.Fprintf(b.in, `{"id":0,"method":"Browser.close"}`+"\x00")
		cmd.Wait()
		cancel()
		in.Close()
		out.Close()
		// Processes of chromium's may write there for a moment after it has ended.
		for end := time.Now().Add(time.Minute); os.RemoveAll(profile) != nil && time.Now().Before(end); {
			time.Sleep(10 * time.Millisecond)
		}
	})
	var target struct{ TargetID string }
	b.call(&target, "Target.createTarget", map[string]any{"url": "about:blank"})
	var attached struct{ SessionID string }
	b.call(&attached, "Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true})
	b.session = attached.SessionID
	for _, domain := range []string{"Page", "Runtime", "Network", "Log"} {
		b.call(nil, domain+".enable", nil)
	}
	return b
}

// call calls a method and waits for its result. What the page reports meanwhile is kept.
func (b *browser) call(result any, method string, params any) {
	b.t.Helper()
	b.calls++
	message := map[string]any{"id": b.calls, "method": method}
	if params != nil {
		message["params"] = params
	}
	if b.session != "" {
		message["sessionId"] = b.session
	}
	text, err := json.Marshal(message)
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := b.in.Write(append(text, 0)); err != nil {
		b.t.Fatal(err)
	}
	for {
		if reply := b.next(); reply.ID == b.calls {
			if reply.Error != nil {
				b.t.Fatalf("%s: %s", method, reply.Error.Message)
			}
			if result != nil {
				if err := json.Unmarshal(reply.Result, result); err != nil {
					b.t.Fatal(err)
				}
			}
			return
		}
	}
}

type reply struct {
	ID     int
	Method string
	Params json.RawMessage
	Result json.RawMessage
	Error  *struct{ Message string }
}

func (b *browser) next() (r reply) {
	b.t.Helper()
	text, err := b.out.ReadBytes(0)
	if err != nil {
		b.t.Fatalf("chromium has gone: %v", err)
	}
	if err := json.Unmarshal(bytes.TrimSuffix(text, []byte{0}), &r); err != nil {
		b.t.Fatal(err)
	}
	switch r.Method {
	case "Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded":
		b.wrong = append(b.wrong, string(r.Params))
	case "Page.loadEventFired":
		b.loaded = true
	case "Network.requestWillBeSent":
		var p struct{ Request struct{ URL string } }
		json.Unmarshal(r.Params, &p)
		b.asked = append(b.asked, p.Request.URL)
	}
	return r
}

// open loads a file.
func (b *browser) open(file string) {
	b.t.Helper()
	full, err := filepath.Abs(file)
	if err != nil {
		b.t.Fatal(err)
	}
	b.asked, b.wrong, b.loaded = nil, nil, false
	b.call(nil, "Page.navigate", map[string]any{"url": (&url.URL{Scheme: "file", Path: full}).String()})
	for !b.loaded { // it may have come before the answer to the call
		b.next()
	}
}

// eval returns the value of a script as JSON.
func (b *browser) eval(script string) string {
	b.t.Helper()
	var r struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails json.RawMessage
	}
	b.call(&r, "Runtime.evaluate", map[string]any{"expression": script, "returnByValue": true})
	if r.ExceptionDetails != nil {
		b.t.Fatalf("%s: %s", script, r.ExceptionDetails)
	}
	return string(r.Result.Value)
}

// screen makes the page as wide as a device, in a colour scheme, on a screen or on paper.
func (b *browser) screen(width int, scheme, media string) {
	b.call(nil, "Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500})
	b.call(nil, "Emulation.setEmulatedMedia", map[string]any{"media": media, "features": []any{map[string]any{"name": "prefers-color-scheme", "value": scheme}}})
}

// keep writes a picture of the page and a print of it to the folder that
// NUMASCHED_PICTURES names, for those who want to look.
func (b *browser) keep(name string, print bool) {
	dir := os.Getenv("NUMASCHED_PICTURES")
	if dir == "" {
		return
	}
	var r struct{ Data string }
	method, params := "Page.captureScreenshot", map[string]any{"captureBeyondViewport": false}
	if print {
		method, params = "Page.printToPDF", map[string]any{"preferCSSPageSize": true, "printBackground": true}
	}
	b.call(&r, method, params)
	data, err := base64.StdEncoding.DecodeString(r.Data)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name), data, 0o666)
	}
	if err != nil {
		b.t.Error(err)
	}
}

// pages returns report pages: of made-up results, of one node, and of simulated machines.
func pages(t *testing.T) map[string]string {
	files := map[string]string{}
	if os.Getenv("NUMASCHED_LONG_TESTS") != "" { // they have less in them than the sweep
		for _, name := range []string{"onenode", "virtual"} {
			files[name] = copyCase(t, name)
		}
	}
	files["sweep"] = copyOf(t, filepath.Join("..", "..", "results", "reference-sim-findings"))
	for name, dir := range files {
		files[name] = filepath.Join(dir, harness.ReportFile)
		if err := os.WriteFile(files[name], []byte(written(t, dir)), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

func TestTheReportInABrowser(t *testing.T) {
	b := openBrowser(t)
	for name, file := range pages(t) {
		b.screen(1280, "light", "")
		b.open(file)
		want := func(what, script, value string) {
			t.Helper()
			if got := b.eval(script); got != value {
				t.Errorf("%s: %s: %s, want %s", name, what, got, value)
			}
		}
		want("the finding and the picture are on the first screen", `document.getElementById("lead").getBoundingClientRect().bottom < 900`, "true")
		want("landmarks", `["header","nav","main","footer"].every(x => document.querySelectorAll("body " + x).length === 1)`, "true")
		want("tables without a caption", `[...document.querySelectorAll("table")].filter(x => !x.caption).length`, "0")
		want("head cells without a scope", `document.querySelectorAll("th:not([scope])").length`, "0")
		want("pictures without a name", `document.querySelectorAll("svg:not([role=img]), svg:not([aria-label])").length`, "0")
		want("ids that are there twice", `(() => { const ids = [...document.querySelectorAll("[id]")].map(x => x.id); return ids.length - new Set(ids).size })()`, "0")
		want("links that lead nowhere in the page", `[...document.querySelectorAll("a[href^='#']")].filter(a => !document.getElementById(a.getAttribute("href").slice(1))).length`, "0")

		want("a column is sorted", `(() => {
			const table = [...document.querySelectorAll("table.sortable")].find(x => x.tBodies[0].rows.length > 1);
			const button = table.querySelector("thead th:nth-child(2) button");
			const column = () => [...table.tBodies[0].rows].map(r => parseFloat(r.cells[1].textContent.replace(/^[^0-9]*/, "")));
			button.click(); const down = column(); button.click(); const up = column();
			const sorted = (a, d) => a.every((v, i) => i == 0 || isNaN(v) || isNaN(a[i-1]) || d * (v - a[i-1]) >= 0);
			return sorted(down, -1) && sorted(up, 1) && table.querySelector("[aria-sort=ascending]") !== null;
		})()`, "true")
		want("an arm is switched off and on", `(() => {
			const box = document.querySelector("#arms input[value=numa]");
			const off = () => [...document.querySelectorAll("[data-arm=numa]")].every(x => getComputedStyle(x).display === "none");
			box.click(); const gone = off(); box.click(); return gone && !off();
		})()`, "true")
		want("a value is shown on hover", `(() => {
			const part = document.querySelector("#lead [data-tip]");
			part.dispatchEvent(new PointerEvent("pointermove", { bubbles: true, clientX: 50, clientY: 50 }));
			const tip = document.getElementById("tip");
			return getComputedStyle(tip).display === "block" && /[0-9]/.test(tip.textContent);
		})()`, "true")
		want("what a link leads to is unfolded", `(() => {
			const last = [...document.querySelectorAll("#figures ~ details, section > details[id]")].pop();
			last.open = false; location.hash = last.id; dispatchEvent(new HashChangeEvent("hashchange")); return last.open;
		})()`, "true")
		b.eval(`scrollTo(0, 0); document.getElementById("tip").style.display = "none"`)
		b.keep(name+"-desktop.png", false)
		if os.Getenv("NUMASCHED_PICTURES") != "" {
			for _, id := range []string{"timeline", "figures", "tables"} {
				b.eval(`document.getElementById("` + id + `")?.scrollIntoView()`)
				b.keep(name+"-"+id+".png", false)
			}
		}

		folded := `document.querySelectorAll("details:not([open]):not(.noprint)").length`
		before := b.eval(folded)
		b.eval(`dispatchEvent(new Event("beforeprint"))`)
		want("folded details on paper", folded, "0")
		b.screen(794, "dark", "print") // A4
		want("dark paper", `getComputedStyle(document.body).backgroundColor`, `"rgb(255, 255, 255)"`)
		want("tables cut on paper", `[...document.querySelectorAll("table")].filter(x => x.getBoundingClientRect().right > innerWidth).length`, "0")
		b.keep(name+".pdf", true)
		b.eval(`dispatchEvent(new Event("afterprint"))`)
		want("folded details after printing", folded, before)

		b.screen(1280, "dark", "")
		want("white ground in the dark", `[...document.querySelectorAll("body, #lead svg > path:first-child")].filter(x => [getComputedStyle(x).fill, getComputedStyle(x).backgroundColor].includes("rgb(255, 255, 255)")).length`, "0")
		b.eval(`scrollTo(0, 0)`)
		b.keep(name+"-dark.png", false)

		b.screen(390, "light", "")
		b.open(file)
		want("wider than a phone", `document.documentElement.scrollWidth`, "390")
		want("text in the first picture is smaller than 8 points on a phone",
			`[...document.querySelectorAll("#lead text")].filter(x => x.getBoundingClientRect().height < 8).length`, "0")
		b.keep(name+"-phone.png", false)

		for _, asked := range b.asked {
			if !strings.HasPrefix(asked, "file://") && !strings.HasPrefix(asked, "data:") {
				t.Errorf("%s: the page asks for %s", name, asked)
			}
		}
		for _, line := range b.wrong {
			t.Errorf("%s: %s", name, line)
		}
	}
}
