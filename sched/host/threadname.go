package host

import (
	"os"
	"strconv"
	"strings"
)

// markPrefix begins the names of bound threads. A name has at most 15 bytes.
const markPrefix = "numasched-"

// markName is the name of a thread that has the mask with the given index.
func markName(mark int) string { return markPrefix + strconv.Itoa(mark) }

func threadNameFile(tid int) string { return "/proc/self/task/" + strconv.Itoa(tid) + "/comm" }

// threadName returns the name of a thread, or "" if it has ended.
func threadName(tid int) string {
	name, err := os.ReadFile(threadNameFile(tid))
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(string(name), "\n")
}

func setThreadName(tid int, name string) error {
	f, err := os.OpenFile(threadNameFile(tid), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.WriteString(name)
	return err
}
