package main

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// example is a command line in the help of a command.
type example struct {
	of   string // the command whose help has it
	line string
}

var exampleLine = regexp.MustCompile(`(?m)^ +((?:[A-Z_]+=\S+ )*lakegate .*)$`)

// examplesOf returns the examples in the help of a command and of those below it.
func examplesOf(c *cobra.Command) []example {
	var all []example
	for _, m := range exampleLine.FindAllStringSubmatch(c.Long+"\n"+c.Example, -1) {
		all = append(all, example{c.CommandPath(), m[1]})
	}
	for _, sub := range c.Commands() {
		all = append(all, examplesOf(sub)...)
	}
	return all
}

var redirection = regexp.MustCompile(`\s(>>?|\||<)\s.*$`)

// command is the example without what it says of itself after two blanks.
func (e example) command() string {
	quote := rune(0)
	for i, r := range e.line {
		switch {
		case r == quote:
			quote = 0
		case quote == 0 && (r == '"' || r == '\''):
			quote = r
		case quote == 0 && strings.HasPrefix(e.line[i:], "  "):
			return e.line[:i]
		}
	}
	return e.line
}

func (e example) args(t *testing.T) []string {
	line := redirection.ReplaceAllString(e.command(), "") // the shell's
	return words(t, line[strings.Index(line, "lakegate ")+len("lakegate "):])
}

// words splits a command as a shell would, as far as examples need it.
func words(t *testing.T, line string) []string {
	t.Helper()
	line, _, _ = strings.Cut(line, " # ")
	var all []string
	for _, w := range regexp.MustCompile(`([^\s"']|"[^"]*"|'[^']*')+`).FindAllString(line, -1) {
		all = append(all, strings.NewReplacer(`"`, "", "'", "").Replace(w))
	}
	return all
}

var errNoCommand = errors.New("this is a group of commands, not one")

// Every command has help, and every example of it is a command line that is accepted.
func TestTheExamplesOfHelpAreAccepted(t *testing.T) {
	all := examplesOf(root())
	if len(all) < 40 {
		t.Fatalf("%d examples found; is help read right?", len(all))
	}
	for _, e := range all {
		args := e.args(t)
		c, rest, err := root().Find(args)
		if err == nil && c.HasSubCommands() {
			err = errNoCommand
		}
		if err == nil {
			err = c.ParseFlags(rest)
		}
		if err == nil {
			err = c.ValidateArgs(c.Flags().Args())
		}
		if err == nil {
			err = c.ValidateRequiredFlags()
		}
		if err == nil {
			err = c.ValidateFlagGroups()
		}
		if err != nil {
			t.Errorf("%s --help has\n  %s\n%q: %v", e.of, e.line, args, err)
		}
	}
	eachCommand(root(), func(c *cobra.Command) {
		args := append(strings.Fields(c.CommandPath())[1:], "--help")
		if out, _, err := run(t, "", args...); err != nil || !strings.Contains(out, "Usage:") || c.Short == "" && !c.Hidden {
			t.Errorf("%v: %v\n%s", args, err, out)
		}
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if f.Usage == "" {
				t.Errorf("%s --%s says nothing of itself", c.CommandPath(), f.Name)
			}
		})
	})
}

func eachCommand(c *cobra.Command, do func(*cobra.Command)) {
	do(c)
	for _, sub := range c.Commands() {
		eachCommand(sub, do)
	}
}

// notTried are the examples that are not run, by a piece of them, and why.
var notTried = map[string]string{
	"lakegate serve":   "the session's gateway is one",
	" --every ":        "goes on until it is stopped",
	"prices reconcile": "ends with 1 where a bill differs, as any made-up one does; TestDemo has it",
	"--remove ":        "is refused for a gateway that runs; docs/lake.md has it",
	"secrets reset":    "empties the store that the others need; its own test has it",
	"--revise":         "is refused when nothing has changed; TestDemo has it",
}

// helpEndpoint makes the endpoints of the examples through the API, in some versions.
const helpEndpoint = `
curl -s $LAKEGATE/api/2.0/serving-endpoints -H "Authorization: Bearer $KEY" -d '{"name": "chat", "config": {"served_entities": [{
  "name": "gpt", "external_model": {"name": "gpt-4o", "provider": "openai", "task": "llm/v1/chat", "openai_config": {"openai_api_base": "https://llm.acme.example/v1"}}}, {
  "name": "new", "external_model": {"name": "gpt-5", "provider": "openai", "task": "llm/v1/chat", "openai_config": {"openai_api_base": "https://llm.acme.example/v1"}}}],
  "traffic_config": {"routes": [{"served_entity_name": "gpt", "traffic_percentage": 100}, {"served_entity_name": "new", "traffic_percentage": 0}]}},
  "lakegate": {"rollout": {"to": "new", "stages": [{"traffic": 1, "for": "1h"}]}},
  "ai_gateway": {"inference_table_config": {"enabled": true, "catalog_name": "main", "schema_name": "ai", "table_name_prefix": "chat"}}}'
curl -s $LAKEGATE/api/2.0/serving-endpoints -H "Authorization: Bearer $KEY" -d '{"name": "summarise", "config": {"served_entities": [{
  "name": "gpt", "external_model": {"name": "gpt-4o", "provider": "openai", "task": "llm/v1/chat", "openai_config": {"openai_api_base": "https://llm.acme.example/v1"}}}]},
  "lakegate": {"prompt": {"active": 2, "versions": [{"version": 1, "messages": [{"role": "user", "content": "For {{ audience }}: {{ text }}"}]},
    {"version": 2, "messages": [{"role": "user", "content": "Summarise: {{ text }}"}]}]}}}'
for n in 1 2 3 4; do
  curl -s -X PUT $LAKEGATE/api/2.0/serving-endpoints/chat/rate-limits -H "Authorization: Bearer $KEY" -d '{
    "rate_limits": [{"calls": '$n'000, "key": "user", "renewal_period": "minute"}]}'
done`

// Every example of help does what it says, in a folder with a demo's data, beside a gateway. What needs
// something that another example makes is tried again after all others.
func TestTheExamplesOfHelpRun(t *testing.T) {
	s := newSession(t, "README.md", startInternet(t))
	for name, text := range readersFiles(t) {
		s.write(name, text)
	}
	if out, err := s.sh("lakegate demo --data data; cp -r data gateway"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	s.gateway(true)
	if out, err := s.sh(helpEndpoint); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	tried, again := map[string]bool{}, []example{}
	for _, e := range examplesOf(root()) {
		if tried[e.command()] || e.exempt() {
			continue
		}
		tried[e.command()] = true
		if _, err := s.sh(e.command()); err != nil {
			again = append(again, e)
		}
	}
	for _, e := range again {
		if out, err := s.sh(e.command()); err != nil {
			t.Errorf("%s --help has\n  %s\n%v\n%s", e.of, e.command(), err, out)
		}
	}
}

func (e example) exempt() bool {
	for piece := range notTried {
		if strings.Contains(e.line, piece) {
			return true
		}
	}
	return false
}
