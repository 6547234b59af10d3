package delta

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"io/fs"

	"github.com/lakegate/lakegate/internal/objstore"
	"github.com/lakegate/lakegate/internal/objstore/memstore"
)

func TestGoldenExtern(t *testing.T) {
	filepath.WalkDir("/tmp/golden", func(p string, d fs.DirEntry, err error) error {
		if !d.IsDir() || d.Name() != "_delta_log" {
			return nil
		}
		m := memstore.New()
		es, _ := os.ReadDir(p)
		for _, e := range es {
			b, _ := os.ReadFile(filepath.Join(p, e.Name()))
			if objstore.ValidKey(e.Name()) == nil {
				m.Put(context.Background(), "t/_delta_log/"+e.Name(), b)
			}
		}
		tb, err := Open(context.Background(), m, "t")
		name := strings.TrimPrefix(p, "/tmp/golden/")
		if err != nil {
			t.Log("ERR", name, err)
			return nil
		}
		s := tb.Snapshot()
		r, k := s.NumRecords()
		_, err = s.Schema()
		t.Log("OK", name, s.Version, s.NumFiles(), s.removed.n, r, k, len(s.Txns), s.protocol, err)
		return nil
	})
}
