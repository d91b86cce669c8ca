package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"text/tabwriter"
)

// runCtl sends one command to the control socket and prints the answer.
func runCtl(args []string) error {
	if len(args) == 1 && args[0] == "help" {
		return printCommands(os.Stdout)
	}
	l, rest, err := parseFlags("ctl", args, nil)
	if err != nil {
		return err
	}
	if len(rest) == 0 {
		return fmt.Errorf("%w: ctl needs a command", errUsage)
	}
	if findCommand(rest[0]) == nil {
		return fmt.Errorf("%w: no command %q, see cluster ctl help", errUsage, rest[0])
	}
	body, err := ctlBody(rest[1:])
	if err != nil {
		return err
	}
	return sendCommand(l, rest[0], body)
}

// ctlBody makes the JSON object out of KEY=VALUE arguments or takes one that
// is written out. A value that is JSON is taken as that, any other as a string.
func ctlBody(args []string) ([]byte, error) {
	if len(args) == 1 && strings.HasPrefix(args[0], "{") {
		return []byte(args[0]), nil
	}
	fields := map[string]json.RawMessage{}
	for _, arg := range args {
		key, value, ok := strings.Cut(arg, "=")
		if !ok {
			return nil, fmt.Errorf("%w: %q is neither KEY=VALUE nor a JSON object", errUsage, arg)
		}
		if json.Valid([]byte(value)) {
			fields[key] = json.RawMessage(value)
			continue
		}
		text, err := json.Marshal(value)
		if err != nil {
			return nil, err
		}
		fields[key] = text
	}
	return json.Marshal(fields)
}

func sendCommand(l layout, name string, body []byte) error {
	client := &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var dialer net.Dialer
			return dialer.DialContext(ctx, "unix", l.controlSocket())
		},
	}}
	response, err := client.Post("http://cluster/"+name, "application/json", bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("no cluster runs in %s: %w", l.dir, err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		var failed struct{ Error string }
		if json.Unmarshal(answer, &failed) != nil || failed.Error == "" {
			return errors.New(response.Status)
		}
		return errors.New(failed.Error)
	}
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, answer, "", "  "); err != nil {
		return err
	}
	_, err = pretty.WriteTo(os.Stdout)
	return err
}

func printCommands(to io.Writer) error {
	table := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	for _, c := range commands {
		fmt.Fprintf(table, "%s\t%s\t%s\n", c.name, c.help, c.fields)
	}
	return table.Flush()
}
