package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// reservedPort is a loopback port that is bound, but not listened on, for the
// life of the cluster. With SO_REUSEPORT on both sides the API server (and the
// fault proxy) can listen on it and go away and come back, while no other
// process can get it, and a client that comes while nobody listens is refused
// like on any machine whose server is down.
type reservedPort struct {
	fd   int
	port int
}

// reservePort takes the wanted port if it is free, otherwise any.
func reservePort(wanted int) (*reservedPort, error) {
	r, err := bindPort(wanted)
	if err != nil && wanted != 0 {
		r, err = bindPort(0)
	}
	return r, err
}

func bindPort(port int) (*reservedPort, error) {
	if port != 0 {
		// A port of an earlier run. SO_REUSEPORT would share it with another
		// cluster that has it now, so it is first tried without: SO_REUSEADDR
		// overlooks nothing but connections that are closing.
		probe, err := bindSocket(port, unix.SO_REUSEADDR)
		if err != nil {
			return nil, err
		}
		unix.Close(probe)
	}
	fd, err := bindSocket(port, unix.SO_REUSEPORT)
	if err != nil {
		return nil, err
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("getsockname: %w", err)
	}
	return &reservedPort{fd: fd, port: name.(*unix.SockaddrInet4).Port}, nil
}

func bindSocket(port, option int) (int, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("socket: %w", err)
	}
	err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, option, 1)
	if err == nil {
		err = unix.Bind(fd, &unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}})
	}
	if err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("port %d: %w", port, err)
	}
	return fd, nil
}

func (r *reservedPort) release() { unix.Close(r.fd) }

func (r *reservedPort) address() string { return fmt.Sprintf("127.0.0.1:%d", r.port) }

// listen opens the reserved port for this process.
func (r *reservedPort) listen(ctx context.Context) (net.Listener, error) {
	config := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		var failed error
		err := raw.Control(func(fd uintptr) {
			failed = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
		})
		return errors.Join(err, failed)
	}}
	return config.Listen(ctx, "tcp4", r.address())
}

// ports are kept from one start to the next in the same directory, so that
// kubeconfig files that were handed out stay right.
type ports struct {
	APIServer int `json:"apiserver"`
	Proxy     int `json:"proxy"`
}

func loadPorts(l layout) ports {
	var p ports
	data, err := os.ReadFile(l.ports())
	if err != nil || json.Unmarshal(data, &p) != nil {
		return ports{}
	}
	return p
}

func savePorts(l layout, p ports) error {
	data, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return writeFile(l.ports(), append(data, '\n'), 0o644)
}
