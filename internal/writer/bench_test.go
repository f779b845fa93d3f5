package writer_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
)

// BenchmarkDo writes single values to the store in memory: what a write costs beside the disk.
func BenchmarkDo(b *testing.B) {
	value := configstoretest.Value(b, strings.Repeat("v", 64))
	names := make([]config.Name, 1000)
	for i := range names {
		names[i] = configstoretest.Name(b, fmt.Sprintf("payments/service/%d/timeout", i))
	}
	for _, keyed := range []bool{false, true} {
		for _, clients := range []int{1, 128} {
			b.Run(fmt.Sprintf("keyed=%t/clients=%d", keyed, clients), func(b *testing.B) {
				store := configstoretest.New(b, configstore.Options{})
				var n atomic.Int64
				write := func() {
					i := n.Add(1)
					set := config.Single(config.Set{Name: names[i%1000], Value: value})
					if keyed {
						set.IdempotencyKey = configstoretest.Key(b, fmt.Sprint(i))
					}
					if _, err := store.Do(b.Context(), auth.Anonymous, set); err != nil {
						b.Error(err)
					}
				}
				b.ReportAllocs()
				if clients == 1 {
					for b.Loop() {
						write()
					}
					return
				}
				b.SetParallelism(clients)
				b.RunParallel(func(p *testing.PB) {
					for p.Next() {
						write()
					}
				})
			})
		}
	}
}
