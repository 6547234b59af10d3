package delta

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// protocol says what the table asks of those who read and write it.
type protocol struct {
	MinReaderVersion int      `json:"minReaderVersion"`
	MinWriterVersion int      `json:"minWriterVersion"`
	ReaderFeatures   []string `json:"readerFeatures,omitempty"`
	WriterFeatures   []string `json:"writerFeatures,omitempty"`
}

// What we write. Other engines may raise it; what they ask for is honoured as long as the table
// doesn't use it.
const (
	readerVersion = 1
	writerVersion = 2
	// The versions that list features by name, the last ones there are.
	namedReaderVersion = 3
	namedWriterVersion = 7
)

// ProtocolError is an ErrProtocol, with what the table asks for.
type ProtocolError struct {
	Writing                            bool // false: can't even be read
	MinReaderVersion, MinWriterVersion int
	Features                           []string // that are in use, or unknown
}

// Error implements error.
func (e *ProtocolError) Error() string {
	verb, ours := "reading", readerVersion
	if e.Writing {
		verb, ours = "writing", writerVersion
	}
	msg := fmt.Sprintf("%s: the table asks for reader version %d and writer version %d", ErrProtocol, e.MinReaderVersion, e.MinWriterVersion)
	if len(e.Features) == 0 {
		return fmt.Sprintf("%s; %s is supported up to version %d", msg, verb, ours)
	}
	return fmt.Sprintf("%s with %s, and %s is supported up to version %d; have the engine that did so turn it off again, "+
		"in Spark with ALTER TABLE ... DROP FEATURE %s", msg, strings.Join(e.Features, ", "), verb, ours, e.Features[0])
}

// Unwrap makes it an ErrProtocol.
func (e *ProtocolError) Unwrap() error { return ErrProtocol }

// legacyWriter are the features that writer versions stand for, up to version 6.
var legacyWriter = map[string]int{
	"checkConstraints": 3, "changeDataFeed": 4, "generatedColumns": 4, "columnMapping": 5, "identityColumns": 6,
}

// readable reports whether the snapshot's files are the table's rows to us.
func (s *Snapshot) readable() error {
	p := s.protocol
	var bad []string
	switch {
	case p.MinReaderVersion > namedReaderVersion:
		return &ProtocolError{false, p.MinReaderVersion, p.MinWriterVersion, p.ReaderFeatures}
	case p.MinReaderVersion == 2:
		bad = s.meta.using([]string{"columnMapping"})
	default:
		bad = s.meta.using(p.ReaderFeatures)
	}
	// Files with deletion vectors are refused where they are met. A column of the type is where the
	// schema is asked for.
	bad = slices.DeleteFunc(bad, func(f string) bool { return f == "deletionVectors" || f == "timestampNtz" })
	if len(bad) == 0 {
		return nil
	}
	return &ProtocolError{false, p.MinReaderVersion, p.MinWriterVersion, bad}
}

// writable reports whether we keep all that the table asks of writers.
func (s *Snapshot) writable() error {
	if err := s.readable(); err != nil {
		return err
	}
	p := s.protocol
	features := slices.Clone(p.WriterFeatures)
	switch {
	case p.MinWriterVersion > namedWriterVersion:
		return &ProtocolError{true, p.MinReaderVersion, p.MinWriterVersion, features}
	case p.MinWriterVersion < namedWriterVersion:
		for f, version := range legacyWriter {
			if p.MinWriterVersion >= version {
				features = append(features, f)
			}
		}
	}
	if bad := s.meta.using(features); len(bad) > 0 {
		return &ProtocolError{true, p.MinReaderVersion, p.MinWriterVersion, bad}
	}
	return nil
}

// using returns those of the features that the table makes use of, or that we don't know, in order.
func (m *metadata) using(features []string) []string {
	var used []string
	for _, f := range features {
		if idle, ok := idleFeatures[f]; !ok || !idle(m) {
			used = append(used, f)
		}
	}
	slices.Sort(used)
	return slices.Compact(used)
}

// idleFeatures say of a feature whether it asks nothing of us, as the table is now.
var idleFeatures = map[string]func(*metadata) bool{
	"appendOnly":          func(*metadata) bool { return true }, // kept by Rewrite and Restore
	"invariants":          func(*metadata) bool { return true }, // refused where columns are compared
	"vacuumProtocolCheck": func(*metadata) bool { return true }, // Vacuum does
	"checkConstraints":    func(m *metadata) bool { return !m.hasProperty("delta.constraints.") },
	"changeDataFeed":      func(m *metadata) bool { return !m.enabled("delta.enableChangeDataFeed") },
	"deletionVectors":     func(m *metadata) bool { return !m.enabled("delta.enableDeletionVectors") },
	"generatedColumns":    func(m *metadata) bool { return !m.inSchema("delta.generationExpression") },
	"identityColumns":     func(m *metadata) bool { return !m.inSchema("delta.identity.") },
	"allowColumnDefaults": func(m *metadata) bool { return !m.inSchema("CURRENT_DEFAULT") },
	"timestampNtz":        func(m *metadata) bool { return !m.inSchema("timestamp_ntz") },
	"columnMapping": func(m *metadata) bool {
		mode := m.Configuration["delta.columnMapping.mode"]
		return mode == "" || mode == "none"
	},
	"inCommitTimestamp": func(m *metadata) bool { return !m.enabled("delta.enableInCommitTimestamps") },
	"typeWidening": func(m *metadata) bool {
		return !m.inSchema("delta.typeChanges") && !m.enabled("delta.enableTypeWidening")
	},
	"typeWidening-preview": func(m *metadata) bool {
		return !m.inSchema("delta.typeChanges") && !m.enabled("delta.enableTypeWidening")
	},
	"rowTracking": func(m *metadata) bool {
		return !m.enabled("delta.enableRowTracking") && !m.hasProperty("delta.rowTracking")
	},
}

func (m *metadata) enabled(property string) bool {
	return strings.EqualFold(m.Configuration[property], "true")
}

func (m *metadata) hasProperty(prefix string) bool {
	for k := range m.Configuration {
		if strings.HasPrefix(k, prefix) {
			return true
		}
	}
	return false
}

// inSchema reports whether the schema speaks of something, in a type or a column's metadata. A column of that
// name makes it true as well: a refusal too many.
func (m *metadata) inSchema(word string) bool {
	b, err := json.Marshal(word)
	return err != nil || strings.Contains(m.SchemaString, string(b[1:len(b)-1]))
}
