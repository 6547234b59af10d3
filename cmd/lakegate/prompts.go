package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
)

// promptsPath is the API beneath `lakegate prompts`.
const promptsPath = "/api/2.0/lakegate/prompts"

func promptsCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "prompts",
		Short: "Look at prompt templates of a running gateway, try them, and say which version answers",
		Long: `Works on the prompts of a running gateway's endpoints through its API. Those of the gateway's own configuration file
are shown and can't be changed here.

  lakegate prompts list
  lakegate prompts render summarise text="What is said."
  lakegate prompts activate summarise 1`,
	}
	c.AddCommand(promptsListCommand(), promptsShowCommand(), promptsRenderCommand(), promptsAddCommand(), promptsActivateCommand())
	return c
}

// promptText is a message of a prompt.
type promptText struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// promptVersion is a version of a prompt as the API has it.
type promptVersion struct {
	Version     int64           `json:"version"`
	Description string          `json:"description,omitempty"`
	Messages    []promptText    `json:"messages,omitempty"`
	Parameters  json.RawMessage `json:"parameters,omitempty"`
	Variables   []struct {
		Name        string  `json:"name"`
		Required    bool    `json:"required"`
		Default     *string `json:"default,omitempty"`
		Description string  `json:"description,omitempty"`
	} `json:"variables,omitempty"`
}

// endpointPrompt is an endpoint's prompt as the API has it.
type endpointPrompt struct {
	Name     string          `json:"name"`
	Source   string          `json:"source"`
	Active   map[int64]int   `json:"active"`
	Versions []promptVersion `json:"versions"`
}

func promptPath(name string) string { return promptsPath + "/" + url.PathEscape(name) }

func promptsListCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:     "list",
		Short:   "List the prompts, which version answers, and their variables",
		Args:    cobra.NoArgs,
		Example: `  lakegate prompts list`,
	}
	open := gatewayFlags(c)
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		g, err := open()
		if err != nil {
			return err
		}
		var list struct {
			Prompts []endpointPrompt `json:"prompts"`
		}
		if err := g.call(cmd.Context(), http.MethodGet, promptsPath, nil, &list); err != nil {
			return err
		}
		if asJSON {
			return printJSON(cmd.OutOrStdout(), list.Prompts)
		}
		return writePrompts(cmd.OutOrStdout(), list.Prompts)
	}
	return c
}

func writePrompts(out io.Writer, list []endpointPrompt) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(out, "no prompts")
		return err
	}
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "NAME\tFROM\tVERSIONS\tACTIVE\tVARIABLES OF THE ACTIVE ONE")
	for i := range list {
		p := &list[i]
		var variables []string
		for _, v := range p.Versions {
			if p.Active[v.Version] > 0 {
				variables = v.variables()
			}
		}
		fmt.Fprintf(t, "%s\t%s\t%d\t%s\t%s\n", p.Name, p.Source, len(p.Versions), p.active(), strings.Join(variables, ", "))
	}
	return t.Flush()
}

// active says which versions answer.
func (p *endpointPrompt) active() string {
	if len(p.Active) == 1 {
		for n := range p.Active {
			return fmt.Sprint(n)
		}
	}
	var parts []string
	for _, n := range slices.Sorted(maps.Keys(p.Active)) {
		parts = append(parts, fmt.Sprintf("%d: %d%%", n, p.Active[n]))
	}
	return strings.Join(parts, ", ")
}

// variables returns the names of a version's variables; those that may be left out in brackets.
func (v *promptVersion) variables() []string {
	var names []string
	for _, x := range v.Variables {
		if x.Required {
			names = append(names, x.Name)
		} else {
			names = append(names, "["+x.Name+"]")
		}
	}
	return names
}

func promptsShowCommand() *cobra.Command {
	var asJSON bool
	var version int64
	c := &cobra.Command{
		Use:   "show NAME",
		Short: "Show the versions of a prompt: messages, parameters and variables",
		Args:  cobra.ExactArgs(1),
		Example: `  lakegate prompts show summarise
  lakegate prompts show summarise --version 1`,
	}
	open := gatewayFlags(c)
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.Flags().Int64Var(&version, "version", 0, "show this version alone")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		g, err := open()
		if err != nil {
			return err
		}
		var p endpointPrompt
		if err := g.call(cmd.Context(), http.MethodGet, promptPath(args[0]), nil, &p); err != nil {
			return err
		}
		if version != 0 {
			p.Versions = slices.DeleteFunc(p.Versions, func(v promptVersion) bool { return v.Version != version })
			if len(p.Versions) == 0 {
				return fmt.Errorf("the prompt of endpoint %s has no version %d", args[0], version)
			}
		}
		if asJSON {
			return printJSON(cmd.OutOrStdout(), p)
		}
		writePrompt(cmd.OutOrStdout(), &p)
		return nil
	}
	return c
}

