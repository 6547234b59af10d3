// Package route decides which served entities of an endpoint a call tries, and in which order.
//
// It holds no state and looks at no health: a plan depends on the endpoint and one number, random or of a key,
// which the caller brings, a rule on what the call says, and the wait before an entity is tried again
// on a number too. Which entity is least busy, soonest or cheapest is gateway's to find out. Describe says
// all of an endpoint's routing in words. All of it is safe to use from many goroutines.
package route

import "github.com/lakegate/lakegate/serving/endpoint"

// Plan appends the entities to try to dst, at least one: first the one that draw falls to when
// the entities share the traffic by weights, then, where the endpoint has fallback, the others that
// are for that, in their order, those without traffic of their own included. weights are those of e
// or what is in their place, with sum 100; draw is taken modulo that.
func Plan(dst []*endpoint.Entity, e *endpoint.Endpoint, weights []int, draw uint32) []*endpoint.Entity {
	return From(dst, e, pick(weights, int(draw%100)))
}

// From appends the entities to try to dst like Plan, the one at first being known.
func From(dst []*endpoint.Entity, e *endpoint.Endpoint, first int) []*endpoint.Entity {
	dst = append(dst, e.Entities[first])
	if !e.Fallback {
		return dst
	}
	for i, x := range e.Entities {
		if i != first && e.FallsBackTo(i) {
			dst = append(dst, x)
		}
	}
	return dst
}

// Among returns which of the entities at list draw falls to, as a place in list, when those share the
// traffic in the proportion of their weights, Sum of which is above 0. draw is taken modulo that.
func Among(weights, list []int, draw uint32) int {
	n := int(draw % uint32(Sum(weights, list)))
	for at, i := range list {
		if n < weights[i] {
			return at
		}
		n -= weights[i]
	}
	return 0
}

// Sum adds up the weights of the entities at list.
func Sum(weights, list []int) int {
	sum := 0
	for _, i := range list {
		sum += weights[i]
	}
	return sum
}

// pick returns the entity whose part of 0..99 holds n.
func pick(weights []int, n int) int {
	for i, w := range weights {
		if n < w {
			return i
		}
		n -= w
	}
	return 0
}

// WorthAnother reports whether a provider's answer of that status lets a call go on to the next
// entity: the provider is busy or at fault. Other answers would be the same anywhere.
func WorthAnother(status int) bool {
	return status == 408 || status == 429 || status >= 500
}
