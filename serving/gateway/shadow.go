package gateway

import "github.com/lakegate/lakegate/internal/inference"

// shadow has another entity asked the same, if this call's turn has come. Its answer is recorded,
// and nobody gets it.
func (w *work) shadow() {
	s := w.endpoint.Shadow
	if !w.repeatable() || !w.chance(s.Share) || w.only() != nil { // rules name no shadows
		return
	}
	w.askBeside(w.endpoint.Entities[s.To], inference.PurposeShadow, nil)
}

// chance says yes with the given probability.
func (w *work) chance(share float64) bool { return float64(w.Draw()) < share*(1<<32) }
