//go:build !linux || !(amd64 || arm64)

package worker_test

// There is nothing to confine with on this system, and so nothing to probe.
const (
	probeMark  = "probe-confinement"
	parentMark = "run-as-parent"
)

func probe(string) {}

func parent(string) {}
