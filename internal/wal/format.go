package wal

import (
	"encoding/binary"
	"hash/crc32"

	"github.com/google/uuid"
)

// The sizes of the format's fixed parts, in bytes. docs/format/wal.md draws them.
const (
	headerSize = 48
	frameSize  = 12 // in front of each record's kind and payload
)

const (
	magic   = "LAKEGWAL"
	version = 1
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// appendHeader appends a segment's header.
func appendHeader(b []byte, s Segment, id uuid.UUID) []byte {
	at := len(b)
	b = append(b, magic...)
	b = binary.LittleEndian.AppendUint32(b, version)
	b = binary.LittleEndian.AppendUint64(b, s.Number)
	b = binary.LittleEndian.AppendUint64(b, s.Prev)
	b = append(b, id[:]...)
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b[at:], castagnoli))
}

// parseHeader reads a header of headerSize bytes. ok is false when it is not whole.
func parseHeader(b []byte) (s Segment, id uuid.UUID, ver uint32, ok bool) {
	if string(b[:8]) != magic || binary.LittleEndian.Uint32(b[44:]) != crc32.Checksum(b[:44], castagnoli) {
		return Segment{}, uuid.UUID{}, 0, false
	}
	s.Number = binary.LittleEndian.Uint64(b[12:])
	s.Prev = binary.LittleEndian.Uint64(b[20:])
	copy(id[:], b[28:44])
	return s, id, binary.LittleEndian.Uint32(b[8:]), true
}

// kindSums is the checksum of each kind, so that recordSum need not put one byte on the heap.
var kindSums = func() (sums [256]uint32) {
	for k := range sums {
		sums[k] = crc32.Checksum([]byte{byte(k)}, castagnoli)
	}
	return sums
}()

// recordSum is the checksum of a record: its kind, then its payload in parts.
func recordSum(kind byte, parts ...[]byte) uint32 {
	sum := kindSums[kind]
	for _, p := range parts {
		sum = crc32.Update(sum, castagnoli, p)
	}
	return sum
}

// appendFrame appends a record with its frame, but for the frame's own checksum: sealFrames adds
// it when the position is known.
func appendFrame(b []byte, kind byte, size int, sum uint32, parts [][]byte) []byte {
	b = binary.LittleEndian.AppendUint32(b, uint32(size))
	b = binary.LittleEndian.AppendUint32(b, sum)
	b = append(b, 0, 0, 0, 0, kind)
	for _, p := range parts {
		b = append(b, p...)
	}
	return b
}

// sealFrames writes the checksum of each frame in b, which will stand at pos, and returns how many
// frames there are.
func sealFrames(b []byte, pos Pos, in *sumInput) (n int64) {
	for len(b) > 0 {
		binary.LittleEndian.PutUint32(b[8:], in.frameSum(b, pos))
		size := frameSize + int(binary.LittleEndian.Uint32(b))
		b, pos.Offset = b[size:], pos.Offset+int64(size)
		n++
	}
	return n
}

// sumInput is what a frame's checksum is over. It is kept by whoever makes many, off the stack.
type sumInput [24]byte

// frameSum is the checksum of a frame's first eight bytes at a position. The position is in it so
// that bytes of an older file that turn up in a new one are not taken for records.
func (in *sumInput) frameSum(b []byte, pos Pos) uint32 {
	binary.LittleEndian.PutUint64(in[:], pos.Segment)
	binary.LittleEndian.PutUint64(in[8:], uint64(pos.Offset))
	copy(in[16:], b[:8])
	return crc32.Checksum(in[:], castagnoli)
}

// parseFrame reads the frame at the start of b. size counts the kind and the payload. ok is false
// when there is no frame for this position.
func parseFrame(b []byte, pos Pos, in *sumInput) (size int, sum uint32, ok bool) {
	if len(b) < frameSize || binary.LittleEndian.Uint32(b[8:]) != in.frameSum(b, pos) {
		return 0, 0, false
	}
	size = int(binary.LittleEndian.Uint32(b))
	return size, binary.LittleEndian.Uint32(b[4:]), size > 0 && size <= MaxRecord+1
}
