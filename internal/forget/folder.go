package forget

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// folder scans the files of a gateway's data folder, but for a lake in it, which is scanned as a
// store. Of the log, segments behind through hold what came later.
func (p *prover) folder(ctx context.Context, dir string, through uint64) error {
	p.note(func(r *Proof) { r.Folders++ })
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return fmt.Errorf("scan folder: %w", err)
		case ctx.Err() != nil:
			return ctx.Err()
		case d.IsDir() && filepath.Base(path) == "lake" && filepath.Dir(path) == filepath.Clean(dir):
			return filepath.SkipDir
		case !d.Type().IsRegular() || d.Name() == "reserve":
			return nil
		}
		return p.localFile(ctx, path, through)
	})
}

// localFile scans one file. One that is gone when it is opened is fine.
func (p *prover) localFile(ctx context.Context, path string, through uint64) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	p.note(func(r *Proof) { r.Local++; r.LocalBytes += info.Size() })
	if parquetFile(f) {
		inner := &prover{matcher: p.matcher, needles: p.needles, before: p.before}
		if err := inner.dataFile(ctx, path, f, anyTable); err != nil {
			p.found(path, "", FoundUnreadable+": "+err.Error(), 1)
		}
		p.note(func(r *Proof) {
			r.Rows, r.Values, r.ValueBytes, r.Later = r.Rows+inner.proof.Rows, r.Values+inner.proof.Values, r.ValueBytes+inner.proof.ValueBytes, r.Later+inner.proof.Later
			r.Found = append(r.Found, inner.proof.Found...)
		})
		return nil
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	words, ids := p.needles.hits(b)
	n := int64(words + ids)
	number, isSegment := segment(path)
	if isSegment {
		n += int64(p.needles.rawIDs(b))
		p.note(func(r *Proof) { r.Segments++ })
	}
	if isSegment && number > through {
		p.note(func(r *Proof) { r.Later += n })
		return nil
	}
	p.found(path, "", FoundMention, n)
	return nil
}

// parquetFile reports whether a file begins as a Parquet file does: cached files may have any name.
func parquetFile(f *os.File) bool {
	var magic [4]byte
	_, err := f.ReadAt(magic[:], 0)
	return err == nil && bytes.Equal(magic[:], []byte("PAR1"))
}

// segment returns the number of a log segment.
func segment(path string) (number uint64, ok bool) {
	name, ok := strings.CutSuffix(filepath.Base(path), ".wal")
	if !ok {
		return 0, false
	}
	number, err := strconv.ParseUint(name, 10, 64)
	return number, err == nil
}
