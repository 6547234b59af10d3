package tablewriter

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lakegate/lakegate/internal/delta"
	"github.com/lakegate/lakegate/internal/objstore/fsstore"
	"github.com/lakegate/lakegate/internal/rowtags"
)

// surgery changes the usage table of a stopped gateway, which has three files of four rows.
type surgery struct {
	t     *testing.T
	cfg   Config
	table *delta.Table
	files []*delta.Add
	n     int
}

func operate(t *testing.T, cfg Config) *surgery {
	t.Helper()
	store, err := fsstore.Open(filepath.Join(cfg.Dir, "lake"))
	must(t, err)
	d, err := delta.OpenExisting(t.Context(), store, "system/serving/usage", delta.Options{Version: "test"})
	must(t, err)
	s := &surgery{t: t, cfg: cfg, table: d}
	for a := range d.Snapshot().Files() {
		s.files = append(s.files, a)
	}
	return s
}

func (s *surgery) path(name string) string {
	return filepath.Join(s.cfg.Dir, "lake", filepath.FromSlash(s.table.Key(name)))
}

// copied is the file under another name, which is no lakegate's.
func (s *surgery) copied(a *delta.Add, tags map[string]string) delta.Add {
	s.t.Helper()
	b, err := os.ReadFile(s.path(a.Path))
	must(s.t, err)
	c := *a
	s.n++
	c.Path = fmt.Sprintf("%s/part-%05d-foreign.parquet", filepath.Dir(a.Path), s.n)
	c.Tags = tags
	must(s.t, os.WriteFile(s.path(c.Path), b, 0o600))
	return c
}

func (s *surgery) rewrite(remove []*delta.Add, add []delta.Add, erased rowtags.Counts) {
	s.t.Helper()
	r := delta.Rewrite{Operation: "TEST", Add: add, DataChange: true}
	for _, a := range remove {
		r.Remove = append(r.Remove, a.Path)
	}
	for _, x := range rowtags.ErasedTxns(s.table.Snapshot().Txns, erased) {
		r.Txns = append(r.Txns, delta.Txn{AppID: x.AppID, Version: x.Version, After: &x.After})
	}
	_, err := s.table.Rewrite(s.t.Context(), r)
	must(s.t, err)
}

func (s *surgery) rows(a *delta.Add) rowtags.Counts {
	s.t.Helper()
	c, ok := rowtags.Parse(a.Tags)
	if !ok || c.Rows().N != a.Rows {
		s.t.Fatalf("a landed file of %d rows has the tags %v", a.Rows, a.Tags)
	}
	return c
}

