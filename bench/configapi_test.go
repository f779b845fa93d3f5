package main

import (
	"slices"
	"testing"
)

func TestSettingsShowNoSecrets(t *testing.T) {
	got := settings([]string{"HOME=/root", "GOGC=200", "GOFLAGS=-v", "CONFIGAPI_STORE=postgres://u:secret@h/d", "CONFIGAPI_LOG=json"})
	if want := []string{"GOGC=200", "CONFIGAPI_STORE", "CONFIGAPI_LOG"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
