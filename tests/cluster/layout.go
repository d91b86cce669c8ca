package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// maxSocketPath is what fits into sockaddr_un's sun_path with its final NUL.
const maxSocketPath = 107

// layout names every file of a cluster's directory.
type layout struct {
	dir string
}

func newLayout(dir string) (layout, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return layout{}, err
	}
	l := layout{dir: abs}
	for _, socket := range []string{l.controlSocket(), l.egressSocket(), l.etcdSocket()} {
		if len(socket) > maxSocketPath {
			return layout{}, fmt.Errorf("%s is too long for a unix socket (%d bytes, at most %d): choose a shorter --dir",
				socket, len(socket), maxSocketPath)
		}
	}
	return l, nil
}

func (l layout) path(name string) string { return filepath.Join(l.dir, name) }

func (l layout) pidFile() string           { return l.path("pid") }
func (l layout) ports() string             { return l.path("ports.json") }
func (l layout) controlSocket() string     { return l.path("control.sock") }
func (l layout) egressSocket() string      { return l.path("egress.sock") }
func (l layout) egressConfig() string      { return l.path("egress.yaml") }
func (l layout) etcdData() string          { return l.path("etcd") }
func (l layout) etcdSocket() string        { return l.path("etcd.sock") }
func (l layout) pki() string               { return l.path("pki") }
func (l layout) pkiFile(n string) string   { return filepath.Join(l.pki(), n) }
func (l layout) log(process string) string { return l.path(process + ".log") }

// kubeconfig names a kubeconfig file; the plain one has no suffix.
func (l layout) kubeconfig(suffix string) string {
	if suffix == "" {
		return l.path("kubeconfig")
	}
	return l.path("kubeconfig." + suffix)
}

// remove deletes what start made and the directory itself if nothing else is
// in it. Anything that someone else put there stays.
func (l layout) remove() error {
	made := []string{
		l.ports(), l.controlSocket(), l.egressSocket(), l.egressConfig(), l.etcdData(),
		l.etcdSocket(), l.pki(), l.log("cluster"), l.pidFile(),
	}
	for _, suffix := range kubeconfigSuffixes {
		made = append(made, l.kubeconfig(suffix))
	}
	for _, name := range roleNames {
		made = append(made, l.log(name))
	}
	for _, path := range made {
		if err := os.RemoveAll(path); err != nil {
			return err
		}
	}
	err := os.Remove(l.dir)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTEMPTY) {
		return nil
	}
	return err
}

// writeFile replaces a file as a whole: a reader sees the old or the new one.
func writeFile(path string, data []byte, mode os.FileMode) error {
	tmp := path + ".new"
	if err := os.WriteFile(tmp, data, mode); err != nil {
		return err
	}
	return os.Rename(tmp, path)
}
