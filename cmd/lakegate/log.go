package main

import (
	"log/slog"
	"os"
)

// stderrLogger logs for people, on standard error.
func stderrLogger(level slog.Level) *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
}
