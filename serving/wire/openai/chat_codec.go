package openai

import "github.com/lakegate/lakegate/serving/wire/chat"

// ChatCodec translates chat completions, on both sides.
func ChatCodec() *chat.Codec {
	return &chat.Codec{
		DecodeRequest: decodeChat,
		EncodeAnswer:  encodeChatAnswer,
		NewEncoder:    newChatEncoder,
		EncodeRequest: encodeChat,
		DecodeAnswer:  decodeChatAnswer,
		NewDecoder:    newChatDecoder,
	}
}
