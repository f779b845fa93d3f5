package backup_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"configapi/internal/auth"
	"configapi/internal/backup"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
	"configapi/internal/eventstore/memory"
	"configapi/internal/eventstore/sqlite"
)

// tokenHistory is a backup with tokens. ci and cd are in force, gone is revoked, past has expired.
type tokenHistory struct {
	file   []byte
	events eventstore.Seq
	secret string // of ci
}

func newTokenHistory(t *testing.T, further int) (h tokenHistory) {
	t.Helper()
	events := memory.New()
	t.Run("fill", func(t *testing.T) { // the config store must stop first
		at := time.Now().Add(-time.Hour)
		node := configstoretest.On(t, events, configstore.Options{Now: func() time.Time { return at }})
		node.MustSet(t, "a", "1")
		h.secret = node.MustIssue(t, "ci", time.Time{}, "READ,WRITE,ADMIN:")
		node.MustIssue(t, "gone", time.Time{}, "READ:")
		node.MustRevoke(t, "gone")
		node.MustIssue(t, "past", at.Add(time.Minute), "READ:")
		for i := range further {
			node.MustIssue(t, fmt.Sprintf("t%d", i), time.Time{}, "READ:a", "WRITE:b")
		}
		node.MustIssue(t, "cd", time.Time{}, "READ:")
		if _, err := node.Do(t.Context(), auth.Local, config.Single(configstoretest.Set(t, "b", "2"))); err != nil {
			t.Fatal(err)
		}
	})
	head, err := events.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	h.file, h.events = writeTokens(t, events), head.Seq
	return h
}

func writeTokens(t testing.TB, from backup.Source) []byte {
	t.Helper()
	var out bytes.Buffer
	if _, err := backup.Write(t.Context(), &out, from, auth.Codec(), nil); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// restoreTokens restores a backup with a choice, and counts how many times it was asked for.
func restoreTokens(ctx context.Context, from []byte, into backup.Target, choice backup.Tokens) (did backup.Restored, asked int, err error) {
	reader, err := backup.NewReader(bytes.NewReader(from), auth.Codec())
	if err != nil {
		return did, 0, err
	}
	did, err = backup.Restore(ctx, reader, into, backup.Options{Tokens: func() (backup.Tokens, error) {
		asked++
		if choice == "" {
			return "", errNoChoice
		}
		return choice, nil
	}})
	return did, asked, err
}

var errNoChoice = errors.New("nothing was chosen")

// mustTake checks whether servers take the secret of ci on a store that is whole.
func mustTake(t *testing.T, h tokenHistory, into backup.Target, want error) {
	t.Helper()
	mustBeWhole(t, into)
	t.Run("serve", func(t *testing.T) {
		node := configstoretest.On(t, into.(eventstore.Store), configstore.Options{})
		if _, err := node.Authenticate(t.Context(), h.secret); !errors.Is(err, want) {
			t.Errorf("with a token of the backup: got %v, want %v", err, want)
		}
		if _, err := node.Authenticate(t.Context(), ""); !errors.Is(err, auth.ErrNoToken) {
			t.Errorf("without a token: got %v, want %v", err, auth.ErrNoToken)
		}
	})
}

func TestTokensAreKept(t *testing.T) {
	h := newTokenHistory(t, 0)
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			into := MustOpen(t, kind)
			did, asked, err := restoreTokens(t.Context(), h.file, into, backup.KeepTokens)
			if err != nil || asked != 1 || !did.HadTokens || did.InForce != 2 || did.Revoked != 0 || did.Added != h.events {
				t.Errorf("got %+v, asked %d times, %v", did, asked, err)
			}
			if !bytes.Equal(writeTokens(t, into), h.file) {
				t.Error("the store has another history")
			}
			mustTake(t, h, into, nil)
		})
	}
}

func TestTokensAreRevoked(t *testing.T) {
	h := newTokenHistory(t, 0)
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			into := MustOpen(t, kind)
			did, asked, err := restoreTokens(t.Context(), h.file, into, backup.RevokeTokens)
			if err != nil || asked != 1 || !did.HadTokens || did.InForce != 0 || did.Revoked != 3 || did.Added != h.events+3 {
				t.Errorf("got %+v, asked %d times, %v", did, asked, err)
			}
			writeTokens(t, into) // it verifies the history
			records, err := into.Read(t.Context(), h.events, eventstore.Limit{})
			if err != nil || len(records) != 3 {
				t.Fatalf("got %d records, %v", len(records), err)
			}
			for i, name := range []string{"cd", "ci", "past"} {
				r := records[i]
				if r.Name != auth.TokenStream(name) || r.Type != string(auth.TokenRevoked) || r.Version != 2 || r.ChangeSet != r.Seq ||
					r.Actor == nil || *r.Actor != auth.LocalName || r.Reason == nil || !strings.Contains(*r.Reason, "restored from a backup") {
					t.Errorf("got %+v, want the revocation of %s", r, name)
				}
			}
			mustTake(t, h, into, auth.ErrNotValid)
		})
	}
}

