package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lakegate/lakegate/internal/ascode"
)

func promptsActivateCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "activate NAME VERSION | activate NAME VERSION=PERCENT ...",
		Short: "Say which version of a prompt answers: forward, back, or several that share the calls",
		Args:  cobra.MinimumNArgs(2),
		Example: `  lakegate prompts activate summarise 1
  lakegate prompts activate summarise 1=90 2=10`,
	}
	open := gatewayFlags(c)
	c.RunE = func(cmd *cobra.Command, args []string) error {
		active, err := activeVersions(args[1:])
		if err != nil {
			return err
		}
		g, err := open()
		if err != nil {
			return err
		}
		var before, p endpointPrompt
		if err := g.call(cmd.Context(), http.MethodGet, promptPath(args[0]), nil, &before); err != nil {
			return err
		}
		if err := g.call(cmd.Context(), http.MethodPut, promptPath(args[0])+"/active", map[string]any{"active": active}, &p); err != nil {
			return err
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s: active is %s, was %s\n", p.Name, p.active(), before.active())
		return nil
	}
	return c
}

// activeVersions reads a version, or versions with percentages.
func activeVersions(args []string) (any, error) {
	if n, err := strconv.ParseInt(args[0], 10, 64); err == nil && len(args) == 1 {
		return n, nil
	}
	shares := map[string]int{}
	for _, arg := range args {
		version, percent, _ := strings.Cut(arg, "=")
		n, err := strconv.ParseInt(version, 10, 64)
		share, failed := strconv.Atoi(strings.TrimSuffix(percent, "%"))
		if err != nil || failed != nil {
			return nil, fmt.Errorf("%q: want the number of a version, or several as VERSION=PERCENT", arg)
		}
		key := strconv.FormatInt(n, 10)
		if _, twice := shares[key]; twice {
			return nil, fmt.Errorf("version %d is there twice", n)
		}
		shares[key] = share
	}
	return shares, nil
}

func promptsAddCommand() *cobra.Command {
	var file string
	var activate bool
	c := &cobra.Command{
		Use:   "add NAME -f FILE",
		Short: "Add a version to a prompt, which gets the next number",
		Long: `Adds a version to the prompt of an endpoint that was made through the API. An endpoint without prompt gets one.

FILE is YAML or JSON with messages and, if wanted, parameters, variables and description, as a version has in an endpoint's
lakegate.prompt.versions. - is the standard input.`,
		Args: cobra.ExactArgs(1),
		Example: `  lakegate prompts add summarise -f shorter.yaml
  lakegate prompts add summarise -f shorter.yaml --activate`,
	}
	open := gatewayFlags(c)
	c.Flags().StringVarP(&file, "file", "f", "", "file with the version; - for the standard input")
	c.Flags().BoolVar(&activate, "activate", false, "let it answer at once")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		if file == "" {
			return errors.New("say which file the version is in: -f FILE")
		}
		text, err := readInput(cmd.InOrStdin(), file)
		if err != nil {
			return err
		}
		version, err := ascode.Value(text)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		var body map[string]json.RawMessage
		if err := json.Unmarshal(version, &body); err != nil || body == nil {
			return fmt.Errorf("%s: want messages and, if wanted, parameters, variables and description", file)
		}
		if activate {
			body["activate"] = json.RawMessage("true")
		}
		g, err := open()
		if err != nil {
			return err
		}
		var made struct {
			Version int64          `json:"version"`
			Prompt  endpointPrompt `json:"prompt"`
		}
		if err := g.call(cmd.Context(), http.MethodPost, promptPath(args[0])+"/versions", body, &made); err != nil {
			return err
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s: version %d is added; active is %s\n", made.Prompt.Name, made.Version, made.Prompt.active())
		return nil
	}
	return c
}
