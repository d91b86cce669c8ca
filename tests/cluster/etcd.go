package main

import (
	"fmt"
	"net/url"
	"os"
	"os/signal"
	"syscall"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
)

// etcdQuota is far above what a test writes; etcd's own default is 2 GiB.
const etcdQuota = 8 << 30

// runEtcd serves the data directory args[0] on the unix socket args[1].
func runEtcd(args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("%w: role etcd takes a data directory and a socket", errUsage)
	}
	// A socket file of a killed run would make bind fail.
	if err := os.RemoveAll(args[1]); err != nil {
		return err
	}
	// The only member of its cluster never connects to a peer, but etcd wants
	// an address to advertise.
	nowhere := url.URL{Scheme: "http", Host: "localhost:1"}
	config := embed.NewConfig()
	config.Dir = args[0]
	config.Name = "cluster"
	config.LogLevel = "warn"
	config.UnsafeNoFsync = true
	// NewConfig leaves this at 0, which writes a line for each request.
	config.WarningUnaryRequestDuration = embed.DefaultWarningUnaryRequestDuration
	config.QuotaBackendBytes = etcdQuota
	config.ListenClientUrls = []url.URL{{Scheme: "unix", Path: args[1]}}
	config.AdvertiseClientUrls = []url.URL{nowhere}
	config.ListenPeerUrls = nil
	config.AdvertisePeerUrls = []url.URL{nowhere}
	config.InitialCluster = config.InitialClusterFromName(config.Name)

	server, err := embed.StartEtcd(config)
	if err != nil {
		return err
	}
	defer server.Close()
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGTERM)
	select {
	case <-server.Server.ReadyNotify():
	case err := <-server.Err():
		return err
	case <-time.After(time.Minute):
		return fmt.Errorf("etcd isn't ready after a minute")
	}
	select {
	case <-told:
		return nil
	case err := <-server.Err():
		return err
	}
}

func etcdArgs(l layout) []string { return []string{l.etcdData(), l.etcdSocket()} }
