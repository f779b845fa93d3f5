package client

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"sync/atomic"
	"time"
)

// Value is a config as a T. It is safe for concurrent use.
type Value[T any] struct {
	client   *Client
	name     string
	standard T
	parse    func(string) (T, error)
	checks   []func(T) error
	current  atomic.Pointer[T]
	// seen is the text that was parsed last, and good the one that current is of. nil: there was no
	// config, and current is the default. Client.mu guards both.
	seen, good *string
}

// Get returns the value: that of the config, the last one that could be parsed if it cannot be, and
// the default when there is no such config. It takes no lock. What a T refers to must not be
// changed.
//
// Values of one change set become visible one after the other. Read several of them from one
// [Snapshot] if they must fit together.
func (v *Value[T]) Get() T { return *v.current.Load() }

// Watch has a function called when the value has changed, with the value that the function knows
// and the new one. Calls come one at a time, in order. While one is under way, several changes may
// become one. After stop no new call begins; one that has begun goes on.
func (v *Value[T]) Watch(changed func(old, new T)) (stop func()) {
	known := v.current.Load()
	return v.client.addWatch(func() {
		if now := v.current.Load(); now != known {
			old := known
			known = now
			changed(*old, *now)
		}
	})
}

// update is called with the config of a name, nil when there is none. It returns an error about a
// value that it does not take.
type update func(*Config) error

func (v *Value[T]) update(c *Config) error {
	switch {
	case c == nil && v.seen != nil:
		v.current.Store(&v.standard)
		v.seen, v.good = nil, nil
		return nil
	case c == nil || v.seen != nil && *v.seen == c.Value:
		return nil
	}
	v.seen = &c.Value
	if v.good != nil && *v.good == c.Value {
		return nil
	}
	got, err := v.parse(c.Value)
	for _, check := range v.checks {
		if err == nil {
			err = check(got)
		}
	}
	if err != nil {
		return &ValueError{Name: c.Name, Position: c.Position, Err: err}
	}
	v.current.Store(&got)
	v.good = &c.Value
	return nil
}

// Parsed returns a value that a function makes of the text of a config. Each check must accept it.
// An error of either must not have the text in it. Neither may use the client, which waits for
// them.
//
// A value is kept up to date until the client is closed, so make it once, not for each use.
func Parsed[T any](c *Client, name string, standard T, parse func(string) (T, error), checks ...func(T) error) *Value[T] {
	v := &Value[T]{client: c, name: name, standard: standard, parse: parse, checks: checks}
	v.current.Store(&v.standard)
	c.addValue(name, v.update)
	return v
}

// String returns a config as it is.
func String(c *Client, name, standard string, checks ...func(string) error) *Value[string] {
	return Parsed(c, name, standard, func(text string) (string, error) { return text, nil }, checks...)
}

// Int returns a config that is a decimal number.
func Int(c *Client, name string, standard int, checks ...func(int) error) *Value[int] {
	return Parsed(c, name, standard, func(text string) (int, error) {
		n, err := strconv.Atoi(text)
		return n, withoutText(err)
	}, checks...)
}

// Int64 is as [Int].
func Int64(c *Client, name string, standard int64, checks ...func(int64) error) *Value[int64] {
	return Parsed(c, name, standard, func(text string) (int64, error) {
		n, err := strconv.ParseInt(text, 10, 64)
		return n, withoutText(err)
	}, checks...)
}

// Float returns a config that is a finite number as [strconv.ParseFloat] reads it.
func Float(c *Client, name string, standard float64, checks ...func(float64) error) *Value[float64] {
	return Parsed(c, name, standard, func(text string) (float64, error) {
		n, err := strconv.ParseFloat(text, 64)
		if math.IsNaN(n) || err == nil && math.IsInf(n, 0) {
			return 0, errors.New("it is no finite number")
		}
		return n, withoutText(err)
	}, checks...)
}

// Bool returns a config that is true or false, or another text that [strconv.ParseBool] takes.
func Bool(c *Client, name string, standard bool) *Value[bool] {
	return Parsed(c, name, standard, func(text string) (bool, error) {
		b, err := strconv.ParseBool(text)
		return b, withoutText(err)
	})
}

// Duration returns a config that is a duration as [time.ParseDuration] reads it, such as 1m30s.
func Duration(c *Client, name string, standard time.Duration, checks ...func(time.Duration) error) *Value[time.Duration] {
	return Parsed(c, name, standard, func(text string) (time.Duration, error) {
		d, err := time.ParseDuration(text)
		if err != nil {
			return 0, errors.New("it is no duration such as 1m30s")
		}
		return d, nil
	}, checks...)
}

// JSON returns a config whose text [json.Unmarshal] makes a T of.
func JSON[T any](c *Client, name string, standard T, checks ...func(T) error) *Value[T] {
	return Parsed(c, name, standard, func(text string) (value T, err error) {
		if err := json.Unmarshal([]byte(text), &value); err != nil {
			return value, jsonError(err)
		}
		return value, nil
	}, checks...)
}

// Range returns a check that a value is not below one bound, and not above the other.
func Range[T cmp.Ordered](least, most T) func(T) error {
	return func(value T) error {
		if value >= least && value <= most {
			return nil
		}
		return fmt.Errorf("it must be from %v to %v", least, most)
	}
}

// OneOf returns a check that a value is one of some.
func OneOf[T comparable](allowed ...T) func(T) error {
	return func(value T) error {
		if slices.Contains(allowed, value) {
			return nil
		}
		return fmt.Errorf("it must be one of %v", allowed)
	}
}

// withoutText returns an error of strconv without the text that was parsed.
func withoutText(err error) error {
	if failed, is := errors.AsType[*strconv.NumError](err); is {
		return fmt.Errorf("%s: %w", failed.Func, failed.Err)
	}
	return err
}

// jsonError returns an error of package json without a part of the text.
func jsonError(err error) error {
	if failed, is := errors.AsType[*json.UnmarshalTypeError](err); is {
		return fmt.Errorf("it is JSON of another type: byte %d is not for a %v", failed.Offset, failed.Type)
	}
	if failed, is := errors.AsType[*json.SyntaxError](err); is {
		return fmt.Errorf("it is not JSON, from byte %d on", failed.Offset)
	}
	return errors.New("it is JSON that the program does not take")
}
