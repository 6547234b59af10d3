package chat

// Deltas returns the stream that would have brought an answer: what a client that wants a stream
// is given of a provider that answered in one piece. It ends without DeltaEnd.
func Deltas(a *Answer) []Delta {
	list := []Delta{{Kind: DeltaStart, ID: a.ID, Model: a.Model, Created: a.Created}}
	for i := range a.Choices {
		c := &a.Choices[i]
		calls := 0
		for j := range c.Parts {
			list = appendPart(list, c.Index, &calls, &c.Parts[j])
		}
		if len(c.LogProbs) > 0 {
			list = append(list, Delta{Kind: DeltaLogProbs, Choice: c.Index, Raw: c.LogProbs})
		}
		list = append(list, Delta{Kind: DeltaFinish, Choice: c.Index, Stop: c.Stop, StopText: c.StopText})
	}
	if a.HasUsage {
		list = append(list, Delta{Kind: DeltaUsage, Usage: a.Usage})
	}
	return list
}

// appendPart appends what brings a part of an answer; calls counts those of its choice.
func appendPart(list []Delta, choice int, calls *int, p *Part) []Delta {
	d := Delta{Choice: choice, Text: p.Text}
	switch p.Kind {
	case Text:
		d.Kind = DeltaText
	case Refusal:
		d.Kind = DeltaRefusal
	case Thinking:
		if p.Text != "" {
			d.Kind = DeltaThinking
			list = append(list, d)
		}
		if p.Signature == "" {
			return list
		}
		d = Delta{Kind: DeltaSignature, Choice: choice, Signature: p.Signature, SignedBy: p.SignedBy, Redacted: p.Redacted}
	case Call:
		if p.Call == nil {
			return list
		}
		list = append(list, Delta{
			Kind: DeltaCall, Choice: choice, Tool: *calls, CallID: p.Call.ID, Name: p.Call.Name,
			Signature: p.Signature, SignedBy: p.SignedBy,
		})
		d = Delta{Kind: DeltaArguments, Choice: choice, Tool: *calls, Text: p.Call.Arguments}
		*calls++
	default:
		return list // pictures and sound have no deltas
	}
	return append(list, d)
}
