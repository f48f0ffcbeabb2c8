package topology

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"
)

// tarOf packs headers and their content.
func tarOf(t *testing.T, entries ...func(*tar.Writer) error) []byte {
	t.Helper()
	var b bytes.Buffer
	zip, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	w := tar.NewWriter(zip)
	for _, e := range entries {
		if err := e(w); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), zip.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func file(name, content string) func(*tar.Writer) error {
	return func(w *tar.Writer) error {
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: int64(len(content))}); err != nil {
			return err
		}
		_, err := io.WriteString(w, content)
		return err
	}
}

func link(name, to string, kind byte) func(*tar.Writer) error {
	return func(w *tar.Writer) error {
		return w.WriteHeader(&tar.Header{Typeflag: kind, Name: name, Linkname: to})
	}
}

// zeros is a file of n zero bytes, which gzip makes a thousandth of.
func zeros(name string, n int64) func(*tar.Writer) error {
	return func(w *tar.Writer) error {
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: n}); err != nil {
			return err
		}
		_, err := io.CopyN(w, zeroReader{}, n)
		return err
	}
}

type zeroReader struct{}

func (zeroReader) Read(b []byte) (int, error) { clear(b); return len(b), nil }

func TestABombInACaptureIsRefused(t *testing.T) {
	if testing.Short() {
		t.Skip("unpacks a gigabyte")
	}
	// Zeros are packed once and put together, because gzip allows it and packing a gigabyte
	// takes seconds.
	const piece = 16 << 20
	var header, packed, bomb bytes.Buffer
	if err := tar.NewWriter(&header).WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "sys/bomb", Mode: 0o644, Size: maxUnpacked + piece}); err != nil {
		t.Fatal(err)
	}
	pack := func(b *bytes.Buffer, r io.Reader) {
		zip := gzip.NewWriter(b)
		if _, err := io.Copy(zip, r); err != nil {
			t.Fatal(err)
		}
		if err := zip.Close(); err != nil {
			t.Fatal(err)
		}
	}
	pack(&bomb, &header)
	pack(&packed, io.LimitReader(zeroReader{}, piece))
	for range maxUnpacked/piece + 1 {
		bomb.Write(packed.Bytes())
	}
	size := bomb.Len()
	_, err := OpenArchive(&bomb)
	if err == nil || !strings.Contains(err.Error(), "unpacks to more than") {
		t.Errorf("a bomb of %d KB: %v", size>>10, err)
	}
}

func TestManyLargeFilesInACaptureAreRefused(t *testing.T) {
	if testing.Short() {
		t.Skip("packs 300 MB")
	}
	var parts []func(*tar.Writer) error
	for i := range maxKept/bigFile + 2 {
		parts = append(parts, zeros(fmt.Sprintf("sys/devices/system/node/node%d/cpumap", i), bigFile))
	}
	_, err := OpenArchive(bytes.NewReader(tarOf(t, parts...)))
	if err == nil || !strings.Contains(err.Error(), "of files") {
		t.Errorf("error %v", err)
	}
}

func TestLinksInACapture(t *testing.T) {
	fsys, err := OpenArchive(bytes.NewReader(tarOf(t,
		file("m/proc/cpuinfo", "processor : 0\n"),
		link("m/proc/stat", "cpuinfo", tar.TypeSymlink),
		link("m/proc/meminfo", "meminfo", tar.TypeSymlink),
		link("m/proc/mounts", "/proc/stat", tar.TypeSymlink),
		link("m/proc/self/status", "../../../../proc/cpuinfo", tar.TypeSymlink),
		link("m/proc/self/cpuset", "m/proc/cpuinfo", tar.TypeLink),
		link("m/sys/devices/system/cpu/cpu0", "../cpu/cpu0", tar.TypeSymlink),
	)))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"proc/stat", "proc/mounts", "proc/self/status", "proc/self/cpuset"} {
		if b, err := fs.ReadFile(fsys, name); err != nil || string(b) != "processor : 0\n" {
			t.Errorf("%s: %q, %v", name, b, err)
		}
	}
	for _, loop := range []string{"proc/meminfo", "sys/devices/system/cpu/cpu0/online"} {
		if _, err := fs.ReadFile(fsys, loop); err == nil {
			t.Errorf("%s: a loop of links is a file", loop)
		}
	}
}

