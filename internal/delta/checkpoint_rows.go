package delta

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress"
)

// The rows of a checkpoint: everything is optional, as Spark writes it. Numbers and booleans are
// pointers because the Parquet library takes a plain 0 or false of an optional field for NULL.
type (
	checkpointRow struct {
		Txn      *checkpointTxn      `parquet:"txn,optional"`
		Add      *checkpointAdd      `parquet:"add,optional"`
		Remove   *checkpointRemove   `parquet:"remove,optional"`
		Metadata *checkpointMetadata `parquet:"metaData,optional"`
		Protocol *checkpointProtocol `parquet:"protocol,optional"`
	}
	checkpointTxn struct {
		AppID       *string `parquet:"appId,optional"`
		Version     *int64  `parquet:"version,optional"`
		LastUpdated *int64  `parquet:"lastUpdated,optional"`
	}
	checkpointAdd struct {
		Path             *string            `parquet:"path,optional"`
		PartitionValues  map[string]*string `parquet:"partitionValues,optional"`
		Size             *int64             `parquet:"size,optional"`
		ModificationTime *int64             `parquet:"modificationTime,optional"`
		DataChange       *bool              `parquet:"dataChange,optional"`
		Tags             map[string]string  `parquet:"tags,optional"`
		Stats            *string            `parquet:"stats,optional"`
	}
	checkpointRemove struct {
		Path                 *string            `parquet:"path,optional"`
		DeletionTimestamp    *int64             `parquet:"deletionTimestamp,optional"`
		DataChange           *bool              `parquet:"dataChange,optional"`
		ExtendedFileMetadata *bool              `parquet:"extendedFileMetadata,optional"`
		PartitionValues      map[string]*string `parquet:"partitionValues,optional"`
		Size                 *int64             `parquet:"size,optional"`
	}
	checkpointFormat struct {
		Provider *string           `parquet:"provider,optional"`
		Options  map[string]string `parquet:"options,optional"`
	}
	checkpointMetadata struct {
		ID               *string           `parquet:"id,optional"`
		Name             *string           `parquet:"name,optional"`
		Description      *string           `parquet:"description,optional"`
		Format           *checkpointFormat `parquet:"format,optional"`
		SchemaString     *string           `parquet:"schemaString,optional"`
		PartitionColumns []string          `parquet:"partitionColumns,list,optional"`
		Configuration    map[string]string `parquet:"configuration,optional"`
		CreatedTime      *int64            `parquet:"createdTime,optional"`
	}
	checkpointProtocol struct {
		MinReaderVersion *int32   `parquet:"minReaderVersion,optional"`
		MinWriterVersion *int32   `parquet:"minWriterVersion,optional"`
		ReaderFeatures   []string `parquet:"readerFeatures,list,optional"`
		WriterFeatures   []string `parquet:"writerFeatures,list,optional"`
	}
)

// What is read besides what is written: deletion vectors, to be refused. Engines want the whole
// column of those who write one.
type (
	foreignRow struct {
		Txn      *checkpointTxn      `parquet:"txn,optional"`
		Add      *foreignAdd         `parquet:"add,optional"`
		Remove   *checkpointRemove   `parquet:"remove,optional"`
		Metadata *checkpointMetadata `parquet:"metaData,optional"`
		Protocol *checkpointProtocol `parquet:"protocol,optional"`
	}
	foreignAdd struct {
		Path             *string            `parquet:"path,optional"`
		PartitionValues  map[string]*string `parquet:"partitionValues,optional"`
		Size             *int64             `parquet:"size,optional"`
		ModificationTime *int64             `parquet:"modificationTime,optional"`
		Tags             map[string]string  `parquet:"tags,optional"`
		Stats            *string            `parquet:"stats,optional"`
		DeletionVector   *struct {
			StorageType *string `parquet:"storageType,optional"`
		} `parquet:"deletionVector,optional"`
	}
)

