package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"
)

const (
	startPatience = time.Minute
	etcdPatience  = 5 * time.Second // to close its database
)

// cluster is a running control plane with all that is played around it.
type cluster struct {
	layout    layout
	starter   *starter
	processes *processSet
	apiPort   *reservedPort
	proxyPort *reservedPort
	proxy     *proxy
	play      *play
	control   *controlServer
	client    kubernetes.Interface
	readyIn   time.Duration
	cancel    context.CancelFunc // ends everything that is played

	apiMu sync.Mutex // one stop or start of the API server at a time
}

// redirectLogs sends this process's words to a file. client-go's are dropped:
// they are about watches that break while the API server is down.
func redirectLogs(to io.Writer) {
	log.SetOutput(to)
	log.SetFlags(log.Ldate | log.Lmicroseconds | log.LUTC)
	klog.SetLogger(logr.Discard())
}

// startCluster starts everything and returns when the cluster is ready. What
// was started by then is stopped when a later part fails.
func startCluster(ctx context.Context, l layout) (_ *cluster, err error) {
	ctx, cancelPatience := context.WithTimeout(ctx, startPatience)
	defer cancelPatience()
	playing, cancel := context.WithCancel(context.Background())
	started := time.Now()
	c := &cluster{layout: l, starter: newStarter(), processes: newProcessSet(), cancel: cancel}
	defer func() {
		if err != nil {
			c.stop()
		}
	}()
	if err := c.reservePorts(); err != nil {
		return nil, err
	}
	p, err := loadPKI(l)
	if err != nil {
		return nil, err
	}
	if err := writeKubeconfigs(l, p, c.apiPort.address(), c.proxyPort.address()); err != nil {
		return nil, err
	}
	config, err := clientcmd.BuildConfigFromFlags("", l.kubeconfig("direct"))
	if err != nil {
		return nil, err
	}
	if c.client, err = kubernetes.NewForConfig(playedClient(config, "cluster-supervisor")); err != nil {
		return nil, err
	}
	if err := c.startServers(ctx); err != nil {
		return nil, err
	}
	traffic, faults := newTraffic(), newFaultTable()
	if c.proxy, err = newProxy(p, c.proxyPort, c.apiPort.address(), faults, traffic); err != nil {
		return nil, err
	}
	if c.play, err = startPlay(playing, l, p, config); err != nil {
		return nil, err
	}
	if err := c.play.waitReady(ctx); err != nil {
		return nil, err
	}
	if err := c.proxy.open(); err != nil {
		return nil, err
	}
	c.readyIn = time.Since(started)
	log.Printf("ready after %v", c.readyIn)
	if c.control, err = startControl(c); err != nil {
		return nil, err
	}
	return c, nil
}

// playedClient is how the played parts talk to the API server: straight, with
// protobuf, without a rate limit.
func playedClient(config *rest.Config, agent string) *rest.Config {
	config = rest.CopyConfig(config)
	config.QPS = -1
	config.UserAgent = agent
	config.ContentType = "application/vnd.kubernetes.protobuf"
	config.AcceptContentTypes = "application/vnd.kubernetes.protobuf,application/json"
	return config
}

func (c *cluster) reservePorts() error {
	kept := loadPorts(c.layout)
	var err error
	if c.apiPort, err = reservePort(kept.APIServer); err != nil {
		return fmt.Errorf("API server's port: %w", err)
	}
	if c.proxyPort, err = reservePort(kept.Proxy); err != nil {
		return fmt.Errorf("fault proxy's port: %w", err)
	}
	return savePorts(c.layout, ports{APIServer: c.apiPort.port, Proxy: c.proxyPort.port})
}

func (c *cluster) startServers(ctx context.Context) error {
	if err := writeEgressConfig(c.layout); err != nil {
		return err
	}
	etcd, err := c.spawn(roleEtcd, etcdArgs(c.layout)...)
	if err != nil {
		return err
	}
	socket := func() error { _, err := os.Stat(c.layout.etcdSocket()); return err }
	if err := etcd.waitUntil(ctx, socket); err != nil {
		return err
	}
	if err := c.startAPIServer(ctx); err != nil {
		return err
	}
	if _, err := c.spawn(roleControllerManager, controllerManagerArgs(c.layout)...); err != nil {
		return err
	}
	_, err = c.spawn(roleScheduler, schedulerArgs(c.layout)...)
	return err
}

func (c *cluster) spawn(name string, args ...string) (*process, error) {
	p, err := c.starter.start(c.layout, name, args...)
	if err != nil {
		return nil, err
	}
	c.processes.add(p)
	return p, nil
}

func (c *cluster) startAPIServer(ctx context.Context) error {
	p, err := c.spawn(roleAPIServer, apiServerArgs(c.layout, c.apiPort.port)...)
	if err != nil {
		return err
	}
	return p.waitUntil(ctx, func() error { return c.apiServerReady(ctx) })
}

func (c *cluster) apiServerReady(ctx context.Context) error {
	return c.client.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
}

// takeDownAPIServer kills the API server, as when its machine fails: clients'
// connections break and new ones are refused, at both addresses.
func (c *cluster) takeDownAPIServer() error {
	c.apiMu.Lock()
	defer c.apiMu.Unlock()
	p := c.processes.remove(roleAPIServer)
	if p == nil {
		return errors.New("the API server is stopped already")
	}
	c.proxy.close()
	p.kill()
	return nil
}

// bringUpAPIServer starts it again, with the same data at the same address.
func (c *cluster) bringUpAPIServer(ctx context.Context) error {
	c.apiMu.Lock()
	defer c.apiMu.Unlock()
	if _, runs := c.processes.pids()[roleAPIServer]; runs {
		return errors.New("the API server runs already")
	}
	if err := c.startAPIServer(ctx); err != nil {
		// So that it can be tried again.
		if p := c.processes.remove(roleAPIServer); p != nil {
			p.kill()
		}
		return err
	}
	return c.proxy.open()
}

// wait returns when the cluster has been told to stop (no error) or when one
// of its servers has ended by itself.
func (c *cluster) wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		log.Printf("stopping: %v", context.Cause(ctx))
		return nil
	case err := <-c.processes.dead:
		log.Printf("stopping: %v", err)
		return err
	}
}

// stop ends everything, the clients' side first and the data last.
func (c *cluster) stop() {
	if c.control != nil {
		c.control.close()
	}
	if c.proxy != nil {
		c.proxy.close()
	}
	c.cancel()
	if c.play != nil {
		c.play.close()
	}
	for _, name := range []string{roleScheduler, roleControllerManager, roleAPIServer} {
		if p := c.processes.remove(name); p != nil {
			p.kill()
		}
	}
	if p := c.processes.remove(roleEtcd); p != nil {
		p.terminate(etcdPatience)
	}
	for _, port := range []*reservedPort{c.apiPort, c.proxyPort} {
		if port != nil {
			port.release()
		}
	}
}
