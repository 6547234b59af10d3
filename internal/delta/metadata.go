package delta

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/lakegate/lakegate/internal/tableschema"
)

// metadata is a metaData action with its schema parsed. It never changes.
type metadata struct {
	metadataAction
	schema dataType // a struct
}

// statsColumns is the property that names the columns with statistics, so that a rewrite by Spark
// leaves out the others too.
const statsColumns = "delta.dataSkippingStatsColumns"

func parseMetadata(a metadataAction) (*metadata, error) {
	m := &metadata{metadataAction: a}
	if err := json.Unmarshal([]byte(a.SchemaString), &m.schema); err != nil {
		return nil, fmt.Errorf("%w: schemaString: %w", ErrCorrupt, err)
	}
	if m.schema.Name != "struct" {
		return nil, fmt.Errorf("%w: schemaString is %s, not a struct", ErrCorrupt, m.schema.Name)
	}
	return m, nil
}

// newMetadata returns the first metaData of a table.
func newMetadata(t *tableschema.Table, interval int64) metadataAction {
	now := time.Now().UnixMilli()
	m := metadataAction{
		ID: uuid.NewString(), Name: t.Name.String(), Description: t.Comment,
		Format: format{Provider: "parquet", Options: map[string]string{}}, SchemaString: t.DeltaSchema(),
		PartitionColumns: []string{}, CreatedTime: &now,
		Configuration: map[string]string{
			"delta.logRetentionDuration":         "interval 30 days",
			"delta.deletedFileRetentionDuration": "interval 7 days",
			statsColumns:                         strings.Join(withStats(t.Columns, t.PartitionBy, ""), ","),
		},
	}
	if interval > 0 {
		m.Configuration["delta.checkpointInterval"] = strconv.FormatInt(interval, 10)
	}
	if t.PartitionBy != "" {
		m.PartitionColumns = []string{t.PartitionBy}
	}
	return m
}

// withStats returns the paths of the leaves that have a smallest and a largest value in add.stats,
// and of types that Spark allows in the property: no maps, lists and booleans.
func withStats(cols []tableschema.Column, partitionBy, prefix string) []string {
	var paths []string
	for _, c := range cols {
		if c.NoStats || (prefix == "" && c.Name == partitionBy) {
			continue
		}
		switch c.Type.Kind {
		case tableschema.Map, tableschema.List, tableschema.Boolean:
		case tableschema.Struct:
			paths = append(paths, withStats(c.Type.Fields, partitionBy, prefix+c.Name+".")...)
		default:
			paths = append(paths, prefix+c.Name)
		}
	}
	return paths
}

// checkWanted reports whether a table can be written as declared.
func checkWanted(t *tableschema.Table) error {
	if err := t.Validate(); err != nil {
		return err
	}
	if len(t.Columns) == 0 {
		return fmt.Errorf("%w: no columns", ErrSchema)
	}
	return checkNames(t.Columns)
}

// checkNames refuses what Parquet writers refuse, and what would need quotes in stats columns.
func checkNames(cols []tableschema.Column) error {
	for _, c := range cols {
		if c.Name == "" || strings.ContainsAny(c.Name, " ,;{}()\n\t=.`") {
			return fmt.Errorf("%w: %q can't be a column's name", ErrSchema, c.Name)
		}
		if err := checkNames(c.Type.Fields); err != nil {
			return err
		}
	}
	return nil
}

// evolve returns m with the columns of want that it lacks, nil if it has them all.
func (m *metadata) evolve(want *tableschema.Table) (*metadataAction, error) {
	var partition []string
	if want.PartitionBy != "" {
		partition = []string{want.PartitionBy}
	}
	if !slices.Equal(m.PartitionColumns, partition) {
		return nil, fmt.Errorf("%w: the table is partitioned by %q, not %q", ErrSchema, m.PartitionColumns, partition)
	}
	var wanted dataType
	if err := json.Unmarshal([]byte(want.DeltaSchema()), &wanted); err != nil {
		return nil, fmt.Errorf("schema of %s: %w", want.Name, err)
	}
	merged, added, err := m.schema.merge(wanted, "")
	if err != nil || !added {
		return nil, err
	}
	schema, err := json.Marshal(merged)
	if err != nil {
		return nil, fmt.Errorf("schema of %s: %w", want.Name, err)
	}
	next := m.metadataAction
	next.SchemaString = string(schema)
	next.Configuration = m.statsFor(want)
	return &next, nil
}

