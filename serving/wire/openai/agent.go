package openai

import "github.com/lakegate/lakegate/serving/wire/rawjson"

// agentMessage is a message of an agent on Databricks (MLflow's ChatAgent). Its stream has no
// choices but pieces of messages, told apart by their ids, and its answer is a list of messages.
type agentMessage struct {
	id      string // with its quotes, "" for none
	message node
}

// addAgent adds the piece of a message.
func (j *Joiner) addAgent(delta []byte) {
	m := j.agentMessage(string(get(delta, "id")))
	c := rawjson.Walk(delta)
	for ok := c.Enter(); ok; ok = c.Next() {
		name := c.Name()
		if string(name) == "content" {
			j.note(c)
		}
		j.keep(&m.message, name, &c, true)
	}
}

// agentMessage returns the message with an id. A piece without one goes on with the last message.
func (j *Joiner) agentMessage(id string) *agentMessage {
	n := len(j.agent)
	if id == "" && n > 0 {
		return &j.agent[n-1]
	}
	for i := range j.agent {
		if j.agent[i].id == id {
			return &j.agent[i]
		}
	}
	j.agent = append(j.agent, agentMessage{id: id, message: node{kind: objectNode}})
	return &j.agent[n]
}

func (j *Joiner) appendAgent(dst []byte) []byte {
	if len(j.agent) == 0 {
		return dst
	}
	dst = append(comma(dst), `"messages":[`...)
	for i := range j.agent {
		dst = j.agent[i].message.append(comma(dst))
	}
	return append(dst, ']')
}

// messagesChars counts the text of an agent's whole answer, nil when there are no messages.
func messagesChars(messages []byte) *int64 {
	c := rawjson.Walk(messages)
	if c.Kind() != rawjson.Array {
		return nil
	}
	n, found := textsChars(&c)
	if !found {
		return nil
	}
	return &n
}
