package main

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/lakegate/lakegate/serving/route"
)

// routing is an endpoint's routing as the API tells it.
type routing struct {
	Name     string       `json:"name"`
	Routes   []route.Line `json:"routes"`
	Entities []struct {
		Name       string  `json:"name"`
		Provider   string  `json:"provider"`
		Model      string  `json:"model"`
		Traffic    float64 `json:"traffic_percentage"`
		Circuit    string  `json:"circuit,omitempty"`
		InFlight   int64   `json:"in_flight"`
		FirstToken int64   `json:"first_token_ms,omitempty"`
		Whole      int64   `json:"latency_ms,omitempty"`
	} `json:"entities"`
	Rollout *struct {
		To  string `json:"to"`
		Why string `json:"why"`
	} `json:"rollout,omitempty"`
}

func endpointsRoutesCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "routes NAME",
		Short: "Show which calls of an endpoint go where, and what happens when they fail, as one table",
		Long: `Shows the routing of an endpoint, of the configuration file's too, as one table to be read from the top: the rules
in their order, what becomes of all other calls, and what happens when an attempt fails. Below it, how the served
entities are doing on the gateway that is asked.`,
		Args:    cobra.ExactArgs(1),
		Example: `  lakegate endpoints routes chat`,
	}
	open := gatewayFlags(c)
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		g, err := open()
		if err != nil {
			return err
		}
		var r routing
		if err := g.call(cmd.Context(), http.MethodGet, endpointPath(args[0])+"/routes", nil, &r); err != nil {
			return err
		}
		if asJSON {
			return printJSON(cmd.OutOrStdout(), r)
		}
		writeRoutes(cmd.OutOrStdout(), &r)
		return nil
	}
	return c
}

func writeRoutes(out io.Writer, r *routing) {
	p := paintFor(out)
	rows := [][]string{{"", "WHEN", "TO", "HOW"}}
	for _, l := range r.Routes {
		step := l.Step
		if l.Name != "" {
			step += " " + l.Name
		}
		rows = append(rows, []string{step, l.When, strings.Join(l.To, ", "), l.How})
	}
	writeTable(out, p, rows, []int{28, 52, 24, 60})
	rows = [][]string{{"SERVED ENTITY", "PROVIDER", "MODEL", "TRAFFIC", "CIRCUIT", "IN FLIGHT", "FIRST TOKEN", "WHOLE ANSWER"}}
	ms := func(n int64) string {
		if n == 0 {
			return "-"
		}
		return humanCount(n) + " ms"
	}
	for _, x := range r.Entities {
		circuit := x.Circuit
		if circuit == "" {
			circuit = "-"
		}
		rows = append(rows, []string{x.Name, x.Provider, x.Model, fmt.Sprintf("%.4g%%", x.Traffic), circuit, fmt.Sprint(x.InFlight), ms(x.FirstToken), ms(x.Whole)})
	}
	fmt.Fprintf(out, "\n%s\n", p.dim("On this gateway, now:"))
	writeTable(out, p, rows, nil)
	if r.Rollout != nil {
		fmt.Fprintf(out, "%s\n", p.dim(printable(r.Rollout.Why)))
	}
}

// writeTable writes rows below one another, the first as their heading. most are the widths to break
// cells at, between words; nil: none is broken.
func writeTable(out io.Writer, p paint, rows [][]string, most []int) {
	widths := make([]int, len(rows[0]))
	cells := make([][][]string, len(rows)) // row, column, lines
	for i, row := range rows {
		cells[i] = make([][]string, len(row))
		for j, text := range row {
			lines := []string{printableLong(text)}
			if most != nil {
				lines = broken(lines[0], most[j])
			}
			for _, l := range lines {
				widths[j] = max(widths[j], utf8.RuneCountInString(l))
			}
			cells[i][j] = lines
		}
	}
	for i, row := range cells {
		height := 1
		for _, lines := range row {
			height = max(height, len(lines))
		}
		for n := range height {
			var b strings.Builder
			for j, lines := range row {
				text := ""
				if n < len(lines) {
					text = lines[n]
				}
				b.WriteString(text + strings.Repeat(" ", widths[j]-utf8.RuneCountInString(text)+2))
			}
			line := strings.TrimRight(b.String(), " ")
			if i == 0 {
				line = p.bold(line)
			}
			fmt.Fprintln(out, line)
		}
	}
}

// broken breaks a text into lines of at most so many letters, between words where it can.
func broken(text string, most int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		switch {
		case line == "":
			line = word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) <= most:
			line += " " + word
		default:
			lines, line = append(lines, line), word
		}
	}
	return append(lines, line)
}
