// Package demo makes the traffic of `lakegate demo`: a made-up company's calls of the last weeks
// as records ([History]), and real requests of its teams through a running gateway ([Traffic]).
//
// History is the same for the same config: it promises which days, teams and models stand out,
// not that a table changes nothing between versions. Every record is marked as generated, has no
// payload, and has the cost its Price function says. Traffic plays against a gateway whose
// endpoints and keys are those of [Endpoints] and [Teams] and whose provider is the scripted one
// (cmd/fakellm), and reports for each request what its sender saw, so that the rows can be
// compared. Nothing here leaves the machine or is used outside the demo.
package demo

import (
	"fmt"
	"slices"
)

// Endpoint is an endpoint of the demo.
type Endpoint struct {
	Name     string
	Task     string
	Payload  bool // bodies are kept
	Fallback bool
	Entities []Entity
}

// Entity is a model behind an endpoint.
type Entity struct {
	Name     string
	Provider string // openai, or custom for the model the company runs itself
	Model    string // as it is configured
	Answers  string // as the provider's answers name it
	Percent  int    // of the traffic; 0 gets fallbacks only
}

// Team is a team, its API key and who works there.
type Team struct {
	Name       string
	Key        string // name of its API key
	Principal  string // whose key it is
	Service    bool   // the principal is a program
	CostCenter string // server-side tag of the key
	Projects   []string
	Endpoints  []string // it may call
	Members    []string // e-mail addresses, or application ids of programs
	Weight     float64  // share of the calls
}

const (
	taskChat       = "llm/v1/chat"
	taskEmbeddings = "llm/v1/embeddings"
)

// entity returns the entity of a name that the endpoint has.
func (e *Endpoint) entity(name string) Entity {
	return e.Entities[slices.IndexFunc(e.Entities, func(x Entity) bool { return x.Name == name })]
}

// Endpoints returns the six endpoints. The caller owns the slice.
func Endpoints() []Endpoint {
	return []Endpoint{
		{Name: "chat", Task: taskChat, Payload: true, Fallback: true, Entities: []Entity{
			{"gpt-5-mini", "openai", "gpt-5-mini", "gpt-5-mini-2025-08-07", 80},
			{"gpt-4o-mini", "openai", "gpt-4o-mini", "gpt-4o-mini-2024-07-18", 8},
			{"llama", "custom", "llama-3.3-70b-instruct", "llama-3.3-70b-instruct", 12},
			{"gpt-5-nano", "openai", "gpt-5-nano", "gpt-5-nano-2025-08-07", 0},
		}},
		{Name: "assistant", Task: taskChat, Payload: true, Fallback: true, Entities: []Entity{
			{"gpt-5", "openai", "gpt-5", "gpt-5-2025-08-07", 100},
			{"gpt-5-mini", "openai", "gpt-5-mini", "gpt-5-mini-2025-08-07", 0},
		}},
		{Name: "code", Task: taskChat, Fallback: true, Entities: []Entity{
			{"codex-next", "openai", "gpt-5.1-codex", "gpt-5.1-codex", 100},
			{"gpt-5", "openai", "gpt-5", "gpt-5-2025-08-07", 0},
			{"codex", "openai", "gpt-5-codex", "gpt-5-codex", 0},
		}},
		{Name: "search-embeddings", Task: taskEmbeddings, Entities: []Entity{
			{"embedding", "openai", "text-embedding-3-small", "text-embedding-3-small", 100},
		}},
		{Name: "ticket-summary", Task: taskChat, Fallback: true, Entities: []Entity{
			{"gpt-5-mini", "openai", "gpt-5-mini", "gpt-5-mini-2025-08-07", 100},
			{"gpt-4o-mini", "openai", "gpt-4o-mini", "gpt-4o-mini-2024-07-18", 0},
		}},
		{Name: Judge, Task: taskChat, Entities: []Entity{
			{"gpt-5.4", "openai", "gpt-5.4", "gpt-5.4-2026-03-05", 100},
		}},
	}
}

// Teams returns the five teams, 40 members in all. The caller owns the slice.
func Teams() []Team {
	return []Team{
		{
			Name: "search", Key: "search", Principal: "7a1c4e52-6f0e-4a43-9b57-1d2f3a4b5c6d", Service: true, CostCenter: "CC-410",
			Projects: []string{"semantic-search", "query-rewrite"}, Endpoints: []string{"search-embeddings", "chat"}, Weight: 0.30,
			Members: append(people("ana.silva", "ben.okafor", "chiara.rossi", "dmitri.volkov", "elif.demir"), programs("search", 3)...),
		},
		{
			Name: "support", Key: "support", Principal: "helpdesk@example.com", CostCenter: "CC-220",
			Projects: []string{"helpdesk-bot", "ticket-triage"}, Endpoints: []string{"chat", "assistant", "ticket-summary"}, Weight: 0.28,
			Members: append(people("farah.haddad", "george.mensah", "hana.suzuki", "ivan.petrov", "julia.nowak", "kofi.boateng"), programs("support", 2)...),
		},
		{
			Name: "platform", Key: "platform", Principal: "platform@example.com", CostCenter: "CC-130",
			Projects: []string{"code-review", "runbooks"}, Endpoints: []string{"code", "chat", "assistant"}, Weight: 0.22,
			Members: people("lena.fischer", "mateo.garcia", "nadia.rahman", "oscar.lund", "priya.nair", "quentin.roux", "rosa.marin", "sven.berg"),
		},
		{
			Name: "marketing", Key: "marketing", Principal: "marketing@example.com", CostCenter: "CC-330",
			Projects: []string{"campaigns", "translations"}, Endpoints: []string{"chat", "assistant"}, Weight: 0.11,
			Members: people("tara.singh", "umar.farooq", "vera.kovac", "will.jones", "xenia.popa", "yusuf.kaya", "zoe.martin", "adam.clark"),
		},
		{
			Name: "research", Key: "research", Principal: "research@example.com", CostCenter: "CC-510",
			Projects: []string{"summaries", "reindex"}, Endpoints: []string{"assistant", "chat", "search-embeddings"}, Weight: 0.09,
			Members: append(people("bea.lopez", "carl.weber", "dina.cohen", "emil.larsen", "fiona.walsh", "gita.rao", "hugo.blanc"), programs("research", 1)...),
		},
	}
}

func people(names ...string) []string {
	all := make([]string, len(names))
	for i, n := range names {
		all[i] = n + "@example.com"
	}
	return all
}

// programs are application ids of service principals.
func programs(team string, n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("%08x-0000-4000-8000-%012x", len(team)*7919+i, i+1)
	}
	return all
}
