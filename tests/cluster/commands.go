package main

import (
	"context"
	"net/http"
	"time"
)

// command is one row of the control interface.
type command struct {
	name   string
	fields string // of the body
	help   string
	call   func(ctx context.Context, c *cluster, body []byte) (any, error)
}

// with makes a command's function out of one that gets its parameters decoded.
func with[T any](f func(ctx context.Context, c *cluster, in T) (any, error)) func(context.Context, *cluster, []byte) (any, error) {
	return func(ctx context.Context, c *cluster, body []byte) (any, error) {
		var in T
		if err := readBody(body, &in); err != nil {
			return nil, err
		}
		return f(ctx, c, in)
	}
}

type nothing struct{}

type done map[string]any

var commands = []command{
	{"status", "", "what runs, where, how much memory it takes", with(cmdStatus)},
	{"wait-ready", "timeoutMs", "wait until the API server answers through the fault proxy's address", with(cmdWaitReady)},

	{"hold", "namespace kind name container message", "a workload's pods run but aren't ready", podCommand(podHold)},
	{"crash", "namespace kind name container message exitCode", "CrashLoopBackOff; a pod that isn't restarted fails", podCommand(podCrash)},
	{"pull-fail", "namespace kind name container message", "ImagePullBackOff", podCommand(podPullFail)},
	{"release", "namespace kind name", "end hold, crash and pull-fail with these patterns (none: all)", with(cmdRelease)},
	{"pod-rules", "", "list what hold, crash and pull-fail made", with(cmdPodRules)},

	{"withhold", "namespace kind name", "no stand-in makes this Secret or ConfigMap", with(cmdWithhold)},
	{"provide", "namespace kind name", "end withhold with these patterns (none: all)", with(cmdProvide)},
	{"withheld", "", "list what is withheld", with(cmdWithheld)},

	{"webhook", "namespace service mode delayMs kind name message code patch labels annotations sidecar",
		"what a Service's webhook does: normal, deny, mutate, timeout, error", with(cmdWebhook)},
	{"webhooks", "", "list the Services with webhooks that were called or set", with(cmdWebhooks)},

	{"fault", "method path query userAgent action code message retryAfter delayMs after times",
		"a fault rule: delay, status, drop, drop-response, block", with(cmdFault)},
	{"faults", "", "list the fault rules", with(cmdFaults)},
	{"wait-fault", "id hits timeoutMs", "wait until a rule has acted on that many requests", with(cmdWaitFault)},
	{"unblock", "id", "let go what a block rule holds and end it (0: all)", with(cmdUnblock)},
	{"clear-faults", "id", "end a fault rule (0: all)", with(cmdClearFaults)},

	{"stop-apiserver", "", "kill the API server: connections break, new ones are refused", with(cmdStopAPIServer)},
	{"start-apiserver", "timeoutMs", "start it again: same port, same data", with(cmdStartAPIServer)},
	{"restart-apiserver", "downMs timeoutMs", "both, with a pause between", with(cmdRestartAPIServer)},

	{"counts", "", "requests by method and kind, and by status", with(cmdCounts)},
	{"reset-counts", "", "counts and the request log start again", with(cmdResetCounts)},
	{"requests", "since method path userAgent status", "the last requests", with(cmdRequests)},

	{"reset", "", "end all rules, webhooks' modes and faults, and reset the counts", with(cmdReset)},
}

func findCommand(name string) *command {
	for i := range commands {
		if commands[i].name == name {
			return &commands[i]
		}
	}
	return nil
}

func cmdStatus(_ context.Context, c *cluster, _ nothing) (any, error) { return c.status(), nil }

type timeoutParameter struct {
	TimeoutMS int `json:"timeoutMs"`
}

func cmdWaitReady(ctx context.Context, c *cluster, in timeoutParameter) (any, error) {
	ctx, cancel := withTimeout(ctx, in.TimeoutMS)
	defer cancel()
	for {
		err := c.apiServerReady(ctx)
		if err == nil && c.proxy.isOpen() {
			return done{"ready": true}, nil
		}
		if !sleep(ctx, 20*time.Millisecond) {
			return nil, controlError{http.StatusGatewayTimeout, "the API server isn't ready"}
		}
	}
}

func podCommand(mode string) func(context.Context, *cluster, []byte) (any, error) {
	return with(func(_ context.Context, c *cluster, in podRule) (any, error) {
		in.Mode = mode
		return done{}, badRequest(c.play.rules.add(in))
	})
}

func cmdRelease(_ context.Context, c *cluster, in selector) (any, error) {
	return done{"released": c.play.rules.release(in)}, nil
}