func TestACaptureHoldsItsTreeAsAnFSShould(t *testing.T) {
	var b bytes.Buffer
	if err := Capture(&b, treeOf(mustSynthetic("1x2")).fs()); err != nil {
		t.Fatal(err)
	}
	fsys, err := OpenArchive(&b)
	if err != nil {
		t.Fatal(err)
	}
	if err := fstest.TestFS(fsys, cpuDir+"/online", cpuFile(1, "topology/core_cpus")); err != nil {
		t.Error(err)
	}
}

func TestCapturesOfAnyPackingAndRoot(t *testing.T) {
	plain := func(prefix string) []byte {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		for name, content := range treeOf(mustSynthetic("2x2")) {
			if err := file(prefix+name, content)(w); err != nil {
				t.Fatal(err)
			}
		}
		w.Close()
		return b.Bytes()
	}
	for _, prefix := range []string{"", "./", "/", "machine/", "./machine/", "captures/machine/", "a/b/c/"} {
		fsys, err := OpenArchive(bytes.NewReader(plain(prefix)))
		if err != nil {
			t.Errorf("%q: %v", prefix, err)
			continue
		}
		topo, err := Read(fsys)
		if err != nil || topo.Online.Len() != 4 || len(topo.Nodes) != 2 {
			t.Errorf("%q: %v, %v", prefix, topo, err)
		}
	}
}

func TestWhatIsNoCaptureIsRefused(t *testing.T) {
	whole := tarOf(t, file("sys/devices/system/cpu/online", "0\n"), file("proc/cpuinfo", strings.Repeat("processor : 0\n", 10000)))
	for name, content := range map[string][]byte{
		"empty": nil, "text": []byte("hello"), "cut gzip": whole[:len(whole)/2], "another tar": tarOf(t, file("etc/passwd", "root")),
		"zeros": make([]byte, 4096),
	} {
		if _, err := OpenArchive(bytes.NewReader(content)); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %v; want one line", name, err)
		}
	}
}

func TestADamagedCaptureIsRefused(t *testing.T) {
	var b bytes.Buffer
	if err := Capture(&b, treeOf(mustSynthetic("2x2")).fs()); err != nil {
		t.Fatal(err)
	}
	packed := b.Bytes()
	zip, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(zip)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenArchive(bytes.NewReader(plain)); err != nil {
		t.Fatalf("the whole archive: %v", err)
	}
	for n := 512; n < len(plain)-1024; n += 512 {
		if _, err := OpenArchive(bytes.NewReader(plain[:n])); err == nil || !strings.Contains(err.Error(), "damaged capture") {
			t.Errorf("cut after %d of %d bytes: %v", n, len(plain), err)
		}
	}
	// The last eight bytes of gzip are a checksum and the length.
	for i := len(packed) - 8; i < len(packed); i++ {
		bad := bytes.Clone(packed)
		bad[i] ^= 1
		if _, err := OpenArchive(bytes.NewReader(bad)); err == nil || !strings.Contains(err.Error(), "damaged capture: gzip") {
			t.Errorf("byte %d of the packed file is changed: %v", i, err)
		}
	}
}

func TestACapturePackedByAnotherProgramIsRefusedByItsName(t *testing.T) {
	for magic, name := range map[string]string{"\xfd7zXZ\x00\x00\x04": "xz", "\x28\xb5\x2f\xfd....": "zstd", "PK\x03\x04....": "zip"} {
		_, err := OpenArchive(strings.NewReader(magic + strings.Repeat("x", 600)))
		if err == nil || !strings.Contains(err.Error(), "packed by "+name) || !strings.Contains(err.Error(), "want a .tar.gz") {
			t.Errorf("%q: %v", magic, err)
		}
	}
}

func TestACaptureOfTwoMachinesIsRefused(t *testing.T) {
	_, err := OpenArchive(bytes.NewReader(tarOf(t, file("a/sys/devices/system/cpu/online", "0\n"), file("b/sys/devices/system/cpu/online", "0\n"))))
	if err == nil || !strings.Contains(err.Error(), "holds a, b") {
		t.Errorf("error %v", err)
	}
}

func TestNumbersBeyondAllMachinesAreNotKept(t *testing.T) {
	fsys, err := OpenArchive(bytes.NewReader(tarOf(t,
		file("sys/devices/system/cpu/cpu0/topology/core_cpus", "1\n"),
		file("sys/devices/system/cpu/cpu16384/topology/core_cpus", ""),
		file("sys/devices/system/cpu/cpu99999999999999999999/topology/core_cpus", ""),
		file("sys/devices/system/node/node1024/cpumap", "1\n"),
	)))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(fsys.(*memFS).entries); n != 8 { // ".", sys, devices, system, cpu, cpu0, topology and core_cpus
		t.Errorf("%d entries are kept, want 8", n)
	}
}

