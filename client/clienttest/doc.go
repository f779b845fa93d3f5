// Package clienttest has a server of ConfigApi for tests of programs that use package client. It
// keeps everything in memory, speaks as the real server does, as far as the client asks, and can
// fail on request.
//
//	func TestTimeoutChanges(t *testing.T) {
//		server := clienttest.New(t)
//		server.Set("payments/timeout", "30s")
//		c, err := client.Open(t.Context(), server.Options())
//		if err != nil {
//			t.Fatal(err)
//		}
//		defer c.Close()
//		timeout := client.Duration(c, "payments/timeout", time.Second)
//		if err := c.Wait(t.Context(), server.Set("payments/timeout", "1m")); err != nil {
//			t.Fatal(err)
//		}
//		…
//	}
//
// [Server.Options] connects without the network, so that a test may run in a bubble of package
// testing/synctest, where pauses and time-outs take no time. [Server.URL] has an address for other
// processes.
//
// The server knows the list of configs, /events and change sets. It takes any name and any value,
// and no other request.
package clienttest
