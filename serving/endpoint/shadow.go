package endpoint

// Shadow says that some calls are asked of another entity too, whose answer nobody gets.
type Shadow struct {
	To    int     // its place in Entities; it has no traffic of its own, and nothing falls back to it
	Share float64 // of the calls, above 0 and up to 1
}
