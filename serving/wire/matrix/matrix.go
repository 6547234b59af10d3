// Package matrix crosses every format that clients speak with every format that providers speak,
// over the cases in the formats' own testdata folders, and holds each pair to two things.
//
// What is asked and answered stays the same: a request that was translated and is read back by the
// target's own reader means what the client said, but for what was named as a loss; an answer,
// whole or streamed, that was translated and is read back as the client would means what the
// provider said. And it looks the same as last time: each case of a pair has a golden file below
// testdata, to be reviewed where it changes.
//
// Embeddings are crossed in the same way, over cases that are in the test itself. The package has
// no code outside its tests; they also write the tables of docs/translation.md.
package matrix
