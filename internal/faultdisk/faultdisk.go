// Package faultdisk is a disk in memory for tests: it loses what was not synced when the power goes,
// fills up, and fails on demand.
//
// It keeps the promises of package disk and not one more. PowerLoss leaves of each file what was
// synced and any part of what was not: writes lost as a whole, torn at sectors of 512 bytes, applied
// out of order; and of each folder the names that were synced and some of the changes that were not.
// Kill ends the process alone: everything written stays, open files and locks are gone. What is lost
// is decided by the random source given to New, so a seed repeats it.
//
// A Disk may be used from many goroutines.
package faultdisk

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/lakegate/lakegate/internal/disk"
)

// ErrDead is the error of files and locks that were open when the power went or the process died.
var ErrDead = errors.New("the process that opened this is gone")

// Op is what a fault may strike.
type Op string

// The operations.
const (
	Write   Op = "write"
	Sync    Op = "sync"
	Create  Op = "create"
	SyncDir Op = "sync folder"
	Rename  Op = "rename"
	Remove  Op = "remove"
)

// Disk is a disk.FS.
type Disk struct {
	mu    sync.Mutex
	rnd   *rand.Rand
	dirs  map[string]*folder
	boot  int
	life  int   // counts Kill and PowerLoss; what was opened in another life is dead
	room  int64 // bytes that fit, 0 for no bound
	locks map[string]int
	fault func(op Op, path string) error
}

// New returns an empty disk. rnd decides what a power loss takes.
func New(rnd *rand.Rand) *Disk {
	return &Disk{rnd: rnd, dirs: map[string]*folder{"/": newFolder()}, locks: map[string]int{}}
}

// folder is the names in a folder: those that are there, and those a power loss leaves for certain.
type folder struct {
	now, synced map[string]*inode
	changes     []change // of names since the last sync, in order
}

// change sets some names of a folder in one step; a nil inode takes the name away.
type change map[string]*inode

func newFolder() *folder {
	return &folder{now: map[string]*inode{}, synced: map[string]*inode{}}
}

func (f *folder) apply(c change) {
	set(f.now, c)
	f.changes = append(f.changes, c)
}

func set(names map[string]*inode, c change) {
	for name, i := range c {
		if i == nil {
			delete(names, name)
		} else {
			names[name] = i
		}
	}
}

// inode is a file: its bytes, those that a power loss leaves for certain, and what was done since.
type inode struct {
	now, synced []byte
	pending     []write
	reserved    int64 // bytes allocated
	folder      bool
}

// write is bytes at an offset, or with nil data a file cut to off bytes.
type write struct {
	off  int64
	data []byte
}

func (w write) apply(b []byte) []byte {
	if w.data == nil {
		return resize(b, w.off)
	}
	b = resize(b, max(int64(len(b)), w.off+int64(len(w.data))))
	copy(b[w.off:], w.data)
	return b
}

func resize(b []byte, n int64) []byte {
	if int64(len(b)) >= n {
		return b[:n:n]
	}
	return append(b, make([]byte, n-int64(len(b)))...)
}

// SetRoom bounds the bytes of all files together; 0 for no bound.
func (d *Disk) SetRoom(bytes int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.room = bytes
}

// Used is the bytes of all files together, with what is allocated.
func (d *Disk) Used() int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.used()
}

func (d *Disk) used() (n int64) {
	for _, f := range d.dirs {
		for _, i := range f.now {
			n += max(int64(len(i.now)), i.reserved)
		}
	}
	return n
}

// Fail asks f before each operation; its error, when it has one, is what the operation fails with. A
// write that fails is half done. Nil for no faults.
func (d *Disk) Fail(f func(op Op, path string) error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fault = f
}

func (d *Disk) strike(op Op, path string) error {
	if d.fault == nil {
		return nil
	}
	if err := d.fault(op, path); err != nil {
		return &os.PathError{Op: string(op), Path: path, Err: err}
	}
	return nil
}

// Kill ends the process that uses the disk. What was written stays.
func (d *Disk) Kill() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.life++
	clear(d.locks)
}

