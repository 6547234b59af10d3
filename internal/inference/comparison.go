package inference

import "time"

// Side is one of the two answers that were compared.
type Side string

// The sides.
const (
	Baseline   Side = "baseline"
	Challenger Side = "challenger"
)

// Other returns the other side.
func (s Side) Other() Side {
	if s == Baseline {
		return Challenger
	}
	return Baseline
}

// What a comparison can end with besides a Side.
const (
	Tie  Side = "tie"  // the judge found none better
	None Side = "none" // there is no verdict: Comparison.Error says why
)

// Comparison is one row of comparisons: a request that two served entities answered, and what a
// third model said of the two answers. It has neither the question nor the answers.
type Comparison struct {
	RequestID   ID        // the client's request
	RequestTime time.Time // when it was received, UTC
	Time        time.Time // when the comparison ended, UTC
	Endpoint    string
	EndpointID  string
	Name        string // of the comparison, as configured

	// Requester and UsageContext are the request's, so that who erases a person's rows finds this one.
	Requester    string
	UsageContext map[string]string

	OtherID       ID // the request that asked the other side; zero when it was not asked
	JudgeID       ID // the judge's request; zero when it was not asked
	JudgeEndpoint string

	Answered     Side // whose answer the client got
	FirstShown   Side // whose answer the judge read first
	Winner       Side // Baseline, Challenger, Tie or None
	Reason       string
	Error        string // why there is no verdict; public text, no prompt
	Baseline     Compared
	Challenger   Compared
	JudgeCost    *int64 // in nano-dollars; nil when no price is known
	JudgeLatency time.Duration
}

// Compared is one side of a comparison.
type Compared struct {
	ServedEntity     string
	Model            string // the model that answered
	Latency          time.Duration
	TimeToFirstToken *time.Duration
	Output           *int64 // tokens
	NanoUSD          *int64 // nil when no price is known
}
