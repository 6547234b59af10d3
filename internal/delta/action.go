package delta

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/tidwall/gjson"

	"github.com/lakegate/lakegate/internal/prune"
)

// action is one line of a commit; one field is set. Unknown actions have none.
type action struct {
	CommitInfo json.RawMessage `json:"commitInfo,omitempty"`
	Protocol   *protocol       `json:"protocol,omitempty"`
	Metadata   *metadataAction `json:"metaData,omitempty"`
	Txn        *txnAction      `json:"txn,omitempty"`
	Add        *addAction      `json:"add,omitempty"`
	Remove     *removeAction   `json:"remove,omitempty"`
}

type metadataAction struct {
	ID               string            `json:"id"`
	Name             string            `json:"name,omitempty"`
	Description      string            `json:"description,omitempty"`
	Format           format            `json:"format"`
	SchemaString     string            `json:"schemaString"`
	PartitionColumns []string          `json:"partitionColumns"`
	Configuration    map[string]string `json:"configuration"`
	CreatedTime      *int64            `json:"createdTime,omitempty"`
}

type format struct {
	Provider string            `json:"provider"`
	Options  map[string]string `json:"options"`
}

type txnAction struct {
	AppID       string `json:"appId"`
	Version     int64  `json:"version"`
	LastUpdated int64  `json:"lastUpdated,omitempty"` // ms
}

type addAction struct {
	Path             string             `json:"path"` // percent-encoded
	PartitionValues  map[string]*string `json:"partitionValues"`
	Size             int64              `json:"size"`
	ModificationTime int64              `json:"modificationTime"` // ms
	DataChange       bool               `json:"dataChange"`
	Stats            string             `json:"stats,omitempty"`
	Tags             map[string]string  `json:"tags,omitempty"`
	DeletionVector   json.RawMessage    `json:"deletionVector,omitempty"`
}

type removeAction struct {
	Path                 string             `json:"path"`
	DeletionTimestamp    int64              `json:"deletionTimestamp,omitempty"` // ms
	DataChange           bool               `json:"dataChange"`
	ExtendedFileMetadata bool               `json:"extendedFileMetadata,omitempty"`
	PartitionValues      map[string]*string `json:"partitionValues,omitempty"`
	Size                 int64              `json:"size,omitempty"`
	Tags                 map[string]string  `json:"tags,omitempty"`
}

// commit is one version of the log.
type commit struct {
	version int64
	actions []action
}

// txnID returns the writer's own mark of the commit, "" when it has none.
func (c commit) txnID() string {
	for _, a := range c.actions {
		if a.CommitInfo != nil {
			return gjson.GetBytes(a.CommitInfo, "txnId").String()
		}
	}
	return ""
}

// encode renders the actions, one a line.
func encode(actions []action) ([]byte, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	for _, a := range actions {
		if err := e.Encode(a); err != nil {
			return nil, fmt.Errorf("encode commit: %w", err)
		}
	}
	return out.Bytes(), nil
}

// decode parses a commit. Unknown actions and fields are skipped.
func decode(data []byte) ([]action, error) {
	var actions []action
	d := json.NewDecoder(bytes.NewReader(data))
	for {
		var a action
		err := d.Decode(&a)
		if errors.Is(err, io.EOF) {
			return actions, nil
		}
		if err == nil {
			err = a.check()
		}
		if err != nil {
			return nil, fmt.Errorf("action %d: %w: %w", len(actions)+1, ErrCorrupt, err)
		}
		actions = append(actions, a)
	}
}

// check reports whether what every action must have is there.
func (a action) check() error {
	switch {
	case a.Add != nil && a.Add.Path == "":
		return errors.New("add without path")
	case a.Remove != nil && a.Remove.Path == "":
		return errors.New("remove without path")
	case a.Txn != nil && a.Txn.AppID == "":
		return errors.New("txn without appId")
	case a.Metadata != nil && a.Metadata.SchemaString == "":
		return errors.New("metaData without schemaString")
	case a.Protocol != nil && (a.Protocol.MinReaderVersion < 1 || a.Protocol.MinWriterVersion < 0):
		return errors.New("protocol without versions")
	}
	return nil
}

// Add is one data file of the table.
type Add struct {
	Path            string            // below the table's folder, slashes between, nothing escaped
	PartitionValues map[string]string // by column; "" is NULL
	Size            int64             // bytes
	Rows            int64             // from Stats; -1 when they don't say
	Stats           string            // JSON of the protocol's "Per-file Statistics"; "" for none
	// ModificationTime is when the file was made, to the millisecond. Zero at Append: now.
	ModificationTime time.Time
	// Tags are the writer's own remarks, kept as long as the file is in the table. Read only.
	Tags map[string]string

	uri    string       // of the action, when encodePath doesn't give it
	bounds *prune.Stats // of Stats
	vector bool         // has a deletion vector, which makes the snapshot one that can't be read
}

// Bounds is Stats, parsed as far as somebody asked. Files of a Snapshot keep theirs from version to
// version.
func (f *Add) Bounds() *prune.Stats {
	if f.bounds == nil {
		return prune.NewStats(f.Stats)
	}
	return f.bounds
}

// file returns the Add of an action.
func (a *addAction) file(at *place) *Add {
	rows := int64(-1)
	if n := gjson.Get(a.Stats, "numRecords"); n.Type == gjson.Number {
		rows = n.Int()
	}
	path, _ := at.file(a.Path)
	f := &Add{
		Path: path, Size: a.Size, Rows: rows, Stats: a.Stats,
		ModificationTime: time.UnixMilli(a.ModificationTime), Tags: a.Tags, bounds: prune.NewStats(a.Stats),
	}
	f.vector = len(a.DeletionVector) > 0 && string(a.DeletionVector) != "null"
	if encodePath(f.Path) != a.Path {
		f.uri = a.Path
	}
	f.PartitionValues = at.partition(a.PartitionValues)
	return f
}

// encodedPath returns the file's URI as its action has it.
func (f *Add) encodedPath() string {
	if f.uri != "" {
		return f.uri
	}
	return encodePath(f.Path)
}

func (f *Add) partition() map[string]*string {
	values := make(map[string]*string, len(f.PartitionValues))
	for c, v := range f.PartitionValues {
		if v == "" {
			values[c] = nil
		} else {
			values[c] = &v
		}
	}
	return values
}

// action returns the action that adds the file.
func (f *Add) action(dataChange bool) *addAction {
	return &addAction{
		Path: f.encodedPath(), PartitionValues: f.partition(), Size: f.Size, ModificationTime: f.ModificationTime.UnixMilli(),
		DataChange: dataChange, Stats: f.Stats, Tags: f.Tags,
	}
}

// remove returns the action that removes the file.
func (f *Add) remove(dataChange bool, at time.Time) *removeAction {
	return &removeAction{
		Path: f.encodedPath(), DeletionTimestamp: at.UnixMilli(), DataChange: dataChange, ExtendedFileMetadata: true,
		PartitionValues: f.partition(), Size: f.Size, Tags: f.Tags,
	}
}

// Txn marks a commit. Of one AppID the versions rise, and each is committed at most once. The zero
// Txn marks nothing.
type Txn struct {
	AppID   string
	Version int64
	// After, if set, is the version that must be the application's last one, 0 for none. With it
	// the versions need not rise, which makes of a transaction a counter that no one else moved.
	After *int64
}
