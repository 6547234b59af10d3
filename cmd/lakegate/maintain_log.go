package main

import (
	"context"
	"log/slog"
)

// logged is a record of a maintainer's log on its way to the gateway's.
type logged struct {
	Level slog.Level        `json:"level"`
	Text  string            `json:"text"`
	Attrs map[string]string `json:"attrs,omitempty"`
}

// lineHandler sends a log to the gateway, which knows where it goes and what is worth it.
type lineHandler struct {
	lines *lines
	attrs []slog.Attr
}

// Enabled implements slog.Handler.
func (h *lineHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= slog.LevelInfo
}

// Handle implements slog.Handler.
func (h *lineHandler) Handle(_ context.Context, r slog.Record) error {
	out := logged{Level: r.Level, Text: r.Message, Attrs: map[string]string{}}
	for _, a := range h.attrs {
		out.Attrs[a.Key] = a.Value.String()
	}
	r.Attrs(func(a slog.Attr) bool {
		out.Attrs[a.Key] = a.Value.String()
		return true
	})
	h.lines.write(said{Log: &out})
	return nil
}

// WithAttrs implements slog.Handler.
func (h *lineHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &lineHandler{h.lines, append(append([]slog.Attr{}, h.attrs...), attrs...)}
}

// WithGroup implements slog.Handler. Nobody groups here.
func (h *lineHandler) WithGroup(string) slog.Handler { return h }

// relay writes a maintainer's record to the gateway's log.
func relay(ctx context.Context, to *slog.Logger, r logged) {
	attrs := make([]slog.Attr, 0, len(r.Attrs))
	for k, v := range r.Attrs {
		attrs = append(attrs, slog.String(k, v))
	}
	to.LogAttrs(ctx, r.Level, r.Text, attrs...)
}
