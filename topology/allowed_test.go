package topology

import (
	"maps"
	"slices"
	"testing"
)

func TestAllowedSets(t *testing.T) {
	for _, x := range []struct {
		name  string
		files tree
		cpus  string
		nodes []int
	}{
		{"nothing said", tree{}, "0-7", []int{0, 1}},
		{"cgroup v2", tree{
			"proc/self/cgroup": "0::/a/b\n", "proc/mounts": "cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n",
			"sys/fs/cgroup/a/b/cpuset.cpus.effective": "0-2\n", "sys/fs/cgroup/a/b/cpuset.mems.effective": "1\n",
		}, "0-2", []int{1}},
		{"cgroup v2, controller off below", tree{
			"proc/self/cgroup":                      "0::/a/b/c\n",
			"sys/fs/cgroup/a/cpuset.cpus.effective": "4-5\n", "sys/fs/cgroup/cpuset.cpus.effective": "0-7\n", "sys/fs/cgroup/cpuset.mems.effective": "0-1\n",
		}, "4-5", []int{0, 1}},
		{"cgroup v2 at an odd place", tree{
			"proc/self/cgroup": "0::/x\n", "proc/self/mounts": "none /my\\040cgroups cgroup2 rw 0 0\n",
			"my cgroups/x/cpuset.cpus.effective": "6\n",
		}, "6", []int{0, 1}},
		{"cgroup v1", tree{
			"proc/self/cgroup": "3:cpu,cpuacct:/other\n2:cpuset:/slurm/job_1\n", "proc/mounts": "cgroup /sys/fs/cgroup/cpuset cgroup rw,cpuset 0 0\n",
			"sys/fs/cgroup/cpuset/slurm/job_1/cpuset.cpus": "1,3\n", "sys/fs/cgroup/cpuset/slurm/job_1/cpuset.mems": "0\n",
		}, "1,3", []int{0}},
		{"cgroup v1, where other sets are in effect than are configured", tree{
			"proc/self/cgroup": "2:cpuset:/j\n", "proc/mounts": "cgroup /sys/fs/cgroup/cpuset cgroup rw,cpuset,cpuset_v2_mode 0 0\n",
			"sys/fs/cgroup/cpuset/j/cpuset.cpus": "0-7\n", "sys/fs/cgroup/cpuset/j/cpuset.effective_cpus": "2-3\n",
			"sys/fs/cgroup/cpuset/j/cpuset.mems": "0-1\n", "sys/fs/cgroup/cpuset/j/cpuset.effective_mems": "0\n",
		}, "2-3", []int{0}},
		{"cgroup v1 seen from a container", tree{
			"proc/self/cgroup": "2:cpuset:/docker/0123456789ab\n", "proc/mounts": "cgroup /sys/fs/cgroup/cpuset cgroup ro,cpuset 0 0\n",
			"sys/fs/cgroup/cpuset/cpuset.cpus": "2-3\n", "sys/fs/cgroup/cpuset/cpuset.mems": "0-1\n",
		}, "2-3", []int{0, 1}},
		{"v1 for cpusets, v2 for the rest", tree{
			"proc/self/cgroup":                   "2:cpuset:/j\n0::/user.slice\n",
			"proc/mounts":                        "cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\ncgroup /sys/fs/cgroup/cpuset cgroup rw,cpuset 0 0\n",
			"sys/fs/cgroup/cpuset/j/cpuset.cpus": "0\n",
		}, "0", []int{0, 1}},
		{"legacy cpuset", tree{
			"proc/self/cpuset": "/batch\n", "proc/mounts": "none /dev/cpuset cpuset rw 0 0\n",
			"dev/cpuset/batch/cpus": "0-3\n", "dev/cpuset/batch/mems": "0\n", "dev/cpuset/cpus": "0-7\n",
		}, "0-3", []int{0}},
		{"legacy names in a cgroup", tree{
			"proc/self/cpuset": "/batch\n", "proc/mounts": "none /cg cgroup rw,cpuset,noprefix 0 0\n",
			"cg/batch/cpus": "7\n",
		}, "7", []int{0, 1}},
		{"taskset", tree{"proc/self/status": "Name:\tsh\nCpus_allowed:\t05\nCpus_allowed_list:\t0,2\nMems_allowed_list:\t0-1\n"}, "0,2", []int{0, 1}},
		{"a mask alone", tree{"proc/self/status": "Cpus_allowed:\t00000000,00000005\n"}, "0,2", []int{0, 1}},
		{"a thread narrower than its process", tree{
			"proc/self/status": "Cpus_allowed_list:\t0-6\n", "proc/thread-self/status": "Cpus_allowed_list:\t4\n",
		}, "0-6", []int{0, 1}},
		{"threads that are bound to this and that", tree{
			"proc/self/status": "Cpus_allowed_list:\t0\n", "proc/self/task/4711/status": "Cpus_allowed_list:\t0\nMems_allowed_list:\t0\n",
			"proc/self/task/4712/status": "Cpus_allowed_list:\t4-5\nMems_allowed_list:\t0\n",
		}, "0,4-5", []int{0}},
		{"Slurm: a cpuset and a mask in it", tree{
			"proc/self/cgroup":                        "0::/job\n",
			"sys/fs/cgroup/job/cpuset.cpus.effective": "0-3\n", "proc/self/status": "Cpus_allowed_list:\t2-3\nMems_allowed_list:\t0\n",
		}, "2-3", []int{0}},
		{"CPUs beyond those there are", tree{"proc/self/status": "Cpus_allowed_list:\t0-255\nMems_allowed_list:\t0-63\n"}, "0-7", []int{0, 1}},
		{"none of those there are", tree{"proc/self/status": "Cpus_allowed_list:\t64-71\n"}, "0-7", []int{0, 1}},
		{"a path that climbs out", tree{
			"proc/self/cgroup": "0::/../../etc\n", "sys/fs/cgroup/cpuset.cpus.effective": "1\n",
		}, "1", []int{0, 1}},
		{"an empty set is the parent's", tree{
			"proc/self/cgroup": "2:cpuset:/a\n", "sys/fs/cgroup/cpuset/a/cpuset.cpus": "\n", "sys/fs/cgroup/cpuset/cpuset.cpus": "0-5\n",
		}, "0-5", []int{0, 1}},
	} {
		t.Run(x.name, func(t *testing.T) {
			tr := treeOf(mustSynthetic("2x4"))
			maps.Copy(tr, x.files)
			topo := tr.read(t)
			wantCPUs(t, "allowed", topo.Allowed, x.cpus)
			if !slices.Equal(topo.AllowedNodes.List(), x.nodes) {
				t.Errorf("allowed nodes %v, want %v", topo.AllowedNodes, x.nodes)
			}
			wantCPUs(t, "online", topo.Online, "0-7")
			readsAndRoundTrips(t, tr.inMemory())
		})
	}
}
