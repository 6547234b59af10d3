package warehouse

import (
	"os/exec"
	"runtime"
)

// spawner starts processes from one thread that lives as long as the warehouse. A process that is
// to die with its parent dies, in truth, with the thread that started it; Go's threads come and go.
type spawner struct {
	jobs chan job
	done chan struct{}
}

type job struct {
	cmd *exec.Cmd
	err chan error
}

func newSpawner() *spawner {
	s := &spawner{jobs: make(chan job), done: make(chan struct{})}
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(s.done)
		for j := range s.jobs {
			j.err <- j.cmd.Start()
		}
	}()
	return s
}

func (s *spawner) start(cmd *exec.Cmd) error {
	j := job{cmd, make(chan error, 1)}
	s.jobs <- j
	return <-j.err
}

// close ends the thread. No start may come after.
func (s *spawner) close() {
	close(s.jobs)
	<-s.done
}
