package setting

import (
	"encoding"
	"flag"
	"time"

	"github.com/spf13/pflag"
)

// String returns the value of a setting that is a text, which is otherwise when it is not given.
func String(to *string, otherwise string) pflag.Value {
	return made(func(f *pflag.FlagSet) { f.StringVar(to, scratch, otherwise, "") })
}

// Int is [String] for a number.
func Int(to *int, otherwise int) pflag.Value {
	return made(func(f *pflag.FlagSet) { f.IntVar(to, scratch, otherwise, "") })
}

// Int64 is [Int] for more digits.
func Int64(to *int64, otherwise int64) pflag.Value {
	return made(func(f *pflag.FlagSet) { f.Int64Var(to, scratch, otherwise, "") })
}

// Switch is [String] for a setting that is on once its flag is given, and off otherwise.
func Switch(to *bool) pflag.Value {
	return made(func(f *pflag.FlagSet) { f.BoolVar(to, scratch, false, "") })
}

// Duration is [String] for a duration as Go writes it.
func Duration(to *time.Duration, otherwise time.Duration) pflag.Value {
	return made(func(f *pflag.FlagSet) { f.DurationVar(to, scratch, otherwise, "") })
}

// Text is [String] for a type that says itself how it is written.
func Text(to encoding.TextUnmarshaler, otherwise encoding.TextMarshaler) pflag.Value {
	return made(func(f *pflag.FlagSet) { f.TextVar(to, scratch, otherwise, "") })
}

// Strings is [String] for a setting that may be given several times.
func Strings(to *[]string) pflag.Value {
	return made(func(f *pflag.FlagSet) { f.StringArrayVar(to, scratch, nil, "") })
}

// Of returns the value of a setting of any other type.
func Of(to flag.Value) pflag.Value { return value{to} }

type value struct{ flag.Value }

// Type implements [pflag.Value]. The name is not shown.
func (value) Type() string { return "value" }

const scratch = "scratch"

// made returns the value of the flag that add adds as scratch.
func made(add func(*pflag.FlagSet)) pflag.Value {
	var flags pflag.FlagSet
	add(&flags)
	return flags.Lookup(scratch).Value
}
