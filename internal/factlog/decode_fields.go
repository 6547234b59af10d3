package factlog

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"
)

// field is one field as it was read.
type field struct {
	tag   int
	num   uint64 // of a varint
	bytes []byte // of bytes and nested fields
}

func (f field) int() int64              { return int64(f.num>>1) ^ -int64(f.num&1) }
func (f field) duration() time.Duration { return time.Duration(f.int()) }

// next takes the first field off b.
func next(b []byte) (f field, rest []byte, err error) {
	key, n := binary.Uvarint(b)
	if n <= 0 || key>>2 > math.MaxInt32 {
		return f, nil, fmt.Errorf("%w: no key of a field", ErrMalformed)
	}
	f.tag, b = int(key>>2), b[n:]
	switch key & 3 {
	case asVarint:
		if f.num, n = binary.Uvarint(b); n <= 0 {
			return f, nil, f.cut()
		}
		return f, b[n:], nil
	case asBytes:
		size, n := binary.Uvarint(b)
		if n <= 0 || size > uint64(len(b)-n) {
			return f, nil, f.cut()
		}
		end := n + int(size)
		f.bytes = b[n:end:end]
		return f, b[end:], nil
	case asNested:
		if len(b) < 4 || uint64(binary.LittleEndian.Uint32(b)) > uint64(len(b)-4) {
			return f, nil, f.cut()
		}
		end := 4 + int(binary.LittleEndian.Uint32(b))
		f.bytes = b[4:end:end]
		return f, b[end:], nil
	default:
		return f, nil, fmt.Errorf("%w: field %d is of an unknown form", ErrMalformed, f.tag)
	}
}

func (f field) cut() error { return fmt.Errorf("%w: field %d is cut off", ErrMalformed, f.tag) }

// each calls set with every field of b. It is the one loop over fields.
func each(b []byte, set func(field) error) error {
	for len(b) > 0 {
		f, rest, err := next(b)
		if err != nil {
			return err
		}
		if err := set(f); err != nil {
			return err
		}
		b = rest
	}
	return nil
}

// body takes the version byte off a record.
func body(b []byte) ([]byte, error) {
	if len(b) == 0 {
		return nil, fmt.Errorf("%w: empty", ErrMalformed)
	}
	if b[0] != version {
		return nil, fmt.Errorf("%w: version %d, this program knows %d", ErrMalformed, b[0], version)
	}
	return b[1:], nil
}

// keep returns a pointer to v that is valid until the next record.
func (d *Decoder) keep(v int64) *int64 {
	d.ints = append(d.ints, v)
	return &d.ints[len(d.ints)-1]
}

func (d *Decoder) keepDuration(v int64) *time.Duration { return (*time.Duration)(d.keep(v)) }

// instant is a time that comes in two fields.
type instant struct {
	seconds, nanos int64
	set            bool
}

func (i instant) time() time.Time {
	if !i.set {
		return time.Time{}
	}
	return time.Unix(i.seconds, i.nanos).UTC()
}
