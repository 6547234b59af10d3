package reconcile

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strings"
	"time"
)

// Format is a kind of report.
type Format string

// The formats.
const (
	OpenAIUsage    Format = "openai-usage"    // GET /v1/organization/usage/...
	OpenAICosts    Format = "openai-costs"    // GET /v1/organization/costs
	AnthropicUsage Format = "anthropic-usage" // GET /v1/organizations/usage_report/messages
	AnthropicCost  Format = "anthropic-cost"  // GET /v1/organizations/cost_report
	CSV            Format = "csv"
)

// Read reads a report and adds it up by day and model. A JSON report may be several pages one after
// the other. columns says which column of a CSV file has what, where the header doesn't tell:
// date, model, requests, input, output, cached, written, cost.
func Read(in io.Reader, columns map[string]string) ([]Row, Format, error) {
	b := bufio.NewReader(in)
	first, err := firstByte(b)
	if err != nil {
		return nil, "", errors.New("the report is empty")
	}
	if first != '{' && first != '[' {
		rows, err := readCSV(b, columns)
		if err != nil {
			return nil, CSV, err
		}
		rows, err = sum(rows)
		return rows, CSV, err
	}
	if len(columns) > 0 {
		return nil, "", errors.New("columns are for CSV files, and this is JSON")
	}
	rows, format, err := readPages(b)
	if err != nil {
		return nil, format, err
	}
	rows, err = sum(rows)
	return rows, format, err
}

func firstByte(b *bufio.Reader) (byte, error) {
	if mark, err := b.Peek(3); err == nil && bytes.Equal(mark, []byte("\ufeff")) {
		_, _ = b.Discard(3)
	}
	for {
		c, err := b.ReadByte()
		if err != nil {
			return 0, err
		}
		if !strings.ContainsRune(" \t\r\n", rune(c)) {
			return c, b.UnreadByte()
		}
	}
}

// page is a page of any of the four APIs.
type page struct {
	Data []bucket `json:"data"`
}

type bucket struct {
	StartTime  *int64     `json:"start_time"`  // OpenAI: Unix seconds
	StartingAt *time.Time `json:"starting_at"` // Anthropic
	Results    []result   `json:"results"`
}

type result struct {
	Object string  `json:"object"`
	Model  *string `json:"model"`

	Input    *int64 `json:"input_tokens"`
	Cached   *int64 `json:"input_cached_tokens"`
	Output   *int64 `json:"output_tokens"`
	Requests *int64 `json:"num_model_requests"`

	Amount   json.RawMessage `json:"amount"` // OpenAI: {value, currency}; Anthropic: cents as text
	Currency string          `json:"currency"`
	LineItem *string         `json:"line_item"`

	Uncached      *int64 `json:"uncached_input_tokens"`
	CacheRead     *int64 `json:"cache_read_input_tokens"`
	CacheCreation *struct {
		FiveMinutes int64 `json:"ephemeral_5m_input_tokens"`
		Hour        int64 `json:"ephemeral_1h_input_tokens"`
	} `json:"cache_creation"`
	Description *string `json:"description"`
}

func readPages(in io.Reader) (rows []Row, format Format, err error) {
	dec := json.NewDecoder(in)
	for n := 1; ; n++ {
		var raw json.RawMessage
		if err := dec.Decode(&raw); err == io.EOF {
			return rows, format, nil
		} else if err != nil {
			return nil, format, fmt.Errorf("page %d: %w", n, err)
		}
		pages := []page{{}}
		target := any(&pages[0])
		if raw[0] == '[' {
			target = &pages // pages in an array
		}
		if err := json.Unmarshal(raw, target); err != nil {
			return nil, format, fmt.Errorf("page %d: %w", n, err)
		}
		for _, p := range pages {
			if p.Data == nil {
				return nil, format, fmt.Errorf("page %d: there is no \"data\": want pages of OpenAI's usage or costs API or of Anthropic's usage or cost report, or a CSV file", n)
			}
			if rows, format, err = p.rows(rows, format); err != nil {
				return nil, format, fmt.Errorf("page %d: %w", n, err)
			}
		}
	}
}

func (p *page) rows(rows []Row, format Format) ([]Row, Format, error) {
	for i, b := range p.Data {
		day, err := b.day()
		if err != nil {
			return nil, format, fmt.Errorf("data[%d]: %w", i, err)
		}
		for k := range b.Results {
			row, kind, err := b.Results[k].row(b.StartTime != nil)
			if err == nil && format != "" && kind != format {
				err = fmt.Errorf("it is of %s, and what came before is of %s", kind, format)
			}
			if err != nil {
				return nil, kind, fmt.Errorf("data[%d].results[%d]: %w", i, k, err)
			}
			row.Day, format = day, kind
			rows = append(rows, row)
		}
	}
	return rows, format, nil
}

