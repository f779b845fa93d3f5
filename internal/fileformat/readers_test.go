package fileformat_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"configapi/internal/fileformat"
)

// newRandom returns a source of random choices, whose seed the test prints.
func newRandom(t *testing.T) *rand.Rand {
	t.Helper()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// randomText returns a text of pieces.
func randomText(random *rand.Rand, pieces []string, most int) string {
	var b strings.Builder
	for range random.IntN(most + 1) {
		b.WriteString(pieces[random.IntN(len(pieces))])
	}
	return b.String()
}

// valuePieces are what values consist of that quoting may break.
var valuePieces = []string{"a", "b c", " ", "'", "\"", "\\", "$", "$HOME", "${x}", "$(id)", "`id`", "`", "\n", "\r", "\t", "#", " # ", "=", "!", "!!", "~", "*", "[a]", "{b,c}", ";", "&", "|", "<", ">", "(", ")", "é", "😀",
	"\u00a0", "\u2028", "\x01", "\x7f", "\x1b[0m", "\\n", "\\'", "'\\''", "%s", "-", "--", "export A=1", "\nB=2\n"}

// TestBashReadsShell sources files that the package has written: each variable has its value then,
// to the byte, and nothing else has happened.
func TestBashReadsShell(t *testing.T) {
	random := newRandom(t)
	var entries []fileformat.Entry
	for i := range 2000 {
		entries = append(entries, fileformat.Entry{Key: fmt.Sprintf("V_%d", i), Value: randomText(random, valuePieces, 8)})
	}
	text, err := fileformat.Write(fileformat.Shell, entries)
	if err != nil {
		t.Fatal(err)
	}
	read := bash(t, text, 0)
	for _, e := range entries {
		if got := read[0][e.Key]; got != e.Value {
			t.Errorf("%q is read as %q", e.Value, got)
		}
	}
	if got := len(read[0]); got != len(entries) {
		t.Errorf("there are %d variables, want %d", got, len(entries))
	}
}

// TestShellIsReadAsBashReadsIt reads random files: what the package takes, bash reads alike.
func TestShellIsReadAsBashReadsIt(t *testing.T) {
	random := newRandom(t)
	pieces := []string{"a", "b", "'c d'", "'", "\"e f\"", "\"", "\\", "\\\n", "\\ ", "\\$", "\\\"", "$", "`", "$'g\\nh'", "$'", "\\'", " # i", "#j", " ", ";", "é", "~", "*", "!", "{k,l}", "=", ":", "\n", "V_1=m", "\t", "-", "%", "+", "@", "^", "]", "}", ","}
	var files [][]byte
	var taken [][]fileformat.Entry
	for len(files) < 1500 {
		text := ""
		for i := range 1 + random.IntN(3) {
			text += []string{"", "export ", "declare -x "}[random.IntN(3)] + fmt.Sprintf("V_%d=", i) + randomText(random, pieces, 5) + "\n"
		}
		isOther := func(e fileformat.Entry) bool { return !strings.HasPrefix(e.Key, "V_") } // bash is not asked for it
		if file, err := fileformat.Read(fileformat.Shell, []byte(text), fileformat.Options{}); err == nil && !slices.ContainsFunc(file.Entries, isOther) {
			files, taken = append(files, []byte(text)), append(taken, file.Entries)
		}
	}
	for i, read := range bash(t, bytes.Join(files, []byte("\x00")), len(files)) {
		for _, e := range taken[i] {
			if got, is := read[e.Key]; !is || got != e.Value {
				t.Errorf("%q: %s is %q, and bash reads %q", files[i], e.Key, e.Value, got)
			}
		}
		if len(read) != len(taken[i]) {
			t.Errorf("%q: bash has %v", files[i], read)
		}
	}
}

// bash sources a file, or several of which each ends with NUL but for the last one, and returns the
// variables that each has set. All of them take one process: a file is sourced in a function of its
// own, and the variables are unset after it.
func bash(t *testing.T, text []byte, several int) []map[string]string {
	t.Helper()
	const script = `
		set -u
		report() { local name; for name in ${!V_@}; do printf '%s=%s\0' "$name" "${!name}"; unset "$name"; done; printf '\0'; }
		if [ "$1" = 0 ]; then . /dev/stdin; report; exit; fi
		while IFS= read -r -d '' file || [ -n "$file" ]; do . <(printf '%s' "$file") </dev/null || printf 'failed=\0'; report; done`
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "--noprofile", "--norc", "-c", script, "bash", fmt.Sprint(several))
	cmd.Env = []string{"PATH=/nowhere", "LC_ALL=C.UTF-8", "HOME=/nowhere"}
	cmd.Stdin = bytes.NewReader(text)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("bash: %v", err)
	}
	var found []map[string]string
	present := map[string]string{}
	for field := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		if field == "" {
			found, present = append(found, present), map[string]string{}
			continue
		}
		key, value, _ := strings.Cut(field, "=")
		present[key] = value
	}
	return append(found, present)[:max(several, 1)]
}

