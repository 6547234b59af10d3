package wal

import (
	"encoding/binary"
	"hash/crc32"
	"math"

	"github.com/google/uuid"
)

// The sizes of the format's fixed parts, in bytes. docs/format/wal.md draws them. The first version
// had neither epochs nor sequence numbers.
const (
	headerSize   = 80
	headerSizeV1 = 48
	frameSize    = 24 // in front of each record's kind and payload
	frameSizeV1  = 12
)

const (
	magic   = "LAKEGWAL"
	version = 2
)

// markKind is the kind of what the log writes for itself. The first byte of the payload says what.
const (
	markKind   = 0xff
	markClosed = 1 // the log was closed here, and nothing is missing in front of it
	markGap    = 2 // records are gone; the mark's sequence number is that of the last of them
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// header is what stands at the start of a segment.
type header struct {
	version uint32
	number  uint64
	prev    uint64
	log     uuid.UUID
	epoch   uint64    // how many times the log was opened for writing; 0 in the first version
	boot    uuid.UUID // of the run of the operating system; zero when it is not known
}

// size is where the first frame stands.
func (h header) size() int64 {
	if h.version == 1 {
		return headerSizeV1
	}
	return headerSize
}

// frame is the size of what stands in front of a record.
func (h header) frame() int {
	if h.version == 1 {
		return frameSizeV1
	}
	return frameSize
}

// append appends a header of the newest version.
func (h header) append(b []byte) []byte {
	at := len(b)
	b = append(b, magic...)
	b = binary.LittleEndian.AppendUint32(b, version)
	b = binary.LittleEndian.AppendUint64(b, h.number)
	b = binary.LittleEndian.AppendUint64(b, h.prev)
	b = append(b, h.log[:]...)
	b = binary.LittleEndian.AppendUint64(b, h.epoch)
	b = append(b, h.boot[:]...)
	b = append(b, make([]byte, headerSize-4-(len(b)-at))...)
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b[at:], castagnoli))
}

// parseHeader reads a header at the start of b. ok is false when it is not whole; a version that is
// not known is returned as it is.
func parseHeader(b []byte) (h header, ok bool) {
	if len(b) < headerSizeV1 || string(b[:8]) != magic {
		return header{}, false
	}
	h.version = binary.LittleEndian.Uint32(b[8:])
	n := int(h.size())
	if len(b) < n || binary.LittleEndian.Uint32(b[n-4:]) != crc32.Checksum(b[:n-4], castagnoli) {
		return header{}, false
	}
	h.number = binary.LittleEndian.Uint64(b[12:])
	h.prev = binary.LittleEndian.Uint64(b[20:])
	copy(h.log[:], b[28:44])
	if h.version > 1 {
		h.epoch = binary.LittleEndian.Uint64(b[44:])
		copy(h.boot[:], b[52:68])
	}
	return h, true
}

// bootID is how a segment names the run of the operating system.
func bootID(name string) uuid.UUID {
	if name == "" {
		return uuid.UUID{}
	}
	return uuid.NewSHA1(uuid.NameSpaceOID, []byte(name))
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

// appendFrame appends a record with its frame, but for what is known only when it is written:
// sealFrames adds that.
func appendFrame(b []byte, kind byte, size int, sum uint32, parts [][]byte) []byte {
	b = binary.LittleEndian.AppendUint32(b, uint32(size))
	b = binary.LittleEndian.AppendUint32(b, sum)
	b = append(b, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, kind)
	for _, p := range parts {
		b = append(b, p...)
	}
	return b
}

// sealFrames completes the frames in b, which will stand at pos: the sequence numbers that come
// after seq, how far the segment is on disk, and the frame's own checksum. It returns the last number.
func sealFrames(b []byte, pos Pos, seq uint64, synced int64, in *sumInput) uint64 {
	for len(b) > 0 {
		seq++
		binary.LittleEndian.PutUint64(b[8:], seq)
		binary.LittleEndian.PutUint32(b[16:], clip(synced))
		binary.LittleEndian.PutUint32(b[20:], in.frameSum(b, 20, pos))
		size := frameSize + int(binary.LittleEndian.Uint32(b))
		b, pos.Offset = b[size:], pos.Offset+int64(size)
	}
	return seq
}

// clip makes an offset fit four bytes. It is a lower bound, so a smaller one is right as well.
func clip(offset int64) uint32 { return uint32(min(offset, math.MaxUint32)) }

// sumInput is what a frame's checksum is over. It is kept by whoever makes many, off the stack.
type sumInput [16 + frameSize - 4]byte

// frameSum is the checksum of a frame's first n bytes at a position. The position is in it so that
// bytes of an older file that turn up in a new one are not taken for records.
func (in *sumInput) frameSum(b []byte, n int, pos Pos) uint32 {
	binary.LittleEndian.PutUint64(in[:], pos.Segment)
	binary.LittleEndian.PutUint64(in[8:], uint64(pos.Offset))
	copy(in[16:16+n], b)
	return crc32.Checksum(in[:16+n], castagnoli)
}

// frame is what stands in front of a record.
type frame struct {
	size   int    // of kind and payload
	sum    uint32 // of them
	seq    uint64 // 0 in the first version
	synced int64  // the segment was on disk up to here when the record was written; 0 for not known
}

// parseFrame reads the frame at the start of b. ok is false when there is no frame for this
// position.
func parseFrame(b []byte, frameBytes int, pos Pos, in *sumInput) (f frame, ok bool) {
	if len(b) < frameBytes || binary.LittleEndian.Uint32(b[frameBytes-4:]) != in.frameSum(b, frameBytes-4, pos) {
		return frame{}, false
	}
	f = frame{size: int(binary.LittleEndian.Uint32(b)), sum: binary.LittleEndian.Uint32(b[4:])}
	if frameBytes > frameSizeV1 {
		f.seq, f.synced = binary.LittleEndian.Uint64(b[8:]), int64(binary.LittleEndian.Uint32(b[16:]))
	}
	return f, f.size > 0 && f.size <= MaxRecord+1
}
