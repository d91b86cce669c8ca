package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

type startOptions struct {
	detach    bool
	parentPID int
	readyFD   int
}

// startDetached starts the supervisor in a session of its own and waits until
// it says that the cluster is ready. If the caller is killed meanwhile, the
// supervisor can't say so and stops: nothing half started is left behind.
func startDetached(l layout, opt startOptions) error {
	if err := os.MkdirAll(l.dir, 0o755); err != nil {
		return err
	}
	logFile, err := os.OpenFile(l.log("cluster"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	defer logFile.Close()
	reader, writer, err := os.Pipe()
	if err != nil {
		return err
	}
	defer reader.Close()
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(self, "start", "--dir", l.dir, "--ready-fd", "3", "--parent-pid", strconv.Itoa(opt.parentPID))
	cmd.Stdout, cmd.Stderr = logFile, logFile
	cmd.ExtraFiles = []*os.File{writer}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	writer.Close()
	answer, err := bufio.NewReader(reader).ReadString('\n')
	if err != nil {
		return fmt.Errorf("the supervisor ended, see %s", l.log("cluster"))
	}
	if answer = strings.TrimSpace(answer); answer != "ready" {
		return errors.New(answer)
	}
	fmt.Println(l.kubeconfig(""))
	return nil
}

// startHere runs the supervisor in this process until it is told to stop.
func startHere(l layout, opt startOptions) error {
	err := supervise(l, opt)
	if err != nil && opt.readyFD != 0 {
		// Nobody may be listening any more: then this error goes to the log only.
		_ = sayReady(opt.readyFD, strings.ReplaceAll(err.Error(), "\n", " "))
	}
	return err
}

func supervise(l layout, opt startOptions) error {
	if err := os.MkdirAll(l.dir, 0o755); err != nil {
		return err
	}
	lock, err := lockPidFile(l)
	if err != nil {
		return err
	}
	// Closing gives the lock back; the number alone means nothing.
	defer lock.Close()

	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	defer cancel()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	if err := watchParent(opt, stop); err != nil {
		return err
	}
	logFile, err := os.OpenFile(l.log("cluster"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	defer logFile.Close()
	redirectLogs(logFile)

	c, err := startCluster(ctx, l)
	if err != nil {
		return err
	}
	defer c.stop()
	if opt.readyFD != 0 {
		if err := sayReady(opt.readyFD, "ready"); err != nil {
			return fmt.Errorf("the caller is gone: %w", err)
		}
	} else {
		fmt.Println(l.kubeconfig(""))
	}
	return c.wait(ctx)
}

// watchParent stops the cluster when the process that it belongs to ends,
// however it ends: a pidfd becomes readable also after kill -9, and isn't
// fooled by a pid that is used again.
func watchParent(opt startOptions, stop context.CancelCauseFunc) error {
	pid := opt.parentPID
	if pid == 0 {
		if opt.readyFD != 0 {
			return nil
		}
		pid = os.Getppid()
	}
	process, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return fmt.Errorf("the parent process %d: %w", pid, err)
	}
	go func() {
		defer unix.Close(process)
		if _, err := waitPidfd(process, -1); err != nil {
			log.Printf("watching process %d: %v", pid, err)
		}
		stop(fmt.Errorf("process %d has ended", pid))
	}()
	return nil
}

func sayReady(fd int, text string) error {
	file := os.NewFile(uintptr(fd), "ready")
	defer file.Close()
	_, err := io.WriteString(file, text+"\n")
	return err
}
