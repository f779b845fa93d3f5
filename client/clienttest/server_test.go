package clienttest_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"configapi/client"
	"configapi/client/clienttest"
)

// TestOutageTakesNoTime stops the server for an hour, in a bubble of synctest.
func TestOutageTakesNoTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := clienttest.New(t)
		server.Set("payments/timeout", "30s")
		c, err := client.Open(t.Context(), server.Options())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		timeout := client.Duration(c, "payments/timeout", time.Second)
		server.Stop()
		at := server.Set("payments/timeout", "1m")
		time.Sleep(time.Hour)
		if stale, since := c.Stale(); timeout.Get() != 30*time.Second || !stale || time.Since(since) < 59*time.Minute {
			t.Errorf("got %v, stale %t since %v", timeout.Get(), stale, since)
		}
		server.Start()
		if err := c.Wait(t.Context(), at); err != nil {
			t.Fatal(err)
		}
		if stale, _ := c.Stale(); timeout.Get() != time.Minute || stale {
			t.Errorf("got %v, stale %t", timeout.Get(), stale)
		}
	})
}

// TestChangesOfClients makes changes by a client, of which one is refused.
func TestChangesOfClients(t *testing.T) {
	server := clienttest.New(t)
	o := server.Options()
	o.URL, o.Dial = server.URL(), nil
	c, err := client.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	set := client.ChangeSet{Changes: []client.Change{{Set: &client.Set{Name: "a", Value: "1"}}}}
	done, err := c.Apply(t.Context(), set)
	if err != nil || done.Position != server.Position() || len(done.Revisions) != 1 {
		t.Fatalf("got %+v, %v", done, err)
	}
	server.Delete("a")
	var failed *client.Error
	if _, err := c.Apply(t.Context(), set); !errors.As(err, &failed) || failed.Code != "DELETED" || failed.Errors[0].Name != "a" {
		t.Errorf("got %v", err)
	}
}