// PowerLoss ends the process and takes what was not synced, or some of it. Faults end too.
func (d *Disk) PowerLoss() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.life++
	d.boot++
	d.fault = nil
	clear(d.locks)
	seen := map[*inode]bool{}
	for _, path := range d.paths() {
		f := d.dirs[path]
		d.loseNames(f)
		for _, name := range sortedNames(f.now) {
			if i := f.now[name]; !seen[i] {
				seen[i] = true
				d.loseBytes(i)
			}
		}
	}
	for path := range d.dirs {
		if parent := d.dirs[filepath.Dir(path)]; path != "/" && (parent == nil || parent.now[filepath.Base(path)] == nil) {
			delete(d.dirs, path)
		}
	}
}

func (d *Disk) paths() []string {
	var paths []string
	for path := range d.dirs {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	return paths
}

func sortedNames(m map[string]*inode) []string {
	var names []string
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// loseNames leaves what was synced and some of the changes since: as a journal does, the first few,
// or any of them.
func (d *Disk) loseNames(f *folder) {
	keep := len(f.changes)
	anyOf := d.rnd.IntN(2) == 0
	if !anyOf {
		keep = d.rnd.IntN(len(f.changes) + 1)
	}
	f.now = map[string]*inode{}
	set(f.now, f.synced)
	for _, c := range f.changes[:keep] {
		if !anyOf || d.rnd.IntN(2) == 0 {
			set(f.now, c)
		}
	}
	f.synced = map[string]*inode{}
	set(f.synced, f.now)
	f.changes = nil
}

const sector = 512

// loseBytes leaves what was synced and some of what was written since: nothing, everything up to a
// place, or any sectors.
func (d *Disk) loseBytes(i *inode) {
	b := slices.Clone(i.synced)
	mode := d.rnd.IntN(3)
	keep := len(i.pending)
	if mode > 0 {
		keep = d.rnd.IntN(len(i.pending) + 1)
	}
	for n, w := range i.pending {
		switch {
		case w.data == nil:
			if n < keep {
				b = w.apply(b)
			}
		case mode == 0:
			b = d.scatter(b, w)
		case n < keep:
			b = w.apply(b)
		case n == keep: // torn
			w.data = w.data[:d.rnd.IntN(len(w.data)+1)]
			if len(w.data) > 0 {
				b = w.apply(b)
			}
		}
	}
	i.now, i.synced, i.pending = b, slices.Clone(b), nil
}

// scatter applies any of the sectors of a write.
func (d *Disk) scatter(b []byte, w write) []byte {
	for from := int64(0); from < int64(len(w.data)); {
		to := min(int64(len(w.data)), from+sector-(w.off+from)%sector)
		if d.rnd.IntN(2) == 0 {
			b = write{w.off + from, w.data[from:to]}.apply(b)
		}
		from = to
	}
	return b
}

// find returns the folder and the file of a path; the file is nil when there is none.
func (d *Disk) find(op, path string) (*folder, string, *inode, error) {
	path = filepath.Clean(path)
	f := d.dirs[filepath.Dir(path)]
	if f == nil {
		return nil, "", nil, &os.PathError{Op: op, Path: path, Err: os.ErrNotExist}
	}
	return f, filepath.Base(path), f.now[filepath.Base(path)], nil
}

func (d *Disk) existing(op, path string) (*folder, string, *inode, error) {
	f, name, i, err := d.find(op, path)
	if err == nil && i == nil {
		err = &os.PathError{Op: op, Path: path, Err: os.ErrNotExist}
	}
	return f, name, i, err
}

// Create implements disk.FS.
func (d *Disk) Create(path string) (disk.File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.strike(Create, path); err != nil {
		return nil, err
	}
	f, name, i, err := d.find("create", path)
	switch {
	case err != nil:
		return nil, err
	case i != nil:
		return nil, &os.PathError{Op: "create", Path: path, Err: os.ErrExist}
	}
	i = &inode{}
	f.apply(change{name: i})
	return &file{d: d, i: i, path: path, life: d.life}, nil
}

// Open implements disk.FS.
func (d *Disk) Open(path string) (disk.File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, _, i, err := d.existing("open", path)
	if err != nil {
		return nil, err
	}
	return &file{d: d, i: i, path: path, life: d.life}, nil
}

// Edit implements disk.FS.
func (d *Disk) Edit(path string) (disk.File, error) { return d.Open(path) }

// Names implements disk.FS.
func (d *Disk) Names(dir string) ([]string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f := d.dirs[filepath.Clean(dir)]
	if f == nil {
		return nil, &os.PathError{Op: "list", Path: dir, Err: os.ErrNotExist}
	}
	return sortedNames(f.now), nil
}

// Stat implements disk.FS.
func (d *Disk) Stat(path string) (size int64, folder bool, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dirs[filepath.Clean(path)] != nil {
		return 0, true, nil
	}
	_, _, i, err := d.existing("stat", path)
	if err != nil {
		return 0, false, err
	}
	return int64(len(i.now)), false, nil
}

// Mkdir implements disk.FS.
func (d *Disk) Mkdir(dir string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	f, name, i, err := d.find("mkdir", dir)
	switch {
	case err != nil:
		return err
	case i != nil:
		return &os.PathError{Op: "mkdir", Path: dir, Err: os.ErrExist}
	}
	f.apply(change{name: &inode{folder: true}})
	d.dirs[filepath.Clean(dir)] = newFolder()
	return nil
}

// Rename implements disk.FS, within one folder.
func (d *Disk) Rename(from, to string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.strike(Rename, from); err != nil {
		return err
	}
	f, old, i, err := d.existing("rename", from)
	if err != nil {
		return err
	}
	if filepath.Dir(filepath.Clean(from)) != filepath.Dir(filepath.Clean(to)) {
		return &os.PathError{Op: "rename", Path: from, Err: unix.EXDEV}
	}
	f.apply(change{old: nil, filepath.Base(to): i})
	return nil
}

// Remove implements disk.FS.
func (d *Disk) Remove(path string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.strike(Remove, path); err != nil {
		return err
	}
	f, name, _, err := d.existing("remove", path)
	if err != nil {
		return err
	}
	f.apply(change{name: nil})
	return nil
}

// SyncDir implements disk.FS.
func (d *Disk) SyncDir(dir string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.strike(SyncDir, dir); err != nil {
		return err
	}
	f := d.dirs[filepath.Clean(dir)]
	if f == nil {
		return &os.PathError{Op: "sync", Path: dir, Err: os.ErrNotExist}
	}
	f.synced, f.changes = map[string]*inode{}, nil
	set(f.synced, f.now)
	return nil
}

// Lock implements disk.FS.
func (d *Disk) Lock(path string, alone bool) (io.Closer, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f, name, i, err := d.find("lock", path)
	if err != nil {
		return nil, err
	}
	if i == nil {
		if !alone {
			return nil, &os.PathError{Op: "lock", Path: path, Err: os.ErrNotExist}
		}
		f.apply(change{name: &inode{}})
	}
	held := d.locks[path]
	if held < 0 || alone && held > 0 {
		return nil, fmt.Errorf("%s: %w", path, disk.ErrLocked)
	}
	l := &lock{d: d, path: path, life: d.life, shares: 1}
	if alone {
		l.shares = -1
	}
	d.locks[path] += l.shares
	return l, nil
}

// Boot implements disk.FS: it changes with each PowerLoss.
func (d *Disk) Boot() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return fmt.Sprintf("boot %d", d.boot)
}

type lock struct {
	d      *Disk
	path   string
	life   int
	shares int
}

func (l *lock) Close() error {
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	if l.shares == 0 {
		return os.ErrClosed
	}
	if l.life == l.d.life {
		l.d.locks[l.path] -= l.shares
	}
	l.shares = 0
	return nil
}

// Dump lists the files with their sizes, for the message of a test that failed.
func (d *Disk) Dump() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var b strings.Builder
	for _, path := range d.paths() {
		f := d.dirs[path]
		for _, name := range sortedNames(f.now) {
			if i := f.now[name]; !i.folder {
				fmt.Fprintf(&b, "%s %d bytes, %d synced\n", filepath.Join(path, name), len(i.now), len(i.synced))
			}
		}
	}
	return b.String()
}