func TestVerifyOfRewrittenTables(t *testing.T) {
	other := rowtags.Counts{"1199c0de-1111-7000-8000-00000000000b": {N: 4, Sum: 77}}
	for _, tc := range []struct {
		name     string
		harm     func(s *surgery)
		landed   int64 // of 12
		erased   int64
		lost     int64
		unproved int64
		foreign  int64
		faults   int
		says     string
	}{
		{"compacted", func(s *surgery) {
			s.rewrite(s.files[:1], []delta.Add{s.copied(s.files[0], s.files[0].Tags)}, nil)
		}, 12, 0, 0, 0, 0, 0, ""},
		{"erased on purpose", func(s *surgery) {
			s.rewrite(s.files[:2], nil, s.rows(s.files[0]).Add(s.rows(s.files[1])))
		}, 4, 8, 0, 0, 0, 0, ""},
		{"erased and restored", func(s *surgery) {
			s.rewrite(s.files[:1], nil, s.rows(s.files[0]))
			s.rewrite(nil, []delta.Add{*s.files[0]}, rowtags.Counts{}.Sub(s.rows(s.files[0])))
		}, 12, 0, 0, 0, 0, 0, ""},
		{"other rows erased than it says", func(s *surgery) {
			s.rewrite(s.files[:1], nil, s.rows(s.files[1]))
		}, 8, 4, 0, 0, 0, 0, "not those that the log promised"},
		{"rows of another gateway erased from a file of both", func(s *surgery) {
			both := s.rows(s.files[0]).Add(other)
			left, _ := both.Erase(other.Rows())
			s.rewrite(s.files[:1], []delta.Add{s.copied(s.files[0], left.Tags())}, nil)
		}, 12, 0, 0, 0, 4, 0, ""},
		{"taken out without a word", func(s *surgery) {
			s.rewrite(s.files[:1], nil, nil)
		}, 8, 0, 4, 0, 0, 0, "4 rows of system.serving.usage are lost"},
		{"rewritten whole by another engine", func(s *surgery) {
			s.rewrite(s.files[:1], []delta.Add{s.copied(s.files[0], nil)}, nil)
		}, 12, 0, 0, 0, 0, 0, ""},
		{"rewritten by another engine, then some erased", func(s *surgery) {
			two := []delta.Add{s.copied(s.files[0], nil), s.copied(s.files[1], nil)}
			s.rewrite(s.files[:2], two, nil)
			for _, c := range s.rows(s.files[1]) {
				s.rewrite([]*delta.Add{&two[1]}, nil, rowtags.Counts{rowtags.Unknown: c})
			}
		}, 8, 4, 0, 0, 0, 0, ""},
		{"files of another writer", func(s *surgery) {
			from := operate(s.t, stopped(s.t))
			b, err := os.ReadFile(from.path(from.files[0].Path))
			must(s.t, err)
			c := s.copied(s.files[0], nil)
			c.Size, c.Stats = int64(len(b)), from.files[0].Stats
			must(s.t, os.WriteFile(s.path(c.Path), b, 0o600))
			s.rewrite(nil, []delta.Add{c}, nil)
		}, 12, 0, 0, 0, 4, 0, ""},
		{"deleted by another engine", func(s *surgery) {
			v := s.table.Snapshot().Version + 1
			text := `{"commitInfo":{"operation":"DELETE","engineInfo":"Apache-Spark/4.0.1 Delta-Lake/4.0.0"}}` + "\n" +
				`{"remove":{"path":"` + s.files[0].Path + `","dataChange":true,"deletionTimestamp":1}}` + "\n"
			must(s.t, os.WriteFile(s.path(fmt.Sprintf("_delta_log/%020d.json", v)), []byte(text), 0o600))
		}, 8, 0, 0, 4, 0, 0, "DELETE by Apache-Spark"},
		{"a file has other rows than its tag says", func(s *surgery) {
			s.rewrite(s.files[:1], []delta.Add{s.copied(s.files[0], s.files[1].Tags)}, nil)
		}, 12, 0, 0, 0, 0, 1, "other rows than it was written with"},
		{"an older lakegate wrote it", func(s *surgery) {
			for _, a := range s.files {
				plain := *a
				plain.Tags = nil
				plain.Path = strings.Replace(a.Path, "part-", "part-0", 1)
				must(s.t, os.Rename(s.path(a.Path), s.path(plain.Path)))
				s.rewrite([]*delta.Add{a}, []delta.Add{plain}, nil)
			}
		}, 12, 0, 0, 0, 0, 0, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := operate(t, stopped(t))
			tc.harm(s)
			all := verified(t, s.cfg)
			for _, r := range all.Tables {
				if r.Table != "system.serving.usage" {
					continue
				}
				got := []int64{r.Landed, r.Erased, r.Lost, r.Unproved, r.Foreign, int64(len(all.Files))}
				want := []int64{tc.landed, tc.erased, tc.lost, tc.unproved, tc.foreign, int64(tc.faults)}
				if fmt.Sprint(got) != fmt.Sprint(want) {
					t.Errorf("landed, erased, lost, unproved, foreign, faults are %v, want %v", got, want)
				}
				if sum := r.Landed + r.Erased + r.Pending + r.Losses + r.Lost + r.Unproved; sum != r.Accepted {
					t.Errorf("accepted %d and accounted for %d: %+v", r.Accepted, sum, r)
				}
			}
			if all.OK() != (tc.says == "") || !strings.Contains(strings.Join(all.Problems, "\n"), tc.says) {
				t.Errorf("problems %q, want one with %q", all.Problems, tc.says)
			}
		})
	}
}

// Two gateways' files compacted into one are proved for each of them.
func TestVerifyTellsLogsApart(t *testing.T) {
	s := operate(t, stopped(t))
	mine := s.rows(s.files[0])
	if len(mine) != 1 {
		t.Fatal(mine)
	}
	for log := range maps.Keys(mine) {
		if got := rowtags.Logs(s.table.Snapshot().Txns); len(got) != 1 || got[0] != log {
			t.Fatalf("the tag names log %s, the table's transactions %v", log, got)
		}
	}
}
