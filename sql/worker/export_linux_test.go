//go:build linux && (amd64 || arm64)

package worker

// Confine is confine, for tests of what a confined process can still do.
var Confine = confine