func TestVeryManyNamesInACaptureAreRefused(t *testing.T) {
	if testing.Short() {
		t.Skip("packs half a million names")
	}
	many := func(w *tar.Writer) error {
		for i := range maxNames + 1 {
			if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: fmt.Sprintf("sys/devices/system/cpu/cpu%d/online", i)}); err != nil {
				return err
			}
		}
		return nil
	}
	if os.Getenv("NUMASCHED_LONG_TESTS") != "" { // half a million names
		if _, err := OpenArchive(bytes.NewReader(tarOf(t, many))); err == nil || !strings.Contains(err.Error(), "more than 524288 entries") {
			t.Errorf("error %v", err)
		}
	}
	deep := func(w *tar.Writer) error {
		for i := range 20000 {
			if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: fmt.Sprintf("%d/", i) + strings.Repeat("d/", maxDepth-1) + "cpu0"}); err != nil {
				return err
			}
		}
		return nil
	}
	if _, err := OpenArchive(bytes.NewReader(tarOf(t, deep))); err == nil || !strings.Contains(err.Error(), "more than 256 MB of files") {
		t.Errorf("20000 trees of %d directories: %v", maxDepth, err)
	}
	abyss := tarOf(t, file("sys/devices/system/cpu/online", "0\n"), file(strings.Repeat("d/", 400000)+"cpu0", ""))
	inTime(t, func() {
		if fsys, err := OpenArchive(bytes.NewReader(abyss)); err != nil || len(fsys.(*memFS).entries) > 10 {
			t.Errorf("a name of 400000 directories: %v, %v", fsys, err)
		}
	})
}

func TestACaptureSaysNothingOfWhoseMachineItIs(t *testing.T) {
	tr := treeOf(mustSynthetic("2x2"))
	secrets := []string{"darkstar", "SN-4711", "00:16:3e:aa:bb:cc", "jane", "postgres", "0123456789ab", "EV68CB"}
	tr["proc/cpuinfo"] = "processor\t: 0\nSerial\t: SN-4711\nmodel name\t: EV68CB\nplatform\t: darkstar\n"
	tr["proc/stat"] = "cpu0 4711\nbtime 4711\n"
	tr["proc/self/status"] = "Name:\tpostgres\nUid:\t4711\nCpus_allowed_list:\t0-3\nMems_allowed_list:\t0-1\n"
	tr["proc/self/task/4711/status"] = tr["proc/self/status"]
	tr["proc/self/cgroup"] = "0::/user.slice/jane.slice/docker-0123456789ab.scope\n"
	tr["proc/self/mounts"] = "darkstar:/home/jane /home/jane nfs rw,addr=00:16:3e:aa:bb:cc 0 0\ncgroup2 /run/jane cgroup2 rw 0 0\ncgroup2 /sys/fs/cgroup cgroup2 rw,x=jane 0 0\n"
	tr["sys/fs/cgroup/user.slice/jane.slice/cpuset.cpus.effective"] = "0-2\n"
	tr["run/jane/user.slice/jane.slice/cpuset.mems.effective"] = "1\n"
	tr["proc/meminfo"] = "MemTotal: 8 kB\nSwapOf4711: 1 kB\n"
	tr["sys/class/dmi/id/product_serial"] = "SN-4711\n"
	tr["proc/sys/kernel/hostname"] = "darkstar\n"
	tr[nodeDir+"/node0/meminfo"] += "Node 0 SN-4711: 1 kB\n"
	for _, base := range []tree{tr, tree(nil)} {
		if base == nil { // without /sys, so that cpuinfo counts
			base = tree{"proc/cpuinfo": tr["proc/cpuinfo"], "proc/stat": tr["proc/stat"], "proc/meminfo": tr["proc/meminfo"]}
		}
		rec, err := record(base.fs())
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := rec.write(&b); err != nil {
			t.Fatal(err)
		}
		for _, s := range append(secrets, "4711") {
			if bytes.Contains(b.Bytes(), []byte(s)) {
				t.Errorf("the capture tells %q", s)
			}
		}
		readsAndRoundTrips(t, base.inMemory())
	}
}
