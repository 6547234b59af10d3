package forget

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/lakegate/lakegate/internal/datafile"
	"github.com/lakegate/lakegate/internal/delta"
	"github.com/lakegate/lakegate/internal/objstore"
	ts "github.com/lakegate/lakegate/internal/tableschema"
)

// Proof is what a scan of everything has read and found.
type Proof struct {
	Objects     int   `json:"objects"`     // of the store
	Bytes       int64 `json:"bytes"`       // of these, as they are stored
	DataFiles   int   `json:"data_files"`  // among them, of every version and of none
	Unnamed     int   `json:"dead_files"`  // among these, not of the newest version
	Rows        int64 `json:"rows"`        // in them
	Values      int64 `json:"values"`      // texts that were decoded and searched
	ValueBytes  int64 `json:"value_bytes"` // in these
	Commits     int   `json:"commits"`     // entries of Delta logs
	Checkpoints int   `json:"checkpoints"`
	Documents   int   `json:"documents"`
	Folders     int   `json:"folders"`  // of gateways, by themselves or on this machine
	Local       int   `json:"local"`    // files in them: log segments, hot files, cached files, the rest
	Segments    int   `json:"segments"` // among them
	LocalBytes  int64 `json:"local_bytes"`

	Found []Finding `json:"found,omitempty"` // one for each place
	// Kept is frozen statements that name the subject: records of accounting.
	Kept []Finding `json:"kept,omitempty"`
	// Later is rows, and mentions in logs, of requests that came after the request to forget.
	Later int64 `json:"later"`
	// Residual is ids of erased requests in statistics of the Delta log, which go when it is cleaned.
	Residual int64         `json:"residual_ids"`
	Took     time.Duration `json:"took_ns"`
}

// Kinds of findings.
const (
	FoundRows       = "rows of the subject"
	FoundMention    = "names the subject"
	FoundUnreadable = "cannot be read"
)

// Finding is a place where something was found.
type Finding struct {
	Place  string `json:"place"` // a key, or a file of a gateway
	Column string `json:"column,omitempty"`
	Kind   string `json:"kind"`
	Count  int64  `json:"count"`
}

func (f Finding) String() string {
	in := f.Place
	if f.Column != "" {
		in += ", column " + f.Column
	}
	return fmt.Sprintf("%s: %s (%d)", in, f.Kind, f.Count)
}

// mine reports whether rows of the subject are left, which another pass over the tables removes.
func (p *Proof) mine() bool {
	return slices.ContainsFunc(p.Found, func(f Finding) bool { return f.Kind == FoundRows })
}

// plus adds what another scan found.
func (p *Proof) plus(o Proof) {
	p.Objects += o.Objects
	p.Bytes += o.Bytes
	p.DataFiles += o.DataFiles
	p.Unnamed += o.Unnamed
	p.Rows += o.Rows
	p.Values += o.Values
	p.ValueBytes += o.ValueBytes
	p.Commits += o.Commits
	p.Checkpoints += o.Checkpoints
	p.Documents += o.Documents
	p.Folders += o.Folders
	p.Local += o.Local
	p.Segments += o.Segments
	p.LocalBytes += o.LocalBytes
	p.Later += o.Later
	p.Residual += o.Residual
	p.Found = append(p.Found, o.Found...)
	p.Kept = append(p.Kept, o.Kept...)
}

// prover scans. Its methods may be called from many goroutines.
type prover struct {
	matcher *matcher
	needles *needles
	before  int64 // requests from here on, in microseconds, are later ones

	mu    sync.Mutex
	proof Proof
}

func newProver(m *matcher, requested time.Time) *prover {
	return &prover{matcher: m.always(), needles: newNeedles(m.subject, m.ids), before: requested.UnixMicro()}
}

func (p *prover) note(add func(*Proof)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	add(&p.proof)
}

func (p *prover) found(place, column, kind string, count int64) {
	if count > 0 {
		p.note(func(r *Proof) { r.Found = append(r.Found, Finding{place, column, kind, count}) })
	}
}

// result returns what was found, in order.
func (p *prover) result() Proof {
	slices.SortFunc(p.proof.Found, func(a, b Finding) int {
		return cmp.Or(strings.Compare(a.Place, b.Place), strings.Compare(a.Column, b.Column))
	})
	return p.proof
}

// store scans every object of the store but the document of the request itself.
func (p *prover) store(ctx context.Context, store objstore.Store, own string) error {
	live := map[string]*delta.Snapshot{}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(scanners)
	for info, err := range store.List(ctx, "", "") {
		if err != nil {
			return errors.Join(fmt.Errorf("list objects: %w", err), g.Wait())
		}
		if info.Key == own {
			continue
		}
		table, rest, inTable := tablePath(info.Key)
		if inTable && live[table] == nil {
			live[table] = snapshotOf(ctx, store, table)
		}
		s := live[table]
		g.Go(func() error { return p.object(gctx, store, info, s, rest) })
	}
	return g.Wait()
}

// snapshotOf returns the newest version of a table, nil when it cannot be had.
func snapshotOf(ctx context.Context, store objstore.Store, path string) *delta.Snapshot {
	d, err := delta.Open(ctx, store, path)
	if err != nil {
		return nil
	}
	return d.Snapshot()
}

