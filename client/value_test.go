package client_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"configapi/client"
	"configapi/client/clienttest"
)

// TestValues gives a config values that can be used and some that cannot.
func TestValues(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := clienttest.New(t)
		server.Set("n", "none")
		var failed errorList
		o := server.Options()
		o.OnError = failed.add
		c := mustOpen(t, o)
		defer c.Close()
		value := client.Int(c, "n", 30, client.Range(1, 300))
		type pair struct{ old, new int }
		var seen []pair
		stop := value.Watch(func(old, new int) { seen = append(seen, pair{old, new}) })
		var invalid *client.ValueError
		for _, step := range []struct {
			text string // "-": deleted
			want int
			good bool
		}{{"20", 20, true}, {"x", 20, false}, {"301", 20, false}, {"20", 20, true}, {"40", 40, true}, {"", 40, false}, {"-", 30, true}} {
			failed.has(nil)
			var at string
			if at = ""; step.text == "-" {
				at = server.Delete("n")
			} else {
				at = server.Set("n", step.text)
			}
			mustWait(t, c, at)
			synctest.Wait()
			found := false
			for _, err := range failed.list {
				found = found || errors.As(err, &invalid) && invalid.Name == "n" && invalid.Position == at
			}
			if value.Get() != step.want || found == step.good {
				t.Errorf("%q: got %d, reported %t", step.text, value.Get(), found)
			}
		}
		if want := []pair{{30, 20}, {20, 40}, {40, 30}}; !slices.Equal(seen, want) {
			t.Errorf("the watch has seen %v, want %v", seen, want)
		}
		stop()
	})
}

// TestKinds reads a value of each kind.
func TestKinds(t *testing.T) {
	server := clienttest.New(t)
	for name, text := range map[string]string{"s": "a b", "i64": "-9", "f": "1.5", "b": "true", "d": "1m30s", "j": `{"a":[1,2]}`} {
		server.Set(name, text)
	}
	c := mustOpen(t, server.Options())
	defer c.Close()
	type document struct{ A []int }
	if got := client.String(c, "s", "", client.OneOf("a b", "c")).Get(); got != "a b" {
		t.Errorf("got %q", got)
	}
	if got := client.Int64(c, "i64", 0).Get(); got != -9 {
		t.Errorf("got %d", got)
	}
	if got := client.Float(c, "f", 0).Get(); got != 1.5 {
		t.Errorf("got %v", got)
	}
	if got := client.Bool(c, "b", false).Get(); !got {
		t.Errorf("got %t", got)
	}
	if got := client.Duration(c, "d", 0).Get(); got != 90*time.Second {
		t.Errorf("got %v", got)
	}
	if got := client.JSON(c, "j", document{}).Get(); !slices.Equal(got.A, []int{1, 2}) {
		t.Errorf("got %v", got)
	}
}

// TestFloatsAreFinite gives a number values that no program can count with.
func TestFloatsAreFinite(t *testing.T) {
	server := clienttest.New(t)
	server.Set("f", "2")
	c := mustOpen(t, server.Options())
	defer c.Close()
	value := client.Float(c, "f", 1)
	for _, text := range []string{"NaN", "Inf", "-infinity", "1e400"} {
		mustWait(t, c, server.Set("f", text))
		if got := value.Get(); got != 2 {
			t.Errorf("%s: got %v, want the last good one", text, got)
		}
	}
}

// TestErrorsHaveNoValue gives values of each kind that cannot be used.
func TestErrorsHaveNoValue(t *testing.T) {
	const secret = "hunter2"
	synctest.Test(t, func(t *testing.T) {
		server := clienttest.New(t)
		server.Set("x", secret)
		server.Set("y", `{"A":"`+secret+`"}`)
		var failed errorList
		o := server.Options()
		o.OnError = failed.add
		c := mustOpen(t, o)
		defer c.Close()
		client.Int(c, "x", 0)
		client.Int64(c, "x", 0)
		client.Float(c, "x", 0)
		client.Bool(c, "x", false)
		client.Duration(c, "x", 0)
		client.JSON(c, "x", 0)
		client.JSON(c, "y", struct{ A int }{})
		synctest.Wait()
		if len(failed.list) < 6 {
			t.Errorf("got %d errors: %v", len(failed.list), failed.list)
		}
		for _, err := range failed.list {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("an error has the value: %v", err)
			}
		}
	})
}

// TestValuesAreThereAfterWait has a value whose text takes a second to parse: who has waited for a
// position finds the value of it.
func TestValuesAreThereAfterWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := clienttest.New(t)
		c := mustOpen(t, server.Options())
		defer c.Close()
		value := client.Parsed(c, "a", "", func(text string) (string, error) {
			time.Sleep(time.Second)
			return text, nil
		})
		mustWait(t, c, server.Set("a", "1"))
		if got := value.Get(); got != "1" {
			t.Errorf("got %q, want 1", got)
		}
	})
}
