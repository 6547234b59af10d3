// Package rowtags says which log's rows a data file has, in a tag of the file that every writer of
// the table can read, so that lakegate verify can prove a log's rows complete after compactions,
// retention and erasure.
//
// The tag "lakegate.rows" of an Add is a JSON object: for each log (its id, a UUID) how many rows of
// the file that log wrote and the sum of their ids (IDSum, modulo 2^64):
//
//	{"5f0c…":{"n":120,"sum":"9377214466098190412"},"-":{"n":3,"sum":"…"}}
//
// The entry Shared ("-") is rows that were erased from a file in which several logs had rows: whose
// they were cannot be told from the row, so the logs' own entries still count them and Shared counts
// them once more, as gone. The rows that are in the file are those of the logs less those of Shared
// (Counts.Rows). The entry Unknown ("?") is rows whose log nobody knows: a foreign engine wrote them.
//
// Whoever makes a file of others adds their Counts up; whoever takes rows out subtracts them (Erase)
// and enters what is erased for good in the table's transactions, in the same commit (ErasedTxns).
// So for each log and table: rows accepted = rows tagged + rows erased + rows not landed yet + losses.
//
// The package is values and arithmetic: no state, no I/O, no fake.
package rowtags

import (
	"encoding/binary"
	"encoding/json"
	"maps"

	"github.com/google/uuid"
)

// Key is the tag's name.
const Key = "lakegate.rows"

// Entries of Counts that are no log's.
const (
	// Shared is rows that were erased from a file of several logs; the logs' entries have them still.
	Shared = "-"
	// Unknown is rows of which nobody knows the log.
	Unknown = "?"
)

// Count is a number of rows and the sum of their ids, modulo 2^64.
type Count struct {
	N   int64
	Sum uint64
}

// Plus returns the sum of both.
func (c Count) Plus(o Count) Count { return Count{c.N + o.N, c.Sum + o.Sum} }

// Minus returns the difference.
func (c Count) Minus(o Count) Count { return Count{c.N - o.N, c.Sum - o.Sum} }

// Row counts one row.
func (c *Count) Row(id [16]byte) {
	c.N++
	c.Sum += IDSum(id)
}

// Counts is the rows of one or several files, by log id. The nil map is no rows.
type Counts map[string]Count

// Add returns the entries of both added up. Neither is changed.
func (c Counts) Add(o Counts) Counts { return c.with(o, Count.Plus) }

// Sub returns the entries of c less those of o. Neither is changed.
func (c Counts) Sub(o Counts) Counts { return c.with(o, Count.Minus) }

func (c Counts) with(o Counts, op func(a, b Count) Count) Counts {
	sum := maps.Clone(c)
	if sum == nil {
		sum = Counts{}
	}
	for log, n := range o {
		if sum[log] = op(sum[log], n); sum[log] == (Count{}) {
			delete(sum, log)
		}
	}
	return sum
}

// Rows is what the file must have: the rows of all logs less those that are gone.
func (c Counts) Rows() (n Count) {
	for log, m := range c {
		if log == Shared {
			n = n.Minus(m)
		} else {
			n = n.Plus(m)
		}
	}
	return n
}

// Erase takes rows out of a file. left is the file's Counts without them, and erased is what the
// table's transactions are to say (ErasedTxns). With several logs in the file nothing is erased yet:
// left notes the rows under Shared until the file is empty, or gone. left is empty when no row is.
func (c Counts) Erase(gone Count) (left, erased Counts) {
	if gone.N == c.Rows().N {
		return Counts{}, c
	}
	if log, only := c.only(); only {
		erased = Counts{log: gone}
		return c.Sub(erased), erased
	}
	return c.Add(Counts{Shared: gone}), Counts{}
}

// only returns the one log that all rows are of.
func (c Counts) only() (log string, ok bool) {
	for log := range c {
		if len(c) == 1 {
			return log, log != Shared
		}
	}
	return "", false
}

type entry struct {
	N   int64  `json:"n"`
	Sum uint64 `json:"sum,string"`
}

// Tag renders the tag. Maps are encoded in the order of their keys: the same rows, the same text.
func (c Counts) Tag() (key, value string) {
	m := make(map[string]entry, len(c))
	for log, n := range c {
		m[log] = entry(n)
	}
	b, err := json.Marshal(m)
	if err != nil {
		panic(err) // a map of numbers
	}
	return Key, string(b)
}

// Tags returns the tags of a file with these rows.
func (c Counts) Tags() map[string]string {
	key, value := c.Tag()
	return map[string]string{key: value}
}

// Parse reads the tag among a file's tags. It is false when there is none, or none that is ours.
func Parse(tags map[string]string) (Counts, bool) {
	var m map[string]entry
	if text, ok := tags[Key]; !ok || json.Unmarshal([]byte(text), &m) != nil {
		return nil, false
	}
	c := make(Counts, len(m))
	for log, n := range m {
		c[log] = Count(n)
	}
	return c, true
}

// ParseID returns the id of a row, of its text. One that is no UUID gets an id made of its text; NULL
// (null) is the zero id.
func ParseID(text string, null bool) [16]byte {
	if null {
		return [16]byte{}
	}
	id, err := uuid.Parse(text)
	if err != nil {
		return uuid.NewSHA1(uuid.Nil, []byte(text))
	}
	return id
}

// IDSum is a number that is near enough to random for each id, and 0 for the zero id. UUIDv7s of one
// millisecond differ in few bits; a plain sum of them would not notice two errors that cancel out.
func IDSum(id [16]byte) uint64 {
	return mix(binary.BigEndian.Uint64(id[:8]) ^ mix(binary.BigEndian.Uint64(id[8:])))
}

// mix is the finalizer of splitmix64.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
