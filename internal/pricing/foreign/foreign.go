// Package foreign turns public price lists of other projects into lakegate's price files:
// genai-prices (version 2 of its data) and LiteLLM's model_prices_and_context_window.json.
//
// What is in a foreign list and has no place in ours is never dropped silently: the result says
// it in Notes, and where it would change a price the model's price becomes unknown instead.
// Numbers are read as decimals and kept to nine places of a dollar per million tokens; what was a
// binary fraction before (2.9999900000000002e-06 a token) is rounded to there.
//
// The functions are pure and take the whole list; they neither read files nor the network.
package foreign

import (
	"encoding/json"
	"fmt"
	"math/big"

	"github.com/lakegate/lakegate/internal/pricing"
)

// Result is a list in our format, and what has to be said about it.
type Result struct {
	File  *pricing.File
	Notes []string
}

func (r *Result) note(format string, args ...any) {
	r.Notes = append(r.Notes, fmt.Sprintf(format, args...))
}

// some returns what was read, unless that is nothing: by an empty list no call would have a cost.
func (r *Result) some(format string) (*Result, error) {
	for _, p := range r.File.Providers {
		if len(p.Models) > 0 {
			return r, nil
		}
	}
	return nil, fmt.Errorf("%s: there is no model with a price in it; is it the right file?", format)
}

// Formats are the formats there are, by name.
var Formats = map[string]func([]byte) (*Result, error){
	"genai-prices": GenAI,
	"litellm":      LiteLLM,
}

// dollars makes a price of a number that is dollars for so many, given by the unit it is sold in:
// 1 for a price per million tokens or per thousand, a million for one per token.
func dollars(n json.Number, times int64) (pricing.PerMillion, error) {
	r, ok := new(big.Rat).SetString(n.String())
	if !ok {
		return 0, fmt.Errorf("%q is no number", n)
	}
	p, ok := pricing.NewPerMillion(r.Mul(r, big.NewRat(times, 1)))
	if !ok {
		return 0, fmt.Errorf("price %s is negative or above any real one", n)
	}
	return p, nil
}