// statsFor returns the configuration with the stats columns of want added to those that are listed.
func (m *metadata) statsFor(want *tableschema.Table) map[string]string {
	listed, ok := m.Configuration[statsColumns]
	if !ok {
		return m.Configuration
	}
	columns := strings.Split(listed, ",")
	for _, p := range withStats(want.Columns, want.PartitionBy, "") {
		if i := indexFold(m.schema.Fields, strings.SplitN(p, ".", 2)[0]); i < 0 {
			columns = append(columns, p)
		}
	}
	conf := map[string]string{}
	for k, v := range m.Configuration {
		conf[k] = v
	}
	conf[statsColumns] = strings.Join(columns, ",")
	return conf
}

// takes reports whether files of an older schema can be read by this one.
func (m *metadata) takes(older *metadata) bool {
	if m == older {
		return true
	}
	_, added, err := m.schema.merge(older.schema, "")
	return err == nil && !added && slices.Equal(m.PartitionColumns, older.PartitionColumns)
}

// appendOnly reports whether rows may not be deleted.
func (m *metadata) appendOnly() bool {
	return strings.EqualFold(m.Configuration["delta.appendOnly"], "true")
}

// tombstones is how long removed files are remembered, so that a vacuum keeps them for readers that
// are behind: a week unless the table says otherwise. What isn't understood is taken for ever.
func (m *metadata) tombstones() time.Duration {
	text, ok := m.Configuration["delta.deletedFileRetentionDuration"]
	if !ok {
		return 7 * 24 * time.Hour
	}
	if d, ok := interval(text); ok {
		return d
	}
	return math.MaxInt64
}

var units = map[string]time.Duration{
	"week": 7 * 24 * time.Hour, "day": 24 * time.Hour, "hour": time.Hour, "minute": time.Minute, "second": time.Second,
}

// interval parses "interval 7 days", "1 week 12 hours".
func interval(text string) (time.Duration, bool) {
	words := strings.Fields(strings.TrimPrefix(strings.ToLower(text), "interval"))
	if len(words) == 0 {
		return 0, false
	}
	var sum time.Duration
	for len(words) >= 2 {
		n, err := strconv.ParseInt(words[0], 10, 32)
		unit, ok := units[strings.TrimSuffix(words[1], "s")]
		if err != nil || !ok || n < 0 || time.Duration(n) > (math.MaxInt64-sum)/unit {
			return 0, false
		}
		sum += time.Duration(n) * unit
		words = words[2:]
	}
	return sum, len(words) == 0
}

// table returns the table in terms of tableschema.
func (m *metadata) table(path string) (*tableschema.Table, error) {
	cols, err := m.schema.columns("")
	if err != nil {
		return nil, err
	}
	t := &tableschema.Table{Name: nameOf(path), Comment: m.Description, Columns: cols}
	switch len(m.PartitionColumns) {
	case 0:
	case 1:
		t.PartitionBy = m.PartitionColumns[0]
	default:
		return nil, fmt.Errorf("%w: partitioned by %d columns, which is not supported", ErrSchema, len(m.PartitionColumns))
	}
	if listed, ok := m.Configuration[statsColumns]; ok {
		markNoStats(t.Columns, t.PartitionBy, "", strings.Split(listed, ","))
	}
	return t, nil
}

// markNoStats sets NoStats where the table's property leaves a column out that could be in it.
func markNoStats(cols []tableschema.Column, partitionBy, prefix string, listed []string) {
	for i := range cols {
		c := &cols[i]
		if slices.Contains(listed, prefix+c.Name) {
			continue
		}
		if c.Type.Kind == tableschema.Struct {
			markNoStats(c.Type.Fields, partitionBy, prefix+c.Name+".", listed)
			continue
		}
		c.NoStats = prefix != "" || c.Name != partitionBy
	}
}

// nameOf makes a name of the last three parts of a path.
func nameOf(path string) tableschema.Name {
	p := strings.Split(path, "/")
	for len(p) < 3 {
		p = append([]string{""}, p...)
	}
	p = p[len(p)-3:]
	return tableschema.Name{Catalog: p[0], Schema: p[1], Table: p[2]}
}
