package demo_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/lakegate/lakegate/internal/demo"
	"github.com/lakegate/lakegate/internal/inference"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var now = time.Date(2026, 11, 20, 16, 40, 12, 345_678_912, time.UTC)

// price charges a nano-dollar a token, and nothing is known of the company's own model.
func price(provider, model string, _ time.Time, u inference.Usage) *inference.Cost {
	if provider == "custom" || model == "" || u.Total == nil {
		return nil
	}
	return &inference.Cost{NanoUSD: *u.Total, PriceVersion: "test"}
}

func config() demo.HistoryConfig {
	c := demo.DefaultHistory(now)
	c.Price = price
	c.IDs = func(e, s string) (string, string) { return "id-" + e, "id-" + e + "-" + s }
	return c
}

func TestHistoryIsWhole(t *testing.T) {
	c := config()
	all := slices.Collect(demo.History(c))
	if len(all) != c.Records {
		t.Fatalf("%d records, want %d", len(all), c.Records)
	}
	start := now.AddDate(0, 0, -c.Days).Truncate(time.Hour)
	ids := map[inference.ID]bool{}
	last := start
	for _, r := range all {
		if ids[r.ID] {
			t.Fatalf("id %s twice", r.ID)
		}
		ids[r.ID] = true
		if r.Time.Before(last) || r.Time.Add(r.Latency).After(now) {
			t.Fatalf("record at %v, %v long, after one at %v", r.Time, r.Latency, last)
		}
		last = r.Time
		if sec, nsec := r.ID.Time().UnixTime(); time.Unix(sec, nsec).UTC().Truncate(time.Millisecond) != r.Time.Truncate(time.Millisecond) {
			t.Fatalf("id %s is not of %v", r.ID, r.Time)
		}
		check(t, r)
	}
}

// check holds what must be true of each record by itself.
func check(t *testing.T, r *inference.Record) {
	t.Helper()
	bad := func(why string) { t.Fatalf("%s: %+v", why, r) }
	if !r.Generated || r.Outcome == "" || r.APIType == "" || r.URL == "" || r.UserAgent == "" || r.RemoteIP == "" || r.Latency < 0 {
		bad("a field is missing")
	}
	if r.Payload.Request != nil || r.Payload.Response != nil || r.Payload.Table != "" {
		bad("history has a payload")
	}
	counted := r.Usage.Source == inference.UsageProvider
	if counted != (r.Usage.Input != nil) || counted != (r.Usage.Total != nil) {
		bad("usage and its source disagree")
	}
	if counted && *r.Usage.Total != *r.Usage.Input+*r.Usage.Output {
		bad("the total is not the sum")
	}
	if r.Usage.CachedInput != nil && *r.Usage.CachedInput > *r.Usage.Input || r.Usage.Reasoning != nil && *r.Usage.Reasoning > *r.Usage.Output {
		bad("a part is more than the whole")
	}
	hit := r.Cache != nil && r.Cache.Hit
	if (r.Cost != nil) != ((counted || hit) && r.Target.Provider != "custom") || hit && (counted || r.Cost != nil && r.Cost.NanoUSD != 0) {
		bad("cost")
	}
	if (r.Outcome == inference.Refused || hit) != (len(r.Attempts) == 0) {
		bad("attempts of a refused call, or of one from the cache")
	}
	if (r.Purpose != "") != (r.Parent != inference.ID{}) {
		bad("whose call it is")
	}
	if r.TimeToFirstToken != nil && (!r.Streaming || *r.TimeToFirstToken > r.Latency) {
		bad("time to first token")
	}
	switch r.Outcome {
	case inference.OK, inference.ClientGone, inference.UpstreamBroken:
		if r.Status != 200 || !hit && r.Answered().Status != 200 || r.Target.ServedEntityID != "id-"+r.Target.Endpoint+"-"+r.Target.ServedEntity {
			bad("an answered call")
		}
	default:
		if r.Status < 400 || r.ErrorCode == "" || r.ErrorMessage == "" {
			bad("a failed call")
		}
	}
}

func TestHistoryFollowsItsSeed(t *testing.T) {
	c := config()
	c.Records = 3000
	a, b := slices.Collect(demo.History(c)), slices.Collect(demo.History(c))
	if d := cmp.Diff(a, b); d != "" {
		t.Errorf("one config, two histories:\n%.2000s", d)
	}
	c.Seed++
	if slices.Collect(demo.History(c))[0].ID == a[0].ID {
		t.Error("another seed, the same history")
	}
}

