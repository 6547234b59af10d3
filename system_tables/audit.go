package systemtables

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/google/uuid"

	"github.com/lakegate/lakegate/internal/inference"
	ts "github.com/lakegate/lakegate/internal/tableschema"
)

// Audit is system.access.audit: who changed what through the API, or tried to.
func Audit() *ts.Table { return audit }

var audit = mustTable(&ts.Table{
	Name:    ts.Name{Catalog: "system", Schema: "access", Table: "audit"},
	Comment: "One row per change of the control plane that was asked for through the API, done or refused.",
	Columns: []ts.Column{
		{Name: "account_id", Type: text, Comment: "The installation's account."},
		{Name: "workspace_id", Type: text, Comment: "The installation's workspace."},
		{Name: "version", Type: text, Comment: "Version of this shape: 2.0."},
		{Name: "event_time", Type: moment, Comment: "When it was answered, UTC."},
		{Name: "event_date", Type: ts.Type{Kind: ts.Date}, Comment: "The day of event_time."},
		{Name: "source_ip_address", Type: text, Comment: "Where the request came from.", NoStats: true},
		{Name: "user_agent", Type: text, Comment: "The client, as it named itself.", NoStats: true},
		{Name: "session_id", Type: text, Comment: "As in Databricks' table; NULL here."},
		{Name: "user_identity", Type: ts.StructOf(
			ts.Column{Name: "email", Type: text, Comment: "The principal whose key it was."},
			ts.Column{Name: "subject_name", Type: text, Comment: "As in Databricks' table; NULL here."},
		), Comment: "Who asked for it.", NoStats: true},
		{Name: "service_name", Type: text, Comment: "serverlessRealTimeInference: serving endpoints."},
		{Name: "action_name", Type: text, Comment: "What was asked for: createServingEndpoint, updateServingEndpointConfig, deleteServingEndpoint, ..."},
		{Name: "request_id", Type: text, Comment: "Id of the request, as its answer has it in x-request-id."},
		{Name: "request_params", Type: ts.StringMap(), Comment: "name of the endpoint; of what was done also its new version, and diff: a JSON list of path, from and to. No secrets.", NoStats: true},
		{Name: "response", Type: ts.StructOf(
			ts.Column{Name: "status_code", Type: small, Comment: "HTTP status."},
			ts.Column{Name: "error_message", Type: text, Comment: "Why it was refused; NULL when it was not."},
			ts.Column{Name: "result", Type: text, Comment: "As in Databricks' table; NULL here."},
		), Comment: "What the request was answered.", NoStats: true},
		{Name: "audit_level", Type: text, Comment: "WORKSPACE_LEVEL."},
		{Name: "event_id", Type: text, Comment: "Unique id of the row."},
	},
})

// Positions of audit's columns, in order.
const (
	aAccountID = iota
	aWorkspaceID
	aVersion
	aTime
	aDate
	aSourceIP
	aUserAgent
	aSession
	aIdentity
	aService
	aAction
	aRequestID
	aParams
	aResponse
	aLevel
	aEventID
)

// AuditFeed turns changes of the control plane into rows of system.access.audit.
type AuditFeed struct {
	cfg    Config
	schema schemaCheck
	row    row
}

// NewAuditFeed returns a feed whose rows carry cfg.
func NewAuditFeed(cfg Config) *AuditFeed {
	return &AuditFeed{cfg: cfg, schema: schemaCheck{want: audit.Arrow()}}
}

// Table returns audit for a change of the control plane and nil for any other fact.
func (f *AuditFeed) Table(fact inference.Fact) *ts.Table {
	if fact.Audit == nil {
		return nil
	}
	return audit
}

// Append adds the change's row to b, or nothing and says why.
func (f *AuditFeed) Append(b *array.RecordBuilder, fact inference.Fact) error {
	a := fact.Audit
	if a == nil || a.Time.IsZero() {
		return fmt.Errorf("row of %s: %w", audit.Name, errors.New("the fact is not a change with a time"))
	}
	if err := f.schema.check(b); err != nil {
		return fmt.Errorf("row of %s: %w", audit.Name, err)
	}
	r := &f.row
	r.b = b
	r.text(aAccountID, f.cfg.AccountID)
	r.text(aWorkspaceID, f.cfg.WorkspaceID)
	r.text(aVersion, "2.0")
	r.moment(aTime, a.Time)
	r.date(aDate, a.Time)
	r.text(aSourceIP, a.RemoteIP)
	r.text(aUserAgent, a.UserAgent)
	r.text(aSession, "")
	who := b.Field(aIdentity).(*array.StructBuilder)
	who.Append(true)
	text1(who.FieldBuilder(0).(*array.StringBuilder), a.Actor)
	text1(who.FieldBuilder(1).(*array.StringBuilder), "")
	r.text(aService, a.Service)
	r.text(aAction, a.Action)
	r.text(aRequestID, a.RequestID)
	r.tags(aParams, a.Params)
	answer := b.Field(aResponse).(*array.StructBuilder)
	answer.Append(true)
	status1(answer.FieldBuilder(0).(*array.Int32Builder), a.Status)
	text1(answer.FieldBuilder(1).(*array.StringBuilder), a.Error)
	text1(answer.FieldBuilder(2).(*array.StringBuilder), "")
	r.text(aLevel, "WORKSPACE_LEVEL")
	r.text(aEventID, eventID(a))
	r.b = nil
	return nil
}

// eventID is made from the change, so that a row built twice is the same row.
func eventID(a *inference.Audit) string {
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte(a.RequestID+"\x00"+a.Action+"\x00"+strconv.FormatInt(a.Time.UnixNano(), 10))).String()
}
