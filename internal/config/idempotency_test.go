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

func hashOf(cmd config.Command) [32]byte {
	set := config.Single(cmd)
	return config.RequestHash(&set)
}

// TestGoldenRequestHashes fixes the format of the hash, because databases hold such hashes. A
// program in another language computed them.
func TestGoldenRequestHashes(t *testing.T) {
	zero, three := config.Version(0), config.Version(3)
	for want, set := range map[string]config.ChangeSet{
		"09a3ff25f13566948da6d7b055ead13a00571b157795cabce5786187c89bc5d0": config.Single(config.Set{Name: name("payments/timeout"), Value: value("45 €")}),
		"a107e827fd4bdcb2d911698637b89f50d32d6d44a7c0c8eda219569c031f5ba3": because("slow bank", config.Set{
			Name: name("payments/timeout"), ExpectedVersion: &zero, OnlyIfChanged: true,
		}),
		"3c3d19556f9e0c6bcdfbccf7b65e826166f04ff58bc83ee2e976a60a1f88157e": config.Single(config.Delete{Name: name("a"), ExpectedVersion: &three}),
		"4a24447dbbc8984417ecd2c38cc1e4852390155608c23df6ca39cd40f296dfe6": config.Single(config.Restore{Name: name("a")}),
		"f44331a6978868b79f0230b84156adcecf83235c85750dcbd40962be4bdbc1e5": config.Single(config.Restore{Name: name("a"), Value: new(value("x"))}),
		"a71a874240c610e3b3ea54c2c274239eec8e5719fad79a64a03a38cb3c745079": func() config.ChangeSet {
			set := because("why", config.Set{Name: name("a"), Value: value("1")}, config.Delete{Name: name("b")},
				config.Restore{Name: name("c"), Conditions: []config.Condition{{Any: true}}})
			set.AsSeenAt = &config.RevisionID{Seq: 1842, Hash: ours}
			return set
		}(),
		"1cc80d0b5bf330da6424c84b36f101c3ef059705b8f7ce276fdb64942e57769e": {Asked: []byte(`{"to":"7-00000000"}`), Reason: must(config.ParseReason("why"))},
	} {
		hash := config.RequestHash(&set)
		if got := hex.EncodeToString(hash[:]); got != want {
			t.Errorf("%+v: got %s, want %s", set, got, want)
		}
	}
}

// because returns a set with a reason.
func because(reason string, commands ...config.Command) config.ChangeSet {
	return config.ChangeSet{Reason: must(config.ParseReason(reason))}.Of(commands...)
}

// TestRequestHashDistinguishesSets hashes sets that differ in one field, or whose texts are equal
// when concatenated.
func TestRequestHashDistinguishesSets(t *testing.T) {
	zero, one := config.Version(0), config.Version(1)
	a, b := config.Delete{Name: name("a")}, config.Delete{Name: name("b")}
	seenAt := func(id config.RevisionID) config.ChangeSet {
		return config.ChangeSet{AsSeenAt: &id}.Of(a)
	}
	seen := make(map[[32]byte]config.ChangeSet)
	for _, set := range []config.ChangeSet{
		config.Single(config.Set{Name: name("a")}),
		config.Single(config.Set{Name: name("aa")}),
		config.Single(config.Set{Name: name("a"), Value: value("a")}),
		config.Single(config.Set{Name: name("a"), Value: value("aa")}),
		config.Single(config.Set{Name: name("aa"), Value: value("a")}),
		because("a", config.Set{Name: name("a")}),
		because("a", config.Set{Name: name("a"), Value: value("a")}),
		config.Single(config.Set{Name: name("a"), ExpectedVersion: &zero}),
		config.Single(config.Set{Name: name("a"), ExpectedVersion: &one}),
		config.Single(config.Set{Name: name("a"), OnlyIfChanged: true}),
		config.Single(config.Set{Name: name("a"), RestoreDeleted: true}),
		config.Single(config.Set{Name: name("a"), RestoreDeleted: true, OnlyIfChanged: true}),
		config.Single(a),
		config.Single(config.Delete{Name: name("a"), ExpectedVersion: &one}),
		because("a", a),
		config.Single(config.Restore{Name: name("a")}),
		config.Single(config.Restore{Name: name("a"), Value: new(value(""))}),
		config.Single(config.Restore{Name: name("a"), Value: new(value("a"))}),
		config.Single(config.Restore{Name: name("a"), ExpectedVersion: &one}),
		because("a", config.Restore{Name: name("a")}),
		seenAt(config.RevisionID{}), seenAt(config.RevisionID{Seq: 1}), seenAt(config.RevisionID{Hash: ours}),
		config.ChangeSet{}.Of(a, b), config.ChangeSet{}.Of(b, a), config.ChangeSet{}.Of(a, b, a),
		because("a", a, b),
		{Asked: []byte{}}, {Asked: []byte("a")}, {Asked: []byte("a"), Reason: must(config.ParseReason("a"))},
	} {
		hash := config.RequestHash(&set)
		if other, same := seen[hash]; same {
			t.Errorf("%+v and %+v have the same hash", set, other)
		}
		seen[hash] = set
	}
	keyed := config.Single(config.Set{Name: name("a")})
	keyed.IdempotencyKey, keyed.DryRun = must(config.ParseIdempotencyKey("k")), true
	if _, same := seen[config.RequestHash(&keyed)]; !same {
		t.Error("the key or the dry run counts")
	}
}
