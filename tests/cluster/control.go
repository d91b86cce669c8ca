package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

// maxControlBody bounds what a command may bring.
const maxControlBody = 1 << 20

// controlServer answers commands on the control socket: POST (or GET) /COMMAND
// with a JSON object as body, a JSON object as answer. The commands are the
// table in commands.go.
type controlServer struct {
	server *http.Server
}

func startControl(c *cluster) (*controlServer, error) {
	path := c.layout.controlSocket()
	// A socket file of a killed run would make bind fail.
	if err := os.RemoveAll(path); err != nil {
		return nil, err
	}
	listener, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, err
	}
	s := &controlServer{server: &http.Server{Handler: controlHandler(c), ErrorLog: log.Default()}}
	go serveUntilClosed("control", func() error { return s.server.Serve(listener) })
	return s, nil
}

func (s *controlServer) close() { s.server.Close() }

// controlError is an answer with a code of its own.
type controlError struct {
	code    int
	message string
}

func (e controlError) Error() string { return e.message }

func controlHandler(c *cluster) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer, err := callCommand(c, r)
		code := http.StatusOK
		if err != nil {
			code = http.StatusInternalServerError
			var own controlError
			if errors.As(err, &own) {
				code = own.code
			}
			answer = map[string]any{"error": err.Error()}
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		// A caller that doesn't wait for its answer is no concern of ours.
		_ = json.NewEncoder(w).Encode(answer)
	})
}

func callCommand(c *cluster, r *http.Request) (any, error) {
	command := findCommand(strings.TrimPrefix(r.URL.Path, "/"))
	if command == nil {
		return nil, controlError{http.StatusNotFound, fmt.Sprintf("no command %q", r.URL.Path)}
	}
	if r.Method != http.MethodPost && r.Method != http.MethodGet {
		return nil, controlError{http.StatusMethodNotAllowed, "use POST"}
	}
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxControlBody))
	if err != nil {
		return nil, controlError{http.StatusBadRequest, err.Error()}
	}
	return command.call(r.Context(), c, body)
}

// readBody fills a command's parameters. A field that doesn't exist is a typing
// error that would otherwise make a test pass for the wrong reason.
func readBody(body []byte, into any) error {
	if len(strings.TrimSpace(string(body))) == 0 {
		return nil
	}
	decoder := json.NewDecoder(strings.NewReader(string(body)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return controlError{http.StatusBadRequest, err.Error()}
	}
	if decoder.More() {
		return controlError{http.StatusBadRequest, "more than one JSON value"}
	}
	return nil
}

func badRequest(err error) error {
	if err == nil {
		return nil
	}
	return controlError{http.StatusBadRequest, err.Error()}
}

// withTimeout bounds a command that waits.
func withTimeout(ctx context.Context, ms int) (context.Context, context.CancelFunc) {
	if ms <= 0 {
		ms = 30_000
	}
	return context.WithTimeout(ctx, time.Duration(ms)*time.Millisecond)
}