func cmdPodRules(_ context.Context, c *cluster, _ nothing) (any, error) {
	return done{"rules": c.play.rules.list()}, nil
}

func cmdWithhold(_ context.Context, c *cluster, in selector) (any, error) {
	return done{}, badRequest(c.play.withheld.add(in))
}

func cmdProvide(_ context.Context, c *cluster, in selector) (any, error) {
	return done{"provided": c.play.withheld.remove(in)}, nil
}

func cmdWithheld(_ context.Context, c *cluster, _ nothing) (any, error) {
	return done{"withheld": c.play.withheld.list()}, nil
}

func cmdWebhook(_ context.Context, c *cluster, in webhookBehaviour) (any, error) {
	return done{}, badRequest(c.play.webhooks.set(in))
}

func cmdWebhooks(_ context.Context, c *cluster, _ nothing) (any, error) {
	return done{"webhooks": c.play.webhooks.list()}, nil
}

func cmdFault(_ context.Context, c *cluster, in faultRule) (any, error) {
	id, err := c.proxy.faults.add(in)
	return done{"id": id}, badRequest(err)
}

func cmdFaults(_ context.Context, c *cluster, _ nothing) (any, error) {
	return done{"faults": c.proxy.faults.list()}, nil
}

type waitFaultParameters struct {
	ID        int `json:"id"`
	Hits      int `json:"hits"`
	TimeoutMS int `json:"timeoutMs"`
}

func cmdWaitFault(ctx context.Context, c *cluster, in waitFaultParameters) (any, error) {
	ctx, cancel := withTimeout(ctx, in.TimeoutMS)
	defer cancel()
	if err := c.proxy.faults.waitHits(ctx, in.ID, max(1, in.Hits)); err != nil {
		return nil, controlError{http.StatusGatewayTimeout, err.Error()}
	}
	return done{}, nil
}

type idParameter struct {
	ID int `json:"id"`
}

func cmdUnblock(_ context.Context, c *cluster, in idParameter) (any, error) {
	return removed(in.ID, c.proxy.faults.unblock(in.ID))
}

func cmdClearFaults(_ context.Context, c *cluster, in idParameter) (any, error) {
	return removed(in.ID, c.proxy.faults.remove(in.ID))
}

func removed(id, count int) (any, error) {
	if id != 0 && count == 0 {
		return nil, controlError{http.StatusNotFound, "no such rule"}
	}
	return done{"removed": count}, nil
}

func cmdStopAPIServer(_ context.Context, c *cluster, _ nothing) (any, error) {
	if err := c.takeDownAPIServer(); err != nil {
		return nil, controlError{http.StatusConflict, err.Error()}
	}
	return done{}, nil
}

func cmdStartAPIServer(ctx context.Context, c *cluster, in timeoutParameter) (any, error) {
	ctx, cancel := withTimeout(ctx, in.TimeoutMS)
	defer cancel()
	began := time.Now()
	if err := c.bringUpAPIServer(ctx); err != nil {
		return nil, err
	}
	return done{"ms": time.Since(began).Milliseconds()}, nil
}

type restartParameters struct {
	DownMS    int `json:"downMs"`
	TimeoutMS int `json:"timeoutMs"`
}

func cmdRestartAPIServer(ctx context.Context, c *cluster, in restartParameters) (any, error) {
	if answer, err := cmdStopAPIServer(ctx, c, nothing{}); err != nil {
		return answer, err
	}
	sleep(ctx, time.Duration(in.DownMS)*time.Millisecond)
	// Also when the caller has hung up: a cluster isn't left half down.
	return cmdStartAPIServer(context.WithoutCancel(ctx), c, timeoutParameter{in.TimeoutMS})
}

func cmdCounts(_ context.Context, c *cluster, _ nothing) (any, error) {
	return c.proxy.traffic.snapshot(), nil
}

func cmdResetCounts(_ context.Context, c *cluster, _ nothing) (any, error) {
	c.proxy.traffic.reset()
	return done{}, nil
}

func cmdRequests(_ context.Context, c *cluster, in requestFilter) (any, error) {
	requests, next, err := c.proxy.traffic.requests(in)
	return done{"requests": requests, "next": next}, badRequest(err)
}

func cmdReset(_ context.Context, c *cluster, _ nothing) (any, error) {
	c.proxy.faults.remove(0)
	c.play.webhooks.reset()
	c.play.withheld.remove(selector{})
	c.play.rules.release(selector{})
	c.proxy.traffic.reset()
	return done{}, nil
}
