package config_test

import (
	"encoding/hex"
	"strings"
	"testing"

	"configapi/internal/config"
)

func TestParseIdempotencyKey(t *testing.T) {
	const ascii = "may hold only printable ASCII characters"
	for text, rule := range map[string]string{
		"k": "", " ": "", "~": "", `"8e03978e-40d5-43dd-bc93-6894a57f9324"`: "", strings.Repeat("k", 64): "",
		"":                      "is empty",
		strings.Repeat("k", 65): "has 65 bytes; at most 64 are allowed",
		"a\x1f":                 ascii, "\x00": ascii, "a\n": ascii, "\x7f": ascii, "é": ascii, "\xff": ascii,
	} {
		got, err := config.ParseIdempotencyKey(text)
		switch {
		case rule != "":
			mustBreakRule(t, err, "idempotencyKey", rule)
		case err != nil || got.String() != text:
			t.Errorf("ParseIdempotencyKey(%q) = %q, %v", text, got, err)
		}
	}
}

// TestGoldenRequestHashes fixes the format of the hash, because databases hold such hashes. A
// program in another language computed them.
func TestGoldenRequestHashes(t *testing.T) {
	zero, three := config.Version(0), config.Version(3)
	for want, cmd := range map[string]config.Command{
		"90dc30a153afa27adc49f4855a6cd12e744a1eeba02772d135f756c2457428dd": config.Set{Name: name("payments/timeout"), Value: value("45 €")},
		"0258dc8d42a51657bc8e88f422d46d7ddcb1e4364a27cf509e76bd399d24f87f": config.Set{
			Name: name("payments/timeout"), ExpectedVersion: &zero, OnlyIfChanged: true, Reason: must(config.ParseReason("slow bank")),
		},
		"b4ee4a26f37bb1fcc0809f9699844d4fe74b6d6ad3a6b4b32c9853c657c94e36": config.Delete{Name: name("a"), ExpectedVersion: &three},
		"59121a51952d07c6dc66d5369c34f0428ba7079c0f33650e1fe5bf088198ff60": config.Restore{Name: name("a")},
		"02e7f24197176c34e70c7465bd02d78da924a05e2fb0d6ef6f624401947e38a0": config.Restore{Name: name("a"), Value: new(value("x"))},
	} {
		hash := config.RequestHash(cmd)
		if got := hex.EncodeToString(hash[:]); got != want {
			t.Errorf("%+v: got %s, want %s", cmd, got, want)
		}
	}
}

// TestRequestHashDistinguishesCommands hashes commands that differ in one field, or whose texts are
// equal when concatenated.
func TestRequestHashDistinguishesCommands(t *testing.T) {
	zero, one := config.Version(0), config.Version(1)
	why := must(config.ParseReason("a"))
	seen := make(map[[32]byte]config.Command)
	for _, cmd := range []config.Command{
		config.Set{Name: name("a")},
		config.Set{Name: name("aa")},
		config.Set{Name: name("a"), Value: value("a")},
		config.Set{Name: name("a"), Value: value("aa")},
		config.Set{Name: name("aa"), Value: value("a")},
		config.Set{Name: name("a"), Reason: why},
		config.Set{Name: name("a"), Value: value("a"), Reason: why},
		config.Set{Name: name("a"), ExpectedVersion: &zero},
		config.Set{Name: name("a"), ExpectedVersion: &one},
		config.Set{Name: name("a"), OnlyIfChanged: true},
		config.Set{Name: name("a"), RestoreDeleted: true},
		config.Set{Name: name("a"), RestoreDeleted: true, OnlyIfChanged: true},
		config.Delete{Name: name("a")},
		config.Delete{Name: name("a"), ExpectedVersion: &one},
		config.Delete{Name: name("a"), Reason: why},
		config.Restore{Name: name("a")},
		config.Restore{Name: name("a"), Value: new(value(""))},
		config.Restore{Name: name("a"), Value: new(value("a"))},
		config.Restore{Name: name("a"), ExpectedVersion: &one},
		config.Restore{Name: name("a"), Reason: why},
	} {
		hash := config.RequestHash(cmd)
		if other, same := seen[hash]; same {
			t.Errorf("%+v and %+v have the same hash", cmd, other)
		}
		seen[hash] = cmd
	}
	keyed := config.Set{Name: name("a"), IdempotencyKey: must(config.ParseIdempotencyKey("k"))}
	if _, same := seen[config.RequestHash(keyed)]; !same {
		t.Error("the key counts")
	}
}
