package endpoint

// Compare says which answers are compared by a judge. nil: none.
type Compare struct {
	Name string
	// Baseline and Challenger are places of the endpoint's entities.
	Baseline, Challenger int
	Share                float64 // of the calls that one of the two answers: above 0, up to 1
	Judge                string  // the endpoint that judges
	Rubric               string  // what it goes by; "" for what judges go by otherwise
}

// Sides returns the entities that are compared.
func (c *Compare) Sides(e *Endpoint) (baseline, challenger *Entity) {
	return e.Entities[c.Baseline], e.Entities[c.Challenger]
}