// What lakegate asked by itself is among the records, in order, and hangs together.
func TestHistoryHasExperiments(t *testing.T) {
	c := config()
	compared := map[inference.ID]*inference.Comparison{}
	c.Compared = func(v *inference.Comparison) { compared[v.RequestID] = v }
	all := slices.Collect(demo.History(c))
	if len(all) != c.Records || !slices.IsSortedFunc(all, func(a, b *inference.Record) int { return a.Time.Compare(b.Time) }) {
		t.Fatalf("%d records, or not in order of time", len(all))
	}
	byID, purposes := map[inference.ID]*inference.Record{}, map[string]int{}
	actions, stages, versions, hits := map[string]int{}, map[string]int{}, map[int64]int{}, 0
	for _, r := range all {
		check(t, r)
		byID[r.ID] = r
		purposes[r.Purpose]++
		versions[r.PromptVersion]++
		if r.Cache != nil && r.Cache.Hit {
			hits++
		}
		for i, a := range r.Attempts {
			actions[a.Action]++
			if stage, is := strings.CutPrefix(a.Why, "rollout: "); is && i == 0 {
				stages[stage]++
			}
		}
	}
	for _, r := range all {
		if r.Purpose != "" && (byID[r.Parent] == nil || byID[r.Parent].Purpose != "" || r.Time.Before(byID[r.Parent].Time)) {
			t.Fatalf("nobody made the call that %s %s was made beside", r.Purpose, r.ID)
		}
	}
	names := map[string]int{}
	for _, v := range compared {
		names[v.Name]++
		mine, other, judge := byID[v.RequestID], byID[v.OtherID], byID[v.JudgeID]
		if mine == nil || other == nil || judge == nil || *v.JudgeCost != judge.Cost.NanoUSD || judge.Target.Endpoint != demo.Judge {
			t.Fatalf("comparison %+v of %v, %v, %v", v, mine, other, judge)
		}
	}
	if len(names) != 3 || purposes[inference.PurposeCompare] != len(compared) || purposes[inference.PurposeJudge] != len(compared) {
		t.Errorf("%v comparisons, %v", names, purposes)
	}
	within(t, "shadows", purposes[inference.PurposeShadow], 200, 2_000)
	within(t, "comparisons", len(compared), 300, 3_000)
	within(t, "races", actions[inference.ActionRace], 100, 3_000)
	within(t, "hits", hits, 500, 5_000)
	if len(stages) != 4 || len(versions) != 4 {
		t.Errorf("rollout %v, prompts %v", stages, versions)
	}
}

// What a viewer of the demo is told to look for must be there.
func TestHistoryStandsOut(t *testing.T) {
	c := config()
	users, models, projects := map[string]int{}, map[string]int{}, map[string]int{}
	outcomes, statuses := map[inference.Outcome]int{}, map[int]int{}
	teamTags, weekend, fallbacks, untagged, unpriced, cached := map[string]int{}, 0, 0, 0, 0, 0
	for r := range demo.History(c) {
		users[r.Principal.Name]++
		models[r.Target.Model]++
		projects[r.UsageContext["project"]]++
		teamTags[r.UsageContext["team"]]++
		outcomes[r.Outcome]++
		statuses[r.Status]++
		if r.Cost == nil && r.Usage.Input != nil {
			unpriced++
		}
		if d := r.Time.Weekday(); d == time.Saturday || d == time.Sunday {
			weekend++
		}
		if len(r.Attempts) > 1 && r.Outcome == inference.OK {
			fallbacks++
		}
		if len(r.UsageContext) == 0 {
			untagged++
		}
		if r.Usage.CachedInput != nil && *r.Usage.CachedInput > 0 {
			cached++
		}
	}
	delete(users, "")
	delete(teamTags, "")
	delete(projects, "")
	if len(users) != 40 || len(teamTags) != 5 || len(projects) != 10 {
		t.Errorf("%d users, %d teams, %d projects", len(users), len(teamTags), len(projects))
	}
	for _, m := range []string{"gpt-5-2025-08-07", "gpt-5-mini-2025-08-07", "gpt-4o-mini-2024-07-18", "gpt-5-codex", "text-embedding-3-small", "llama-3.3-70b-instruct"} {
		if models[m] < 500 {
			t.Errorf("model %s answered %d times", m, models[m])
		}
	}
	for _, o := range []inference.Outcome{inference.OK, inference.Refused, inference.UpstreamError, inference.UpstreamBroken, inference.Timeout, inference.ClientGone} {
		if outcomes[o] < 5 {
			t.Errorf("outcome %s happened %d times", o, outcomes[o])
		}
	}
	for _, s := range []int{200, 400, 401, 404, 429, 500, 503, 504} {
		if statuses[s] < 5 {
			t.Errorf("status %d happened %d times", s, statuses[s])
		}
	}
	within(t, "untagged", untagged, c.Records/12, c.Records/8)
	within(t, "unpriced", unpriced, c.Records/100, c.Records/10)
	within(t, "weekend", weekend, c.Records/25, c.Records/7)
	within(t, "fallbacks", fallbacks, 200, c.Records/20)
	within(t, "cached", cached, c.Records/10, c.Records/2)
}

