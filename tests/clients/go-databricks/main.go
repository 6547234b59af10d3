// Command lakegate-clients-databricks is Databricks' Go SDK against a running lakegate, unmodified
// but for host and token: an endpoint made, waited for, listed, changed, permitted, called and
// deleted, with a reference to its provider's key and with the key itself. Each case checks what the
// SDK returns and prints one JSON line, as the program in the folder beside this one does.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/databricks/databricks-sdk-go"
	"github.com/databricks/databricks-sdk-go/apierr"
	"github.com/databricks/databricks-sdk-go/service/iam"
	"github.com/databricks/databricks-sdk-go/service/serving"
	"github.com/databricks/databricks-sdk-go/service/sql"
	"github.com/databricks/databricks-sdk-go/service/workspace"
)

type row map[string]any

type line struct {
	Case     string `json:"case"`
	Error    string `json:"error"`
	ClientID string `json:"client_request_id"`
	Row      row    `json:"row"`
	NoRow    bool   `json:"no_row"`
	MoreRows int    `json:"more_rows"`
}

const (
	question   = "What is the weather in Paris?"
	me, narrow = "sdk@example.com", "narrow@example.com"
)

var (
	ctx         = context.Background()
	providerKey = os.Getenv("LAKEGATE_PROVIDER_KEY")
)

func client(token string) *databricks.WorkspaceClient {
	w, err := databricks.NewWorkspaceClient(&databricks.Config{Host: os.Getenv("LAKEGATE_URL"), Token: token, AuthType: "pat"})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return w
}

var w = client(os.Getenv("LAKEGATE_KEY"))

// faults collects what is wrong in a case.
type faults []string

func (f *faults) expect(what string, got, want any) {
	if !reflect.DeepEqual(got, want) {
		*f = append(*f, fmt.Sprintf("%s is %v, want %v", what, got, want))
	}
}

func (f *faults) fine(what string, err error) {
	if err != nil {
		*f = append(*f, fmt.Sprintf("%s: %v", what, err))
	}
}

// refused wants an error of the SDK's own kind.
func (f *faults) refused(what string, err, kind error) {
	if !errors.Is(err, kind) {
		*f = append(*f, fmt.Sprintf("%s: %v, want %v", what, err, kind))
	}
}

// hides wants answers without the provider's key.
func (f *faults) hides(what string, answers ...any) {
	if b, err := json.Marshal(answers); err != nil || strings.Contains(string(b), providerKey) {
		*f = append(*f, what+" shows the provider's key")
	}
}

func entity(name, model, address, key, plain string) serving.ServedEntityInput {
	return serving.ServedEntityInput{Name: name, ExternalModel: &serving.ExternalModel{
		Name: model, Provider: serving.ExternalModelProviderOpenai, Task: "llm/v1/chat",
		OpenaiConfig: &serving.OpenAiConfig{OpenaiApiKey: key, OpenaiApiKeyPlaintext: plain, OpenaiApiBase: address},
	}}
}

func ask(name, id string) serving.QueryEndpointInput {
	return serving.QueryEndpointInput{
		Name: name, ClientRequestId: id, UsageContext: map[string]string{"team": "go", "case": "databricks"},
		Messages: []serving.ChatMessage{{Role: serving.ChatMessageRoleUser, Content: question}},
	}
}

func answered(r *serving.QueryEndpointResponse, name, requester string) row {
	return row{
		"status_code": 200, "outcome": "ok", "usage_source": "provider", "request_streaming": false, "requester": requester, "team": "go", "case": "databricks",
		"input_token_count": r.Usage.PromptTokens, "output_token_count": r.Usage.CompletionTokens, "endpoint_name": name,
	}
}

// query returns what system tables say.
func query(f *faults, statement string) [][]string {
	r, err := w.StatementExecution.ExecuteStatement(ctx, sql.ExecuteStatementRequest{WarehouseId: "lakegate", WaitTimeout: "30s", Statement: statement})
	f.fine("query", err)
	if err != nil || r.Result == nil {
		return nil
	}
	return r.Result.DataArray
}

func audited(f *faults, name string) []string {
	var all []string
	for _, r := range query(f, `SELECT action_name, user_identity.email, response.status_code FROM system.access.audit
		WHERE request_params['name'] = '`+name+`' ORDER BY event_time`) {
		all = append(all, strings.Join(r, " "))
	}
	return all
}