func writePrompt(out io.Writer, p *endpointPrompt) {
	color := paintFor(out)
	for i := range p.Versions {
		v := &p.Versions[i]
		if i > 0 {
			fmt.Fprintln(out)
		}
		head := color.bold(fmt.Sprintf("version %d", v.Version))
		if share := p.Active[v.Version]; share == 100 {
			head += "  " + color.green("active")
		} else if share > 0 {
			head += "  " + color.green(fmt.Sprintf("active for %d%% of the calls", share))
		}
		if v.Description != "" {
			head += "  " + printable(v.Description)
		}
		fmt.Fprintln(out, head)
		for _, x := range v.Variables {
			line := "  " + x.Name
			if x.Default != nil {
				line += " = " + strconv.Quote(*x.Default)
			} else if !x.Required {
				line += ", may be left out"
			}
			if x.Description != "" {
				line += "  " + color.dim("# "+printable(x.Description))
			}
			fmt.Fprintln(out, line)
		}
		if len(v.Parameters) > 0 {
			fmt.Fprintln(out, "  "+printable(string(v.Parameters)))
		}
		if len(v.Messages) == 0 {
			fmt.Fprintln(out, color.dim("  its messages are for those who manage the endpoint"))
		}
		writeTexts(out, color, v.Messages)
	}
}

func writeTexts(out io.Writer, color paint, messages []promptText) {
	for _, m := range messages {
		fmt.Fprintln(out, "  "+color.cyan(m.Role+":"))
		for line := range strings.SplitSeq(m.Content, "\n") {
			fmt.Fprintln(out, "    "+printable(line))
		}
	}
}

func promptsRenderCommand() *cobra.Command {
	var asJSON bool
	var version int64
	c := &cobra.Command{
		Use:   "render NAME [VARIABLE=TEXT ...]",
		Short: "Show the messages that a prompt makes of these variables; no model is asked",
		Long: `Shows the messages that a prompt makes of these variables, without asking a model.

TEXT of @FILE is what is in the file, and of @- what comes from the standard input.`,
		Args: cobra.MinimumNArgs(1),
		Example: `  lakegate prompts render summarise text="What is said."
  lakegate prompts render summarise --version 1 text=@report.txt audience=children`,
	}
	open := gatewayFlags(c)
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.Flags().Int64Var(&version, "version", 0, "render this version (default: the active one)")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		variables, err := givenVariables(cmd.InOrStdin(), args[1:])
		if err != nil {
			return err
		}
		g, err := open()
		if err != nil {
			return err
		}
		body := map[string]any{"variables": variables}
		if version != 0 {
			body["version"] = version
		}
		var v promptVersion
		if err := g.call(cmd.Context(), http.MethodPost, promptPath(args[0])+"/render", body, &v); err != nil {
			return err
		}
		if asJSON {
			return printJSON(cmd.OutOrStdout(), v)
		}
		out := cmd.OutOrStdout()
		color := paintFor(out)
		fmt.Fprintln(out, color.bold(fmt.Sprintf("version %d", v.Version)))
		if len(v.Parameters) > 0 {
			fmt.Fprintln(out, "  "+printable(string(v.Parameters)))
		}
		writeTexts(out, color, v.Messages)
		return nil
	}
	return c
}

// givenVariables reads VARIABLE=TEXT, where @ means a file.
func givenVariables(in io.Reader, args []string) (map[string]string, error) {
	variables := map[string]string{}
	for _, arg := range args {
		name, text, ok := strings.Cut(arg, "=")
		if !ok || name == "" {
			return nil, fmt.Errorf("%q: want VARIABLE=TEXT", arg)
		}
		if _, twice := variables[name]; twice {
			return nil, fmt.Errorf("variable %q is there twice", name)
		}
		if file, ok := strings.CutPrefix(text, "@"); ok {
			b, err := readInput(in, file)
			if err != nil {
				return nil, fmt.Errorf("variable %q: %w", name, err)
			}
			text = string(b)
		}
		variables[name] = text
	}
	return variables, nil
}

// readInput reads a file, or the standard input for "-".
func readInput(in io.Reader, file string) ([]byte, error) {
	if file == "-" {
		return io.ReadAll(in)
	}
	return os.ReadFile(file)
}
