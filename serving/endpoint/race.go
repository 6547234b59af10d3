package endpoint

import "time"

// Race says that several entities are asked the same at once, and that the first acceptable answer
// is the client's.
type Race struct {
	Among []int // places in Entities, two or more, in the order they are asked in
	// After is how long one is given before the next is asked too; 0: all are asked at once.
	After time.Duration
	Most  int // entities in one race, the first included; 2 or more
}

// DefaultMost is how many entities run in a race where nothing else is said.
const DefaultMost = 2