// encodeCheckpoint renders the snapshot, without files removed before the given time, and returns
// the number of actions.
func encodeCheckpoint(s *Snapshot, removedAfter time.Time, codec compress.Codec) (data []byte, rows int, err error) {
	var out bytes.Buffer
	w := parquet.NewGenericWriter[checkpointRow](&out, parquet.Compression(codec),
		// The library's own choice, DELTA_LENGTH_BYTE_ARRAY, comes out of Spark 3.5 as empty strings.
		parquet.DefaultEncodingFor(parquet.ByteArray, &parquet.Plain))
	write := func(r checkpointRow) {
		if err == nil {
			_, err = w.Write([]checkpointRow{r})
			rows++
		}
	}
	reads, writes := int32(s.protocol.MinReaderVersion), int32(s.protocol.MinWriterVersion)
	write(checkpointRow{Protocol: &checkpointProtocol{
		MinReaderVersion: &reads, MinWriterVersion: &writes, ReaderFeatures: s.protocol.ReaderFeatures, WriterFeatures: s.protocol.WriterFeatures,
	}})
	write(checkpointRow{Metadata: s.meta.checkpoint()})
	for app, version := range s.Txns {
		updated := s.txnUpdated[app]
		write(checkpointRow{Txn: &checkpointTxn{&app, &version, optional(updated)}})
	}
	no := false
	for f := range s.Files() {
		a := f.action(false)
		write(checkpointRow{Add: &checkpointAdd{
			&a.Path, a.PartitionValues, &a.Size, &a.ModificationTime, &no, a.Tags, optional(a.Stats),
		}})
	}
	for r := range s.removed.all() {
		if r.DeletionTimestamp < removedAfter.UnixMilli() {
			continue
		}
		write(checkpointRow{Remove: &checkpointRemove{
			&r.Path, &r.DeletionTimestamp, &no, &r.ExtendedFileMetadata, r.PartitionValues, optional(r.Size),
		}})
	}
	if cerr := w.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return nil, 0, fmt.Errorf("encode checkpoint %d: %w", s.Version, err)
	}
	return out.Bytes(), rows, nil
}

func (m *metadata) checkpoint() *checkpointMetadata {
	return &checkpointMetadata{
		ID: &m.ID, Name: optional(m.Name), Description: optional(m.Description),
		Format:       &checkpointFormat{&m.Format.Provider, filled(m.Format.Options)},
		SchemaString: &m.SchemaString, PartitionColumns: append([]string{}, m.PartitionColumns...),
		Configuration: filled(m.Configuration), CreatedTime: m.CreatedTime,
	}
}

// optional is nil for zero.
func optional[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

func filled(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

// decodeCheckpoint returns the actions of a checkpoint file, of Spark or anybody.
func decodeCheckpoint(data []byte) (actions []action, err error) {
	defer func() {
		if p := recover(); p != nil { // the library panics on some damage
			err = fmt.Errorf("%w: %v", ErrCorrupt, p)
		}
	}()
	// The library allocates what the footer says is its length before it looks.
	if n := len(data); n < 12 || int64(binary.LittleEndian.Uint32(data[n-8:])) > int64(n-12) {
		return nil, fmt.Errorf("%w: no parquet footer", ErrCorrupt)
	}
	f, err := parquet.OpenFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	r := parquet.NewGenericReader[foreignRow](f)
	defer r.Close()
	for {
		rows := make([]foreignRow, 256)
		n, err := r.Read(rows)
		for _, row := range rows[:n] {
			a := row.action()
			if err := a.check(); err != nil {
				return nil, fmt.Errorf("%w: action %d: %w", ErrCorrupt, len(actions)+1, err)
			}
			actions = append(actions, a)
		}
		if errors.Is(err, io.EOF) {
			return actions, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
		}
	}
}

func (r foreignRow) action() action {
	switch {
	case r.Protocol != nil:
		p := r.Protocol
		return action{Protocol: &protocol{int(value(p.MinReaderVersion)), int(value(p.MinWriterVersion)), p.ReaderFeatures, p.WriterFeatures}}
	case r.Metadata != nil:
		return action{Metadata: r.Metadata.action()}
	case r.Txn != nil:
		return action{Txn: &txnAction{value(r.Txn.AppID), value(r.Txn.Version), value(r.Txn.LastUpdated)}}
	case r.Add != nil:
		a := r.Add
		add := &addAction{
			Path: value(a.Path), PartitionValues: a.PartitionValues, Size: value(a.Size), ModificationTime: value(a.ModificationTime),
			Stats: value(a.Stats), Tags: a.Tags,
		}
		if v := a.DeletionVector; v != nil && v.StorageType != nil { // a column that isn't there is no nil
			add.DeletionVector = json.RawMessage("{}")
		}
		return action{Add: add}
	case r.Remove != nil:
		x := r.Remove
		return action{Remove: &removeAction{
			Path: value(x.Path), DeletionTimestamp: value(x.DeletionTimestamp), ExtendedFileMetadata: value(x.ExtendedFileMetadata),
			PartitionValues: x.PartitionValues, Size: value(x.Size),
		}}
	}
	return action{}
}

func (m *checkpointMetadata) action() *metadataAction {
	a := &metadataAction{
		ID: value(m.ID), Name: value(m.Name), Description: value(m.Description), SchemaString: value(m.SchemaString),
		PartitionColumns: append([]string{}, m.PartitionColumns...), Configuration: filled(m.Configuration), CreatedTime: m.CreatedTime,
	}
	if m.Format != nil {
		a.Format = format{value(m.Format.Provider), filled(m.Format.Options)}
	}
	return a
}

func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}