// sendBack is what was read, as it is sent.
func sendBack(f *faults, read []serving.ServedEntityOutput) []serving.ServedEntityInput {
	var in []serving.ServedEntityInput
	b, err := json.Marshal(read)
	f.fine("marshal", errors.Join(err, json.Unmarshal(b, &in)))
	return in
}

func fromCreationToDeletion() (l line, f faults) {
	const name = "shared-go-sdk"
	api := w.ServingEndpoints
	address := os.Getenv("LAKEGATE_RECORDED") + "/openai/v1"
	first := entity("model", "text", address, "{{secrets/provider/key}}", "")
	create := serving.CreateServingEndpoint{
		Name: name, Config: &serving.EndpointCoreConfigInput{Name: name, ServedEntities: []serving.ServedEntityInput{first}},
		Tags: []serving.EndpointTag{{Key: "team", Value: "go"}},
	}
	wait, err := api.Create(ctx, create)
	if f.fine("create", err); err != nil {
		return l, f
	}
	e, err := wait.Get()
	if f.fine("wait", err); err != nil {
		return l, f
	}
	f.expect("creator", e.Creator, me)
	f.expect("state", e.State.Ready, serving.EndpointStateReadyReady)
	_, err = api.Create(ctx, create)
	f.refused("a second one", err, apierr.ErrResourceAlreadyExists)
	listed, err := api.ListAll(ctx)
	f.fine("list", err)
	f.expect("listed", slices.ContainsFunc(listed, func(e serving.ServingEndpoint) bool { return e.Name == name && e.Creator == me }), true)

	read, err := api.GetByName(ctx, name)
	f.fine("get", err)
	spare := first
	spare.Name = "spare"
	e, err = api.UpdateConfigAndWait(ctx, serving.EndpointCoreConfigInput{
		Name: name, ServedEntities: append(sendBack(&f, read.Config.ServedEntities), spare),
		TrafficConfig: &serving.TrafficConfig{Routes: []serving.Route{
			{ServedEntityName: "model", TrafficPercentage: 100}, {ServedEntityName: "spare", TrafficPercentage: 0, ForceSendFields: []string{"TrafficPercentage"}},
		}},
	})
	if f.fine("update", err); err == nil {
		f.expect("entities", len(e.Config.ServedEntities), 2)
	}
	g, err := api.PutAiGateway(ctx, serving.PutAiGatewayRequest{Name: name, RateLimits: []serving.AiGatewayRateLimit{
		{Calls: 100, Key: serving.AiGatewayRateLimitKeyUser, RenewalPeriod: serving.AiGatewayRateLimitRenewalPeriodMinute},
	}})
	if f.fine("ai-gateway", err); err == nil {
		f.expect("limits", len(g.RateLimits), 1)
	}
	tags, err := api.Patch(ctx, serving.PatchServingEndpointTags{Name: name, AddTags: []serving.EndpointTag{{Key: "stage", Value: "test"}}, DeleteTags: []string{"team"}})
	if f.fine("tags", err); err == nil {
		f.expect("tags", len(tags.Tags) == 1 && tags.Tags[0].Key == "stage" && tags.Tags[0].Value == "test", true)
	}
	other := client(os.Getenv("LAKEGATE_NARROW_KEY")).ServingEndpoints
	_, err = other.GetByName(ctx, name)
	f.refused("reading before the grant", err, apierr.ErrNotFound)
	_, err = other.Query(ctx, ask(name, "go-databricks-refused"))
	f.refused("a call before the grant", err, apierr.ErrPermissionDenied)
	acl, err := api.UpdatePermissions(ctx, serving.ServingEndpointPermissionsRequest{ServingEndpointId: e.Id, AccessControlList: []serving.ServingEndpointAccessControlRequest{
		{GroupName: "narrow", PermissionLevel: serving.ServingEndpointPermissionLevelCanQuery},
	}})
	if f.fine("permissions", err); err == nil {
		f.expect("grants", len(acl.AccessControlList), 3)
	}
	r, err := other.Query(ctx, ask(name, "go-databricks-narrow"))
	if f.fine("call", err); err == nil {
		f.expect("answer", strings.Contains(r.Choices[0].Message.Content, "Paris"), true)
		l.Row = answered(r, name, narrow)
	}
	_, err = api.UpdateNotifications(ctx, serving.UpdateInferenceEndpointNotifications{Name: name})
	f.refused("notifications", err, apierr.ErrNotImplemented)
	f.refused("deletion by who may only call", other.DeleteByName(ctx, name), apierr.ErrPermissionDenied)
	f.fine("delete", api.DeleteByName(ctx, name))
	_, err = api.GetByName(ctx, name)
	f.refused("reading what is deleted", err, apierr.ErrNotFound)
	f.expect("audit", audited(&f, name), []string{
		"createServingEndpoint " + me + " 200", "createServingEndpoint " + me + " 409", "updateServingEndpointConfig " + me + " 200",
		"putServingEndpointAiGateway " + me + " 200", "patchServingEndpointTags " + me + " 200", "changeServingEndpointAcl " + me + " 200",
		"deleteServingEndpoint " + narrow + " 403", "deleteServingEndpoint " + me + " 200",
	})
	versions := query(&f, `SELECT DISTINCT created_by FROM system.serving.served_entities WHERE endpoint_name = '`+name+`'`)
	f.expect("served entities", len(versions) > 0, true)
	l.ClientID, l.MoreRows = "go-databricks-narrow", 1 // the refused call
	return l, f
}

