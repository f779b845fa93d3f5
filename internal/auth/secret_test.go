package auth_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"configapi/internal/auth"
)

// knownSecret has the checksum that every version of the program must find in it.
const knownSecret = "cfg_0000000000000000000012_0000000000000000000000000000000000000000034" + "4taWE3"

func TestNewSecret(t *testing.T) {
	form := regexp.MustCompile(`^cfg_([0-9a-zA-Z]{22})_[0-9a-zA-Z]{49}$`)
	seen := make(map[string]bool)
	for range 1000 {
		text, kept := auth.NewSecret()
		parts := form.FindStringSubmatch(text)
		if parts == nil {
			t.Fatalf("got %q", text)
		}
		if seen[text] || seen[string(kept.ID)] {
			t.Fatalf("%q comes twice", text)
		}
		seen[text], seen[string(kept.ID)] = true, true
		if string(kept.ID) != parts[1] || kept.Digest != sha256.Sum256([]byte(text)) {
			t.Errorf("of %q is kept %v", text, kept)
		}
		parsed, err := auth.ParseSecret(text)
		if err != nil || !parsed.Matches(kept) {
			t.Errorf("parsed %q: got %v, %v, want %v", text, parsed, err, kept)
		}
		if shown := fmt.Sprintf("%v %+v %#v", kept, kept, kept); strings.Contains(shown, text[27:70]) {
			t.Errorf("what is kept shows the secret: %s", shown)
		}
	}
}

func TestSecretsKeepTheirForm(t *testing.T) {
	kept, err := auth.ParseSecret(knownSecret)
	if err != nil || kept.ID != "0000000000000000000012" {
		t.Errorf("got %v, %v", kept, err)
	}
}

// TestMistypedSecrets changes each character, and exchanges each two neighbours.
func TestMistypedSecrets(t *testing.T) {
	secret, _ := auth.NewSecret()
	wrong := []string{"", "cfg_", secret[:75], secret + "0", " " + secret, secret + "\n", strings.ToUpper(secret), strings.Replace(secret, "_", "-", 1)}
	for i := range secret {
		for _, b := range "0aZ_-é" {
			wrong = append(wrong, secret[:i]+string(b)+secret[i+1:])
		}
		if i > 0 {
			wrong = append(wrong, secret[:i-1]+secret[i:i+1]+secret[i-1:i]+secret[i+1:])
		}
	}
	for _, text := range wrong {
		if text == secret {
			continue
		}
		if kept, err := auth.ParseSecret(text); !errors.Is(err, auth.ErrMalformed) || kept != (auth.Credential{}) {
			t.Errorf("%q: got %v, %v", text, kept, err)
		}
	}
}

func TestMatches(t *testing.T) {
	_, kept := auth.NewSecret()
	_, other := auth.NewSecret()
	forged := auth.Credential{ID: kept.ID, Digest: other.Digest}
	if !kept.Matches(kept) || kept.Matches(other) || kept.Matches(forged) || kept.Matches(auth.Credential{}) {
		t.Error("a credential matches another one, or not itself")
	}
}

func TestParsePublicID(t *testing.T) {
	secret, kept := auth.NewSecret()
	for _, text := range []string{secret, string(kept.ID), "cfg_" + string(kept.ID)} {
		if id, err := auth.ParsePublicID(text); err != nil || id != kept.ID {
			t.Errorf("%q: got %q, %v, want %q", text, id, err, kept.ID)
		}
	}
	for _, text := range []string{"", "cfg_", secret[:75], "cfg_" + string(kept.ID[1:]), strings.Repeat("-", 22)} {
		if id, err := auth.ParsePublicID(text); !errors.Is(err, auth.ErrMalformed) {
			t.Errorf("%q: got %q, %v", text, id, err)
		}
	}
}

func TestHideSecrets(t *testing.T) {
	const id = "cfg_1pQ7aJx0VbN5cLw2Rk8TtY"
	const secret = id + "_Zs4fGh6DmE9uXoC3iPqWvB7nKyUjHr1aOeTlS0xIdF53S9tjO"
	for text, want := range map[string]string{
		"":                                    "",
		"cfg_ci and cfg/a":                    "cfg_ci and cfg/a",
		id:                                    id,
		secret:                                id + "_***",
		"open " + secret + ": " + secret[:40]: "open " + id + "_***: " + id + "_***",
		"/config/" + secret + "xyz/history":   "/config/" + id + "_***/history",
		"/" + strings.ReplaceAll(secret, "_", "%5F"): "/" + strings.ReplaceAll(id, "_", "%5F") + "_***",
	} {
		if got := auth.HideSecrets(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func FuzzParseSecret(f *testing.F) {
	secret, _ := auth.NewSecret()
	for _, seed := range []string{secret, knownSecret, secret[:75], "", "cfg_", strings.Repeat("é", 38)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		kept, err := auth.ParseSecret(text)
		switch {
		case err != nil && (!errors.Is(err, auth.ErrMalformed) || kept != (auth.Credential{})):
			t.Errorf("%q: got %v, %v", text, kept, err)
		case err == nil && (len(text) != len(secret) || string(kept.ID) != text[4:26] || kept.Digest != sha256.Sum256([]byte(text))):
			t.Errorf("%q: got %v", text, kept)
		}
	})
}