// TestWholeStoreKeepsItsTokens restores a backup into a store that has all of it, as the one does
// that was backed up.
func TestWholeStoreKeepsItsTokens(t *testing.T) {
	h := newTokenHistory(t, 0)
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			into := MustOpen(t, kind)
			if _, _, err := restoreTokens(t.Context(), h.file, into, backup.KeepTokens); err != nil {
				t.Fatal(err)
			}
			_, _, err := restoreTokens(t.Context(), h.file, into, backup.RevokeTokens)
			if refused := new(backup.RefusedError); !errors.As(err, &refused) || !strings.Contains(err.Error(), "token revoke") {
				t.Errorf("got %v, want a refusal that names `token revoke`", err)
			}
			if did, _, err := restoreTokens(t.Context(), h.file, into, backup.KeepTokens); err != nil || did.Added != 0 {
				t.Errorf("kept once more: got %+v, %v", did, err)
			}
			mustTake(t, h, into, nil)
		})
	}
}

// TestNothingChosenChangesNothing: a store that is empty stays so, and is not marked.
func TestNothingChosenChangesNothing(t *testing.T) {
	h := newTokenHistory(t, 0)
	into := memory.New()
	if _, asked, err := restoreTokens(t.Context(), h.file, into, ""); !errors.Is(err, errNoChoice) || asked != 1 {
		t.Errorf("asked %d times, got %v", asked, err)
	}
	mustBeWhole(t, into)
	mustHave(t, into, nil)

	var f filler
	whole := MustWrite(t, MustHold(t, f.next(100)))
	if did, asked, err := restoreTokens(t.Context(), whole, into, ""); err != nil || asked != 0 || did.HadTokens {
		t.Errorf("a backup without tokens: got %+v, asked %d times, %v", did, asked, err)
	}
}

// failing is a store in memory that runs a function before each append and at the end of a restore.
type failing struct {
	*memory.Store
	beforeAppend, beforeEnd func() error
}

func (f *failing) Append(ctx context.Context, expected eventstore.Head, records []eventstore.Record, receipts ...eventstore.Receipt) error {
	if f.beforeAppend != nil {
		if err := f.beforeAppend(); err != nil {
			return err
		}
	}
	return f.Store.Append(ctx, expected, records, receipts...)
}

func (f *failing) EndRestore(ctx context.Context) error {
	if f.beforeEnd != nil {
		if err := f.beforeEnd(); err != nil {
			return err
		}
	}
	return f.Store.EndRestore(ctx)
}

// TestInterruptedRevocationsGoOn ends a restore before each of its appends and at its end. No
// server may start on such a store, and the same restore goes on.
func TestInterruptedRevocationsGoOn(t *testing.T) {
	h := newTokenHistory(t, 1200) // more than one append of revocations
	interrupted := errors.New("interrupted")
	for stop := 1; ; stop++ {
		into := &failing{Store: memory.New()}
		calls := 0
		once := func() error {
			if calls++; calls == stop {
				return interrupted
			}
			return nil
		}
		into.beforeAppend, into.beforeEnd = once, once
		_, _, err := restoreTokens(t.Context(), h.file, into, backup.RevokeTokens)
		if err == nil {
			if stop != 5 { // the history, two appends of revocations, the end
				t.Errorf("a restore has %d steps, want 4", stop-1)
			}
			break
		}
		target, targetErr := into.RestoreTarget(t.Context())
		if !errors.Is(err, interrupted) || targetErr != nil || target.Seq != h.events {
			t.Errorf("step %d: got %v, and a store that is marked with %+v, %v", stop, err, target, targetErr)
		}
		did, _, err := restoreTokens(t.Context(), h.file, into, backup.RevokeTokens)
		if head, _ := into.Head(t.Context()); err != nil || did.Head.Seq != h.events+1203 || !did.Head.Same(head) {
			t.Errorf("after step %d: got %+v, %v, and the head %+v", stop, did, err, head)
		}
		mustTake(t, h, into, auth.ErrNotValid)
		writeTokens(t, into)
	}
}

