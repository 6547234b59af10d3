package control

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/internal/endpoints"
)

// The actions of prompts, words of our own.
const (
	activatePrompt = "activateServingEndpointPrompt"
	addPrompt      = "addServingEndpointPromptVersion"
)

// ActivatePrompt says which versions of an endpoint's prompt answer: {"version": 1}, or
// {"active": {"1": 90, "2": 10}}.
func (p *Plane) ActivatePrompt(ctx context.Context, a *Actor, name string, body []byte) error {
	return p.edit(ctx, a, name, activatePrompt, body, func(s, body spec) error {
		if err := only(body, "version", "active"); err != nil {
			return err
		}
		active := body["version"]
		if active == nil {
			active = body["active"]
		} else if body["active"] != nil {
			return apierr.New(apierr.InvalidParameter, "Invalid value for field active: give either it or version").At("active")
		}
		if active == nil {
			return apierr.New(apierr.InvalidParameter, "Invalid value for field version: want the number of the version that is to answer").At("version")
		}
		prompt := promptOf(s)
		if prompt == nil {
			return noPrompt(name)
		}
		prompt["active"] = active
		return nil
	})
}

// AddPrompt adds a version to an endpoint's prompt and returns its number, which is one above the
// highest there is or ever was. The body is a version as in a specification; with "activate": true it
// answers at once, else it has to be activated. An endpoint without prompt gets one.
func (p *Plane) AddPrompt(ctx context.Context, a *Actor, name string, body []byte) (number int64, err error) {
	err = p.edit(ctx, a, name, addPrompt, body, func(s, body spec) error {
		if body["version"] != nil {
			return apierr.New(apierr.InvalidParameter, "Invalid value for field version: a new version gets the next number by itself").At("version")
		}
		activate, ok := body["activate"].(bool)
		if !ok && body["activate"] != nil {
			return apierr.New(apierr.InvalidParameter, "Invalid value for field activate: want true or false").At("activate")
		}
		delete(body, "activate")
		texts, err := p.promptTexts(ctx, name)
		if err != nil {
			return err
		}
		newest := highest(promptVersions(s))
		number = max(newest, highest(texts)) + 1
		body["version"] = json.Number(strconv.FormatInt(number, 10))
		prompt := promptOf(s)
		if prompt == nil {
			prompt, activate = map[string]any{}, true
			block(s)["prompt"] = prompt
		}
		list, _ := prompt["versions"].([]any)
		prompt["versions"] = append(slices.Clip(list), map[string]any(body))
		if activate {
			prompt["active"] = body["version"]
		} else if prompt["active"] == nil {
			prompt["active"] = json.Number(strconv.FormatInt(newest, 10)) // which has gone without saying
		}
		return nil
	})
	return number, err
}

func noPrompt(name string) error {
	return apierr.New(apierr.InvalidParameter, "Endpoint '%s' has no prompt", clip(name))
}

// block returns the specification's block of what Databricks has not, made if need be.
func block(s spec) map[string]any {
	b, _ := s["lakegate"].(map[string]any)
	if b == nil {
		b = map[string]any{}
		s["lakegate"] = b
	}
	return b
}

// promptOf returns the prompt of a specification, or nil.
func promptOf(s spec) map[string]any {
	b, _ := s["lakegate"].(map[string]any)
	prompt, _ := b["prompt"].(map[string]any)
	return prompt
}

// promptVersions returns what a caller can notice of each version of a specification's prompt, by
// its number.
func promptVersions(s spec) map[string]string {
	texts := map[string]string{}
	for v := range objects(promptOf(s)["versions"]) {
		number, ok := v["version"].(json.Number)
		if !ok {
			continue // it is refused by its own check
		}
		variables := map[string]any{}
		declared, _ := v["variables"].(map[string]any)
		for name, x := range declared {
			x, _ := x.(map[string]any)
			variables[name] = x["default"]
		}
		texts[number.String()] = string(raw([]any{v["messages"], v["parameters"], variables}))
	}
	return texts
}

func highest(texts map[string]string) (most int64) {
	for number := range texts {
		if n, err := strconv.ParseInt(number, 10, 64); err == nil {
			most = max(most, n)
		}
	}
	return most
}

// promptTexts returns every version that the endpoint's prompt has had since it was made.
func (p *Plane) promptTexts(ctx context.Context, name string) (map[string]string, error) {
	history, err := p.Store.History(ctx, name, MaxHistory)
	if err != nil {
		return nil, unreachable(err)
	}
	texts := map[string]string{}
	for _, d := range history {
		if d.Deleted {
			texts = map[string]string{} // what comes after is another endpoint
			continue
		}
		if s, err := object(d.Spec); err == nil {
			for number, text := range promptVersions(s) {
				texts[number] = text
			}
		}
	}
	return texts, nil
}

// keepsPrompts refuses a change that gives a version of a prompt another text: rows tell by its number
// what was asked. A version may be taken away, and come back as it was.
func (p *Plane) keepsPrompts(ctx context.Context, old, next *endpoints.Document) error {
	s, err := object(next.Spec)
	if err != nil || old == nil || old.Deleted {
		return err
	}
	is := promptVersions(s)
	var was map[string]string
	if s, err := object(old.Spec); err == nil {
		was = promptVersions(s)
	}
	for number := range is {
		if _, known := was[number]; !known {
			if was, err = p.promptTexts(ctx, next.Name); err != nil {
				return err
			}
			break
		}
	}
	for number, text := range is {
		if before, known := was[number]; known && before != text {
			return apierr.New(apierr.InvalidParameter, "Invalid value for field lakegate.prompt.versions: version %s of the prompt of endpoint '%s' can't be changed, since a number means one text for ever: add version %d",
				number, clip(next.Name), max(highest(was), highest(is))+1).At("lakegate.prompt.versions")
		}
	}
	return nil
}