// object scans one object.
func (p *prover) object(ctx context.Context, store objstore.Store, info objstore.Info, s *delta.Snapshot, rest string) error {
	var err error
	switch {
	case !strings.HasSuffix(info.Key, ".parquet"):
		err = p.text(ctx, store, info)
	case strings.Contains(info.Key, "/_delta_log/"):
		err = p.checkpoint(ctx, store, info)
	default:
		err = p.dataObject(ctx, store, info, s, rest)
	}
	switch {
	case errors.Is(err, objstore.ErrNotFound):
		return nil // deleted meanwhile, by a compaction's vacuum or a log cleanup
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		p.found(info.Key, "", FoundUnreadable+": "+err.Error(), 1)
	}
	p.note(func(r *Proof) { r.Objects, r.Bytes = r.Objects+1, r.Bytes+info.Size })
	return nil
}

// text scans an object that is no Parquet file: entries of Delta logs and documents.
func (p *prover) text(ctx context.Context, store objstore.Store, info objstore.Info) error {
	b, _, err := store.Get(ctx, info.Key)
	if err != nil {
		return err
	}
	words, ids := p.needles.hits(b)
	switch {
	case strings.Contains(info.Key, "/_delta_log/"):
		p.note(func(r *Proof) { r.Commits++; r.Residual += int64(ids) })
		p.found(info.Key, "", FoundMention, int64(words))
		return nil
	case strings.HasPrefix(info.Key, statements) && words > 0:
		p.note(func(r *Proof) {
			r.Documents++
			r.Kept = append(r.Kept, Finding{info.Key, "", FoundMention, int64(words)})
		})
		return nil
	}
	p.note(func(r *Proof) { r.Documents++ })
	p.found(info.Key, "", FoundMention+" by a request id", int64(ids))
	p.found(info.Key, "", FoundMention, int64(words))
	return nil
}

// checkpoint scans a checkpoint, whose statistics may have ids.
func (p *prover) checkpoint(ctx context.Context, store objstore.Store, info objstore.Info) error {
	src, err := objstore.NewReader(ctx, store, info.Key, info.Size)
	if err != nil {
		return err
	}
	var count tally
	err = datafile.ScanTexts(ctx, src, func(column string, _ int64, value []byte) error {
		count.value(value)
		words, ids := p.needles.hits(value)
		p.found(info.Key, column, FoundMention, int64(words))
		count.residual += int64(ids)
		return nil
	})
	p.note(func(r *Proof) { r.Checkpoints++; count.into(r) })
	return err
}

func (p *prover) dataObject(ctx context.Context, store objstore.Store, info objstore.Info, s *delta.Snapshot, rest string) error {
	src, err := objstore.NewReader(ctx, store, info.Key, info.Size)
	if err != nil {
		return err
	}
	var schema *ts.Table
	live := false
	if s != nil {
		_, live = s.File(rest)
		schema, _ = s.Schema() // a table of types that are not known has no rows of requests
	}
	if !live {
		p.note(func(r *Proof) { r.Unnamed++ })
	}
	return p.dataFile(ctx, info.Key, src, schema)
}

// tally is what one file adds to the proof.
type tally struct{ values, bytes, residual int64 }

func (t *tally) value(b []byte) {
	t.values++
	t.bytes += int64(len(b))
}

func (t *tally) into(r *Proof) {
	r.Values += t.values
	r.ValueBytes += t.bytes
	r.Residual += t.residual
}

// dataFile decodes every text of a data file. schema, which may be nil, tells which rows are the subject's.
func (p *prover) dataFile(ctx context.Context, place string, src datafile.Source, schema *ts.Table) error {
	later := map[int64]bool{}
	var mine int64
	if schema != nil {
		rows, err := rowsOf(ctx, src, p.matcher.needed(schema), p.matcher)
		if err != nil {
			return err
		}
		for _, r := range rows {
			if r.at >= p.before {
				later[int64(r.index)] = true
			} else {
				mine++
			}
		}
	}
	p.found(place, "", FoundRows, mine)
	n, err := datafile.Rows(src)
	if err != nil {
		return err
	}
	var count tally
	byColumn := map[string]int64{}
	err = datafile.ScanTexts(ctx, src, func(column string, row int64, value []byte) error {
		count.value(value)
		if words, ids := p.needles.hits(value); words+ids > 0 && !later[row] {
			byColumn[column] += int64(words + ids)
		}
		return nil
	})
	for column, n := range byColumn {
		p.found(place, column, FoundMention, n)
	}
	p.note(func(r *Proof) {
		r.DataFiles, r.Rows, r.Later = r.DataFiles+1, r.Rows+n, r.Later+int64(len(later))
		count.into(r)
	})
	return err
}

// prove scans the store and what gateways said of their folders.
func (e *eraser) prove(ctx context.Context, folders []string) (Proof, error) {
	began := time.Now()
	p := newProver(e.matcher, e.req.Requested)
	if err := p.store(ctx, e.cfg.Store, keyOf(e.req.ID)); err != nil {
		return Proof{}, err
	}
	for _, f := range folders {
		if err := p.folder(ctx, f, ^uint64(0)); err != nil {
			return Proof{}, err
		}
	}
	parts, err := partsOf(ctx, e.cfg.docs(), e.req.ID)
	if err != nil {
		return Proof{}, err
	}
	for _, part := range parts {
		p.proof.plus(part.Proof)
	}
	proof := p.result()
	proof.Took = time.Since(began)
	return proof, nil
}

// statements is where the frozen statements of months are.
const statements = "_lakegate/statements/"

// keyOf is the object of a request's document.
func keyOf(id string) string { return "_lakegate/" + Kind + "/" + id + ".json" }
