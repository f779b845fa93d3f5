package backup_test

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"

	"configapi/internal/backup"
	"configapi/internal/eventstore"
	"configapi/internal/eventstore/memory"

	"pgregory.net/rapid"
)

// readAll reads a whole backup.
func readAll(in io.Reader) (records []eventstore.Record, err error) {
	reader, err := backup.NewReader(in, codec)
	if err != nil {
		return nil, err
	}
	for {
		batch, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return records, nil
		}
		if err != nil {
			return records, err
		}
		records = append(records, batch...)
	}
}

// TestDamagedBackupsAreRefused: each line must be what Write writes.
func TestDamagedBackupsAreRefused(t *testing.T) {
	var f filler
	whole := string(MustWrite(t, MustHold(t, f.next(3))))
	lines := strings.SplitAfter(whole, "\n")
	header, first, second, third, head := lines[0], lines[1], lines[2], lines[3], lines[4]
	var other filler
	other.random = 7
	others := strings.SplitAfter(string(MustWrite(t, MustHold(t, other.next(3)))), "\n")
	in := func(old, new string) string {
		if !strings.Contains(whole, old) {
			t.Fatalf("no %s in %s", old, whole)
		}
		return strings.Replace(whole, old, new, 1)
	}
	for _, test := range []struct{ name, file, want string }{
		{"nothing", "", "line 1: the file ends before the backup does"},
		{"another file", "# Notes\n", "line 1: this is no backup of configapi"},
		{"JSON of another program", `{"format":"tar","version":1}` + "\n", "line 1: this is no backup"},
		{"a later version", `{"format":"configapi-backup","version":2,"salt":"x"}` + "\n", "line 1: the backup has version 2 of the format, and this program reads version 1"},
		{"a position below 0", in(`"position":3`, `"position":-3`), "line 1: it is not written as"},
		{"white space", in(`,"version":1,"type"`, `, "version":1,"type"`), "line 2: it is not written as"},
		{"another order", in(`"actor":null,"reason":null`, `"reason":null,"actor":null`), "line 2: it is not written as"},
		{"a member twice", in(`"actor":null`, `"actor":null,"actor":"eve"`), `line 2: duplicate member "actor"`},
		{"a member more", in(`"actor":null`, `"actor":null,"Actor":"eve"`), `line 2: unknown member "Actor"`},
		{"a member less", in(`,"actor":null`, ``), "line 2: it is not written as"},
		{"an escape that is not needed", in(`"type":"C`, `"type":"\u0043`), "line 2: it is not written as"},
		{"hexadecimal in upper case", in(`"append_id":"0000000000000000000000000000000`, `"append_id":"000000000000000000000000000000A`), "line 2: it is not written as"},
		{"a short hash", in(`"append_id":"00`, `"append_id":"`), "line 2: it is not written as"},
		{"data without its salt", in(`"salt_what":"`+saltOf(first)+`"`, `"salt_what":null`), "line 2: it is not written as"},
		{"a salt without its data", in(dataOf(first), `"data":null`), "line 2: it is not written as"},
		{"a position that is none", in(`"reverts":null`, `"reverts":"007-9f3a21c0"`), "line 2: it is not written as"},
		{"a time with a zone", in(`123458Z`, `123458+00:00`), "line 2: it is not written as"},
		{"two values", in(first, strings.TrimSpace(first)+"{}\n"), "line 2: bytes after the JSON value"},
		{"lines of Windows", strings.ReplaceAll(whole, "\n", "\r\n"), "line 1: it is not written as"},
		{"another actor", in(`"actor":null`, `"actor":"eve"`), "line 2: position 1: its hash does not match"},
		{"another value", in(`vvv`, `vvw`), "line 2: position 1: its data does not match"},
		{"a line left out", header + first + third + head, "line 3: position 2: the next record has position 3"},
		{"a line twice", header + first + first + second + third + head, "line 3: position 2: the next record has position 1"},
		{"lines in another order", header + second + first + third + head, "line 2: position 1: the next record has position 2"},
		{"the first line of another history", others[0] + first + second + third + head, "line 5: the backup does not end at 3-"},
		{"the last line of another history", header + first + second + third + others[4], "line 5: the backup does not end at 3-"},
		{"the last line too early", header + first + second + head, "line 4: the backup does not end at 3-"},
		{"no last line", header + first + second + third, "line 5: the file ends before the backup does"},
		{"half of the last line", whole[:len(whole)-10], "line 5: the file ends before the backup does"},
		{"no line feed at the end", whole[:len(whole)-1], "line 5: the file ends before the backup does"},
		{"an event after the end", whole + third, "line 6: something follows the end of the backup"},
		{"an empty line after the end", whole + "\n", "line 6: something follows the end of the backup"},
		{"two backups", whole + whole, "line 6: something follows the end of the backup"},
		{"more events than it says", strings.Replace(whole, `"position":3`, `"position":2`, 1), "line 4: it is beyond position 2"},
		{"no events", header + head, "line 2: the backup does not end at 3-"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := readAll(strings.NewReader(test.file))
			if damaged := new(backup.DamagedError); !errors.As(err, &damaged) || !strings.Contains(err.Error(), "damaged at "+test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

var (
	saltWhat = regexp.MustCompile(`"salt_what":"(\w+)"`)
	data     = regexp.MustCompile(`"data":"(?:[^"\\]|\\.)*"`)
)

func saltOf(line string) string { return saltWhat.FindStringSubmatch(line)[1] }

func dataOf(line string) string { return data.FindString(line) }

// TestCutAndChangedBackupsAreNeverBelieved cuts backups of random histories anywhere, and changes
// any byte.
func TestCutAndChangedBackupsAreNeverBelieved(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		whole := MustWrite(t, MustHold(t, anyHistory().Draw(rt, "history")))
		at := rapid.IntRange(0, len(whole)-1).Draw(rt, "at")
		if _, err := readAll(bytes.NewReader(whole[:at])); err == nil {
			rt.Errorf("cut at byte %d of %d: it is believed", at, len(whole))
		}
		changed := slices.Clone(whole)
		changed[at] ^= byte(rapid.IntRange(1, 255).Draw(rt, "change"))
		if _, err := readAll(bytes.NewReader(changed)); err == nil {
			rt.Errorf("changed at byte %d: it is believed", at)
		}
	})
}

// TestLinesAreBounded: a line without an end does not fill the memory.
func TestLinesAreBounded(t *testing.T) {
	endless := &letters{}
	_, err := readAll(endless)
	if err == nil || !strings.Contains(err.Error(), "line 1: it has more than 33554432 bytes") {
		t.Errorf("got %v", err)
	}
	if endless.read > 33<<20 {
		t.Errorf("%d bytes were read", endless.read)
	}
}

// letters is an endless line.
type letters struct{ read int }

func (l *letters) Read(into []byte) (int, error) {
	for i := range into {
		into[i] = 'a'
	}
	l.read += len(into)
	return len(into), nil
}

// TestLargestValueCanBeRestored: 4 MiB of a character that needs most bytes, in a line of its own.
func TestLargestValueCanBeRestored(t *testing.T) {
	data := `{"value":"` + strings.Repeat(`\u0001`, 4<<20) + `"}`
	records := []eventstore.Record{{Name: "a", Version: 1, Type: "ConfigValueSet", SchemaVersion: 1, Data: data, RecordedAt: epoch}}
	new(eventstore.Chain).Seal(eventstore.Head{}, appendID(1), records)
	into := memory.New()
	MustRestore(t, MustWrite(t, MustHold(t, records)), into)
	mustHave(t, into, records)
}

// FuzzReader: whatever a file holds, what is accepted is what Write would write.
func FuzzReader(f *testing.F) {
	for seed := range 3 {
		f.Add(MustWrite(f, MustHold(f, anyHistory().Example(seed))))
	}
	f.Add([]byte(`{"head":`))
	f.Fuzz(func(t *testing.T, file []byte) {
		records, err := readAll(bytes.NewReader(file))
		if err != nil {
			return
		}
		store := memory.New()
		if len(records) > 0 {
			if store.Append(t.Context(), eventstore.Head{}, records) != nil {
				return // a history that no store keeps, such as two events of one version
			}
		}
		if got := MustWrite(t, store); !bytes.Equal(got, file) {
			t.Errorf("got %q from %q", got, file)
		}
	})
}