// The two days that stand out are working days, whatever day it is.
func TestHistoryHasItsTwoDays(t *testing.T) {
	for days := range 7 {
		c := config()
		c.Now, c.Records = now.AddDate(0, 0, days), 10_000
		cost, failed := map[string]int64{}, map[string]int{}
		for r := range demo.History(c) {
			day := r.Time.Format(time.DateOnly)
			if r.Cost != nil {
				cost[day] += r.Cost.NanoUSD
			}
			if r.Status >= 500 {
				failed[day]++
			}
		}
		aboutDaysAgo(t, "the outage", c.Now, worst(failed), 12)
		aboutDaysAgo(t, "the expensive day", c.Now, worst(cost), 5)
	}
}

func aboutDaysAgo(t *testing.T, what string, now time.Time, day string, days int) {
	t.Helper()
	d, err := time.Parse(time.DateOnly, day)
	if err != nil {
		t.Fatal(err)
	}
	if ago := int(now.Sub(d).Hours() / 24); ago < days || ago > days+2 {
		t.Errorf("%s is on %s, %d days ago", what, day, ago)
	}
}

func within(t *testing.T, what string, got, from, to int) {
	t.Helper()
	if got < from || got > to {
		t.Errorf("%s: %d, want %d to %d", what, got, from, to)
	}
}

func worst[N int | int64](by map[string]N) string {
	var day string
	for d, n := range by {
		if day == "" || n > by[day] {
			day = d
		}
	}
	return day
}

func TestHistoryStopsWhenToldTo(t *testing.T) {
	n := 0
	for range demo.History(config()) {
		if n++; n == 10 {
			break
		}
	}
	if n != 10 {
		t.Errorf("%d records", n)
	}
}

func TestHistoryConfigIsChecked(t *testing.T) {
	for _, change := range []func(*demo.HistoryConfig){
		func(c *demo.HistoryConfig) { c.Now = time.Time{} },
		func(c *demo.HistoryConfig) { c.Days = 1 },
		func(c *demo.HistoryConfig) { c.Records = -1 },
	} {
		c := config()
		change(&c)
		if c.Validate() == nil {
			t.Errorf("accepted %+v", c)
		}
		for range demo.History(c) {
			t.Error("an invalid config has a history")
			break
		}
	}
}

func TestWorldHoldsTogether(t *testing.T) {
	names := map[string]bool{}
	for _, e := range demo.Endpoints() {
		sum := 0
		for _, x := range e.Entities {
			sum += x.Percent
		}
		if sum != 100 {
			t.Errorf("%s: %d %% in all", e.Name, sum)
		}
		names[e.Name] = true
	}
	members := map[string]bool{}
	for _, team := range demo.Teams() {
		for _, e := range team.Endpoints {
			if !names[e] {
				t.Errorf("%s calls %s, which is not there", team.Name, e)
			}
		}
		for _, m := range team.Members {
			if members[m] || !strings.Contains(m, "@") && len(m) != 36 {
				t.Errorf("member %q", m)
			}
			members[m] = true
		}
	}
	if len(members) != 40 {
		t.Errorf("%d members", len(members))
	}
}
