package gemini

import "encoding/json"

// OpenAI's log probabilities, which the common form speaks.
type (
	logProbs struct {
		Content []tokenProbs `json:"content"`
		Refusal []tokenProbs `json:"refusal"`
	}
	tokenProbs struct {
		tokenProb
		Top []tokenProb `json:"top_logprobs"`
	}
	tokenProb struct {
		Token   string      `json:"token"`
		LogProb json.Number `json:"logprob"`
		Bytes   []int       `json:"bytes"`
	}
)

// Google's.
type (
	logprobsResult struct {
		TopCandidates    []topCandidates `json:"topCandidates"`
		ChosenCandidates []tokenLog      `json:"chosenCandidates"`
	}
	topCandidates struct {
		Candidates []tokenLog `json:"candidates"`
	}
	tokenLog struct {
		Token          string      `json:"token"`
		LogProbability json.Number `json:"logProbability,omitempty"`
	}
)

// logProbsOf turns a logprobsResult into OpenAI's object, nil when it is none. Google leaves out a
// probability of 0.
func logProbsOf(result []byte) json.RawMessage {
	var g logprobsResult
	if json.Unmarshal(result, &g) != nil || len(g.ChosenCandidates) == 0 {
		return nil
	}
	all := logProbs{Content: make([]tokenProbs, len(g.ChosenCandidates))}
	for i, c := range g.ChosenCandidates {
		t := tokenProbs{tokenProb: c.prob(), Top: []tokenProb{}}
		if i < len(g.TopCandidates) {
			for _, top := range g.TopCandidates[i].Candidates {
				t.Top = append(t.Top, top.prob())
			}
		}
		all.Content[i] = t
	}
	raw, err := marshal(all)
	if err != nil {
		return nil
	}
	return raw
}

func (t tokenLog) prob() tokenProb {
	p := tokenProb{t.Token, t.LogProbability, make([]int, len(t.Token))}
	if p.LogProb == "" {
		p.LogProb = "0"
	}
	for i := range len(t.Token) {
		p.Bytes[i] = int(t.Token[i])
	}
	return p
}

// logprobsResultOf turns OpenAI's object into Google's, nil when it is none.
func logprobsResultOf(raw []byte) json.RawMessage {
	var o logProbs
	if len(raw) == 0 || json.Unmarshal(raw, &o) != nil || len(o.Content) == 0 {
		return nil
	}
	var g logprobsResult
	for _, t := range o.Content {
		g.ChosenCandidates = append(g.ChosenCandidates, tokenLog{t.Token, t.LogProb})
		top := topCandidates{Candidates: []tokenLog{}}
		for _, c := range t.Top {
			top.Candidates = append(top.Candidates, tokenLog{c.Token, c.LogProb})
		}
		g.TopCandidates = append(g.TopCandidates, top)
	}
	out, err := marshal(g)
	if err != nil {
		return nil
	}
	return out
}
