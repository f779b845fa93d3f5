package configstore_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore/memory"
	"configapi/internal/writer"
)

// TestMaxValueBytes reads the limit that edges parse values with.
func TestMaxValueBytes(t *testing.T) {
	for set, want := range map[int]int{0: config.DefaultMaxValueBytes, 99: 99} {
		if got := configstoretest.New(t, configstore.Options{MaxValueBytes: set}).MaxValueBytes(); got != want {
			t.Errorf("got %d, want %d", got, want)
		}
	}
}

func TestNewRefusesNegativeOptions(t *testing.T) {
	for _, opts := range []configstore.Options{
		{MaxValueBytes: -1},
		{WriteTimeout: -1},
		{PositionWait: -time.Second},
		{ProgressInterval: -1},
		{Writer: writer.Options{AppendTimeout: -1}},
	} {
		func() {
			defer func() {
				if text := fmt.Sprint(recover()); !strings.Contains(text, "negative") {
					t.Errorf("%+v: got the panic %q, want one that says what is negative", opts, text)
				}
			}()
			configstore.New(memory.New(), opts)
		}()
	}
	configstore.New(memory.New(), configstore.Options{ClockInterval: -1})
}
