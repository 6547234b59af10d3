package faultdisk

import (
	"io"

	"github.com/lakegate/lakegate/internal/disk"
)

// process is the disk as one process sees it: gone after Kill and PowerLoss.
type process struct {
	d    *Disk
	life int
}

// Process returns the disk for a process that lives until the next Kill or PowerLoss. After that
// everything it does fails with ErrDead, so that goroutines of the dead process change nothing.
func (d *Disk) Process() disk.FS {
	d.mu.Lock()
	defer d.mu.Unlock()
	return process{d, d.life}
}

func (p process) alive() error {
	p.d.mu.Lock()
	defer p.d.mu.Unlock()
	if p.life != p.d.life {
		return ErrDead
	}
	return nil
}

func (p process) Create(path string) (disk.File, error) {
	if err := p.alive(); err != nil {
		return nil, err
	}
	return p.d.Create(path)
}

func (p process) Open(path string) (disk.File, error) {
	if err := p.alive(); err != nil {
		return nil, err
	}
	return p.d.Open(path)
}

func (p process) Edit(path string) (disk.File, error) { return p.Open(path) }

func (p process) Names(dir string) ([]string, error) {
	if err := p.alive(); err != nil {
		return nil, err
	}
	return p.d.Names(dir)
}

func (p process) Stat(path string) (int64, bool, error) {
	if err := p.alive(); err != nil {
		return 0, false, err
	}
	return p.d.Stat(path)
}

func (p process) Mkdir(dir string) error {
	if err := p.alive(); err != nil {
		return err
	}
	return p.d.Mkdir(dir)
}

func (p process) Rename(from, to string) error {
	if err := p.alive(); err != nil {
		return err
	}
	return p.d.Rename(from, to)
}

func (p process) Remove(path string) error {
	if err := p.alive(); err != nil {
		return err
	}
	return p.d.Remove(path)
}

func (p process) SyncDir(dir string) error {
	if err := p.alive(); err != nil {
		return err
	}
	return p.d.SyncDir(dir)
}

func (p process) Lock(path string, alone bool) (io.Closer, error) {
	if err := p.alive(); err != nil {
		return nil, err
	}
	return p.d.Lock(path, alone)
}

func (p process) Boot() string { return p.d.Boot() }