// kept is how many secrets that came with endpoints the gateway keeps.
func kept(f *faults) int {
	all, err := w.Secrets.ListSecretsAll(ctx, workspace.ListSecretsRequest{Scope: "lakegate-endpoints"})
	if errors.Is(err, apierr.ErrNotFound) {
		return 0
	}
	f.fine("list secrets", err)
	return len(all)
}

func keyInTheRequest() (l line, f faults) {
	const name = "shared-go-plain"
	api, before := w.ServingEndpoints, kept(&f)
	config := func(key string) serving.EndpointCoreConfigInput {
		return serving.EndpointCoreConfigInput{Name: name, ServedEntities: []serving.ServedEntityInput{entity("model", "gpt-4o-mini", os.Getenv("LAKEGATE_SCRIPTED")+"/v1", "", key)}}
	}
	first := config(providerKey)
	made, err := api.CreateAndWait(ctx, serving.CreateServingEndpoint{Name: name, Config: &first})
	if f.fine("create", err); err != nil {
		return l, f
	}
	read, err := api.GetByName(ctx, name)
	f.fine("get", err)
	f.expect("key", read.Config.ServedEntities[0].ExternalModel.OpenaiConfig.OpenaiApiKey, "")
	again, err := api.UpdateConfigAndWait(ctx, serving.EndpointCoreConfigInput{Name: name, ServedEntities: sendBack(&f, read.Config.ServedEntities)})
	f.fine("update with what was read", err)
	f.hides("an answer", made, read, again)
	r, err := api.Query(ctx, ask(name, "go-databricks-plain"))
	if f.fine("call", err); err == nil {
		l.Row = answered(r, name, me)
	}
	f.expect("kept", kept(&f), before+1)
	_, err = api.UpdateConfigAndWait(ctx, config("sk-another"))
	f.fine("another key", err)
	_, err = api.Query(ctx, ask(name, "go-databricks-wrong"))
	f.expect("a call with another key", err != nil && strings.Contains(err.Error(), "the provider refused the gateway's key"), true)
	f.fine("delete", api.DeleteByName(ctx, name))
	f.expect("kept", kept(&f), before)
	f.hides("the audit", query(&f, `SELECT to_json(request_params) FROM system.access.audit`))
	l.ClientID, l.MoreRows = "go-databricks-plain", 1
	return l, f
}

func whoAmI() (l line, f faults) {
	u, err := w.CurrentUser.Me(ctx, iam.MeRequest{})
	if f.fine("me", err); err == nil {
		f.expect("user", u.UserName, me)
	}
	_, err = w.CurrentWorkspaceID(ctx)
	f.fine("workspace", err)
	l.NoRow = true
	return l, f
}

func main() {
	for _, c := range []struct {
		name string
		run  func() (line, faults)
	}{{"from creation to deletion", fromCreationToDeletion}, {"a key in the request", keyInTheRequest}, {"who am I", whoAmI}} {
		l, f := c.run()
		l.Case, l.Error = "databricks go "+c.name, strings.Join(f, "; ")
		if err := json.NewEncoder(os.Stdout).Encode(l); err != nil {
			os.Exit(1)
		}
	}
}
