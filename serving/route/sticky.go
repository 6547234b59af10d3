package route

// Sticky returns the draw of everybody who has the same key at an endpoint: the same for ever and on
// every gateway, and spread evenly over all keys. Hold Plan's weights and a key keeps its entity;
// move some of the traffic, and only the keys in that part move.
func Sticky(endpointID, key string) uint32 {
	h := uint64(14695981039346656037) // FNV-1a
	for _, s := range [...]string{endpointID, "\x00", key} {
		for i := range len(s) {
			h = (h ^ uint64(s[i])) * 1099511628211
		}
	}
	h ^= h >> 33 // and MurmurHash3's end, since the last bytes of keys are all that differs
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	return uint32(h >> 32)
}