// TestPropertiesAreReadAsJavaReadsThem: testdata/properties.txt is what java.util.Properties has
// read in 4000 random files. See testdata/Recorder.java.
func TestPropertiesAreReadAsJavaReadsThem(t *testing.T) {
	data, err := os.ReadFile("testdata/properties.txt")
	if err != nil {
		t.Fatal(err)
	}
	mustReadAsJava(t, data, 4000)
}

// TestPropertiesAndJava has the Java of this machine read new random files.
func TestPropertiesAndJava(t *testing.T) {
	if _, err := exec.LookPath("java"); err != nil {
		t.Skip("there is no java: apt-get install default-jdk-headless has new files read by it; those recorded in testdata are read in any case")
	}
	pieces := []string{"a", "b.c", " ", "\t", "\f", "=", ":", "\\", "\\\\", "\n", "\r", "\r\n", "\\\n", "\\\r\n\t", "#", "!", "\\u0041", "\\u00E9", "\\uD83D\\ude00", "\\ud83d", "\\u12", "\\uu0041", "é", "😀",
		"\u00a0", "\u0085", "\u2028", "\v", "\x01", "\\=", "\\:", "\\ ", "\\t", "\\n", "\\f", "\\x", "\\#", "d=e", "\nf=g\n", "\n\n", "h i", "'", "\""}
	random := newRandom(t)
	const files = 3000
	var in strings.Builder
	for range files {
		in.WriteString(hex.EncodeToString([]byte(randomText(random, pieces, 12))) + "\n")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "java", "testdata/Recorder.java", "-")
	cmd.Stdin = strings.NewReader(in.String())
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("java: %v: %s", err, said.Bytes())
	}
	mustReadAsJava(t, out, files)
}

// mustReadAsJava reads the files of a recording: what the package takes, Java has read alike.
func mustReadAsJava(t *testing.T, recording []byte, files int) {
	t.Helper()
	blocks := javaFiles(t, recording)
	taken := 0
	for _, block := range blocks {
		file, err := fileformat.Read(fileformat.Properties, []byte(block.text), fileformat.Options{})
		switch {
		case block.failed && err == nil:
			t.Errorf("%q is taken, and Java refuses it", block.text)
		case err != nil: // keys that are there twice or empty, and half characters, are refused here
		default:
			taken++
			var got []string
			for _, e := range file.Entries {
				got = append(got, e.Key+"\x00"+e.Value)
			}
			slices.Sort(got)
			if !slices.Equal(got, block.pairs) {
				t.Errorf("%q: got %q, and Java has %q", block.text, got, block.pairs)
			}
		}
	}
	if taken < len(blocks)/4 || len(blocks) != files {
		t.Errorf("%d of %d files were taken, want a quarter of %d at least", taken, len(blocks), files)
	}
}

// javaFile is a file with what Java has read in it.
type javaFile struct {
	text   string
	pairs  []string // key, NUL and value, in byte order
	failed bool
}

func javaFiles(t *testing.T, data []byte) []javaFile {
	t.Helper()
	unhex := func(digits string) string {
		text, err := hex.DecodeString(strings.TrimPrefix(digits, "x"))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	var found []javaFile
	for line := range strings.Lines(string(data)) {
		fields := strings.Fields(line)
		f := javaFile{text: unhex(fields[0])}
		if len(fields) == 2 {
			f.failed = true
			fields = nil
		}
		for i := 1; i+1 < len(fields); i += 2 {
			f.pairs = append(f.pairs, unhex(fields[i])+"\x00"+unhex(fields[i+1]))
		}
		slices.Sort(f.pairs)
		found = append(found, f)
	}
	return found
}
