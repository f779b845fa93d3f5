package main

import (
	"context"
	"net/http"
	"os"
	"strings"
	"time"
)

// readyWord begins the line by which a reference server says that it is ready, and where.
const readyWord = "ready"

// announced reads the address that a process has printed into its log, once it has.
func (p *process) announced() (address string, ok bool) {
	text, err := os.ReadFile(p.log.Name())
	if err != nil {
		return "", false
	}
	for line := range strings.Lines(string(text)) {
		rest, found := strings.CutPrefix(line, readyWord+" ")
		if found && strings.HasSuffix(rest, "\n") {
			return strings.TrimSpace(rest), true
		}
	}
	return "", false
}

// awaitAddress waits until a process announces its address.
func (p *process) awaitAddress(ctx context.Context) (string, error) {
	var address string
	err := p.awaitReady(ctx, 10*time.Millisecond, func(context.Context) (ok bool) {
		address, ok = p.announced()
		return ok
	})
	return address, err
}

// isReady asks a server's /readyz.
func isReady(ctx context.Context, address string) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/readyz", nil)
	if err != nil {
		return false
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}