func (b *bucket) day() (string, error) {
	switch {
	case b.StartTime != nil:
		return time.Unix(*b.StartTime, 0).UTC().Format(time.DateOnly), nil
	case b.StartingAt != nil:
		return b.StartingAt.UTC().Format(time.DateOnly), nil
	}
	return "", errors.New("it has neither start_time (OpenAI) nor starting_at (Anthropic)")
}

// row reads one result; which API it is of shows in what it has.
func (r *result) row(openAI bool) (Row, Format, error) {
	switch {
	case openAI && len(r.Amount) > 0:
		return r.openAICost()
	case openAI:
		if r.Model == nil || *r.Model == "" {
			return Row{}, OpenAIUsage, errors.New("it names no model: ask the API with group_by=model")
		}
		return Row{Model: *r.Model, Requests: r.Requests, Input: r.Input, Output: r.Output, Cached: r.Cached}, OpenAIUsage, nil
	case len(r.Amount) > 0:
		return r.anthropicCost()
	case r.Uncached != nil:
		return r.anthropicUsage()
	}
	return Row{}, "", errors.New("it is neither usage nor costs")
}

// openAICost reads a line of costs. Grouped by line item, it is called "model, input" and the like.
func (r *result) openAICost() (Row, Format, error) {
	var a struct {
		Value    json.Number `json:"value"`
		Currency string      `json:"currency"`
	}
	if err := json.Unmarshal(r.Amount, &a); err != nil {
		return Row{}, OpenAICosts, fmt.Errorf("amount: %w", err)
	}
	if r.LineItem == nil || *r.LineItem == "" {
		return Row{}, OpenAICosts, errors.New("it names no line item: ask the API with group_by=line_item")
	}
	d, err := dollars(a.Value.String(), a.Currency)
	model, _, _ := strings.Cut(*r.LineItem, ", ")
	return Row{Model: model, dollars: d}, OpenAICosts, err
}

func (r *result) anthropicUsage() (Row, Format, error) {
	if r.Model == nil || *r.Model == "" {
		return Row{}, AnthropicUsage, errors.New("it names no model: ask the API with group_by[]=model")
	}
	row := Row{Model: *r.Model, Output: r.Output, Cached: r.CacheRead}
	input := *r.Uncached + value(r.CacheRead)
	if c := r.CacheCreation; c != nil {
		written := c.FiveMinutes + c.Hour
		row.Written = &written
		input += written
	}
	row.Input = &input
	return row, AnthropicUsage, nil
}

// anthropicCost reads a line of costs: cents, as text.
func (r *result) anthropicCost() (Row, Format, error) {
	var cents string
	if err := json.Unmarshal(r.Amount, &cents); err != nil {
		return Row{}, AnthropicCost, errors.New("amount: want a number of cents as text")
	}
	name := r.Model
	if name == nil || *name == "" {
		if name = r.Description; name == nil || *name == "" {
			return Row{}, AnthropicCost, errors.New("it names neither model nor description: ask the API with group_by[]=description")
		}
	}
	d, err := dollars(cents, r.Currency)
	if err == nil {
		d.Quo(d, big.NewRat(100, 1))
	}
	return Row{Model: *name, dollars: d}, AnthropicCost, err
}

// dollars reads an amount digit for digit.
func dollars(text, currency string) (*big.Rat, error) {
	if currency != "" && !strings.EqualFold(currency, "usd") {
		return nil, fmt.Errorf("the amount is in %s; only US dollars can be compared", currency)
	}
	text = strings.ReplaceAll(strings.TrimPrefix(strings.TrimSpace(text), "$"), ",", "")
	if len(text) > 64 || strings.ContainsAny(text, "/xXpP_") { // big.Rat knows more than numbers of money
		return nil, fmt.Errorf("%.64q is not an amount", text)
	}
	if i := strings.IndexAny(text, "eE"); i >= 0 && len(text)-i > 4 {
		return nil, fmt.Errorf("%.64q is not an amount", text)
	}
	d, ok := new(big.Rat).SetString(text)
	if !ok {
		return nil, fmt.Errorf("%.64q is not an amount", text)
	}
	return d, nil
}
