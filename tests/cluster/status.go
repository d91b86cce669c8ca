package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"k8s.io/component-base/version"
)

// clusterStatus is the answer to the command status.
type clusterStatus struct {
	Dir       string                   `json:"dir"`
	Version   string                   `json:"version"` // of Kubernetes
	Server    string                   `json:"server"`  // where clients go: the fault proxy
	Direct    string                   `json:"direct"`  // the API server itself
	ReadyInMS int64                    `json:"readyInMs"`
	Processes map[string]processStatus `json:"processes"`
}

type processStatus struct {
	PID      int   `json:"pid"`
	RSSBytes int64 `json:"rssBytes"`
}

func (c *cluster) status() clusterStatus {
	s := clusterStatus{
		Dir: c.layout.dir, Version: version.Get().GitVersion,
		Server: "https://" + c.proxyPort.address(), Direct: "https://" + c.apiPort.address(),
		ReadyInMS: c.readyIn.Milliseconds(), Processes: map[string]processStatus{},
	}
	pids := c.processes.pids()
	pids["supervisor"] = os.Getpid()
	for name, pid := range pids {
		s.Processes[name] = processStatus{PID: pid, RSSBytes: residentBytes(pid)}
	}
	return s
}

// residentBytes returns a process's resident memory, 0 if it has just ended.
func residentBytes(pid int) int64 {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(data)) {
		fields := strings.Fields(line)
		if len(fields) == 3 && fields[0] == "VmRSS:" {
			kib, _ := strconv.ParseInt(fields[1], 10, 64)
			return kib << 10
		}
	}
	return 0
}
