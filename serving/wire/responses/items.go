package responses

import (
	"bytes"
	"slices"
	"strings"

	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// item is an output item as far as it has come.
type item struct {
	id      []byte // as quoted, empty for none
	index   int64  // output_index, -1 for none
	raw     []byte // the item as it was added or done; only kept for the join
	done    bool
	message bool
	search  bool
	chars   int64 // of the text of a message
	pieces  []piece
}

// piece is a string of an item that grows by deltas.
type piece struct {
	kind  string // of the event that brings it
	index int64
	text  []byte // the inside of a JSON string
}

// addPiece takes an event in the middle of an answer.
func (t *tracker) addPiece() {
	e := &t.ev
	switch e.kind {
	case "response.output_item.added":
		if e.item != nil {
			t.addItem(false)
		}
	case "response.output_item.done":
		if e.item != nil {
			t.addItem(true)
			t.res.Started = true
		}
		t.takeExtras()
	case "response.output_text.done":
		t.textDone()
	default:
		if e.delta != nil && strings.HasSuffix(e.kind, ".delta") {
			t.addDelta()
		}
	}
}

func (t *tracker) addItem(done bool) {
	id := quotedID(t.ev.item)
	it := t.find(id)
	if it == nil {
		t.items = append(t.items, item{id: bytes.Clone(id), index: t.ev.outputIndex})
		it = &t.items[len(t.items)-1]
	}
	it.done = done
	if n, ok := messageChars(t.ev.item); ok {
		it.message, it.chars = true, max(n, it.chars)
	}
	it.search = searched(t.ev.item)
	if t.keep {
		it.raw = append(it.raw[:0], t.ev.item...)
	}
}

// find returns the item that an event is about: that of the same id, or, where one of the two
// has none, that of the same place. Agents number their items from 0 again and again.
func (t *tracker) find(id []byte) *item {
	for i := len(t.items) - 1; i >= 0; i-- {
		it := &t.items[i]
		if len(id) > 0 && bytes.Equal(it.id, id) {
			return it
		}
		if (len(id) == 0 || len(it.id) == 0) && it.index == t.ev.outputIndex && !it.done {
			return it
		}
	}
	return nil
}

func (t *tracker) itemOfEvent() *item {
	it := t.find(t.ev.itemID)
	if it == nil {
		t.items = append(t.items, item{id: bytes.Clone(t.ev.itemID), index: t.ev.outputIndex})
		it = &t.items[len(t.items)-1]
	}
	return it
}

func (t *tracker) addDelta() {
	e := &t.ev
	it := t.itemOfEvent()
	t.res.Started = t.res.Started || len(e.delta) > 2
	if e.kind == "response.output_text.delta" {
		it.message = true
		it.chars += rawjson.Chars(e.delta)
	}
	if !t.keep {
		return
	}
	for i := range it.pieces {
		if p := &it.pieces[i]; p.index == e.index && p.kind == e.kind {
			p.text = append(p.text, e.delta[1:len(e.delta)-1]...)
			return
		}
	}
	it.pieces = append(it.pieces, piece{e.kind, e.index, bytes.Clone(e.delta[1 : len(e.delta)-1])})
}

// textDone takes text that came without deltas.
func (t *tracker) textDone() {
	it := t.itemOfEvent()
	i := t.object.Find("text")
	if i < 0 || t.object.Kind(i) != rawjson.String {
		return
	}
	if it.message && it.chars > 0 {
		return
	}
	t.ev.kind, t.ev.delta = "response.output_text.delta", t.object.Value(i)
	t.addDelta()
}

// quotedID returns the id of an item as quoted, nil for none.
func quotedID(item []byte) (id []byte) {
	rawjson.Members(item, func(name []byte, k rawjson.Kind, v []byte) bool {
		if string(name) == "id" && k == rawjson.String && len(v) > 2 {
			id = v
			return false
		}
		return true
	})
	return id
}

// members are named JSON values, in order.
type members []struct {
	name  string
	value []byte
}

func (m *members) set(name string, value []byte) {
	value = bytes.Clone(value)
	for i := range *m {
		if (*m)[i].name == name {
			(*m)[i].value = value
			return
		}
	}
	*m = append(*m, members{{name, value}}...)
}

// takeExtras takes what agents say beside a finished item.
func (t *tracker) takeExtras() {
	for i := range t.object.Len() {
		v, k := t.object.Value(i), t.object.Kind(i)
		if k == rawjson.Null {
			continue
		}
		switch name := string(t.object.Name(i)); name {
		case "usage":
			if u, ok := ParseUsage(v); ok {
				u.ServiceTier, u.Searches = t.res.Usage.ServiceTier, t.res.Usage.Searches
				t.res.Usage, t.res.HasUsage = u, true
				t.extra(name, v)
			}
		case "model":
			if k == rawjson.String {
				t.res.Model = rawjson.Unquote(v)
				t.extra(name, v)
			}
		case "custom_outputs", "databricks_output":
			t.extra(name, v)
		}
	}
}

func (t *tracker) extra(name string, v []byte) {
	if t.keep {
		t.extras.set(name, v)
	}
}

// inOrder returns the items in the order of the answer: as they came, but for those that say
// their place.
func (t *tracker) inOrder() []*item {
	list := make([]*item, len(t.items))
	seen := map[int64]bool{}
	sortable := true
	for i := range t.items {
		it := &t.items[i]
		list[i] = it
		sortable = sortable && it.index >= 0 && !seen[it.index]
		seen[it.index] = true
	}
	if sortable {
		slices.SortStableFunc(list, func(a, b *item) int { return int(a.index - b.index) })
	}
	return list
}