// TestOtherEventsBehindTheBackup: a mark alone is no proof of what is there.
func TestOtherEventsBehindTheBackup(t *testing.T) {
	h := newTokenHistory(t, 0)
	into := memory.New()
	did, _, err := restoreTokens(t.Context(), h.file, into, backup.KeepTokens)
	if err != nil {
		t.Fatal(err)
	}
	other := []eventstore.Record{{Name: "other", Version: 1, Type: "ConfigValueSet", SchemaVersion: 1, Data: `{"value":""}`, RecordedAt: time.Now().UTC().Truncate(time.Microsecond)}}
	new(eventstore.Chain).Seal(did.Head, appendID(9), other)
	if err := errors.Join(into.BeginRestore(t.Context(), did.Head), into.Append(t.Context(), did.Head, other)); err != nil {
		t.Fatal(err)
	}
	_, _, err = restoreTokens(t.Context(), h.file, into, backup.RevokeTokens)
	if refused := new(backup.RefusedError); !errors.As(err, &refused) || !strings.Contains(err.Error(), "that no restore of the backup has made") {
		t.Errorf("got %v", err)
	}
}

// TestUnknownTokenEvents: what this program cannot read, it cannot revoke.
func TestUnknownTokenEvents(t *testing.T) {
	records := []eventstore.Record{{Name: "$token/ci", Version: 1, Type: "TokenPromoted", SchemaVersion: 1, Data: `{}`, RecordedAt: epoch}}
	new(eventstore.Chain).Seal(eventstore.Head{}, appendID(1), records)
	file, into := writeTokens(t, MustHold(t, records)), memory.New()
	_, _, err := restoreTokens(t.Context(), file, into, backup.RevokeTokens)
	if unknown := new(config.UnknownEventError); !errors.As(err, &unknown) {
		t.Errorf("got %v, want that the event is unknown", err)
	}
	if target, err := into.RestoreTarget(t.Context()); err != nil || target.Seq != 1 {
		t.Errorf("the store is marked with %+v, %v", target, err)
	}
}

// killedVariable names the environment variable with the backup and the file of a process that is
// to be killed: see TestKilledRevocationsGoOn.
const killedVariable = "BACKUPTEST_KILLED"

// TestKilledRevocationsGoOn kills a restore when the history is there, and when the revocations
// are, too.
func TestKilledRevocationsGoOn(t *testing.T) {
	if args := strings.Split(os.Getenv(killedVariable), "\n"); len(args) == 3 {
		restoreUntilKilled(t, args[0], args[1], args[2])
		return
	}
	h := newTokenHistory(t, 0)
	for _, step := range []string{"revocations", "end"} {
		t.Run(step, func(t *testing.T) {
			dir := t.TempDir()
			file, path := filepath.Join(dir, "backup"), filepath.Join(dir, "x.db")
			if err := os.WriteFile(file, h.file, 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestKilledRevocationsGoOn$")
			cmd.Env = append(os.Environ(), killedVariable+"="+strings.Join([]string{file, path, step}, "\n"))
			out, err := cmd.StdoutPipe()
			if err == nil {
				err = cmd.Start()
			}
			if err != nil {
				t.Fatal(err)
			}
			reached := make([]byte, len(step))
			if _, err := out.Read(reached); err != nil || string(reached) != step {
				t.Errorf("got %q, %v, want that the restore has reached its step", reached, err)
			}
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait() // it was killed

			into, err := sqlite.Open(t.Context(), path, sqlite.Options{Lock: true, Restoring: true})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { into.Close() })
			if target, err := into.RestoreTarget(t.Context()); err != nil || target.Seq != h.events {
				t.Errorf("the store is marked with %+v, %v", target, err)
			}
			want := map[string]eventstore.Seq{"revocations": h.events, "end": h.events + 3}[step]
			did, _, err := restoreTokens(t.Context(), h.file, into, backup.RevokeTokens)
			if err != nil || did.Found != want || did.Head.Seq != h.events+3 {
				t.Errorf("got %+v, %v, want %d events found", did, err, want)
			}
			mustTake(t, h, into, auth.ErrNotValid)
		})
	}
}

// restoreUntilKilled restores a backup with its tokens revoked, until it has reached a step. Then
// it says so and waits for its end.
func restoreUntilKilled(t *testing.T, file, path, step string) {
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	events, err := sqlite.Open(t.Context(), path, sqlite.Options{Lock: true, Restoring: true})
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = restoreTokens(t.Context(), content, &stepping{Store: events, step: step}, backup.RevokeTokens)
	t.Fatalf("the restore has ended: %v", err)
}

// stepping is a store that waits for the end of its process at a step of a restore.
type stepping struct {
	*sqlite.Store
	step string
}

func (s *stepping) Append(ctx context.Context, expected eventstore.Head, records []eventstore.Record, receipts ...eventstore.Receipt) error {
	if records[0].Type == string(auth.TokenRevoked) {
		s.reach(ctx, "revocations")
	}
	return s.Store.Append(ctx, expected, records, receipts...)
}

func (s *stepping) EndRestore(ctx context.Context) error {
	s.reach(ctx, "end")
	return s.Store.EndRestore(ctx)
}

func (s *stepping) reach(ctx context.Context, step string) {
	if s.step == step {
		fmt.Print(step)
		<-ctx.Done()
	}
}
