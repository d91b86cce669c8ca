package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// The pid file is locked as long as its cluster runs. The lock, not the
// number in it, says whether the cluster runs: a number can be stale and may
// belong to another process by now.

// lockPidFile takes the directory for this process and writes its pid.
func lockPidFile(l layout) (*os.File, error) {
	file, err := os.OpenFile(l.pidFile(), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		file.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("a cluster runs in %s already", l.dir)
		}
		return nil, fmt.Errorf("lock %s: %w", l.pidFile(), err)
	}
	if err := file.Truncate(0); err != nil {
		file.Close()
		return nil, err
	}
	if _, err := file.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0); err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

// runningPid returns the pid of the cluster that runs in the directory, 0 if
// none does.
func runningPid(l layout) (int, error) {
	file, err := os.Open(l.pidFile())
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer file.Close()
	err = unix.Flock(int(file.Fd()), unix.LOCK_SH|unix.LOCK_NB)
	if err == nil {
		return 0, nil
	}
	if !errors.Is(err, unix.EWOULDBLOCK) {
		return 0, fmt.Errorf("lock %s: %w", l.pidFile(), err)
	}
	text := make([]byte, 32)
	n, _ := file.ReadAt(text, 0)
	pid, err := strconv.Atoi(strings.TrimSpace(string(text[:n])))
	if err != nil {
		return 0, fmt.Errorf("%s is locked but holds no pid", l.pidFile())
	}
	return pid, nil
}

// stopRunning asks the directory's cluster to stop and waits until it has.
// No cluster there is no error.
func stopRunning(l layout, patience time.Duration) error {
	pid, err := runningPid(l)
	if err != nil || pid == 0 {
		return err
	}
	process, err := unix.PidfdOpen(pid, 0)
	if errors.Is(err, unix.ESRCH) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("pidfd of %d: %w", pid, err)
	}
	defer unix.Close(process)
	for _, signal := range []unix.Signal{unix.SIGTERM, unix.SIGKILL} {
		if err := unix.PidfdSendSignal(process, signal, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("signal %d: %w", pid, err)
		}
		if ended, err := waitPidfd(process, patience); err != nil || ended {
			return err
		}
	}
	return fmt.Errorf("process %d doesn't end", pid)
}

// waitPidfd waits until the process behind a pidfd has ended; a negative
// patience waits for ever.
func waitPidfd(process int, patience time.Duration) (bool, error) {
	fds := []unix.PollFd{{Fd: int32(process), Events: unix.POLLIN}}
	deadline := time.Now().Add(patience)
	for {
		timeout := -1
		if patience >= 0 {
			timeout = max(0, int(time.Until(deadline).Milliseconds()))
		}
		n, err := unix.Poll(fds, timeout)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return false, fmt.Errorf("poll pidfd: %w", err)
		}
		return n > 0, nil
	}
}
