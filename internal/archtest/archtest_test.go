package archtest

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// source is what one directory of Go files imports and says of itself.
type source struct {
	dir     string          // below the module's root
	imports map[string]bool // of files that are not tests
	comment int             // files with a package comment
	main    bool
}

func root(t *testing.T) string {
	t.Helper()
	d, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Dir(filepath.Dir(d))
}

func sources(t *testing.T) []*source {
	t.Helper()
	top := root(t)
	byDir := map[string]*source{}
	var all []*source
	err := filepath.WalkDir(top, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := e.Name()
		if e.IsDir() && path != top && (strings.HasPrefix(name, ".") || name == "testdata" || name == "node_modules" || name == "out" || name == "data") {
			return filepath.SkipDir
		}
		if e.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly|parser.ParseComments)
		if err != nil {
			return err
		}
		dir, err := filepath.Rel(top, filepath.Dir(path))
		if err != nil {
			return err
		}
		dir = filepath.ToSlash(dir)
		s := byDir[dir]
		if s == nil {
			s = &source{dir: dir, imports: map[string]bool{}}
			byDir[dir] = s
			all = append(all, s)
		}
		s.main = f.Name.Name == "main"
		if f.Doc != nil {
			s.comment++
		}
		for _, i := range f.Imports {
			p, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return err
			}
			s.imports[p] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func fits(pattern, path string) bool {
	if pattern == "..." {
		return true
	}
	if p, ok := strings.CutSuffix(pattern, "/..."); ok {
		return path == p || strings.HasPrefix(path, p+"/")
	}
	return pattern == path
}

func anyFits(patterns []string, path string) bool {
	for _, p := range patterns {
		if fits(p, path) {
			return true
		}
	}
	return false
}

func ruleFor(dir string) *Rule {
	for i := range Arrows {
		if fits(Arrows[i].From, dir) {
			return &Arrows[i]
		}
	}
	return nil
}

func TestArrows(t *testing.T) {
	found := 0
	for _, s := range sources(t) {
		found++
		r := ruleFor(s.dir)
		if r == nil {
			t.Errorf("package %s is not in the table: add a rule to Arrows", s.dir)
			continue
		}
		for imp := range s.imports {
			to, own := strings.CutPrefix(imp, module+"/")
			if !own || fits(r.From, to) || anyFits(r.May, to) {
				continue
			}
			t.Errorf("new arrow %s -> %s: if the design needs it, add it to Arrows in this commit and say why", s.dir, to)
		}
	}
	if found < 10 {
		t.Fatalf("looked at %d packages only; the walk is broken", found)
	}
}

func TestLibrariesStayWhereTheyBelong(t *testing.T) {
	for _, s := range sources(t) {
		for imp := range s.imports {
			for lib, may := range Only {
				if imp != lib && !strings.HasPrefix(imp, lib+"/") && !strings.HasPrefix(imp, lib+"@") {
					continue
				}
				if !anyFits(may, s.dir) {
					t.Errorf("%s imports %s; only %v may", s.dir, imp, may)
				}
			}
		}
	}
}

func TestOnePackageCommentEach(t *testing.T) {
	for _, s := range sources(t) {
		if s.comment != 1 {
			t.Errorf("package %s has %d package comments, want 1", s.dir, s.comment)
		}
	}
}
