package wal

import (
	"fmt"
	"testing"
)

func BenchmarkAppend(b *testing.B) {
	for _, size := range []int{300, 1 << 10, 10 << 10} {
		b.Run(fmt.Sprintf("%dB", size), func(b *testing.B) {
			l, _ := mustOpen(b, b.TempDir(), DefaultConfig())
			p := make([]byte, size)
			b.ReportAllocs()
			b.SetBytes(int64(size))
			for b.Loop() {
				if _, err := l.Append(1, p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkAppendSync(b *testing.B) {
	for _, callers := range []int{1, 16, 64} {
		b.Run(fmt.Sprintf("%dcallers", callers), func(b *testing.B) {
			l, _ := mustOpen(b, b.TempDir(), DefaultConfig())
			p := make([]byte, 1<<10)
			b.ReportAllocs()
			b.SetParallelism(max(1, callers/2))
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					pos, err := l.Append(1, p)
					if err == nil {
						err = l.Sync(pos)
					}
					if err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}
