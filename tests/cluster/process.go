package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// process is one of the real servers: this binary again, in a role.
type process struct {
	name string
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
	err  error         // why, once done is closed
}

// starter starts processes from one thread that lives as long as the
// supervisor: the kernel kills a process with PR_SET_PDEATHSIG when the thread
// that started it ends, and Go may end any other thread at any time.
type starter struct {
	work chan func()
}

func newStarter() *starter {
	s := &starter{work: make(chan func())}
	go func() {
		runtime.LockOSThread()
		for f := range s.work {
			f()
		}
	}()
	return s
}

// start runs "cluster role NAME ARGS…" with its output in a log file. The
// process can't outlive the supervisor, not even one that is killed with -9.
func (s *starter) start(l layout, name string, args ...string) (*process, error) {
	logFile, err := os.OpenFile(l.log(name), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	defer logFile.Close()
	// The running file itself, also if the path was replaced by a new build.
	cmd := exec.Command("/proc/self/exe", append([]string{"role", name}, args...)...)
	cmd.Stdout, cmd.Stderr = logFile, logFile
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Pdeathsig: syscall.SIGKILL,
		// Ctrl-C is for the supervisor, which stops the others in order.
		Setpgid: true,
	}
	started := make(chan error, 1)
	s.work <- func() { started <- cmd.Start() }
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	p := &process{name: name, cmd: cmd, done: make(chan struct{})}
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

func (p *process) running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

func (p *process) kill() {
	_ = p.cmd.Process.Kill() // an error says only that it has ended already
	<-p.done
}

// terminate asks first, and kills when asking doesn't help.
func (p *process) terminate(patience time.Duration) {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(patience):
		p.kill()
	}
}

// waitUntil tries something again and again until it works, its process ends
// or the context does.
func (p *process) waitUntil(ctx context.Context, try func() error) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := try()
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-p.done:
			return fmt.Errorf("%s ended: %v", p.name, p.err)
		case <-ctx.Done():
			return fmt.Errorf("%s isn't ready: %w", p.name, err)
		}
	}
}

// processSet watches processes that must not end by themselves.
type processSet struct {
	mu   sync.Mutex
	all  map[string]*process
	dead chan error
}

func newProcessSet() *processSet {
	return &processSet{all: map[string]*process{}, dead: make(chan error, 1)}
}

// add watches a process until remove is called for it.
func (s *processSet) add(p *process) {
	s.mu.Lock()
	s.all[p.name] = p
	s.mu.Unlock()
	go func() {
		<-p.done
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.all[p.name] != p {
			return
		}
		select {
		case s.dead <- fmt.Errorf("%s ended by itself: %v, see its log", p.name, p.err):
		default: // one is reason enough to stop
		}
	}()
}

// remove takes a process out of the set, after which it may end. It returns
// nil if there is none.
func (s *processSet) remove(name string) *process {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.all[name]
	delete(s.all, name)
	return p
}

// pids returns name → pid of what runs.
func (s *processSet) pids() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	pids := map[string]int{}
	for name, p := range s.all {
		if p.running() {
			pids[name] = p.cmd.Process.Pid
		}
	}
	return pids
}
