package delta

import (
	"fmt"
	"strings"
)

// protocol says what the table asks of those who read and write it.
type protocol struct {
	MinReaderVersion int      `json:"minReaderVersion"`
	MinWriterVersion int      `json:"minWriterVersion"`
	ReaderFeatures   []string `json:"readerFeatures,omitempty"`
	WriterFeatures   []string `json:"writerFeatures,omitempty"`
}

// What we write, and the most we read and append to. Writer version 2 asks for append-only tables,
// which appending keeps, and for column invariants, which evolve refuses.
const (
	readerVersion = 1
	writerVersion = 2
)

// ProtocolError is an ErrProtocol, with what the table asks for.
type ProtocolError struct {
	Writing                            bool // false: can't even be read
	MinReaderVersion, MinWriterVersion int
	Features                           []string // named by the table, or found in use
}

// Error implements error.
func (e *ProtocolError) Error() string {
	verb, ours := "reading", readerVersion
	if e.Writing {
		verb, ours = "writing", writerVersion
	}
	msg := fmt.Sprintf("%s: the table asks for reader version %d and writer version %d", ErrProtocol, e.MinReaderVersion, e.MinWriterVersion)
	if len(e.Features) > 0 {
		msg += " with " + strings.Join(e.Features, ", ")
	}
	return fmt.Sprintf("%s; %s is supported up to version %d", msg, verb, ours)
}

// Unwrap makes it an ErrProtocol.
func (e *ProtocolError) Unwrap() error { return ErrProtocol }

func (p *protocol) readable() error {
	if p.MinReaderVersion <= readerVersion && len(p.ReaderFeatures) == 0 {
		return nil
	}
	return &ProtocolError{false, p.MinReaderVersion, p.MinWriterVersion, p.ReaderFeatures}
}

func (p *protocol) writable() error {
	if err := p.readable(); err != nil {
		return err
	}
	if p.MinWriterVersion <= writerVersion {
		return nil
	}
	return &ProtocolError{true, p.MinReaderVersion, p.MinWriterVersion, p.WriterFeatures}
}
