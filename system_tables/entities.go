package systemtables

import (
	"errors"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/lakegate/lakegate/internal/inference"
	ts "github.com/lakegate/lakegate/internal/tableschema"
)

// ServedEntities is system.serving.served_entities: one row per change of a served entity.
func ServedEntities() *ts.Table { return servedEntities }

var servedEntities = mustTable(&ts.Table{
	Name:    ts.Name{Catalog: "system", Schema: "serving", Table: "served_entities"},
	Comment: "One row per change of a served entity; the newest row of a served_entity_id holds.",
	Columns: []ts.Column{
		{Name: "served_entity_id", Type: text, Comment: "Id of the served entity; joins endpoint_usage."},
		{Name: "account_id", Type: text, Comment: "The installation's account."},
		{Name: "workspace_id", Type: text, Comment: "The installation's workspace."},
		{Name: "created_by", Type: text, Comment: "Who made the change, of endpoints made through the API; NULL for changes of the configuration file, and for deletions: system.access.audit has those.", NoStats: true},
		{Name: "endpoint_name", Type: text, Comment: "The endpoint."},
		{Name: "endpoint_id", Type: text, Comment: "Id of the endpoint."},
		{Name: "served_entity_name", Type: text, Comment: "Name of the served entity within its endpoint."},
		{Name: "entity_type", Type: text, Comment: "EXTERNAL_MODEL or CUSTOM_MODEL; Databricks also has FEATURE_SPEC and FOUNDATION_MODEL."},
		{Name: "entity_name", Type: text, Comment: "The model behind it, as configured."},
		{Name: "entity_version", Type: text, Comment: "Version of the model; NULL for external ones."},
		{Name: "endpoint_config_version", Type: small, Comment: "Counts the changes of the endpoint, from 1."},
		{Name: "task", Type: text, Comment: "llm/v1/chat, llm/v1/completions or llm/v1/embeddings."},
		{Name: "external_model_config", Type: ts.StructOf(
			ts.Column{Name: "provider", Type: text, Comment: "Provider of the external model."},
		), Comment: "What is particular to an external model; NULL for others."},
		{Name: "foundation_model_config", Type: ts.StructOf(
			ts.Column{Name: "min_provisioned_throughput", Type: small, Comment: "Least throughput kept ready, in tokens per second."},
			ts.Column{Name: "max_provisioned_throughput", Type: small, Comment: "Most throughput, in tokens per second."},
		), Comment: "As in Databricks' table; NULL here."},
		{Name: "custom_model_config", Type: computeConfig(), Comment: "As in Databricks' table; NULL here."},
		{Name: "feature_spec_config", Type: computeConfig(), Comment: "As in Databricks' table; NULL here."},
		{Name: "change_time", Type: moment, Comment: "When the change was made, UTC, to the microsecond."},
		{Name: "endpoint_delete_time", Type: moment, Comment: "When the endpoint was removed, UTC; NULL while it is there."},
	},
})

func computeConfig() ts.Type {
	return ts.StructOf(
		ts.Column{Name: "min_concurrency", Type: small, Comment: "Fewest requests at a time it is sized for."},
		ts.Column{Name: "max_concurrency", Type: small, Comment: "Most requests at a time it is sized for."},
		ts.Column{Name: "compute_type", Type: text, Comment: "Kind of machine."},
	)
}

// Positions of served_entities' columns, in order.
const (
	eServedEntityID = iota
	eAccountID
	eWorkspaceID
	eCreatedBy
	eEndpointName
	eEndpointID
	eServedEntityName
	eEntityType
	eEntityName
	eEntityVersion
	eConfigVersion
	eTask
	eExternalModel
	eFoundationModel
	eCustomModel
	eFeatureSpec
	eChangeTime
	eDeleteTime
	entityColumns
)

// EntityFeed turns changes of served entities into rows of system.serving.served_entities.
type EntityFeed struct {
	cfg    Config
	schema schemaCheck
	row    row
}

// NewEntityFeed returns a feed whose rows carry cfg.
func NewEntityFeed(cfg Config) *EntityFeed {
	return &EntityFeed{cfg: cfg, schema: schemaCheck{want: servedEntities.Arrow()}}
}

// Table returns served_entities for a change and nil for any other fact.
func (f *EntityFeed) Table(fact inference.Fact) *ts.Table {
	if fact.Entity == nil {
		return nil
	}
	return servedEntities
}

// Append adds the change's row to b, or nothing and says why: the fact is not a change, has no
// served entity or time, or b has other columns than the table.
func (f *EntityFeed) Append(b *array.RecordBuilder, fact inference.Fact) error {
	if err := checkEntity(fact.Entity); err != nil {
		return fmt.Errorf("row of %s: %w", servedEntities.Name, err)
	}
	if err := f.schema.check(b); err != nil {
		return fmt.Errorf("row of %s: %w", servedEntities.Name, err)
	}
	f.row.b = b
	f.names(fact.Entity)
	f.configs(fact.Entity)
	f.row.b = nil
	return nil
}

func checkEntity(c *inference.EntityChange) error {
	switch {
	case c == nil:
		return errors.New("the fact is not a change of a served entity")
	case c.ServedEntityID == "":
		return fmt.Errorf("the change of endpoint %q has no served entity id", c.EndpointName)
	case c.Time.IsZero():
		return fmt.Errorf("the change of served entity %s has no time", c.ServedEntityID)
	}
	return nil
}

func (f *EntityFeed) names(c *inference.EntityChange) {
	r := &f.row
	r.text(eServedEntityID, c.ServedEntityID)
	r.text(eAccountID, f.cfg.AccountID)
	r.text(eWorkspaceID, f.cfg.WorkspaceID)
	r.text(eCreatedBy, c.CreatedBy)
	r.text(eEndpointName, c.EndpointName)
	r.text(eEndpointID, c.EndpointID)
	r.text(eServedEntityName, c.ServedEntityName)
	r.text(eEntityType, c.EntityType)
	r.text(eEntityName, c.EntityName)
	r.text(eEntityVersion, c.EntityVersion)
	r.text(eTask, c.Task)
}

func (f *EntityFeed) configs(c *inference.EntityChange) {
	r := &f.row
	version := r.b.Field(eConfigVersion).(*array.Int32Builder)
	if c.ConfigVersion == 0 {
		version.AppendNull()
	} else {
		version.Append(c.ConfigVersion)
	}
	external := r.b.Field(eExternalModel).(*array.StructBuilder)
	if c.EntityType == "EXTERNAL_MODEL" {
		external.Append(true)
		text1(external.FieldBuilder(0).(*array.StringBuilder), c.Provider)
	} else {
		external.AppendNull()
	}
	for _, col := range [...]int{eFoundationModel, eCustomModel, eFeatureSpec} {
		r.b.Field(col).(*array.StructBuilder).AppendNull()
	}
	r.moment(eChangeTime, c.Time)
	if c.DeleteTime == nil {
		r.b.Field(eDeleteTime).(*array.TimestampBuilder).AppendNull()
	} else {
		r.moment(eDeleteTime, *c.DeleteTime)
	}
}
