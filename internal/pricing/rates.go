package pricing

import (
	"math"

	"github.com/lakegate/lakegate/internal/inference"
)

// Rates are prices of one moment, by the class of what is sold. What has none is not sold apart:
// cached input and cache writes cost what input costs, writes for an hour what other writes cost,
// audio, images, video and reasoning what input or output costs. Without Output the model gives
// none (embeddings). Without Input nothing of it is sold by the token (reranking).
type Rates struct {
	Input        *PerMillion `yaml:"input,omitempty"`
	Output       *PerMillion `yaml:"output,omitempty"`
	CachedInput  *PerMillion `yaml:"cached_input,omitempty"`
	CacheWrite   *PerMillion `yaml:"cache_write,omitempty"`
	CacheWrite1h *PerMillion `yaml:"cache_write_1h,omitempty"`
	InputAudio   *PerMillion `yaml:"input_audio,omitempty"`
	InputImage   *PerMillion `yaml:"input_image,omitempty"`
	InputVideo   *PerMillion `yaml:"input_video,omitempty"`
	CachedAudio  *PerMillion `yaml:"cached_audio,omitempty"`
	CachedImage  *PerMillion `yaml:"cached_image,omitempty"`
	OutputAudio  *PerMillion `yaml:"output_audio,omitempty"`
	OutputImage  *PerMillion `yaml:"output_image,omitempty"`
	OutputVideo  *PerMillion `yaml:"output_video,omitempty"`
	Reasoning    *PerMillion `yaml:"reasoning,omitempty"`
	// Requests and Searches are dollars per thousand of them.
	Requests *PerMillion `yaml:"requests,omitempty"`
	Searches *PerMillion `yaml:"searches,omitempty"`
}

// sum adds up what a usage costs; false when a count or a price that is needed is missing, or the
// counts contradict each other.
func (r *Rates) sum(u *inference.Usage) (sum, bool) {
	var s sum
	if negative(u) || !r.input(u, &s) || !r.output(u, &s) {
		return sum{}, false
	}
	s.thousands(1, r.Requests)
	searches := count(u.Searches)
	s.thousands(searches, r.Searches)
	return s, searches == 0 || r.Searches != nil
}

// input adds the input: what was cached and written first, then what isn't text and sold apart,
// then the rest.
func (r *Rates) input(u *inference.Usage, s *sum) bool {
	if r.Input == nil {
		return r.Output == nil || count(u.Input) == 0
	}
	if u.Input == nil {
		return false
	}
	cached, written, hour := count(u.CachedInput), count(u.CacheWrite), count(u.CacheWrite1h)
	if cached > *u.Input || written > *u.Input-cached || hour > written {
		return false
	}
	rest := *u.Input - cached - written
	write := either(r.CacheWrite, r.Input)
	s.add(written-hour, write)
	s.add(hour, either(r.CacheWrite1h, write))
	for _, m := range [...]struct {
		tokens, cached   *int64
		rate, cachedRate *PerMillion
	}{
		{u.InputAudio, u.CachedAudio, r.InputAudio, r.CachedAudio},
		{u.InputImage, u.CachedImage, r.InputImage, r.CachedImage},
		{u.InputVideo, nil, r.InputVideo, nil},
	} {
		tokens := count(m.tokens)
		if m.rate == nil || tokens == 0 {
			continue // part of the text
		}
		part := count(m.cached)
		if part > tokens || part > cached || tokens-part > rest || m.cached == nil && cached > 0 {
			return false // the last: nobody knows which part of what was cached is of this kind
		}
		if part > 0 && m.cachedRate == nil {
			return false
		}
		s.add(tokens-part, m.rate)
		s.add(part, m.cachedRate)
		rest, cached = rest-(tokens-part), cached-part
	}
	s.add(cached, either(r.CachedInput, r.Input))
	s.add(rest, r.Input)
	return true
}

func (r *Rates) output(u *inference.Usage, s *sum) bool {
	rest := count(u.Output)
	if r.Output == nil {
		return rest == 0 || r.Input == nil
	}
	if u.Output == nil {
		return false
	}
	for _, m := range [...]struct {
		tokens *int64
		rate   *PerMillion
	}{
		{u.Reasoning, r.Reasoning},
		{u.OutputAudio, r.OutputAudio},
		{u.OutputImage, r.OutputImage},
		{u.OutputVideo, r.OutputVideo},
	} {
		if m.rate == nil {
			continue
		}
		tokens := count(m.tokens)
		if tokens > rest {
			return false
		}
		s.add(tokens, m.rate)
		rest -= tokens
	}
	s.add(rest, r.Output)
	return true
}

func negative(u *inference.Usage) bool {
	for _, n := range [...]*int64{
		u.Input, u.Output, u.CachedInput, u.CacheWrite, u.CacheWrite1h, u.InputAudio, u.InputImage, u.InputVideo, u.CachedAudio,
		u.CachedImage, u.OutputAudio, u.OutputImage, u.OutputVideo, u.Reasoning, u.Searches,
	} {
		if n != nil && *n < 0 {
			return true
		}
	}
	return false
}

func count(n *int64) int64 {
	if n == nil {
		return 0
	}
	return *n
}

func either(p, otherwise *PerMillion) *PerMillion {
	if p != nil {
		return p
	}
	return otherwise
}

// all are the rates in the order in which they are shown, with their names in a price file.
func (r *Rates) all() []namedRate {
	return []namedRate{
		{"input", &r.Input},
		{"output", &r.Output},
		{"cached_input", &r.CachedInput},
		{"cache_write", &r.CacheWrite},
		{"cache_write_1h", &r.CacheWrite1h},
		{"input_audio", &r.InputAudio},
		{"input_image", &r.InputImage},
		{"input_video", &r.InputVideo},
		{"cached_audio", &r.CachedAudio},
		{"cached_image", &r.CachedImage},
		{"output_audio", &r.OutputAudio},
		{"output_image", &r.OutputImage},
		{"output_video", &r.OutputVideo},
		{"reasoning", &r.Reasoning},
		{"requests", &r.Requests},
		{"searches", &r.Searches},
	}
}

type namedRate struct {
	name string
	rate **PerMillion
}

// byPiece says that a rate is not one of tokens.
func (n namedRate) byPiece() bool { return n.name == "requests" || n.name == "searches" }

// Empty says that there is no rate at all.
func (r *Rates) Empty() bool { return *r == Rates{} }

// scaled returns the rates of tokens times a percentage; false when one is no whole number of
// nano-dollars per million then. Requests and searches stay what they are.
func (r *Rates) scaled(p Percent) (Rates, bool) {
	out := *r
	for _, n := range out.all() {
		if *n.rate == nil || n.byPiece() {
			continue
		}
		v := int64(**n.rate)
		if v > math.MaxInt64/int64(p+1) || v*int64(p)%int64(wholePercent) != 0 {
			return out, false
		}
		scaled := PerMillion(v * int64(p) / int64(wholePercent))
		*n.rate = &scaled
	}
	return out, true
}

// Over returns the rates with those of below where they have none.
func (r Rates) Over(below *Rates) Rates {
	a, b := r.all(), below.all()
	for i := range a {
		*a[i].rate = either(*a[i].rate, *b[i].rate)
	}
	return r
}

// Only takes out the rates that base has none of.
func (r *Rates) Only(base *Rates) {
	a, b := r.all(), base.all()
	for i := range a {
		if *b[i].rate == nil {
			*a[i].rate = nil
		}
	}
}
